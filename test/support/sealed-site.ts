/**
 * A gateway's outbox and a twin's evidence without the programs around them: what is put is sent in signed
 * batches of any cut, by hand, and can be proven. The files are real.
 */
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Clock, Lane, Signer } from "../../src/ports.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { type OutboxLimits, openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { openOutboxFile } from "../../src/store/outbox-file.ts";
import type { Period } from "../../src/store/proof-source.ts";
import { openSeals } from "../../src/store/seals.ts";
import { createIntake, type Taken } from "../../src/twin/intake.ts";
import type { Finding, Proven } from "../../src/twin/proof.ts";
import { createSealing, type KeyTrust } from "../../src/twin/sealing.ts";
import { createStatementBook } from "../../src/twin/statements.ts";
import { sealed } from "../../src/wire/chain.ts";
import { type Batch, encodeBatch, encodeEvent, encodeHello } from "../../src/wire/codec.ts";
import { temporaryFolder } from "./folder.ts";
import { createPretendedClock } from "./pretended-clock.ts";
import { proveFile } from "./prove.ts";
import { makeSigner } from "./signer.ts";

const GATEWAY = "gw-1";

export type SealedSite = ReturnType<typeof openSealedSite>;

export function openSealedSite(more: Partial<OutboxLimits> = {}) {
  const folder = temporaryFolder();
  const base = createPretendedClock();
  let passedMs = 0;
  const clock: Clock = { ...base, nowMs: () => base.nowMs() + passedMs };
  const limits = {
    ...outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 22 }),
    room: { freeBytesMin: 0, ballastBytes: 0 },
    ...more,
  };
  const outboxPath = join(folder, "outbox.db");
  const evidencePath = join(folder, "evidence.db");
  const twinSigner = makeSigner();
  let own = makeSigner();
  let openPath = outboxPath;
  let signer: Signer | undefined = own;
  let outbox = openOutbox({ path: outboxPath, nowMs: clock.nowMs }, limits).outbox;
  let twin = openTwin();
  let put = 0;
  onTestFinished(() => {
    outbox.close("abandoned");
    twin.close();
  });

  function openTwin() {
    const db = openDatabase(evidencePath, evidenceSchema, "durable");
    const evidence = openEvidence(db, evidencePath);
    const sealing = createSealing({ seals: openSeals(db), clock, signer: twinSigner });
    const deps = { evidence, clock, sealing, mintEpoch: () => "twin-1" };
    const statements = createStatementBook(deps, { boot: 1 });
    const intake = createIntake({ ...deps, statements });
    return { db, evidence, intake, statements, close: () => db.close() };
  }

  function offer(channel: "hello" | "batch", message: Uint8Array, trust?: KeyTrust): Taken {
    const [taken] = twin.intake.take([{ gateway: GATEWAY, channel, message, trust }]).value;
    if (taken === undefined) throw new Error("each offer has an answer");
    return taken;
  }

  const site = {
    clock,
    evidencePath,
    outboxPath,
    folder,
    outbox: () => outbox,
    evidence: () => twin.evidence,
    /** As a gateway of an earlier release, and of this one again. */
    signWith(other: Signer | undefined) {
      signer = other;
    },
    signAgain() {
      signer = own;
    },
    /** The outbox under other hands, while no gateway has it open. */
    outboxHand(how: (db: Database) => void) {
      outbox.close("stopped");
      const db = openOutboxFile(openPath);
      how(db);
      db.close();
      outbox = openOutbox({ path: openPath, nowMs: clock.nowMs }, limits).outbox;
    },
    put(count: number, lane: Lane = "scan") {
      const events = Array.from({ length: count }, () => {
        put += 1;
        passedMs += 1_000;
        return encodeEvent({
          ...{ boot: 1, gatewayTimeMs: clock.nowMs(), monotonicMs: passedMs, clock: "synced" },
          ...{ sourceTimeMs: undefined, device: `dev-${put % 3}` },
          body: { kind: "sensor", readings: [{ property: "count", value: put, unit: "1" }] },
        });
      });
      const done = outbox.flush([{ kind: "put", lane, events: events.map(asNew) }]);
      if (!done.ok) throw new Error(done.detail);
    },
    release(through: number, lane: Lane = "scan") {
      outbox.flush([{ kind: "release", lane, through }]);
    },
    /** What waits from there on, as the uplink sends it; undefined: nothing. */
    batch(fromSeq: number, events: number, lane: Lane = "scan"): Batch | undefined {
      const { chain, ...waiting } = outbox.peek(lane, fromSeq, { events, bytes: 2 ** 20 });
      if (waiting.events.length === 0) return undefined;
      const { epoch, boot } = outbox.state(lane);
      const times = { sentAtMs: clock.nowMs(), sentMonotonicMs: Math.floor(clock.monotonicMs()) };
      const batch = { ...waiting, ...times, gateway: GATEWAY, epoch, lane, boot };
      return signer === undefined || chain === undefined ? batch : sealed(batch, chain, signer);
    },
    /** Another box under the same name: nothing waits there, and it has a key of its own. */
    replaceBox() {
      outbox.close("stopped");
      openPath = join(folder, "outbox-of-another-box.db");
      outbox = openOutbox({ path: openPath, nowMs: clock.nowMs }, limits).outbox;
      own = makeSigner();
      signer = own;
    },
    key: () => own.publicKey,
    helloMessage(): Uint8Array {
      const numberings = (["scan", "telemetry"] as const).map((lane) => {
        const { epoch, firstSeq, lastSeq } = outbox.state(lane);
        return { epoch, lane, firstSeq, lastSeq };
      });
      const signingKey = signer?.publicKey;
      const key = signingKey === undefined ? {} : { signingKey };
      return encodeHello({ gateway: GATEWAY, numberings, ...key });
    },
    hello(trust?: KeyTrust, message: Uint8Array = site.helloMessage()): Taken {
      return offer("hello", message, trust);
    },
    send: (batch: Batch) => offer("batch", encodeBatch(batch)),
    /** All that waits, in batches of this size. */
    sendAll(size: number, lane: Lane = "scan"): void {
      const { epoch } = outbox.state(lane);
      for (;;) {
        const through = twin.evidence.numbering(GATEWAY, epoch)?.through ?? 0;
        const batch = site.batch(through + 1, size, lane);
        if (batch === undefined) return;
        const taken = site.send(batch);
        if (taken.outcome !== "appended") throw new Error(taken.acks[0]?.refused ?? taken.outcome);
      }
    },
    state(count: number) {
      twin.evidence.keep(() =>
        twin.statements.append(
          Array.from({ length: count }, (_, n) => ({
            ...{ kind: "person", subject: `p${clock.nowMs()}-${n}`, json: `{"id":"${n}"}` },
          })),
        ),
      );
    },
    killGateway() {
      outbox.close("abandoned");
      outbox = openOutbox({ path: openPath, nowMs: clock.nowMs }, limits).outbox;
    },
    killTwin() {
      twin.close();
      twin = openTwin();
    },
    /** The evidence under other hands, while no twin has it open. */
    tamper(how: (db: Database) => void) {
      twin.close();
      const db = openDatabase(evidencePath, evidenceSchema, "durable");
      how(db);
      db.close();
      twin = openTwin();
    },
    prove: (period: Period = {}): readonly Proven[] => proveFile(evidencePath, period),
    /** Of the scans, when this link is known of an earlier time. */
    provedWith: (known: { readonly seq: number; readonly link: Uint8Array }) =>
      proveFile(evidencePath, {}, known).flatMap(({ findings }) => findings),
    found: (period: Period = {}): readonly Finding[] =>
      proveFile(evidencePath, period).flatMap(({ findings }) => findings),
  };
  return site;
}

function asNew(bytes: Uint8Array) {
  return { bytes, origin: undefined, retransmission: false };
}
