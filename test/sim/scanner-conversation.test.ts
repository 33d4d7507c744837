/**
 * Scanners that wait, operators that lose patience and a disk that dawdles, refuses and comes back, for a
 * few hundred acts of pretended time each.
 *
 * Always: an answer leaves only while the scanner waits, and a good one only with that very scan on disk.
 * Finally: what an operator meant once is on disk at most once, however often it was sent, but for what is
 * suspected to repeat; what was told good is on disk, and was put there since that label follows another.
 */
import { expect, test } from "vitest";
import { createPrng, type Prng } from "../../firmware-sim/prng.ts";
import {
  type ConversationEffect,
  type ConversationOptions,
  createConversation,
} from "../../src/devices/scanners/conversation.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 150);
const FIRST = Number(process.env["SEED"] ?? 1);
const ACTS = 60;
const TIMEOUT_MS = 2_000;
const LABELS = ["A", "B", "C", "D"];
/** Somewhat less than an unanswered scan is remembered. */
const COME_BACK_MS = 100_000;

type Scanner = ConversationOptions & {
  readonly name: string;
  /** How often it sends a scan that nobody answers. */
  readonly sends: number;
};

const SCANNERS: readonly Scanner[] = [
  {
    ...{ name: "ACK/NAK", style: "ack-nak", ack: 6, nak: 21, warning: undefined, sends: 3 },
    ...{ timeoutMs: TIMEOUT_MS, verdictMs: 0 },
  },
  {
    ...{ name: "ACK/NAK with BEL", style: "ack-nak", ack: 6, nak: 21, sends: 3 },
    ...{ warning: { character: 7, when: "instead" }, timeoutMs: TIMEOUT_MS, verdictMs: 400 },
  },
  { name: "Host ACK", style: "host-ack", timeoutMs: TIMEOUT_MS, verdictMs: 400, sends: 1 },
];

test.each(SCANNERS)(
  "$name: whatever the disk and the operator do, what is told good is kept once",
  (scanner) => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const world = createWorld(createPrng(seed, scanner.name), scanner);
      expect(world.run(), `SEED=${seed}`).toEqual([]);
    }
  },
);

type Timed = { readonly atMs: number; readonly order: number; readonly happen: () => void };

function createWorld(prng: Prng, { sends, ...options }: Scanner) {
  const conversation = createConversation(options);
  const queue: Timed[] = [];
  const broken: string[] = [];
  const counts = new Map(
    LABELS.map((label) => [label, { acts: 0, stored: 0, suspected: 0, told: 0 }]),
  );
  /** Acts that were not told good yet, by when they were last tried. */
  const open = new Map<string, number>();
  let nowMs = 0;
  let order = 0;
  let left = ACTS;
  let waiting: { readonly label: string } | undefined;
  /** One label, sent until another is. */
  let run = { label: "", kept: false };

  function at(afterMs: number, happen: () => void): void {
    queue.push({ atMs: nowMs + afterMs, order: order++, happen });
  }

  function count(label: string) {
    const found = counts.get(label);
    if (found === undefined) throw new Error(`nobody reads ${label}`);
    return found;
  }

  function play(input: Parameters<typeof conversation.step>[0]): void {
    for (const effect of conversation.step(input)) perform(effect);
    const dueMs = conversation.dueMs();
    if (dueMs !== undefined)
      at(Math.max(0, dueMs - nowMs), () => play({ kind: "due", atMs: nowMs }));
  }

  function perform(effect: ConversationEffect): void {
    if (effect.kind === "write") hear(effect.says);
    if (effect.kind === "keep") keep(effect);
  }

  function keep({ number, frame, again, suspected }: ConversationEffect & { kind: "keep" }): void {
    const mine = run;
    const refuses = prng.chance(0.1);
    at(dawdle(), () => {
      if (refuses) return play({ kind: "refused", number, atMs: nowMs });
      if (!again) mine.kept = true;
      const counted = count(String.fromCharCode(...frame));
      if (suspected) counted.suspected += 1;
      else if (!again) counted.stored += 1;
      play({ kind: "stored", number, commit: { firstSeq: 1, lastSeq: 1 }, atMs: nowMs });
      const verdict = { kind: "verdict", number, verdict: "accepted" } as const;
      if (!again && prng.chance(0.7)) at(prng.below(600), () => play({ ...verdict, atMs: nowMs }));
    });
  }

  /** Most commits take milliseconds, some far longer than anybody waits. */
  function dawdle(): number {
    return prng.chance(0.7) ? prng.below(20) : prng.below(5 * TIMEOUT_MS);
  }

  /** The scanner's ear. */
  function hear(says: string): void {
    if (waiting === undefined) {
      broken.push(`${nowMs}: "${says}" to nobody`);
      return;
    }
    const { label } = waiting;
    waiting = undefined;
    if (says === "refused") {
      at(prng.below(3_000), () => read(label));
      return;
    }
    const { stored, suspected, told } = count(label);
    if (!run.kept)
      broken.push(`${nowMs}: "${says}" for a ${label} that was kept before another only`);
    if (told >= stored + suspected)
      broken.push(`${nowMs}: "${says}" for a ${label} that is not on disk`);
    count(label).told += 1;
    open.delete(label);
    // Also just when a repetition would come, had it not heard the answer.
    at(100 + prng.below(2 * TIMEOUT_MS), next);
  }

  function next(): void {
    left -= 1;
    if (left > 0) read(prng.pick(LABELS));
  }

  function read(label: string): void {
    // Who comes back after so long means it anew.
    const triedMs = open.get(label) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - triedMs > COME_BACK_MS) count(label).acts += 1;
    transmit(label, 1);
  }

  function transmit(label: string, time: number): void {
    const mine = { label };
    waiting = mine;
    if (run.label !== label) run = { label, kept: false };
    open.set(label, nowMs);
    const frame = Uint8Array.from(label, (character) => character.charCodeAt(0));
    at(TIMEOUT_MS, () => {
      if (waiting !== mine) return;
      if (time < sends) return transmit(label, time + 1);
      waiting = undefined;
      at(prng.below(3_000), () => (prng.chance(0.6) ? read(label) : next()));
    });
    play({ kind: "cut-out", cut: { kind: "frame", frame }, atMs: nowMs });
  }

  return {
    run() {
      read("A");
      for (let event = soonest(queue); event !== undefined; event = soonest(queue)) {
        nowMs = event.atMs;
        event.happen();
      }
      for (const [label, { acts, stored, suspected, told }] of counts) {
        if (stored > acts) broken.push(`${label}: ${acts} times meant, ${stored} times kept`);
        if (told > stored + suspected)
          broken.push(`${label}: ${told} times told good, ${stored} times kept`);
      }
      return broken;
    },
  };
}

function soonest(queue: Timed[]): Timed | undefined {
  queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
  return queue.shift();
}
