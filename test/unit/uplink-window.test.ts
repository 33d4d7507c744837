import fc from "fast-check";
import { expect, test } from "vitest";
import { type Ack, createWindow, type Window } from "../../src/gateway/uplink-window.ts";

const LIMITS = { batchesMax: 4, slowMs: 500 };
const LAST_SEQ = 1_000;

test("nothing is sent before the twin said where it is, and then from there", () => {
  const window = asking();
  expect(window.hasRoom()).toBe(false);

  window.heard(ack(41), LAST_SEQ, 1);

  expect(window.hasRoom()).toBe(true);
  expect(window.nextSeq()).toBe(42);
});

test("a full window waits for an acknowledgement, which may cover several batches", () => {
  const window = streaming();
  for (let batch = 0; batch < 4; batch++) window.sent(batch * 10 + 1, batch * 10 + 10, batch);
  expect(window.hasRoom()).toBe(false);

  const heard = window.heard(ack(20), LAST_SEQ, 7);

  expect(heard).toEqual({ release: 20, delayMs: 6, moved: true, finding: undefined });
  expect(window.underWay()).toBe(2);
  expect(window.hasRoom()).toBe(true);
});

test("an acknowledgement that tells nothing new releases nothing", () => {
  const window = streaming();
  window.sent(1, 10, 0);
  window.heard(ack(10), LAST_SEQ, 1);

  expect(window.heard(ack(10), LAST_SEQ, 2)).toMatchObject({ release: undefined, moved: false });
  expect(window.heard(ack(3), LAST_SEQ, 2)).toMatchObject({ release: undefined, moved: false });
});

test("a gap is gone back to once, however often the twin asks for it", () => {
  const window = streaming();
  window.sent(1, 10, 0);
  window.sent(11, 20, 0);
  window.sent(21, 30, 0);
  const gap = ack(10, { resend: true });

  expect(window.heard(gap, LAST_SEQ, 1)).toMatchObject({
    release: 10,
    finding: { kind: "went-back", fromSeq: 11 },
  });
  window.sent(11, 20, 2);
  expect(window.heard(gap, LAST_SEQ, 2).finding).toBeUndefined();

  expect(window.nextSeq()).toBe(21);
});

test("a gap further on is gone back to again", () => {
  const window = streaming();
  window.sent(1, 10, 0);
  window.heard(ack(0, { resend: true }), LAST_SEQ, 1);
  window.sent(1, 10, 1);
  window.heard(ack(10), LAST_SEQ, 2);
  window.sent(11, 20, 2);

  expect(window.heard(ack(10, { resend: true }), LAST_SEQ, 3).finding).toEqual({
    kind: "went-back",
    fromSeq: 11,
  });
});

test("after asking anew the same gap is gone back to again", () => {
  const window = streaming();
  const gap = ack(0, { resend: true });
  window.sent(1, 10, 0);
  window.heard(gap, LAST_SEQ, 1);
  window.ask(2);
  window.heard(ack(0), LAST_SEQ, 3);
  window.sent(1, 10, 3);

  expect(window.heard(gap, LAST_SEQ, 4).finding).toMatchObject({ kind: "went-back" });
});

test("what the twin turns out to have already is not sent", () => {
  const window = streaming();

  window.heard(ack(50), LAST_SEQ, 1);

  expect(window.nextSeq()).toBe(51);
});

test("a refused batch holds the lane until the shell asks again, and is told once", () => {
  const window = streaming();
  window.sent(1, 10, 0);
  window.sent(11, 20, 0);
  const refusal = ack(0, { refused: "wrong name" });

  expect(window.heard(refusal, LAST_SEQ, 1).finding).toEqual({
    kind: "refused",
    why: "wrong name",
  });
  expect(window.heard(refusal, LAST_SEQ, 1).finding).toBeUndefined();
  expect(window.hasRoom()).toBe(false);
  expect(window.isOverdue(99_999, 5_000)).toBe(false);

  window.ask(2);
  window.heard(ack(0), LAST_SEQ, 3);
  expect(window.nextSeq()).toBe(1);
  expect(window.hasRoom()).toBe(true);
});

test("what is acknowledged beside a refusal is released", () => {
  const window = streaming();
  window.sent(1, 10, 0);
  window.sent(11, 20, 0);

  expect(window.heard(ack(10, { refused: "x" }), LAST_SEQ, 1)).toMatchObject({ release: 10 });
});

test("a twin that has more than was ever given stops the lane and releases nothing", () => {
  const window = asking();

  expect(window.heard(ack(1_001), LAST_SEQ, 1)).toEqual({
    release: undefined,
    delayMs: undefined,
    moved: false,
    finding: { kind: "ahead", through: 1_001, lastSeq: 1_000 },
  });
  window.ask(2);
  expect(window.heard(ack(10), LAST_SEQ, 3).release).toBeUndefined();
  expect(window.phase()).toBe("stopped");
});

test("an acknowledgement is overdue when something is under way and nothing moves", () => {
  const window = asking();
  expect(window.isOverdue(4_999, 5_000)).toBe(false);
  expect(window.isOverdue(5_000, 5_000)).toBe(true);

  window.heard(ack(0), LAST_SEQ, 5_000);
  expect(window.isOverdue(99_000, 5_000)).toBe(false);

  window.sent(1, 10, 100_000);
  window.sent(11, 20, 104_000);
  expect(window.isOverdue(105_000, 5_000)).toBe(true);
  window.heard(ack(10), LAST_SEQ, 105_000);
  expect(window.isOverdue(109_999, 5_000)).toBe(false);
});

test("slow acknowledgements narrow the window to one batch, quick ones widen it again", () => {
  const window = streaming();
  const roundTrip = (tookMs: number) => {
    const from = window.nextSeq();
    window.sent(from, from, 0);
    window.heard(ack(from), LAST_SEQ, tookMs);
  };

  for (let n = 0; n < 5; n++) roundTrip(600);
  expect(depthOf(window)).toBe(1);
  for (let n = 0; n < 9; n++) roundTrip(5);
  expect(depthOf(window)).toBe(4);
});

test("what was evicted unsent is passed over", () => {
  const window = streaming();

  window.sent(501, 510, 0);

  expect(window.heard(ack(510), LAST_SEQ, 1)).toMatchObject({ release: 510 });
});

test("whatever is lost on the way, the twin gets each event once and only then is it released", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 400 }), (choices) => {
      const world = createWorld(120);
      for (const choice of choices) {
        world.step(choice);
        expect(world.released()).toBeLessThanOrEqual(world.through());
      }
      for (let n = 0; n < 2_000 && world.released() < 120; n++) world.step(8);
      expect(world.released()).toBe(120);
      expect(world.taken()).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
    }),
    { numRuns: 300 },
  );
});

/** A window, a line that loses and delays, and a twin that takes contiguous batches only. */
function createWorld(lastSeq: number) {
  const window = asking();
  const toTwin: { firstSeq: number; lastSeq: number }[] = [];
  const toGateway: Ack[] = [ack(0)];
  const taken: number[] = [];
  let released = 0;
  let nowMs = 0;
  const through = () => taken.length;

  function transmit(): void {
    if (!window.hasRoom() || window.nextSeq() > lastSeq) return;
    const firstSeq = window.nextSeq();
    const end = Math.min(lastSeq, firstSeq + 1 + (firstSeq % 5));
    window.sent(firstSeq, end, nowMs);
    toTwin.push({ firstSeq, lastSeq: end });
  }

  function takeIn(): void {
    const batch = toTwin.shift();
    if (batch === undefined) return;
    const gap = batch.firstSeq > through() + 1;
    if (!gap) for (let seq = through() + 1; seq <= batch.lastSeq; seq++) taken.push(seq);
    toGateway.push(ack(through(), { resend: gap }));
  }

  function hear(): void {
    const message = toGateway.shift();
    if (message !== undefined) released = window.heard(message, lastSeq, nowMs).release ?? released;
  }

  function step(choice: number): void {
    nowMs += 100;
    if (choice === 0) toTwin.shift();
    else if (choice === 1) toGateway.shift();
    else if (choice <= 3) transmit();
    else if (choice <= 5) takeIn();
    else if (choice <= 7) hear();
    else for (const act of [transmit, takeIn, hear]) act();
    if (!window.isOverdue(nowMs, 5_000)) return;
    window.ask(nowMs);
    toGateway.push(ack(through()));
  }

  return { step, through, released: () => released, taken: () => taken };
}

function depthOf(window: Window): number {
  let depth = 0;
  for (; window.hasRoom(); depth++) window.sent(window.nextSeq(), window.nextSeq(), 0);
  return depth;
}

function asking(): Window {
  const window = createWindow(LIMITS);
  window.ask(0);
  return window;
}

function streaming(): Window {
  const window = asking();
  window.heard(ack(0), LAST_SEQ, 0);
  return window;
}

function ack(through: number, more: Partial<Ack> = {}): Ack {
  return { through, resend: false, refused: "", ...more };
}
