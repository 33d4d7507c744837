/** What became of directives, kept by the twin whatever its disk does meanwhile. */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openDirectives } from "../../src/store/directives.ts";
import { createDirectiveDesk } from "../../src/twin/directive-desk.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

const [AGAIN_MS, VALID_MS] = [5_000, 60_000];

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

test("of many directives the oldest that is over goes, and what waits is told however many come after it", async () => {
  const { desk, directives, clock, give } = open({ rowsMax: 2 });
  for (const id of ["waits", "done"]) give(id);
  desk.hear([{ gateway: "gw-1", id: "done", outcome: "done", reason: "" }]);
  const held = () => directives.list(10).map(({ id }) => id);
  for (const id of ["b", "c"]) give(id);
  expect(held()).toEqual(["c", "b", "waits"]);
  await clock.advance(VALID_MS);
  give("d");
  expect(held()).toEqual(["d", "c"]);
});

function open({ rowsMax }: { rowsMax?: number } = {}) {
  const directives = openDirectives(join(temporaryFolder(), "directives.db"), rowsMax);
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
    return desk.give({ ...row, id, statedAtMs, validUntilMs: statedAtMs + VALID_MS });
  };
  return { desk, directives, clock, give };
}
