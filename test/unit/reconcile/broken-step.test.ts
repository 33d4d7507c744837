import fc from "fast-check";
import { expect, test } from "vitest";
import { delivery, openEntryTwin } from "../../support/entries.ts";

/** Rule 0: what was not committed was never known; test/sim asks the same of many more deliveries. */
test("a step that broke leaves nothing behind, in the file or in memory", () => {
  for (const { sent } of fc.sample(delivery, { seed: 7, numRuns: 6 })) {
    const calm = openEntryTwin();
    const rough = openEntryTwin();
    for (const one of sent) {
      calm.take(one);
      rough.fail(one);
      rough.take(one);
    }
    expect(rough.rows()).toEqual(calm.rows());
    calm.close();
    rough.close();
  }
});
