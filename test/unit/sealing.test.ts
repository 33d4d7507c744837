/**
 * What a gateway signs is what the twin takes in, whatever batches it is cut into and however often it is
 * sent; what does not fit stays at the gateway.
 */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createPrng } from "../../firmware-sim/prng.ts";
import type { Signer } from "../../src/ports.ts";
import { openReader } from "../../src/store/database.ts";
import { openProofSource } from "../../src/store/proof-source.ts";
import { trustInBacklog } from "../../src/twin/backlog-trust.ts";
import type { KeyTrust } from "../../src/twin/sealing.ts";
import { fingerprintOf, linkThrough, sealStatement } from "../../src/wire/chain.ts";
import { type Batch, decodeHello, encodeHello, type Hello } from "../../src/wire/codec.ts";
import { openSealedSite } from "../support/sealed-site.ts";
import { makeSigner } from "../support/signer.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 6);
const FIRST_SEED = Number(process.env["SEED"] ?? 1);

test("whatever the cuts, repetitions, kills and evictions, all that was taken in is proven, and any period of it", () => {
  let evicted = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const chance = createPrng(seed, "seals");
    const site = openSealedSite({ telemetryBytesMax: 9_000, windowRows: 16, keepSentScans: 20 });
    const begunMs = site.clock.nowMs();
    site.hello();
    for (let step = 0; step < 120; step++) {
      const lane = chance.chance(0.5) ? "scan" : "telemetry";
      const { epoch } = site.outbox().state(lane);
      const through = site.evidence().numbering("gw-1", epoch)?.through ?? 0;
      if (chance.chance(0.6)) site.put(chance.wholeWithin([1, 60]), lane);
      if (chance.chance(0.6)) {
        const back = chance.chance(0.3) ? chance.wholeWithin([0, 30]) : 0;
        const from = Math.max(1, through + 1 - back);
        const batch = site.batch(from, chance.wholeWithin([1, 50]), lane);
        if (batch !== undefined)
          expect(site.send(batch).outcome, `SEED=${seed}`).not.toBe("refused");
      }
      if (chance.chance(0.3) && through > 0) site.release(chance.wholeWithin([1, through]), lane);
      if (chance.chance(0.1)) site.killGateway();
      if (chance.chance(0.05)) {
        // The connection ended with it, and each one begins with a hello.
        site.killTwin();
        site.hello();
      }
      if (chance.chance(0.1)) site.state(2);
    }
    site.sendAll(37, "scan");
    site.sendAll(37, "telemetry");
    expect(site.found(), `SEED=${seed}`).toEqual([]);
    for (let n = 0; n < 5; n++) {
      const fromMs = chance.wholeWithin([begunMs, site.clock.nowMs()]);
      const toMs = chance.wholeWithin([fromMs, site.clock.nowMs()]);
      expect(site.found({ fromMs, toMs }), `SEED=${seed}`).toEqual([]);
    }
    for (const { gateway, unsigned, signed, gone, lastSeq } of site.prove()) {
      expect({ gateway, unsigned }, `SEED=${seed}`).toEqual({ gateway, unsigned: 0 });
      expect(signed + gone, `SEED=${seed}`).toBe(lastSeq);
      evicted += gone;
    }
  }
  expect(evicted).toBeGreaterThan(0);
});

describe("what does not fit is not taken in", () => {
  test("an event that was altered on the way", () => {
    const site = begun();
    const batch = site.batch(1, 10) as Batch;
    const events = batch.events.map((bytes) => Uint8Array.from(bytes));
    const last = events[4] as Uint8Array;
    last[last.length - 3] = (last[last.length - 3] ?? 0) ^ 1;
    expect(refusal(site.send({ ...batch, events }))).toMatch(/signature of events 1 to 10/);
    expect(site.send(batch).outcome).toBe("appended");
  });

  test.each<[string, KeyTrust | undefined]>([
    ["at a plain door", undefined],
    ["with a certificate that no key was enrolled with", { enrolled: [] }],
  ])("another key %s, within a numbering that one key began", (_where, trust) => {
    const site = openSealedSite();
    site.put(20);
    site.hello(trust);
    site.send(site.batch(1, 10) as Batch);
    site.signWith(makeSigner());
    expect(refusal(site.hello(trust))).toMatch(/another key than it began/);
  });

  test("but a file with what waits, whose new key was compared: from there on the gateway goes on by itself", () => {
    const site = openSealedSite();
    for (const lane of ["scan", "telemetry"] as const) site.put(10, lane);
    site.hello();
    for (const lane of ["scan", "telemetry"] as const) site.sendAll(10, lane);
    for (const lane of ["scan", "telemetry"] as const) site.put(10, lane);
    const other = makeSigner();
    site.signWith(other);
    expect(refusal(site.hello())).toMatch(/racktrace import --key/);

    site.hello({ enrolled: [base64(other.publicKey)], byHand: true });
    for (const lane of ["scan", "telemetry"] as const) site.sendAll(10, lane);

    site.killTwin();
    site.put(5);
    expect(site.hello().outcome).toBe("greeted");
    site.sendAll(5);
    expect(site.prove()).toMatchObject([
      { signed: 25, signers: [1, 2], findings: [] },
      { signed: 20, signers: [1, 2], findings: [] },
    ]);
  });

  test("another key than the one of the enrolment", () => {
    const site = begun();
    const enrolled = [Buffer.from(makeSigner().publicKey).toString("base64")];
    expect(refusal(site.hello({ enrolled }))).toMatch(/enrolled with/);
  });

  test("a batch of a gateway that never said its key", () => {
    const site = openSealedSite();
    site.put(3);
    expect(refusal(site.send(site.batch(1, 3) as Batch))).toMatch(/did not say which key/);
  });

  test("a batch that is signed, and does not go on where the numbering ends", () => {
    const site = begun();
    site.send(site.batch(1, 10) as Batch);
    // The evidence was altered, or the outbox is a copy: the signature alone cannot tell.
    site.tamper((db) => void db.exec("UPDATE seal SET link = zeroblob(32)"));
    expect(refusal(site.send(site.batch(11, 5) as Batch))).toMatch(/does not go on/);
  });

  test("a hello of more numberings than a gateway has", () => {
    const site = begun();
    const named = { lane: "scan", firstSeq: 1, lastSeq: 0 } as const;
    const numberings = Array.from({ length: 1_000 }, (_, n) => ({ ...named, epoch: `e${n}` }));
    const hello = encodeHello({ gateway: "gw-1", numberings, signingKey: site.key() });
    expect(refusal(site.hello(undefined, hello))).toMatch(/more than 16 numberings/);
  });

  test("a numbering with a name that people could take for something else", () => {
    const site = begun();
    const batch = site.batch(1, 10) as Batch;
    expect(refusal(site.send({ ...batch, epoch: "e  1-60  60 signed" }))).toMatch(/no numbering/);
    const numberings = [{ epoch: "\u001b[2J", lane: "scan", firstSeq: 1, lastSeq: 0 }] as const;
    const hello = encodeHello({ gateway: "gw-1", numberings, signingKey: site.key() });
    expect(refusal(site.hello(undefined, hello))).toMatch(/no numbering/);
  });

  test("the words around the events: what is gone, and when it was sent", () => {
    const site = begun();
    const batch = site.batch(1, 10) as Batch;
    for (const other of [{ sentAtMs: 1 }, { boot: 9 }, { goneThrough: 400 }])
      expect(refusal(site.send({ ...batch, ...other }))).toMatch(/does not fit/);
  });
});

describe("of a box that another one took the place of", () => {
  test("what waited there is taken in from a file, while the other one sends", () => {
    const site = begun();
    const first = site.key();
    site.hello({ enrolled: [base64(first)] });
    site.send(site.batch(1, 10) as Batch);
    const [hello, waiting] = [site.helloMessage(), [site.batch(11, 4), site.batch(15, 6)]];
    site.replaceBox();
    site.put(20);
    site.hello({ enrolled: [base64(site.key())] });
    site.send(site.batch(1, 5) as Batch);

    const trust = trustOf(site, [site.key()], decodeHello(hello));
    const outcomes = [
      site.hello(trust, hello),
      site.send(waiting[0] as Batch),
      site.send(site.batch(6, 5) as Batch),
      site.hello({ enrolled: [base64(site.key())] }),
      site.send(waiting[1] as Batch),
      site.send(site.batch(11, 10) as Batch),
    ].map(({ outcome }) => outcome);
    expect(outcomes).toEqual([
      ...["greeted", "appended", "appended"],
      ...["greeted", "appended", "appended"],
    ]);
    expect(site.prove()).toMatchObject([
      { signed: 20, unsigned: 0, findings: [] },
      { signed: 20, unsigned: 0, findings: [] },
    ]);
  });

  test("its key is believed of what it signed here before; of all else it is compared first", () => {
    const site = begun();
    const first = site.key();
    site.hello({ enrolled: [base64(first)] });
    site.send(site.batch(1, 10) as Batch);
    const hello = decodeHello(site.helloMessage());
    const { epoch } = site.outbox().state("scan");
    site.replaceBox();
    const enrolled = [site.key()];
    site.hello({ enrolled: enrolled.map(base64) });
    const trusted = { enrolled: [base64(first)] };
    const compared = fingerprintOf(first).toUpperCase().replaceAll(" ", ":");

    expect(trustOf(site, enrolled, hello)).toEqual({ ...trusted, epochs: [epoch] });
    expect(trustOf(site, enrolled, decodeHello(site.helloMessage()))).toEqual({
      enrolled: enrolled.map(base64),
    });
    const other = { ...hello, numberings: hello.numberings.map((n) => ({ ...n, epoch: "other" })) };
    expect(trustOf(site, enrolled, other)).toBeUndefined();
    expect(trustOf(site, enrolled, other, compared)).toEqual({ ...trusted, byHand: true });
    const stranger = { ...hello, signingKey: makeSigner().publicKey };
    expect(trustOf(site, enrolled, stranger)).toBeUndefined();
    expect(trustOf(site, enrolled, stranger, compared)).toBeUndefined();
    expect(trustOf(site, [], stranger)).toBeUndefined();
  });

  test("its key signs nothing in the other one's place, whatever its file calls empty or leaves out", () => {
    const stolen = makeSigner();
    const site = openSealedSite();
    site.put(20);
    site.signWith(stolen);
    site.hello({ enrolled: [base64(stolen.publicKey)] });
    site.send(site.batch(1, 10) as Batch);
    const honest = decodeHello(site.helloMessage());
    site.replaceBox();
    site.put(20);
    const enrolled = [site.key()];
    const { epoch } = site.outbox().state("scan");
    const empty = { epoch, lane: "scan", firstSeq: 1, lastSeq: 0 } as const;
    const carry = (numberings: Hello["numberings"]) => {
      const hello = { ...honest, numberings };
      const trust = trustOf(site, enrolled, hello);
      return trust && site.hello(trust, encodeHello(hello)).outcome;
    };
    const forged = (batch: Batch) => refusal(site.send(sealedBy(stolen, batch)));

    // The other one has not come yet: nothing of its numbering is here.
    expect(carry(honest.numberings)).toBe("greeted");
    expect(forged(site.batch(1, 5) as Batch)).toMatch(/did not say which key/);
    site.hello({ enrolled: enrolled.map(base64) });
    site.send(site.batch(1, 5) as Batch);
    const next = site.batch(6, 5) as Batch;
    expect(carry([...honest.numberings, empty])).toBe("greeted");
    expect(forged(next)).toMatch(/another key signed them/);
    expect(carry([empty])).toBeUndefined();
    expect(carry([{ ...empty, epoch: "other" }])).toBeUndefined();
    expect(site.send(next).outcome).toBe("appended");

    // Nor where nobody is enrolled.
    const filled = { ...honest, numberings: [{ ...empty, lastSeq: 15 }] };
    expect(trustOf(site, [], filled)).toBeUndefined();
    expect(trustOf(site, [], honest)).toBeDefined();
  });

  test("a key that came for one numbering signs no other one", () => {
    const site = begun();
    const hello = site.helloMessage();
    const mine = [site.batch(1, 10), site.batch(11, 10)];
    site.send(mine[0] as Batch);
    // Whoever comes to a plain door under this name.
    const other = makeSigner();
    site.replaceBox();
    site.signWith(other);
    expect(site.hello().outcome).toBe("greeted");
    const forged = sealedBy(other, mine[1] as Batch);
    expect(refusal(site.send(forged))).toMatch(/another key signed them/);
    expect(site.send(mine[1] as Batch).outcome).toBe("appended");
    expect(site.hello(undefined, hello).outcome).toBe("greeted");
  });
});

describe("what is refused whenever its gateway sends it again is kept once, and counted", () => {
  test("a batch whose signature does not fit, which more events wait behind each time", () => {
    const site = begun();
    site.signWith(makeSigner());
    for (const [at, events] of [5, 5, 10].entries()) {
      const batch = { ...(site.batch(1, events) as Batch), sentAtMs: at + 1 };
      expect(site.send(batch).outcome).toBe("refused");
    }
    expect(kept(site)).toEqual([["bad_signature", 3]]);
    // Another one is kept.
    site.signAgain();
    site.send(site.batch(1, 5) as Batch);
    site.signWith(makeSigner());
    site.send(site.batch(6, 5) as Batch);
    expect(kept(site)).toEqual([
      ["bad_signature", 1],
      ["bad_signature", 3],
    ]);
  });

  test("a batch that is too large to be looked at", () => {
    const site = begun();
    const events = Array.from({ length: 40 }, () => randomBytes(40_000));
    for (const sentAtMs of [1, 2]) site.send({ ...(site.batch(1, 1) as Batch), events, sentAtMs });
    expect(kept(site)).toEqual([["oversized", 2]]);
  });
});

test("an outbox that an earlier release worked on begins its chain anew, and goes on", () => {
  const site = begun();
  site.sendAll(10);
  site.release(20);
  site.put(10);
  // It knows nothing of the chain, and releases.
  site.outboxHand((db) => void db.exec("UPDATE lane SET gone = 25 WHERE name = 'scan'"));
  site.signWith(undefined);
  site.send(site.batch(21, 5) as Batch);
  site.signAgain();
  site.sendAll(10);
  const [proven] = site.prove();
  expect(proven).toMatchObject({ signed: 25, unsigned: 5 });
  expect(proven?.findings.map(({ what, seq, lastSeq }) => [what, seq, lastSeq])).toEqual([
    ["unsigned", 21, 25],
  ]);
});

test("what is sent once more to a twin that lost it is the same chain, behind what was deleted", () => {
  const site = openSealedSite({ windowRows: 16, keepSentScans: 1_000 });
  site.put(6_000);
  site.hello();
  site.sendAll(500);
  site.release(2_500);
  site.release(6_000);
  site.outbox().trim();
  site.tamper((db) => {
    db.exec("DELETE FROM seal WHERE position > 5500");
    db.exec("DELETE FROM segment WHERE position > 5500");
    db.exec("UPDATE numbering SET through = 5500");
  });
  // Nothing is remembered but what stands in the file.
  site.killGateway();
  expect(site.outbox().peek("scan", 1, { events: 1, bytes: 1 }).firstSeq).toBeGreaterThan(4_000);
  site.sendAll(130);
  expect(site.prove()[0]).toMatchObject({ signed: 6_000, unsigned: 0, findings: [] });
});

function begun() {
  const site = openSealedSite();
  site.put(20);
  site.hello();
  return site;
}

function trustOf(
  site: ReturnType<typeof begun>,
  enrolled: readonly Uint8Array[],
  hello: Hello,
  fingerprint?: string,
) {
  const db = openReader(site.evidencePath);
  try {
    const { signers, lastSigner } = openProofSource(db);
    const deps = { signers, lastSigner, enrolledKeys: () => enrolled.map(base64) };
    return trustInBacklog(deps, hello, fingerprint);
  } finally {
    db.close();
  }
}

function sealedBy(signer: Signer, { seal, ...batch }: Batch): Batch {
  if (seal === undefined) throw new Error("it was signed");
  const head = linkThrough(seal.previous, batch.firstSeq, batch.events);
  return { ...batch, seal: { ...seal, signature: signer.sign(sealStatement(batch, seal, head)) } };
}

function base64(key: Uint8Array): string {
  return Buffer.from(key).toString("base64");
}

function kept(site: ReturnType<typeof begun>) {
  const rows = [...site.evidence().quarantined()];
  return rows.map(({ reason, times }) => [reason, times]);
}

function refusal({ outcome, acks }: { outcome: string; acks: readonly { refused: string }[] }) {
  expect(outcome).toBe("refused");
  return acks[0]?.refused;
}
