/**
 * A count as its scans come in: what was expected and is seen, what is not yet, what nobody expected.
 *
 * Pure. A count begins with the scan of its place after the mark "count begins", and ends with the
 * scan of its place after "count ends"; scans outside are not its own. It tells progress, not absence.
 */
import type { Scanned } from "../live-event.ts";
import type { Thing } from "../twin-api.ts";

export type Tally = {
  /** Undefined: no count of the place has begun among these scans. */
  readonly begun: string | undefined;
  readonly ended: boolean;
  /** Its scanner does something else since, and the count has come to nothing. */
  readonly left: boolean;
  readonly seen: ReadonlySet<string>;
  readonly unexpected: readonly Thing[];
};

const PLACES = new Set(["site", "room", "rack", "shelf", "desk"]);

type Run = {
  readonly begun: string;
  readonly scanner: string;
  readonly ended: boolean;
  readonly left: boolean;
  /** In the order of their scans. */
  readonly things: readonly Thing[];
};

/** `scans`: the oldest first. */
export function tallyOf(
  place: string,
  expected: ReadonlySet<string>,
  scans: readonly Scanned[],
): Tally {
  let run: Run | undefined;
  let mark: "start" | "end" | undefined;
  for (const { code, thing, time, scanner } of scans) {
    const command = /CMD:(COUNT|STEP|UNDO):?(\w*)/.exec(code);
    if (command !== null) {
      const [, what, value = ""] = command;
      if (what === "COUNT") mark = value === "start" ? "start" : "end";
      if (run?.scanner === scanner && !run.ended) run = { ...run, ...told(run, what, value) };
      continue;
    }
    if (thing === null) continue;
    if (thing.key === place && mark === "start") {
      run = { begun: time, scanner, ended: false, left: false, things: [] };
      mark = undefined;
      continue;
    }
    if (run === undefined || run.ended || run.left || scanner !== run.scanner) continue;
    run = { ...run, things: [...run.things, thing] };
  }
  return {
    begun: run?.begun,
    ended: run?.ended ?? false,
    left: run?.left ?? false,
    ...sorted(expected, run?.things ?? []),
  };
}

function told({ things }: Run, what: string | undefined, value: string): Partial<Run> {
  if (what === "UNDO") return { things: things.slice(0, -1) };
  if (what === "STEP") return { left: value !== "stock_taking" };
  return { ended: value !== "start" };
}

function sorted(expected: ReadonlySet<string>, things: readonly Thing[]) {
  const each = [...new Map(things.map((thing) => [thing.key, thing])).values()];
  return {
    seen: new Set(each.flatMap(({ key }) => (expected.has(key) ? [key] : []))),
    unexpected: each.filter(({ key, kind }) => !expected.has(key) && !PLACES.has(kind)),
  };
}
