import { expect, test } from "vitest";
import type { Kept } from "../../src/store/evidence.ts";
import { createIngestLoop } from "../../src/twin/ingest-loop.ts";
import type { FromWriter } from "../../src/twin/ingest-messages.ts";
import type { Offer, Taken } from "../../src/twin/intake.ts";
import { decodeAck } from "../../src/wire/codec.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

test("what was offered while one group was on its way to disk is the next group, in order", () => {
  const writer = openWriter();
  writer.offer("a1", "a2", "a3");
  writer.turn();
  writer.offer("a4");
  writer.turn();

  expect(writer.groups).toEqual([["a1", "a2", "a3"], ["a4"]]);
});

test("of a group, each numbering hears one acknowledgement, after the commit of all", () => {
  const writer = openWriter();
  writer.offer("gw-a/e/3", "gw-a/e/5", "gw-b/e/2", "gw-a/e/9");
  writer.turn();

  expect(writer.acks()).toEqual(["gw-a e 9", "gw-b e 2"]);
  expect(writer.said("taken")).toMatchObject([{ count: 4 }]);
});

test("where the twin stands is told before the acknowledgement, so that nothing seems to wait behind it", () => {
  const writer = openWriter();
  writer.offer("gw-a/e/3");
  writer.turn();

  expect(writer.told().slice(0, 2)).toEqual(["standing", "taken"]);
});

test("a refusal is never folded into another acknowledgement", () => {
  const writer = openWriter();
  writer.offer("gw-a/e/3", "gw-a/e/3/refused", "gw-a/e/4");
  writer.turn();

  expect(writer.acks()).toEqual(["gw-a e 4", "gw-a e 3 refused"]);
});

test("a full disk takes nothing in and says so; when there is room again the work goes on", async () => {
  const writer = openWriter();
  writer.full("take");
  writer.offer("a1", "a2");
  writer.turn();
  expect(writer.said("failed")).toMatchObject([{ count: 2 }]);
  expect(writer.said("taken")).toEqual([]);

  writer.full("derive");
  writer.offer("a3");
  writer.turn();
  expect(writer.idle()).toBe(true);

  writer.full("nothing");
  await writer.clock.advance(1_000);
  writer.turn();
  expect(writer.derived).toBe(1);
});

test("statements that a full disk does not take are answered so, and the writer goes on", () => {
  const writer = openWriter();
  writer.full("take");
  writer.state(7);
  expect(writer.said("stated")).toEqual([
    { kind: "stated", ask: 7, stated: { kind: "failed", why: "the twin's disk is full" } },
  ]);

  writer.full("nothing");
  writer.state(8);
  expect(writer.said("stated")[1]).toEqual({ kind: "stated", ask: 8, stated: 0 });
});

test("a disk that fails otherwise ends the writer, and nothing is acknowledged", () => {
  const writer = openWriter();
  writer.full("broken");
  writer.offer("a1");

  expect(() => writer.turn()).toThrow("STORE_FAILED");
  expect(writer.said("taken")).toEqual([]);
});

test("while deriving lags too far behind nothing is taken in, and it goes on when it has caught up", () => {
  const writer = openWriter({ behind: 3 });
  writer.offer("a1");
  writer.turn();
  writer.turn();
  expect(writer.groups).toEqual([]);
  writer.turn();
  writer.turn();

  expect(writer.groups).toEqual([["a1"]]);
});

test("while deriving waits for room on the disk, offers wait without a busy loop", () => {
  const writer = openWriter({ behind: 3 });
  writer.full("derive");
  writer.offer("a1");
  writer.turn();

  expect(writer.idle()).toBe(true);
  expect(writer.groups).toEqual([]);
});

test("what was taken in before the start is derived before the writer says that it is ready", () => {
  const writer = openWriter({ behind: 2 });
  writer.turn();
  expect(writer.said("ready")).toEqual([]);
  while (!writer.idle()) writer.turn();

  expect(writer.said("ready")).toHaveLength(1);
  expect(writer.derived).toBe(2);
});

test("asked to close, the writer takes in what was offered, derives it, and ends once", () => {
  const writer = openWriter();
  writer.offer("a1", "a2");
  writer.close();
  while (!writer.idle()) writer.turn();

  expect(writer.groups).toEqual([["a1", "a2"]]);
  expect(writer.derived).toBe(1);
  expect(writer.ends).toBe(1);
});

test("asked to close with much to derive, the writer leaves the rest for the next start", async () => {
  const writer = openWriter({ behind: 1_000 });
  writer.turn();
  writer.close();
  writer.turn();
  await writer.clock.advance(1_100);
  writer.turn();

  expect(writer.ends).toBe(1);
  expect(writer.derived).toBeLessThan(10);
});

/** A loop on a pretended ingest: each group is one thing to derive; `gateway/epoch/through` is acknowledged so. */
function openWriter({ behind = 0 } = {}) {
  const clock = createPretendedClock();
  const messages: FromWriter[] = [];
  const groups: string[][] = [];
  const work: (() => void)[] = [];
  let trouble: "take" | "derive" | "broken" | "nothing" = "nothing";
  let waiting = behind;
  const told = { derived: 0, ends: 0 };

  const loop = createIngestLoop({
    ingest: {
      ready: () => waiting < 2,
      awaitedBy() {},
      take(offers) {
        if (trouble === "take") throw sqlite("SQLITE_FULL");
        if (trouble === "broken") throw sqlite("SQLITE_IOERR_FSYNC");
        groups.push(offers.map(textOf));
        waiting += 1;
        return { value: offers.map(answer) } as unknown as Kept<readonly Taken[]>;
      },
      derive() {
        if (waiting === 0) return false;
        if (trouble === "derive") throw sqlite("SQLITE_FULL");
        waiting -= 1;
        told.derived += 1;
        return true;
      },
      call() {
        throw new Error("nobody calls here");
      },
      state() {
        if (trouble === "take") throw sqlite("SQLITE_FULL");
        return 0;
      },
      standing: () => ({ latest: 0, reflected: 0 }),
    },
    post: (message) => messages.push(message),
    soon: (next) => work.push(next),
    clock,
    journal: { note() {}, warn() {}, error() {} },
    finish() {
      told.ends += 1;
    },
  });
  loop.wake();

  return {
    clock,
    groups,
    get derived() {
      return told.derived;
    },
    get ends() {
      return told.ends;
    },
    told: () => messages.map(({ kind }) => kind),
    offer(...texts: string[]) {
      for (const text of texts)
        loop.receive({
          kind: "offer",
          gateway: text.split("/")[0] ?? "",
          channel: "batch",
          message: new TextEncoder().encode(text),
        });
    },
    state: (ask: number) => loop.receive({ kind: "state", ask, statements: [] }),
    close: () => loop.receive({ kind: "close" }),
    turn: () => work.shift()?.(),
    idle: () => work.length === 0,
    full(what: typeof trouble) {
      trouble = what;
    },
    said: (kind: FromWriter["kind"]) => messages.filter((message) => message.kind === kind),
    acks: () =>
      messages
        .flatMap((message) => (message.kind === "taken" ? message.acks : []))
        .map(({ gateway, ack }) => {
          const { epoch, through, refused } = decodeAck(ack);
          return [gateway, epoch, through, refused].join(" ").trim();
        }),
  };
}

function textOf({ message }: Offer): string {
  return new TextDecoder().decode(message);
}

function answer(offer: Offer): Taken {
  const [gateway = "", epoch = "", through = "", refused = ""] = textOf(offer).split("/");
  const ack = { epoch, through: Number(through), resend: false, refused, twinTimeMs: 0 };
  return { gateway, outcome: "appended", acks: [ack], segments: [], conflicts: 0 };
}

function sqlite(code: string): Error {
  return Object.assign(new Error(code), { code });
}
