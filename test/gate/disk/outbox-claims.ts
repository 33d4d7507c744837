/**
 * What the outbox promised, as it was heard outside of it, and whether a file keeps it. The reading is
 * done by the real code, as the next start of a gateway would; the judging is not.
 */
import { join } from "node:path";
import type { Lane } from "../../../src/ports.ts";
import { type Outbox, openOutbox, outboxLimits } from "../../../src/store/outbox.ts";
import { payload } from "./payload.ts";

const LANES: readonly Lane[] = ["scan", "telemetry"];
const NOTHING = new Uint8Array();
const NAME = /^\w+:\d+/;
const ALL = { events: 1_000_000, bytes: 2 ** 30 };

export type OutboxClaims = {
  hear(line: string): void;
  accepted(): number;
  refused(): number;
  /** What this outbox does not keep. Throws as `peek` does. */
  brokenBy(outbox: Outbox): readonly string[];
  /** The same of the outbox in this folder: opens it, and closes it in order. */
  brokenIn(folder: string): readonly string[];
};

export function createOutboxClaims(): OutboxClaims {
  const kept: Record<Lane, Map<number, number>> = { scan: new Map(), telemetry: new Map() };
  const released: Record<Lane, number> = { scan: 0, telemetry: 0 };
  let refused = 0;

  function brokenOf(lane: Lane, outbox: Outbox): string[] {
    const broken: string[] = [];
    const state = outbox.state(lane);
    const { lastSeq } = state;
    const there = eventsOf(outbox, lane, lastSeq);
    if (state.firstSeq - 1 > released[lane])
      broken.push(`${lane}: ${state.firstSeq - 1} are gone, ${released[lane]} were released`);
    for (const [seq, n] of kept[lane]) {
      if (seq > lastSeq) broken.push(`${lane} ${seq} was accepted; the last number is ${lastSeq}`);
      else if (seq > released[lane] && !payload(lane, n).equals(there.get(seq) ?? NOTHING))
        broken.push(`${lane} ${seq} was accepted and is not there as it was`);
    }
    broken.push(...doubledIn(there).map((what) => `${what} was kept more than once`));
    return broken;
  }

  const brokenBy = (outbox: Outbox) => LANES.flatMap((lane) => brokenOf(lane, outbox));

  return {
    brokenBy,
    hear(text) {
      for (const line of text.split("\n")) {
        const [what, lane = "scan", ...numbers] = line.split(" ") as [string, Lane, ...string[]];
        const [first = 0, count = 0, n = 0] = numbers.map(Number);
        if (what === "A") for (let at = 0; at < count; at++) kept[lane].set(first + at, n + at);
        if (what === "R") released[lane] = Math.max(released[lane], first);
        if (what === "N") refused += 1;
      }
    },
    accepted: () => kept.scan.size + kept.telemetry.size,
    refused: () => refused,
    brokenIn(folder) {
      const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
      const path = join(folder, "outbox.db");
      const { outbox, setAside } = openOutbox({ path, nowMs: () => Date.now() }, limits);
      try {
        if (setAside !== undefined) return [`the file was set aside: ${setAside.reason}`];
        return brokenBy(outbox);
      } finally {
        outbox.close("stopped");
      }
    },
  };
}

/** Events that stand under more than one number, by what they say of themselves. */
function doubledIn(there: ReadonlyMap<number, Uint8Array>): readonly string[] {
  const names = [...there.values()].map((event) => NAME.exec(Buffer.from(event).toString())?.[0]);
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map(String);
}

/** As the uplink asks: an answer ends before one that was released and is no longer as it was. */
function eventsOf(outbox: Outbox, lane: Lane, lastSeq: number): Map<number, Uint8Array> {
  const there = new Map<number, Uint8Array>();
  for (let next = 1; next <= lastSeq; ) {
    const { firstSeq, events } = outbox.peek(lane, next, ALL);
    for (const [at, event] of events.entries()) there.set(firstSeq + at, event);
    next = firstSeq + Math.max(1, events.length);
  }
  return there;
}
