/**
 * A gateway's core and a twin's, in a world of one seed: the clock, the line, the disk's pace, the devices
 * and the kills come out of it, and nothing else happens. Real: intake, outbox file, uplink, the twin's
 * intake and evidence file. Pretended: time, sockets, the thread in between. Left out: what the evidence
 * means (the sims of test/sim are about that), and power cuts (crash/power-cut).
 *
 * A disk is lost now and then, the twin's or the gateway's, and a copy put in its place. What no disk holds any
 * more nobody can know, and it is not judged: such readings, and that one which is repeated had been sent.
 *
 * Always: what a device was acknowledged for is in the outbox or in the evidence.
 * Finally: once all is healed, the evidence holds each acknowledged reading once, and none twice, and all of
 * it is proven to be what the gateway signed.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../../firmware-sim/prng.ts";
import type { Mapping } from "../../../src/devices/mqtt-mapping/mapping.ts";
import { createIntake, type Intake } from "../../../src/gateway/intake.ts";
import { createUplink, UPLINK_DEFAULTS } from "../../../src/gateway/uplink.ts";
import type { Clock, Journal } from "../../../src/ports.ts";
import { openDatabase, openReader } from "../../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../../src/store/evidence.ts";
import { type Outbox, openOutbox, outboxLimits } from "../../../src/store/outbox.ts";
import { openSeals } from "../../../src/store/seals.ts";
import { createIntake as createTwinIntake } from "../../../src/twin/intake.ts";
import { createSealing } from "../../../src/twin/sealing.ts";
import { createStatementBook } from "../../../src/twin/statements.ts";
import { decodeEvent } from "../../../src/wire/codec.ts";
import { createPretendedClock } from "../../support/pretended-clock.ts";
import { proveFile } from "../../support/prove.ts";
import { makeSigner } from "../../support/signer.ts";
import { createDevice, type SimDevice } from "./device.ts";
import { createLine } from "./line.ts";
import { openOutboxPort } from "./outbox-port.ts";

const TICK_MS = 50;
const DEVICES = 3;
const JUMPS_MS = [
  ...[1_000, -1_000, 3_600_000, -3_600_000, -30 * 86_400_000, 10 * 365 * 86_400_000],
] as const;
const MAPPINGS: readonly Mapping[] = [
  {
    topic: "load/+/count",
    device: "{1}",
    payload: "number",
    readings: [{ property: "count", unit: "1" }],
  },
];
const OUTBOX_PARTS = ["", "-wal", ".given"] as const;
const UNRECORDED = {
  ...{ sent() {}, acknowledged() {}, wentBack() {} },
  ...{ refused() {}, session() {}, clockOffset() {} },
};
const gatewaySigner = makeSigner();
const twinSigner = makeSigner();
const quiet: Journal = { note() {}, warn() {}, error() {} };
const limits = {
  ...outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 23 }),
  room: { freeBytesMin: 0, ballastBytes: 0 },
};

export type WorldFigures = {
  readonly accepted: number;
  readonly kills: number;
  readonly cuts: number;
  readonly jumps: number;
  /** Times that the twin's disk was lost. */
  readonly restores: number;
  /** Times that the gateway's was. */
  readonly wentBack: number;
};

export type World = {
  /** One step of trouble; what did not hold, in words. */
  tick(): Promise<void>;
  /** No more trouble: resolves when nothing moves any more. */
  heal(): Promise<void>;
  broken(): readonly string[];
  figures(): WorldFigures;
  /** The same for the same seed. */
  trace(): string;
  close(): void;
};

export type WorldOptions = {
  readonly folder: string;
  /** Wall clocks jump, of the gateway and of the twin. */
  readonly jumps: boolean;
};

type Life = {
  readonly outbox: Outbox;
  readonly intake: Intake;
  readonly end: () => void;
};

export async function openWorld(chance: Prng, { folder, jumps }: WorldOptions): Promise<World> {
  mkdirSync(folder, { recursive: true });
  const time = createPretendedClock();
  const skew = { gateway: 0, twin: 0 };
  const figures = { accepted: 0, kills: 0, cuts: 0, jumps: 0, restores: 0, wentBack: 0 };
  const path = join(folder, "outbox.db");
  const evidencePath = join(folder, "evidence.db");
  const copy = join(folder, "copy.db");
  const twinCopy = join(folder, "twin-copy.db");
  const accepted = new Set<number>();
  const mayComeTwice = new Set<number>();
  const trace: string[] = [];
  const note = (word: string) => void trace.push(`${Math.round(time.monotonicMs())} ${word}`);
  const twinClock: Clock = { ...time, nowMs: () => time.nowMs() + skew.twin };

  let twin = openTwin();
  const line = createLine({ time, chance, note, take: (offer) => twin.take(offer) });
  let life: Life = startGateway();
  const devices: readonly SimDevice[] = Array.from({ length: DEVICES }, (_, n) =>
    createDevice(chance, n, (value) => {
      accepted.add(value);
      note(`accepted ${value}`);
    }),
  );
  for (const device of devices) device.connect(life.intake);

  function openTwin() {
    const db = openDatabase(evidencePath, evidenceSchema, "durable");
    const evidence = openEvidence(db, evidencePath);
    const clock = twinClock;
    const deps = {
      ...{ evidence, clock },
      sealing: createSealing({ seals: openSeals(db), clock, signer: twinSigner }),
      mintEpoch: () => `twin-${figures.kills}-${figures.restores}`,
      journal: quiet,
    };
    const statements = createStatementBook(deps, { boot: 1 });
    const intake = createTwinIntake({ ...deps, statements });
    return {
      evidence,
      take: (offer: Parameters<typeof intake.take>[0][number]) =>
        intake.take([offer]).value.flatMap(({ acks }) => acks),
      copyTo: (path: string) => void db.prepare("VACUUM INTO ?").run(path),
      close: () => db.close(),
    };
  }

  function startGateway(): Life {
    let alive = true;
    const nowMs = () => time.nowMs() + skew.gateway;
    // A dead process hears no timer.
    const clock: Clock = {
      ...time,
      nowMs,
      after: (ms, fire) => time.after(ms, () => void (alive && fire())),
      sleep: (ms, stop) =>
        new Promise((resolve) => void time.sleep(ms, stop).then(() => void (alive && resolve()))),
    };
    const { outbox, setAside } = openOutbox({ path, nowMs }, limits);
    if (setAside !== undefined) throw new Error(`an outbox was set aside: ${setAside.reason}`);
    const port = openOutboxPort({ outbox, clock, chance, isAlive: () => alive });
    const intake = createIntake({ outbox: port, clock }, { mappings: MAPPINGS });
    const uplink = createUplink(
      {
        link: line.link,
        outbox: port,
        clock,
        journal: quiet,
        record: UNRECORDED,
        signer: gatewaySigner,
        chance: chance.next,
      },
      { gateway: "gw", ...UPLINK_DEFAULTS },
    );
    const stop = new AbortController();
    void uplink.run(stop.signal);
    return {
      ...{ outbox, intake },
      end() {
        alive = false;
        outbox.close("abandoned");
      },
    };
  }

  function killGateway(): void {
    figures.kills += 1;
    note("kill gateway");
    line.cut();
    life.end();
    life = startGateway();
    for (const device of devices) device.connect(life.intake);
  }

  function copyGateway(): void {
    for (const part of OUTBOX_PARTS) {
      rmSync(copy + part, { force: true });
      if (existsSync(path + part)) copyFileSync(path + part, copy + part);
    }
    note("copy gateway");
  }

  function goBack(): void {
    if (!existsSync(copy)) return;
    figures.wentBack += 1;
    note("gateway goes back");
    line.cut();
    life.end();
    for (const device of devices) for (const value of device.unanswered()) mayComeTwice.add(value);
    for (const part of [...OUTBOX_PARTS, "-shm"]) {
      rmSync(path + part, { force: true });
      if (existsSync(copy + part)) copyFileSync(copy + part, path + part);
    }
    life = startGateway();
    forgetWhatNobodyHas();
    for (const device of devices) device.connect(life.intake);
  }

  function killTwin(): void {
    figures.kills += 1;
    note("kill twin");
    line.cut();
    twin.close();
    twin = openTwin();
  }

  function copyTwin(): void {
    rmSync(twinCopy, { force: true });
    twin.copyTo(twinCopy);
    note("copy twin");
  }

  function restoreTwin(): void {
    if (!existsSync(twinCopy)) return;
    figures.restores += 1;
    note("restore twin");
    line.cut();
    twin.close();
    for (const part of ["", "-wal", "-shm"]) rmSync(evidencePath + part, { force: true });
    copyFileSync(twinCopy, evidencePath);
    twin = openTwin();
    forgetWhatNobodyHas();
  }

  /** Of what no disk holds any more nobody can be asked. */
  function forgetWhatNobodyHas(): void {
    const db = openReader(path);
    const rows = db.prepare<[], Buffer>("SELECT event FROM telemetry").pluck().all();
    db.close();
    const there = new Set([...held().keys(), ...rows.flatMap(valuesIn)]);
    for (const value of accepted) if (!there.has(value)) accepted.delete(value);
  }

  function jump(): void {
    const side = chance.pick(["gateway", "twin"] as const);
    // Before NTP, after a dead battery: 1970.
    skew[side] = chance.chance(0.2) ? -time.nowMs() : chance.pick(JUMPS_MS);
    figures.jumps += 1;
    note(`jump ${side} ${skew[side]}`);
  }

  function held(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const { batch } of twin.evidence.from(1))
      for (const value of batch.events.flatMap(valuesIn))
        counts.set(value, (counts.get(value) ?? 0) + 1);
    return counts;
  }

  const lost = (counts: ReadonlyMap<number, number>) =>
    [...accepted].filter((value) => !counts.has(value));

  return {
    async tick() {
      for (const device of devices) if (chance.chance(0.6)) device.publish();
      await time.advance(chance.wholeWithin([1, TICK_MS]));
      if (chance.chance(0.02)) killGateway();
      if (chance.chance(0.02)) killTwin();
      if (chance.chance(0.04)) chance.pick([copyTwin, copyGateway])();
      if (chance.chance(0.03)) chance.pick([restoreTwin, goBack])();
      if (chance.chance(0.05)) {
        figures.cuts += 1;
        line.cut();
        if (chance.chance(0.5)) line.shut();
      }
      if (chance.chance(0.2)) line.open();
      if (jumps && chance.chance(0.05)) jump();
      if (chance.chance(0.05)) chance.pick(devices).reconnect();
    },
    async heal() {
      line.open();
      line.calm();
      for (let n = 0; n < 2_000; n++) {
        await time.advance(TICK_MS);
        const waiting = life.outbox.state("telemetry").waiting + life.outbox.state("scan").waiting;
        const isQuiet =
          waiting === 0 && devices.every((device) => device.unanswered().length === 0);
        // Of a twin that was restored just now a gateway that is not back yet does not know.
        if (isQuiet && lost(held()).length === 0) return;
        // A device that hears nothing for long comes again.
        if (n % 40 === 39) for (const device of devices) device.reconnect();
      }
    },
    broken() {
      const counts = held();
      const waiting = life.outbox.state("telemetry").waiting;
      const unanswered = devices.reduce((sum, device) => sum + device.unanswered().length, 0);
      return [
        ...lost(counts).map((value) => `lost ${value}`),
        ...[...counts]
          .filter(([value, times]) => times > 1 && !mayComeTwice.has(value))
          .map(([value]) => `doubled ${value}`),
        ...(waiting > 0 ? [`${waiting} events wait for ever`] : []),
        ...proveFile(evidencePath).flatMap(({ findings, unsigned, gateway }) => [
          ...findings.map(({ what, seq, detail }) => `${gateway} ${seq} is ${what}: ${detail}`),
          ...(unsigned > 0 ? [`${unsigned} events of ${gateway} are not signed`] : []),
        ]),
        ...(unanswered > 0 ? [`${unanswered} readings are never acknowledged`] : []),
      ];
    },
    figures: () => ({ ...figures, accepted: accepted.size }),
    trace: () => trace.join("\n"),
    close() {
      life.end();
      twin.close();
    },
  };
}

function valuesIn(bytes: Uint8Array): readonly number[] {
  const { body } = decodeEvent(bytes);
  return body.kind === "sensor" ? body.readings.map(({ value }) => value) : [];
}
