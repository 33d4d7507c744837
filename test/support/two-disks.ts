/**
 * A gateway and a twin on whose disks earlier states show: the real outbox, uplink and intake, on a line and in a
 * time of their own.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { createPrng } from "../../firmware-sim/prng.ts";
import { createUplink, UPLINK_DEFAULTS, type UplinkRecord } from "../../src/gateway/uplink.ts";
import type { Clock, Journal, Lane } from "../../src/ports.ts";
import { openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { openBacklog } from "../../src/store/outbox-backlog.ts";
import { openSeals } from "../../src/store/seals.ts";
import { createIntake, type Offer } from "../../src/twin/intake.ts";
import { createSealing } from "../../src/twin/sealing.ts";
import { createStatementBook } from "../../src/twin/statements.ts";
import { sealed } from "../../src/wire/chain.ts";
import {
  type Ack,
  decodeBatch,
  decodeEvent,
  encodeBatch,
  encodeEvent,
} from "../../src/wire/codec.ts";
import { createLine } from "../gate/sim/line.ts";
import { openOutboxPort } from "../gate/sim/outbox-port.ts";
import { temporaryFolder } from "./folder.ts";
import { createPretendedClock } from "./pretended-clock.ts";
import { proveFile } from "./prove.ts";
import { makeSigner } from "./signer.ts";

export const named = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${name} ${n + 1}`);

export type TwoDisks = ReturnType<typeof openTwoDisks>;

export function openTwoDisks({
  signed = true,
  lane = "scan",
  telemetryBytesMax = 2 ** 22,
  eventBytes = 0,
}: {
  readonly signed?: boolean;
  readonly lane?: Lane;
  readonly telemetryBytesMax?: number;
  /** About, at least. */
  readonly eventBytes?: number;
} = {}) {
  const folder = temporaryFolder();
  const [data, copy] = [join(folder, "gateway"), join(folder, "copy")];
  const [evidencePath, evidenceCopy] = [
    join(folder, "evidence.db"),
    join(folder, "evidence-copy.db"),
  ];
  mkdirSync(data);
  const path = join(data, "outbox.db");
  const time = createPretendedClock();
  const chance = createPrng(1, "line");
  const told: { readonly what: string; readonly fault: string }[] = [];
  const note = (what: string, details: { readonly fault?: string } = {}) =>
    told.push({ what, fault: details.fault ?? "" });
  const journal: Journal = { note, warn: note, error: note };
  let twin = openTwin(evidencePath, time);
  let [isHeard, sent, isHoldingBack, isRefusing, isLosing] = [true, 0, false, false, false];
  let heldBack: readonly Ack[] = [];
  const line = createLine({
    ...{ time, chance, note: () => undefined },
    take(offer) {
      if (isLosing && offer.channel === "batch") {
        isLosing = false;
        line.cut();
        return [];
      }
      if (offer.channel === "batch") sent += decodeBatch(offer.message).events.length;
      const acks = [...heldBack, ...twin.take(offer)];
      heldBack = [];
      if (isRefusing && offer.channel === "batch") {
        isRefusing = false;
        return acks.map(({ epoch, through, twinTimeMs, resend }) => {
          const refused = "not now";
          return { epoch, through, twinTimeMs, resend, refused, compares: true };
        });
      }
      if (isHoldingBack && offer.channel === "batch") {
        isHoldingBack = false;
        heldBack = acks;
        return [];
      }
      return isHeard ? acks : [];
    },
  });
  line.calm();
  const signer = makeSigner();
  let gateway = start();
  onTestFinished(() => gateway.end());

  function start() {
    let isAlive = true;
    const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax });
    const { outbox, setAside } = openOutbox({ path, nowMs: time.nowMs }, limits);
    expect(setAside).toBeUndefined();
    const clock: Clock = {
      ...time,
      after: (ms, fire) => time.after(ms, () => isAlive && fire()),
      sleep: (ms, stop) =>
        new Promise((resolve) => void time.sleep(ms, stop).then(() => isAlive && resolve())),
    };
    const port = openOutboxPort({ outbox, clock, chance, isAlive: () => isAlive });
    const record: UplinkRecord = {
      ...{
        sent() {},
        acknowledged() {},
        wentBack() {},
        refused() {},
        session() {},
        clockOffset() {},
      },
    };
    const uplink = createUplink(
      {
        ...{ link: line.link, outbox: port, clock, journal, record, chance: () => 0.5 },
        ...(signed && { signer }),
      },
      { gateway: "gw", ...UPLINK_DEFAULTS },
    );
    void uplink.run(new AbortController().signal);
    return {
      ...{ outbox, port, uplink },
      end() {
        if (!isAlive) return;
        isAlive = false;
        line.cut();
        outbox.close("abandoned");
      },
    };
  }

  async function keep(texts: readonly string[]): Promise<void> {
    const events = texts.map((text) => {
      const json = text.padEnd(eventBytes);
      const body = { kind: "statement", statement: "scanned", json } as const;
      const bytes = encodeEvent({ ...WHEN, gatewayTimeMs: time.nowMs(), device: "hand", body });
      return { bytes, origin: undefined };
    });
    for (let isKept = false; !isKept; ) {
      const put = gateway.port.put(lane, events);
      void put.then(({ ok }) => {
        isKept = ok;
      });
      await time.advance(40);
    }
  }

  return {
    async accept(name: string, count: number) {
      for (const text of named(name, count)) await keep([text]);
    },
    acceptAtOnce: (name: string, count: number) => keep(named(name, count)),
    settle: (ms = 120_000) => time.advance(ms),
    /** The line that there is breaks, too. */
    disconnect() {
      line.shut();
      line.cut();
    },
    connect: line.open,
    /** To a question or a batch: it comes with the next one, whenever that is. */
    holdBackNextAnswer() {
      isHoldingBack = true;
    },
    /** As a twin does that has no room for what it is told. */
    refuseNextBatch() {
      isRefusing = true;
    },
    /** The line breaks under it. */
    loseNextBatch() {
      isLosing = true;
    },
    stopHearing() {
      isHeard = false;
    },
    restart() {
      gateway.end();
      isHeard = true;
      gateway = start();
    },
    keepCopy: () => cpSync(data, copy, { recursive: true }),
    /** The power is back, and the line is not yet. */
    goBack() {
      gateway.end();
      line.shut();
      rmSync(data, { recursive: true });
      cpSync(copy, data, { recursive: true });
      gateway = start();
    },
    keepCopyOfTwin: () => twin.copyTo(evidenceCopy),
    restoreTwin() {
      line.cut();
      twin.close();
      for (const part of ["", "-wal", "-shm"]) rmSync(evidencePath + part, { force: true });
      cpSync(evidenceCopy, evidencePath);
      twin = openTwin(evidencePath, time);
    },
    /** What waits, as it is carried in a file. */
    exportBacklog(): readonly Uint8Array[] {
      const backlog = openBacklog(path);
      const times = { boot: backlog.boot, sentAtMs: time.nowMs(), sentMonotonicMs: 0 };
      const pieces = [...backlog.pieces(lane, { events: 2_048, bytes: 2 ** 19 })];
      backlog.close();
      return pieces.map(({ chain, ...piece }) =>
        encodeBatch(sealed({ ...piece, gateway: "gw", ...times }, chain, signer)),
      );
    },
    /** What the twin objects to. */
    importBacklog: (messages: readonly Uint8Array[]) =>
      messages
        .flatMap((message) =>
          twin.take({ gateway: "gw", channel: "batch", message, carried: true }),
        )
        .flatMap(({ refused }) => (refused === "" ? [] : [refused])),
    /** Of what was accepted: waiting, given up unsent. */
    waiting: () => gateway.outbox.state(lane).waiting,
    evicted: () => gateway.outbox.state(lane).evicted,
    firstSeq: () => gateway.outbox.state(lane).firstSeq,
    epoch: () => gateway.outbox.state(lane).epoch,
    outboxPath: path,
    eventsSent: () => sent,
    atTwin: () => twin.texts(),
    missingAtTwin: () => twin.missing(),
    /** What speaks against the gateway's evidence. */
    findings: () =>
      proveFile(evidencePath).flatMap(({ gateway: whose, findings, unsigned }) => [
        ...findings.map(({ what, seq }) => `${whose} ${seq} is ${what}`),
        ...(unsigned > 0 && whose === "gw" ? [`${unsigned} are not signed`] : []),
      ]),
    told: (what: string) => told.filter((one) => one.what === what).map(({ fault }) => fault),
  };
}

const WHEN = { boot: 1, monotonicMs: 0, clock: "synced", sourceTimeMs: undefined } as const;

function openTwin(path: string, clock: Clock) {
  const db = openDatabase(path, evidenceSchema, "durable");
  const evidence = openEvidence(db, path);
  const sealing = createSealing({ seals: openSeals(db), clock, signer: undefined });
  const deps = { evidence, clock, sealing, mintEpoch: () => "of-the-twin" };
  const intake = createIntake({ ...deps, statements: createStatementBook(deps, { boot: 1 }) });
  return {
    take: (offer: Offer) => intake.take([offer]).value.flatMap(({ acks }) => acks),
    /** Of the gateway, in the order in which they were taken in. */
    texts: (): readonly string[] =>
      [...evidence.from(1)].flatMap(({ batch }) =>
        batch.gateway !== "gw"
          ? []
          : batch.events.flatMap((bytes) => {
              const { body } = decodeEvent(bytes);
              return body.kind === "statement" ? [body.json.trim()] : [];
            }),
      ),
    missing: () => evidence.missing(10).reduce((sum, { events }) => sum + events, 0),
    copyTo: (to: string) => void db.prepare("VACUUM INTO ?").run(to),
    close: () => db.close(),
  };
}
