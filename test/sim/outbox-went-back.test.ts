/**
 * The gateway's disk shows an earlier state of the outbox than the one that was sent from: a drive that lost
 * what it had confirmed, or a copy that was put back. The real outbox, uplink and intake, on a line and in a
 * time of their own.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createPrng } from "../../firmware-sim/prng.ts";
import { createUplink, UPLINK_DEFAULTS, type UplinkRecord } from "../../src/gateway/uplink.ts";
import type { Clock, Journal } from "../../src/ports.ts";
import { openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { openSeals } from "../../src/store/seals.ts";
import { createIntake, type Offer } from "../../src/twin/intake.ts";
import { createSealing } from "../../src/twin/sealing.ts";
import { createStatementBook } from "../../src/twin/statements.ts";
import { type Ack, decodeBatch, decodeEvent, encodeEvent } from "../../src/wire/codec.ts";
import { createLine } from "../gate/sim/line.ts";
import { openOutboxPort } from "../gate/sim/outbox-port.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";
import { makeSigner } from "../support/signer.ts";

for (const signed of [true, false])
  test(`${signed ? "signed" : "unsigned"}: what was accepted after the disk went back reaches the twin once, and nothing it had is taken for it`, async () => {
    const site = openSite({ signed });
    await forget(site);
    // More than what the disk forgot, before the twin is heard: its last number is no higher than ours.
    await site.scan("anew", 20);
    site.connect();
    await site.settle();

    expect(site.atTwin()).toEqual([
      ...named("before", 50),
      ...named("forgotten", 10),
      ...named("anew", 20),
    ]);
    expect(site.waiting()).toBe(0);
    expect(site.told("outbox-went-back")).toHaveLength(1);
    expect(site.told("outbox-went-back")[0]).toMatch(/STORE_WENT_BACK.*up to 60 .*from 51 on/);
  });

test("what waited when the copy was made and is the twin's by now is not sent again under other numbers", async () => {
  const site = openSite();
  await site.scan("before", 30);
  await site.settle();
  site.disconnect();
  await site.scan("waiting", 20);
  site.keepCopy();
  site.connect();
  await site.settle();
  await site.scan("forgotten", 10);
  await site.settle();
  site.goBack();
  await site.scan("anew", 20);
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 30),
    ...named("waiting", 20),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("with nothing accepted since, the numbers of what comes next are new ones all the same", async () => {
  const site = openSite();
  await forget(site);
  site.connect();
  await site.settle();
  await site.scan("anew", 20);
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a disk that goes back twice, the second time to before the new numbers, has nothing sent twice", async () => {
  const site = openSite();
  await forget(site);
  await site.scan("anew", 20);
  site.keepCopy();
  site.connect();
  await site.settle();
  await site.scan("forgotten, too", 10);
  await site.settle();
  site.goBack();
  await site.scan("at last", 5);
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
    ...named("forgotten, too", 10),
    ...named("at last", 5),
  ]);
  expect(site.waiting()).toBe(0);
});

test("an answer that comes so late that the twin was asked anew says no more than it said", async () => {
  const site = openSite();
  await forget(site);
  await site.scan("anew", 20);
  site.holdBackNextAnswer();
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a question that the twin refuses is asked again, and nothing is released meanwhile", async () => {
  const site = openSite();
  await forget(site);
  await site.scan("anew", 20);
  site.refuseNextBatch();
  site.connect();
  await site.settle();

  expect(site.told("batch-refused")).toHaveLength(1);
  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a process that died before it heard what the twin has keeps its numbering, and sends nothing again", async () => {
  const site = openSite();
  await site.scan("before", 50);
  site.stopHearing();
  await site.scan("unheard", 5);
  await site.settle();
  const epoch = site.epoch();
  const sent = site.eventsSent();
  site.restart();
  await site.settle();

  expect(site.waiting()).toBe(0);
  expect(site.epoch()).toBe(epoch);
  // The newest is shown to the twin, and no more than that.
  expect(site.eventsSent() - sent).toBe(1);
  await site.scan("after", 5);
  await site.settle();
  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("unheard", 5),
    ...named("after", 5),
  ]);
  expect(site.told("outbox-went-back")).toEqual([]);
});

/** The twin has sixty, and the disk shows the first fifty again. */
async function forget(site: Site): Promise<void> {
  await site.scan("before", 50);
  await site.settle();
  site.keepCopy();
  await site.scan("forgotten", 10);
  await site.settle();
  site.goBack();
}

const named = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${name} ${n + 1}`);

type Site = ReturnType<typeof openSite>;

function openSite({ signed = true }: { readonly signed?: boolean } = {}) {
  const folder = temporaryFolder();
  const [data, copy] = [join(folder, "gateway"), join(folder, "copy")];
  mkdirSync(data);
  const time = createPretendedClock();
  const chance = createPrng(1, "line");
  const told: { readonly what: string; readonly fault: string }[] = [];
  const note = (what: string, details: { readonly fault?: string } = {}) =>
    told.push({ what, fault: details.fault ?? "" });
  const journal: Journal = { note, warn: note, error: note };
  const twin = openTwin(folder, time);
  let [isHeard, sent, isHoldingBack, isRefusing] = [true, 0, false, false];
  let heldBack: readonly Ack[] = [];
  const line = createLine({
    ...{ time, chance, note: () => undefined },
    take(offer) {
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
    const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 22 });
    const path = join(data, "outbox.db");
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
      outbox,
      port,
      end() {
        if (!isAlive) return;
        isAlive = false;
        line.cut();
        outbox.close("abandoned");
      },
    };
  }

  async function scanOne(text: string): Promise<void> {
    const body = { kind: "statement", statement: "scanned", json: text } as const;
    const bytes = encodeEvent({ ...WHEN, gatewayTimeMs: time.nowMs(), device: "hand", body });
    for (let isKept = false; !isKept; ) {
      const put = gateway.port.put("scan", [{ bytes, origin: undefined }]);
      void put.then(({ ok }) => {
        isKept = ok;
      });
      await time.advance(40);
    }
  }

  return {
    async scan(name: string, count: number) {
      for (const text of named(name, count)) await scanOne(text);
    },
    settle: () => time.advance(120_000),
    disconnect: line.shut,
    connect: line.open,
    /** To a question or a batch: it comes with the next one, whenever that is. */
    holdBackNextAnswer() {
      isHoldingBack = true;
    },
    /** As a twin does that has no room for what it is told. */
    refuseNextBatch() {
      isRefusing = true;
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
    waiting: () => gateway.outbox.state("scan").waiting,
    epoch: () => gateway.outbox.state("scan").epoch,
    eventsSent: () => sent,
    atTwin: twin.texts,
    told: (what: string) => told.filter((one) => one.what === what).map(({ fault }) => fault),
  };
}

const WHEN = { boot: 1, monotonicMs: 0, clock: "synced", sourceTimeMs: undefined } as const;

function openTwin(folder: string, clock: Clock) {
  const path = join(folder, "evidence.db");
  const db = openDatabase(path, evidenceSchema, "durable");
  const evidence = openEvidence(db, path);
  const sealing = createSealing({ seals: openSeals(db), clock, signer: undefined });
  const deps = { evidence, clock, sealing, mintEpoch: () => "of-the-twin" };
  const intake = createIntake({ ...deps, statements: createStatementBook(deps, { boot: 1 }) });
  return {
    take: (offer: Offer) => intake.take([offer]).value.flatMap(({ acks }) => acks),
    /** In the order in which they were taken in. */
    texts: (): readonly string[] =>
      [...evidence.from(1)].flatMap(({ batch }) =>
        batch.events.flatMap((bytes) => {
          const { body } = decodeEvent(bytes);
          return body.kind === "statement" ? [body.json] : [];
        }),
      ),
  };
}
