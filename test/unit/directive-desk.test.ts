/** What became of directives, kept by the twin whatever its disk does meanwhile. */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openDirectives } from "../../src/store/directives.ts";
import { createDirectiveDesk } from "../../src/twin/directive-desk.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

const AGAIN_MS = 5_000;

test("an outcome that finds no room on the disk ends nothing, and is kept once there is room", async () => {
  const { desk, directives, clock, give } = open();
  give("a");
  const settle = vi.spyOn(directives, "settle").mockImplementation(() => {
    throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  });
  const told = (outcome: string) => [{ gateway: "gw-1", id: "a", outcome, reason: "" }];
  for (const outcome of ["begun", "done", "failed"]) desk.hear(told(outcome));
  await clock.advance(AGAIN_MS);
  expect(directives.find("a")?.outcome).toBeUndefined();
  settle.mockRestore();
  await clock.advance(AGAIN_MS);
  expect(directives.find("a")?.outcome).toBe("done");
});

test("an outcome that is taken in while the twin stops is left to its next start", () => {
  const { desk, directives, give } = open();
  give("a");
  desk.close();
  directives.close();
  desk.hear([{ gateway: "gw-1", id: "a", outcome: "done", reason: "" }]);
  desk.greet("gw-1");
});

function open() {
  const directives = openDirectives(join(temporaryFolder(), "directives.db"));
  onTestFinished(() => directives.close());
  const clock = createPretendedClock();
  const journal = { note() {}, warn() {}, error() {} };
  const evidence = { latest: () => 0, *from() {} };
  const desk = createDirectiveDesk(
    { ...{ clock, journal, directives, evidence }, listening: () => [], send() {} },
    { againMs: AGAIN_MS },
  );
  onTestFinished(desk.close);
  const row = { gateway: "gw-1", device: "pump", kind: "write", json: "{}", by: "", position: 1 };
  const give = (id: string) => {
    const statedAtMs = clock.nowMs();
    return desk.give({ ...row, id, statedAtMs, validUntilMs: statedAtMs + 60_000 });
  };
  return { desk, directives, clock, give };
}
