/** What every OutboxPort does, whatever stands behind it. */
import { expect, test } from "vitest";
import type { Lane, NewEvent, OutboxPort, Put } from "../../src/ports.ts";

export type OpenOutbox = () => Promise<OutboxPort>;

export function checkOutbox(open: OpenOutbox): void {
  test("what is put can be peeked, in order, from the first that waits", async () => {
    const outbox = await open();
    const puts = await Promise.all([
      outbox.put("scan", [event("a"), event("b")]),
      outbox.put("telemetry", [event("t")]),
      outbox.put("scan", [event("c")]),
    ]);

    expect(puts.map(seqs)).toEqual([
      [1, 2],
      [1, 1],
      [3, 3],
    ]);
    expect(await peek(outbox, "scan", 0)).toEqual({
      firstSeq: 1,
      goneThrough: 0,
      texts: ["a", "b", "c"],
    });
    expect(await peek(outbox, "scan", 3)).toEqual({ firstSeq: 3, goneThrough: 0, texts: ["c"] });
    expect(await peek(outbox, "scan", 4)).toEqual({ firstSeq: 4, goneThrough: 0, texts: [] });
    const { epoch } = await outbox.peek("scan", 1, { events: 1, bytes: 1 });
    expect(epoch).toBe(outbox.state("scan").epoch);
  });

  test("the answers come in the order of the calls", async () => {
    const outbox = await open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 5000 }, async (_, n) => {
        const lane = n % 3 === 0 ? "scan" : "telemetry";
        if (n % 50 === 7) await outbox.quarantine({ source: "s", reason: "r", bytes, atMs: n });
        else await outbox.put(lane, [event(`${n}`)]);
        order.push(n);
      }),
    );
    expect(order).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  });

  test("released events wait no more; the state says so at once, and they are held for a while", async () => {
    const outbox = await open();
    await outbox.put("telemetry", [event("aa"), event("bb"), event("cc")]);
    await outbox.release("telemetry", 2);

    expect(outbox.state("telemetry")).toMatchObject({
      firstSeq: 3,
      lastSeq: 3,
      waiting: 1,
      waitingBytes: 2,
      evicted: 0,
    });
    expect(await peek(outbox, "telemetry", 2)).toEqual({
      firstSeq: 2,
      goneThrough: 0,
      texts: ["bb", "cc"],
    });
    await outbox.release("telemetry", 3);
    expect(await peek(outbox, "telemetry", 4)).toEqual({ firstSeq: 4, goneThrough: 0, texts: [] });
    expect(outbox.state("telemetry")).toMatchObject({ waiting: 0, waitingBytes: 0 });
  });

  test("a peek is bounded by count and bytes, and gives one event at least", async () => {
    const outbox = await open();
    await outbox.put("scan", [event("aaaa"), event("bbbb"), event("cccc")]);
    const sizes = async (events: number, bytesMax: number) =>
      (await outbox.peek("scan", 1, { events, bytes: bytesMax })).events.length;
    expect(await Promise.all([sizes(2, 100), sizes(9, 8), sizes(9, 3)])).toEqual([2, 2, 1]);
  });

  test("what waits gets numbers of a new epoch, from 1 on; what is before it leaves, and the other lane stays", async () => {
    const outbox = await open();
    const texts = Array.from({ length: 3_000 }, (_, n) => `event ${n + 1}`);
    await outbox.put(
      "scan",
      texts.map((text) => event(text)),
    );
    await outbox.put("telemetry", [event("t")]);
    await outbox.release("scan", 10);
    const before = { scan: outbox.state("scan"), telemetry: outbox.state("telemetry") };
    expect(await outbox.renumber("scan", { epoch: before.scan.epoch, fromSeq: 21 })).toBe(true);

    const { epoch, ...state } = outbox.state("scan");
    expect(epoch).not.toBe(before.scan.epoch);
    expect(state).toMatchObject({ firstSeq: 1, lastSeq: 2_980, waiting: 2_980 });
    expect(outbox.state("telemetry")).toEqual(before.telemetry);
    const held = await outbox.peek("scan", 1, { events: 10_000, bytes: 2 ** 24 });
    expect(held).toMatchObject({ epoch, firstSeq: 1, goneThrough: 0 });
    expect(held.events.map((bytes) => new TextDecoder().decode(bytes))).toEqual(texts.slice(20));
    expect(seqs(await outbox.put("scan", [event("next")]))).toEqual([2_981, 2_981]);
    await outbox.release("scan", 2_981);
    expect(outbox.state("scan")).toMatchObject({ firstSeq: 2_982, waiting: 0 });
  });

  test("under new numbers what is said again is still known, wherever it went", async () => {
    const outbox = await open();
    const said = (n: number) => event(`event ${n}`, BigInt(n));
    await outbox.put("scan", [1, 2, 3, 4, 5].map(said));
    const { epoch } = outbox.state("scan");
    await outbox.renumber("scan", { epoch, fromSeq: 4 });

    for (const n of [1, 3, 4, 5]) {
      const put = await outbox.put("scan", [{ ...said(n), retransmission: true }]);
      expect(put).toEqual({
        ok: true,
        commit: { firstSeq: Math.max(0, n - 3), lastSeq: Math.max(0, n - 3) },
      });
    }
    expect(outbox.state("scan")).toMatchObject({ lastSeq: 2, waiting: 2 });
    // Whoever asks with the numbers of before has been asked already.
    expect(await outbox.renumber("scan", { epoch, fromSeq: 6 })).toBe(true);
    expect(outbox.state("scan")).toMatchObject({ lastSeq: 2, waiting: 2 });
  });

  test("each commit is told, lane by lane, until the listener leaves", async () => {
    const outbox = await open();
    const told: Lane[] = [];
    const cancel = outbox.onCommit((lane) => told.push(lane));
    await outbox.put("scan", [event("a")]);
    await outbox.put("telemetry", [event("b")]);
    await outbox.release("scan", 1);
    expect(told).toEqual(["scan", "telemetry"]);
    cancel();
    await outbox.put("scan", [event("c")]);
    expect(told).toHaveLength(2);
  });

  test("a retransmission within a put, between puts, and between flushes is one event", async () => {
    const outbox = await open();
    const first = outbox.put("telemetry", [event("a", 5n), event("b", -6n)]);
    const second = outbox.put("telemetry", [again("b", -6n)]);
    expect([seqs(await first), seqs(await second)]).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(seqs(await outbox.put("telemetry", [again("a", 5n), event("c", 7n)]))).toEqual([1, 3]);
    expect(outbox.state("telemetry").lastSeq).toBe(3);
  });

  test("events of every size that the wire takes arrive as they were", async () => {
    const outbox = await open();
    const sizes = [1, 255, 4096, 65_535, 65_536, 3];
    const events = sizes.map((size, n) => ({
      bytes: new Uint8Array(size).fill(n),
      origin: undefined,
    }));
    for (const one of events) await outbox.put("scan", [one]);
    await outbox.put("scan", events);

    const waiting = await outbox.peek("scan", 1, { events: 99, bytes: 2 ** 30 });
    const all = [...events, ...events];
    expect(waiting.events.map((bytes) => [bytes.length, bytes[0]])).toEqual(
      all.map(({ bytes }) => [bytes.length, bytes[0]]),
    );
  });

  test("what was put before closing is kept, and what comes after is refused", async () => {
    const outbox = await open();
    const puts = Array.from({ length: 3000 }, () => outbox.put("scan", [event("x")]));
    const closed = outbox.close();
    const late = outbox.put("scan", [event("y")]);
    expect(await late).toEqual({ ok: false, why: "stopping" });
    expect((await Promise.all(puts)).every(({ ok }) => ok)).toBe(true);
    await closed;
    expect(await outbox.quarantine({ source: "s", reason: "r", bytes, atMs: 1 })).toMatchObject({
      ok: false,
    });
    await outbox.close();
  });
}

const bytes = Uint8Array.of(1, 2, 3);

function event(text: string, origin?: bigint): NewEvent {
  return { bytes: new TextEncoder().encode(text), origin };
}

function again(text: string, origin: bigint): NewEvent {
  return { ...event(text, origin), retransmission: true };
}

function seqs(put: Put): readonly number[] | string {
  return put.ok ? [put.commit.firstSeq, put.commit.lastSeq] : put.why;
}

async function peek(outbox: OutboxPort, lane: Lane, fromSeq: number) {
  const waiting = await outbox.peek(lane, fromSeq, { events: 1000, bytes: 2 ** 30 });
  const texts = waiting.events.map((one) => new TextDecoder().decode(one));
  return { firstSeq: waiting.firstSeq, goneThrough: waiting.goneThrough, texts };
}
