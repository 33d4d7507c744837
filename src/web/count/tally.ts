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
  readonly seen: ReadonlySet<string>;
  readonly unexpected: readonly Thing[];
};

const NONE: Tally = { begun: undefined, ended: false, seen: new Set(), unexpected: [] };
const PLACES = new Set(["site", "room", "rack", "shelf", "desk"]);

/** `scans`: the oldest first. */
export function tallyOf(
  place: string,
  expected: ReadonlySet<string>,
  scans: readonly Scanned[],
): Tally {
  let tally = NONE;
  let mark: "start" | "end" | undefined;
  let scanner: string | undefined;
  for (const { code, thing, time, scanner: by } of scans) {
    const told = /CMD:COUNT:(start|end|empty)/.exec(code)?.[1];
    if (told !== undefined) {
      mark = told === "start" ? "start" : "end";
      if (tally.begun !== undefined && by === scanner && told !== "start")
        tally = { ...tally, ended: true };
      continue;
    }
    if (thing === null) continue;
    if (thing.key === place && mark === "start") {
      tally = { ...NONE, begun: time };
      scanner = by;
      mark = undefined;
      continue;
    }
    if (tally.begun === undefined || tally.ended || by !== scanner) continue;
    if (expected.has(thing.key)) tally = { ...tally, seen: new Set([...tally.seen, thing.key]) };
    else if (!PLACES.has(thing.kind) && !tally.unexpected.some(({ key }) => key === thing.key))
      tally = { ...tally, unexpected: [...tally.unexpected, thing] };
  }
  return tally;
}
