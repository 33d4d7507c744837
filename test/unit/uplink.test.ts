/** The uplink between an outbox in memory and a twin that keeps the contract, or breaks it on demand. */
import { expect, onTestFinished, test } from "vitest";
import { createUplink, UPLINK_DEFAULTS, type UplinkOptions } from "../../src/gateway/uplink.ts";
import type { Journal, Lane } from "../../src/ports.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox, epochOf, someEvent } from "../support/pretended-outbox.ts";
import { createPretendedTwin } from "../support/pretended-twin.ts";

test("what waits goes to the twin once and in order, and is released after its acknowledgement", async () => {
  const { outbox, twin, put, clock } = begin();
  await put("scan", "a", "b", "c");
  await clock.advance(1_000);

  expect(twin.taken(epochOf("scan"))).toEqual(["a", "b", "c"]);
  expect(outbox.releases("scan")).toEqual([3]);

  await put("scan", "d");
  await clock.advance(1_000);
  expect(twin.taken(epochOf("scan"))).toEqual(["a", "b", "c", "d"]);
  expect(outbox.held("scan")).toEqual([]);
});

test("a scan is on its way at once, without any timer", async () => {
  const { twin, put, clock } = begin();
  await clock.advance(10_000);

  await put("scan", "now");
  await rest();

  expect(twin.taken(epochOf("scan"))).toEqual(["now"]);
});

test("without the twin's own acknowledgement nothing is released, and the window stays bounded", async () => {
  const { outbox, twin, put, clock } = begin({ batch: { events: 2, bytes: 1024 }, batchesMax: 3 });
  await rest();
  twin.mood.deafToBatches = true;
  await put("scan", ..."abcdefghijklmnop");
  await clock.advance(4_000);

  expect(twin.batches.map(({ firstSeq }) => firstSeq)).toEqual([1, 3, 5]);
  expect(outbox.releases("scan")).toEqual([]);
});

test("each batch says how far its lane goes, and how good the gateway's clock is", async () => {
  const { twin, put, clock } = begin({ batch: { events: 2, bytes: 1024 } });
  await put("scan", ..."abcde");
  await clock.advance(1_000);

  const told = twin.batches.map(({ firstSeq, outlook }) => [firstSeq, outlook?.lastSeq]);
  expect(told).toEqual([
    [1, 5],
    [3, 5],
    [5, 5],
  ]);
  expect(twin.batches[0]?.outlook?.clock).toBe(clock.quality());
});

test("a new scan overtakes a backlog of telemetry", async () => {
  const { twin, put } = begin({ batch: { events: 10, bytes: 1024 } });
  await put("telemetry", ...Array.from({ length: 500 }, (_, n) => `t${n}`));
  while (twin.batches.length < 3) await Promise.resolve();
  const before = twin.batches.length;

  await put("scan", "urgent");
  await rest();

  const order = twin.batches.map(({ lane }) => lane);
  expect(order).toHaveLength(51);
  // What is being read from disk and what is on its way when the scan comes go before it.
  expect(order.indexOf("scan")).toBeLessThanOrEqual(before + 2);
});

test("busy telemetry travels in few batches", async () => {
  const { twin, put, clock } = begin();
  await clock.advance(10);
  for (let n = 0; n < 1_000; n++) {
    await put("telemetry", `t${n}`);
    await clock.advance(1);
  }
  await clock.advance(100);

  expect(twin.taken(epochOf("telemetry"))).toHaveLength(1_000);
  expect(twin.batches.length).toBeLessThanOrEqual(1_000 / UPLINK_DEFAULTS.telemetryPaceMs + 2);
});

test("telemetry on an idle line is on its way at once, and behind a batch when that has arrived", async () => {
  const { twin, put, clock } = begin();
  await clock.advance(10);
  await put("telemetry", "first");
  await rest();
  expect(twin.taken(epochOf("telemetry"))).toEqual(["first"]);

  await clock.advance(1_000);
  twin.mood.deafToBatches = true;
  await put("telemetry", "second");
  await rest();
  await put("telemetry", "third");
  await clock.advance(1_000);
  expect(twin.batches).toHaveLength(2);

  twin.mood.deafToBatches = false;
  twin.say({ epoch: epochOf("telemetry"), resend: true });
  await clock.advance(20);
  expect(twin.taken(epochOf("telemetry"))).toEqual(["first", "second", "third"]);
});

test("after a cut line the uplink comes back by itself and nothing is lost or doubled", async () => {
  const { outbox, twin, put, clock, state } = begin();
  await put("scan", "a");
  await clock.advance(500);
  twin.cut();
  await put("scan", "b");
  await clock.advance(60_000);
  expect(state()).toMatchObject({ connected: false, troubles: ["LINK_LOST: the twin is away"] });

  twin.admit();
  await clock.advance(31_000);

  expect(twin.taken(epochOf("scan"))).toEqual(["a", "b"]);
  expect(state()).toEqual({ connected: true, troubles: [] });
  expect(outbox.held("scan")).toEqual([]);
});

test("attempts spread out while the twin is away, and it is told once", async () => {
  const { twin, told, clock } = begin();
  await clock.advance(10);
  twin.cut("TWIN_REFUSED");
  await clock.advance(600_000);

  const tries = told.filter(({ what }) => what === "uplink-unreachable");
  expect(tries).toHaveLength(1);
  expect(tries[0]?.details).toMatchObject({ fault: "TWIN_REFUSED: the twin is away" });
});

test("a twin that lost what it had gets what is still held, and is told that the rest is gone", async () => {
  const { twin, put, clock } = begin();
  await put("scan", "a", "b");
  await clock.advance(1_000);
  twin.cut();
  await put("scan", "c");
  twin.mood.throughOf = () => 0;
  twin.admit();
  await clock.advance(31_000);

  expect(twin.batches.at(-1)).toMatchObject({ firstSeq: 3, goneThrough: 2 });
  expect(twin.taken(epochOf("scan"))).toEqual(["a", "b", "c"]);
});

test("telemetry evicted while the twin was away is declared and does not stop the lane", async () => {
  const { outbox, twin, put, clock } = begin();
  twin.cut();
  await put("telemetry", "a", "b", "c", "d");
  outbox.evict(3);
  twin.admit();
  await clock.advance(1_000);

  expect(twin.batches).toMatchObject([{ firstSeq: 4, goneThrough: 3 }]);
  expect(twin.taken(epochOf("telemetry"))).toEqual(["d"]);
});

test("when all telemetry was evicted unsent the uplink rests and goes on with the next event", async () => {
  const { outbox, twin, put, clock } = begin();
  twin.cut();
  await put("telemetry", "a", "b");
  outbox.evict(2);
  twin.admit();
  await clock.advance(1_000);
  expect(twin.batches).toEqual([]);

  await put("telemetry", "c");
  await clock.advance(1_000);
  expect(twin.taken(epochOf("telemetry"))).toEqual(["c"]);
});

test("a twin that is ahead of this outbox stops that lane, loudly, and the other goes on", async () => {
  const { outbox, twin, put, clock, told, state } = begin();
  twin.mood.throughOf = (epoch) => (epoch === epochOf("scan") ? 900 : 0);
  await put("scan", "a");
  await put("telemetry", "t");
  await clock.advance(60_000);

  expect(outbox.releases("scan")).toEqual([]);
  expect(outbox.held("scan")).toHaveLength(1);
  expect(twin.taken(epochOf("telemetry"))).toEqual(["t"]);
  expect(state().troubles).toEqual([expect.stringMatching(/TWIN_REFUSED.*up to 900.*only 1/)]);
  expect(told.filter(({ what }) => what === "twin-ahead")).toHaveLength(1);
});

test("a refused batch is told with its reason and tried again ever more rarely", async () => {
  const { outbox, twin, put, clock, told, state } = begin();
  await clock.advance(10);
  twin.mood.refused = "the gateway is not registered";
  await put("scan", "a");
  await clock.advance(600_000);

  expect(state().troubles).toEqual([expect.stringContaining("the gateway is not registered")]);
  expect(told).toContainEqual(
    expect.objectContaining({
      what: "batch-refused",
      details: expect.objectContaining({ why: "the gateway is not registered" }),
    }),
  );
  expect(twin.batches.length).toBeGreaterThan(3);
  expect(twin.batches.length).toBeLessThan(40);
  expect(outbox.releases("scan")).toEqual([]);

  twin.mood.refused = "";
  await clock.advance(61_000);
  expect(twin.taken(epochOf("scan"))).toEqual(["a"]);
  expect(state().troubles).toEqual([]);

  twin.mood.refused = "again";
  await put("scan", "b");
  await rest();
  expect(told.at(-1)?.details?.["askAgainMs"]).toBeLessThanOrEqual(1_000);
});

test("a refusal that names no numbering is told, and not knocked at again and again", async () => {
  const { twin, put, clock, told, state } = begin();
  await clock.advance(10);
  twin.mood.deafToBatches = true;
  twin.mood.onBatch = () => twin.say({ epoch: "", refused: "the batch cannot be decoded" });
  await put("scan", "a");
  await clock.advance(600_000);

  expect(told).toContainEqual(
    expect.objectContaining({
      what: "gateway-refused",
      details: expect.objectContaining({ fault: "TWIN_REFUSED: the batch cannot be decoded" }),
    }),
  );
  expect(state().troubles).toEqual(["TWIN_REFUSED: the batch cannot be decoded"]);
  expect(twin.batches.length).toBeLessThan(80);
});

test("an overdue acknowledgement is asked for; twice without an answer, the line is taken for dead", async () => {
  const { twin, put, clock } = begin();
  await clock.advance(10);
  expect(twin.hellos).toBe(1);
  twin.mood.silent = true;
  await put("scan", "a");

  await clock.advance(7_000);
  expect([twin.hellos, twin.connects]).toEqual([2, 1]);

  await clock.advance(7_000);
  expect(twin.connects).toBeGreaterThan(1);

  twin.mood.silent = false;
  await clock.advance(40_000);
  expect(twin.taken(epochOf("scan"))).toEqual(["a"]);
});

test("a twin that is slow now and then keeps its line", async () => {
  const { twin, put, clock } = begin();
  await clock.advance(10);
  for (const text of ["a", "b", "c"]) {
    twin.mood.deafToBatches = true;
    await put("scan", text);
    await clock.advance(5_500);
    twin.mood.deafToBatches = false;
    await clock.advance(2_000);
  }

  expect(twin.taken(epochOf("scan"))).toEqual(["a", "b", "c"]);
  expect(twin.connects).toBe(1);
});

test("after a line that worked, the first attempt comes soon, however long the last outage was", async () => {
  const { twin, put, clock } = begin();
  twin.cut();
  await clock.advance(600_000);
  twin.admit();
  await clock.advance(31_000);
  expect(twin.connected()).toBe(true);

  twin.cut();
  twin.admit();
  await put("scan", "a");
  await clock.advance(251);

  expect(twin.taken(epochOf("scan"))).toEqual(["a"]);
});

test("a quiet line is not asked and not dropped", async () => {
  const { twin, clock } = begin();
  await clock.advance(3_600_000);

  expect([twin.hellos, twin.connects]).toEqual([1, 1]);
});

test("what the twin says and cannot be understood changes nothing", async () => {
  const { twin, put, clock, told } = begin();
  await clock.advance(10);
  twin.say({ epoch: "of another gateway", through: 5 });
  await put("scan", "a");
  await clock.advance(1_000);

  expect(twin.taken(epochOf("scan"))).toEqual(["a"]);
  expect(told.map(({ what }) => what)).toContain("ack-of-unknown-epoch");
});

test("drained means that everything was acknowledged and released", async () => {
  const { outbox, twin, put, clock, uplink } = begin();
  await clock.advance(10);
  twin.mood.deafToBatches = true;
  await put("scan", "a");
  let drained = false;
  const wait = uplink.drained().then(() => {
    drained = true;
  });
  await rest();
  expect(drained).toBe(false);

  twin.mood.deafToBatches = false;
  twin.say({ epoch: epochOf("scan"), through: 0, resend: true });
  await wait;
  expect(outbox.held("scan")).toEqual([]);
});

test("without a line there is nothing to drain", async () => {
  const { twin, put, uplink } = begin();
  twin.cut();
  await put("scan", "a");

  await uplink.drained();
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "lossy lines and cuts lose and double nothing (SEED=%i)",
  async (seed) => {
    const chance = createChance(seed);
    const { outbox, twin, put, clock } = begin(
      { batch: { events: 3, bytes: 1024 }, batchesMax: 3 },
      chance,
    );
    twin.mood.chanceOfLoss = () => chance() < 0.1;
    const sent: Record<Lane, string[]> = { scan: [], telemetry: [] };
    for (let n = 0; n < 300; n++) {
      const lane = chance() < 0.3 ? "scan" : "telemetry";
      sent[lane].push(`${n}`);
      await put(lane, `${n}`);
      if (chance() < 0.03) twin.cut();
      if (chance() < 0.2) twin.admit();
      if (chance() < 0.4) await clock.advance(chance() * 3_000);
    }

    twin.mood.chanceOfLoss = () => false;
    twin.admit();
    await clock.advance(120_000);

    for (const lane of ["scan", "telemetry"] as const) {
      expect(twin.taken(epochOf(lane))).toEqual(sent[lane]);
      expect(outbox.held(lane)).toEqual([]);
    }
  },
);

function begin(options: Partial<UplinkOptions> = {}, chance = createChance(7)) {
  const outbox = createPretendedOutbox();
  const twin = createPretendedTwin();
  const clock = createPretendedClock();
  const { journal, told } = createTold();
  const uplink = createUplink(
    { link: twin.link, outbox, clock, chance, journal, record: UNRECORDED },
    { gateway: "gw", ...UPLINK_DEFAULTS, ...options },
  );
  const stop = new AbortController();
  const ended = uplink.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  const put = async (lane: Lane, ...texts: string[]) => {
    const put = await outbox.put(lane, texts.map(someEvent));
    expect(put.ok).toBe(true);
  };
  return { outbox, twin, clock, put, told, uplink, state: uplink.state };
}

const UNRECORDED = {
  sent() {},
  acknowledged() {},
  wentBack() {},
  refused() {},
  session() {},
  clockOffset() {},
};

function createTold() {
  const told: { what: string; details: Readonly<Record<string, unknown>> | undefined }[] = [];
  const tell: Journal["note"] = (what, details) => told.push({ what, details });
  return { told, journal: { note: tell, warn: tell, error: tell } };
}

/** mulberry32 */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
