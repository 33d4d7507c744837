import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { openDerived } from "../../src/store/derived.ts";
import { deviceStatesSchema, openDeviceStates } from "../../src/store/device-states.ts";
import { evidenceSchema, openEvidence, type Segment } from "../../src/store/evidence.ts";
import { openSeals } from "../../src/store/seals.ts";
import { openSeriesAnswers, seriesSchema } from "../../src/store/series.ts";
import { createDerivation, type Reconciler } from "../../src/twin/derive.ts";
import { createSealing } from "../../src/twin/sealing.ts";
import { createStatementBook, type Statement } from "../../src/twin/statements.ts";
import { encodeBatch } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";
import { event, reading, scan } from "../support/pretended-gateway.ts";

test("what was taken in before a crash is derived after it, from where the rows stand", () => {
  const twin = openTwin();
  const first = twin.derivation();
  first.hand(twin.take("a1", "a2"));
  first.step();
  twin.take("a3");
  twin.take("a4", "a5");

  const again = twin.derivation();
  twin.deriveAll(again);

  expect(again.reflected()).toBe(5);
  expect(twin.told).toEqual(["1 a1", "2 a2", "3 a3", "4 a4", "5 a5"]);
});

test("when more waits than is held in memory, the rest is read from the evidence, in order", () => {
  const twin = openTwin();
  const derivation = twin.derivation({ heldEventsMax: 3 });
  for (const device of ["a1", "a2", "a3", "a4", "a5"]) derivation.hand(twin.take(device));
  derivation.step();
  derivation.hand(twin.take("a6"));
  twin.deriveAll(derivation);
  derivation.hand(twin.take("a7"));
  twin.deriveAll(derivation);

  expect(twin.told).toEqual(["1 a1", "2 a2", "3 a3", "4 a4", "5 a5", "6 a6", "7 a7"]);
  expect(derivation.lag()).toBe(0);
});

test("an event that breaks the deriving is passed over and noted; those around it are derived once", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  derivation.hand(twin.take("a1", "poison", "a3"));
  derivation.hand(twin.take("a4"));
  twin.deriveAll(derivation);

  expect(twin.kept()).toEqual(["1 a1", "3 a3", "4 a4"]);
  expect(twin.misunderstood()).toEqual([{ position: 2, detail: "cannot make sense of poison" }]);
});

test("a disk that is full passes nothing over: the step is done again later", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  derivation.hand(twin.take("a1", "full", "a3"));
  derivation.hand(twin.take("a4"));
  derivation.hand(twin.take("a5"));

  expect(() => derivation.step()).toThrow("SQLITE_FULL");
  expect(derivation.reflected()).toBe(0);
  twin.makeRoom();
  twin.deriveAll(derivation);

  expect(twin.kept()).toEqual(["1 a1", "2 full", "3 a3", "4 a4", "5 a5"]);
  expect(twin.misunderstood()).toEqual([]);
});

test("what was taken in while the twin's clock was behind is marked so, at once and when it is read again", () => {
  const twin = openTwin();
  twin.derivation().hand(twin.take("a1"));
  twin.clock.setWall(-3_600_000);
  const waiting = twin.derivation();
  waiting.hand(twin.take("a2"));
  twin.deriveAll(waiting);
  expect(twin.behind).toEqual(["2 a2"]);

  twin.take("a3");
  twin.deriveAll(twin.derivation());
  expect(twin.behind).toEqual(["2 a2", "3 a3"]);
});

test("a reading that is no number is noted, and its neighbours are kept", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  derivation.hand(twin.takeEvents([reading(20), reading(Number.NaN), reading(22)]));
  twin.deriveAll(derivation);

  expect(twin.series()).toMatchObject([{ readings: 2, last: { value: 22 } }]);
  expect(twin.misunderstood()).toEqual([
    { position: 2, detail: "temperature is NaN, which is no measure" },
  ]);
});

test("events of thousands of readings are derived a few at a time: others are heard in between", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  const readings = Array.from({ length: 4_000 }, () => ({ property: "", value: 0, unit: "" }));
  derivation.hand(twin.take("a1"));
  derivation.hand(twin.takeEvents([1, 2, 3].map(() => event({ kind: "sensor", readings }))));
  derivation.hand(twin.take("a5", "a6"));

  const ends: number[] = [];
  for (let step = derivation.step(); step !== undefined; step = derivation.step())
    ends.push(step.position);
  expect(ends.slice(0, 3)).toEqual([2, 3, 4]);
  expect(twin.kept()).toEqual(["1 a1", "5 a5", "6 a6"]);
});

test("of each device of each gateway the last told state holds, whatever the clocks say", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  const tell = (device: string, state: string, gatewayTimeMs: number, gateway = "gw") => {
    const body = { kind: "device-state", state, reason: `${state} now` } as const;
    const events = [event(body, { device, gatewayTimeMs })];
    derivation.hand(twin.takeEvents(events, gatewayTimeMs, gateway));
    const told = derivation.step()?.states ?? [];
    return told.map((one) => `${one.gateway} ${one.device} ${one.state}`);
  };
  const at = twin.clock.nowMs();

  expect(tell("desk", "open", at)).toEqual(["gw desk open"]);
  expect(tell("desk", "faulted", at, "gw-2")).toEqual(["gw-2 desk faulted"]);
  tell("dock", "open", at);
  // The gateway's clock was set back in between.
  expect(tell("desk", "absent", at - 60_000)).toEqual(["gw desk absent"]);

  expect(twin.states()).toEqual([
    { gateway: "gw", device: "desk", state: "absent", reason: "absent now", position: 4 },
    { gateway: "gw", device: "dock", state: "open", reason: "open now", position: 3 },
    { gateway: "gw-2", device: "desk", state: "faulted", reason: "faulted now", position: 2 },
  ]);
});

test("what an older outbox tells late of a device does not win over the newer one", () => {
  const twin = openTwin();
  const derivation = twin.derivation();
  const at = twin.clock.nowMs();
  const told = (epoch: string, state: string, gatewayTimeMs: number) => {
    const body = { kind: "device-state", state, reason: "" } as const;
    derivation.hand(twin.takeEvents([event(body, { gatewayTimeMs })], at, "gw", epoch));
    return derivation.step()?.states.length;
  };
  told("old", "open", at - 9_000);
  told("new", "absent", at - 3_000);
  expect(told("old", "faulted", at - 6_000)).toBe(0);
  expect(twin.states()).toMatchObject([{ state: "absent" }]);

  expect(told("new", "open", at)).toBe(1);
  expect(twin.states()).toMatchObject([{ state: "open" }]);
});

test("the twin's own statements are evidence in a numbering of its own, and only news is recorded", () => {
  const twin = openTwin();
  const statements = Array.from({ length: 600 }, (_, n) => ({
    kind: "place",
    subject: `R${n}`,
    json: JSON.stringify({ id: `R${n}` }),
  }));
  const changed = [{ kind: "place", subject: "R7", json: '{"id":"R7","name":"Rack 7"}' }];

  expect(twin.state(statements)).toBe(600);
  expect(twin.state(statements)).toBe(0);
  expect(twin.state([...statements.slice(0, 7), ...changed])).toBe(1);

  expect(twin.evidence.latest()).toBe(601);
  expect(twin.evidence.numberings()).toMatchObject([{ gateway: "twin", epoch: "e", through: 601 }]);
});

test("a scan is told to those who wait for its word when it is fresh by both clocks, and to nobody else", async () => {
  const twin = openTwin();
  const sentAtMs = Date.now();
  const scans = [
    scan("]C1now", { gatewayTimeMs: sentAtMs - 100 }),
    scan("]C1long-ago", { gatewayTimeMs: sentAtMs - 3_000 }),
    event({ kind: "device-state", state: "open", reason: "" }, { gatewayTimeMs: sentAtMs }),
  ];
  const waiting = twin.derivation({}, (gateway) => gateway === "gw");
  waiting.hand(twin.takeEvents(scans, sentAtMs));
  expect(waiting.step()?.scans).toMatchObject([
    { position: 1, gateway: "gw", epoch: "gw-e", seq: 1 },
  ]);

  // Taken in, and derived only later: whoever scanned has gone on.
  waiting.hand(twin.takeEvents(scans, sentAtMs));
  await twin.clock.advance(3_000);
  expect(waiting.step()?.scans).toEqual([]);

  // It came by a file.
  waiting.hand(twin.takeEvents(scans, 0));
  expect(waiting.step()?.scans).toEqual([]);

  const alone = twin.derivation({}, () => false);
  alone.hand(twin.takeEvents(scans, sentAtMs));
  expect(alone.step()?.scans).toEqual([]);
});

function openTwin() {
  const folder = temporaryFolder();
  const path = join(folder, "evidence.db");
  const evidenceDb = openDatabase(path, evidenceSchema, "durable");
  const evidence = openEvidence(evidenceDb, path);
  const seals = openSeals(evidenceDb);
  const { derived } = openDerived(join(folder, "twin.db"), {
    tables: [
      ...[seriesSchema, deviceStatesSchema],
      "CREATE TABLE kept (position INTEGER PRIMARY KEY, device TEXT) STRICT",
    ],
    recipe: "test",
    latest: evidence.latest(),
    check: false,
    setAsideAs: join(folder, "aside.db"),
  });
  onTestFinished(() => {
    evidenceDb.close();
    derived.close();
  });
  const clock = createPretendedClock();
  const told: string[] = [];
  const behind: string[] = [];
  let roomLeft = false;
  const keep = derived.db.prepare("INSERT INTO kept VALUES (?, ?)");

  /** Keeps each entry, stumbles over `poison`, and finds the disk full at `full`. */
  const openReconciler = (): Reconciler => ({
    take(entries) {
      for (const {
        position,
        isClockBehind,
        event: { device },
      } of entries) {
        if (isClockBehind === true) behind.push(`${position} ${device}`);
        keep.run(position, device);
        if (device === "poison") throw new Error("cannot make sense of poison");
        if (device === "full" && !roomLeft)
          throw Object.assign(new Error("SQLITE_FULL"), { code: "SQLITE_FULL" });
        told.push(`${position} ${device}`);
      }
      return [];
    },
  });

  function takeEvents(
    events: readonly Uint8Array[],
    sentAtMs = 0,
    gateway = "gw",
    epoch = `${gateway}-e`,
  ): Segment {
    const firstSeq = (evidence.numbering(gateway, epoch)?.through ?? 0) + 1;
    const shared = { gateway, epoch, lane: "scan", goneThrough: 0, boot: 1 } as const;
    const batch = { ...shared, firstSeq, sentAtMs, sentMonotonicMs: 0, events };
    return evidence.keep(() => evidence.append(batch, encodeBatch(batch), clock.nowMs())).value;
  }

  return {
    clock,
    evidence,
    told,
    behind,
    takeEvents,
    take: (...devices: string[]) =>
      takeEvents(
        devices.map((device) =>
          event({ kind: "device-state", state: "open", reason: "" }, { device }),
        ),
      ),
    derivation: (
      options: { heldEventsMax?: number } = {},
      waits: (gateway: string) => boolean = () => false,
    ) =>
      createDerivation(
        { evidence, derived, openReconciler, clock, journal: SILENT, waits },
        { stepMs: 50, stepEventsMax: 4, heldEventsMax: 100, ...options },
      ),
    deriveAll(derivation: ReturnType<typeof createDerivation>) {
      while (derivation.step() !== undefined);
    },
    makeRoom() {
      roomLeft = true;
    },
    kept: () => derived.db.prepare("SELECT position || ' ' || device FROM kept").pluck().all(),
    misunderstood: () => derived.db.prepare("SELECT position, detail FROM misunderstood").all(),
    series: () => openSeriesAnswers(derived.db).list(10),
    states: () =>
      openDeviceStates(derived.db)
        .list(10)
        .map(({ sinceMs: _, ...told }) => told),
    state: (statements: readonly Statement[]) => {
      const sealing = createSealing({ seals, clock });
      const deps = { evidence, clock, mintEpoch: () => "e", sealing };
      const book = createStatementBook(deps, { boot: 1 });
      const segments = evidence.keep(() => book.append(statements)).value;
      return segments.reduce((sum, { batch }) => sum + batch.events.length, 0);
    },
  };
}

const SILENT = { note() {}, warn() {}, error() {} };
