/** What doctor says of a gateway that runs. */
import { expect, test } from "vitest";
import { judgeRunning, type RunningStatus } from "../../src/cli/doctor/running.ts";

test("a device that cannot be reached must be seen to; one that is silent is worth a look", () => {
  const found = judgeRunning({
    scanners: [],
    config: { problems: [], waits: [] },
    reasons: [
      { what: "device-absent", detail: "scale: /dev/scale was unplugged" },
      { what: "device-silent", detail: "clim-2: slave 2: no reply" },
    ],
  } as unknown as RunningStatus);

  expect(found.map(({ code, about, must }) => [code, about, must])).toEqual([
    ["device-absent", "device scale", true],
    ["device-silent", "device clim-2", false],
  ]);
});
