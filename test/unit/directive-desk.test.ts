/** What became of directives, kept by the twin whatever its disk does meanwhile. */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openDirectives } from "../../src/store/directives.ts";
import type { Segment } from "../../src/store/evidence.ts";
import { createDirectiveDesk } from "../../src/twin/directive-desk.ts";
import { encodeEvent } from "../../src/wire/codec.ts";
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

test("an outcome that is taken in while the twin stops is found at its next start, though its time is over by then", async () => {
  const { desk, directives, clock, give, openDesk } = open();
  give("a");
  desk.close();
  vi.spyOn(directives, "find").mockImplementationOnce(() => {
    throw new TypeError("The database connection is not open");
  });
  desk.hear([{ gateway: "gw-1", id: "a", outcome: "done", reason: "" }]);
  vi.restoreAllMocks();
  await clock.advance(VALID_MS);
  openDesk([takenIn({ id: "a", outcome: "done" })]);
  expect(directives.find("a")?.outcome).toBe("done");
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
  const openDesk = (segments: readonly Segment[] = []) => {
    const evidence = { latest: () => segments.length, from: () => segments.values() };
    const opened = createDirectiveDesk(
      { ...{ clock, journal, directives, evidence }, listening: () => [], send() {} },
      { againMs: AGAIN_MS },
    );
    onTestFinished(opened.close);
    return opened;
  };
  const desk = openDesk();
  const row = { gateway: "gw-1", device: "pump", kind: "write", json: "{}", by: "", position: 1 };
  const give = (id: string) => {
    const statedAtMs = clock.nowMs();
    return desk.give({ ...row, id, statedAtMs, validUntilMs: statedAtMs + VALID_MS });
  };
  return { desk, directives, clock, give, openDesk };
}

function takenIn(said: object): Segment {
  const json = JSON.stringify({ ...said, reason: "" });
  const body = { kind: "statement", statement: "directive-outcome", json } as const;
  const made = { boot: 1, gatewayTimeMs: 0, monotonicMs: 0, clock: "synced" } as const;
  const bytes = encodeEvent({ ...made, sourceTimeMs: undefined, device: "pump", body });
  const numbers = { epoch: "e", lane: "scan", firstSeq: 1, goneThrough: 0, boot: 1 } as const;
  const batch = { gateway: "gw-1", ...numbers, sentAtMs: 0, sentMonotonicMs: 0, events: [bytes] };
  return { position: 1, takenInAtMs: 0, clockBehindMs: 0, batch };
}
