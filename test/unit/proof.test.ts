/**
 * Evidence that somebody worked on with SQL: each thing that can be done to it is found, and the event
 * is named. The tampering here leaves everything else as tidy as it can.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import type { Period } from "../../src/store/proof-source.ts";
import { linkThrough, sealStatement } from "../../src/wire/chain.ts";
import { type Batch, decodeBatch, decodeEvent, encodeBatch } from "../../src/wire/codec.ts";
import { proveFile } from "../support/prove.ts";
import { openSealedSite, type SealedSite } from "../support/sealed-site.ts";
import { makeSigner } from "../support/signer.ts";

const EVENTS = 60;
const SIZE = 10;

describe("the event is named", () => {
  test("a byte of one was altered", () => {
    const site = full();
    site.tamper((db) => rewrite(db, 21, (events) => events.with(4, altered(events[4]))));
    expect(named(site)).toEqual([["altered", 25, 25]]);
    expect(site.found()[0]?.timeMs).toBe(timeOf(site, 25));
  });

  test("a byte of one was altered, and the numbers that stand beside it as well", () => {
    const site = full();
    site.tamper((db) => {
      rewrite(db, 21, (events) => events.with(4, altered(events[4])));
      db.exec("UPDATE seal SET marks = zeroblob(length(marks)) WHERE position = 21");
    });
    expect(named(site)).toEqual([["altered", 21, 21]]);
  });

  test("one was taken out of the middle of a batch", () => {
    const site = full();
    site.tamper((db) => rewrite(db, 21, (events) => events.toSpliced(4, 1)));
    expect(named(site)[0]).toEqual(["removed", 25, 25]);
  });

  test("one was put into the middle of a batch", () => {
    const site = full();
    site.tamper((db) => rewrite(db, 21, (events) => events.toSpliced(4, 0, altered(events[4]))));
    expect(named(site)[0]).toEqual(["inserted", 25, 25]);
  });

  test("two changed places", () => {
    const site = full();
    site.tamper((db) =>
      rewrite(db, 21, (events) =>
        events.with(3, events[6] as Uint8Array).with(6, events[3] as Uint8Array),
      ),
    );
    expect(named(site)).toEqual([["altered", 24, 24]]);
  });

  test("a whole batch was taken out", () => {
    const site = full();
    site.tamper((db) => remove(db, 21));
    expect(named(site)).toEqual([["removed", 21, 30]]);
  });

  test("a whole batch was taken out, and said to be gone from the gateway", () => {
    const site = full();
    site.tamper((db) => {
      remove(db, 21);
      sayGone(db, 21);
    });
    expect(named(site)).toEqual([["removed", 21, 30]]);
  });

  test("the last batch was taken out", () => {
    const site = full();
    site.tamper((db) => remove(db, 51));
    expect(named(site)).toEqual([["removed", 51, 60]]);
  });

  test("the last batch was taken out, and said to be gone from the gateway", () => {
    const site = full();
    site.tamper((db) => {
      remove(db, 51);
      sayGone(db, 51);
    });
    expect(named(site)).toEqual([["removed", 51, 60]]);
  });

  test("two batches changed places", () => {
    const site = full();
    site.tamper((db) => {
      db.exec("UPDATE segment SET first_seq = -1 WHERE first_seq = 21");
      db.exec("UPDATE segment SET first_seq = 21 WHERE first_seq = 31");
      db.exec("UPDATE segment SET first_seq = 31 WHERE first_seq = -1");
    });
    expect(named(site)[0]).toEqual(["altered", 21, 30]);
  });

  test("two batches changed places in the order of taking in", () => {
    const site = full();
    site.tamper((db) => {
      for (const table of ["segment", "seal"])
        for (const [from, to] of [
          [21, 99],
          [41, 21],
          [99, 41],
        ])
          db.exec(`UPDATE ${table} SET position = ${to} WHERE position = ${from}`);
    });
    expect([...site.evidence().from(21)][0]?.batch.firstSeq).toBe(41);
    expect(named(site)).toEqual([
      ["altered", 31, 40],
      ["altered", 41, 50],
    ]);
  });

  test("the time at which a batch was sent", () => {
    const site = full();
    site.tamper((db) => {
      db.exec("UPDATE segment SET sent_at_ms = 5 WHERE first_seq = 21");
      rewriteBatch(db, 21, (batch) => ({ ...batch, sentAtMs: 5 }));
    });
    expect(named(site)).toEqual([["signature", 21, 30]]);
  });

  test("another key signed what was altered", () => {
    const site = full();
    site.tamper((db) => forge(db, 21));
    expect(named(site)).toEqual([["signature", 21, 30]]);
  });

  test("another key signed what was altered, and was put among the gateway's", () => {
    const site = full();
    site.tamper((db) => {
      const key = forge(db, 21);
      db.prepare("INSERT INTO signer VALUES (99, 'gw-1', ?, 'first-sight', 1)").run(key);
      db.exec("UPDATE seal SET signer = 99 WHERE position = 21");
    });
    expect(named(site).map(([what, seq]) => [what, seq])).toEqual([
      ["key", 21],
      ["broken", 31],
    ]);
  });

  test("the twin's own key signed what a gateway had signed", () => {
    const site = full();
    site.tamper((db) => {
      const key = forge(db, 51);
      db.prepare("INSERT INTO signer VALUES (99, 'twin', ?, 'own', 1)").run(key);
      db.exec("UPDATE seal SET signer = 99 WHERE position = 51");
    });
    expect(named(site)).toEqual([["signature", 51, 60]]);
  });

  test("signatures were taken off, and an event altered", () => {
    const site = full();
    site.tamper((db) => {
      rewriteBatch(db, 21, ({ seal: _seal, ...batch }) => ({
        ...batch,
        events: batch.events.with(4, altered(batch.events[4])),
      }));
      db.exec("DELETE FROM seal WHERE position = 21");
    });
    expect(named(site)).toEqual([["altered", 21, 30]]);
  });

  test("signatures were taken off the end", () => {
    const site = full();
    site.tamper((db) => {
      rewriteBatch(db, 51, ({ seal: _seal, ...batch }) => batch);
      db.exec("DELETE FROM seal WHERE position = 51");
    });
    expect(named(site)).toEqual([["unsigned", 51, 60]]);
  });

  test("all signatures of a numbering were taken off, and an event altered", () => {
    const site = full();
    site.tamper(strip);
    expect(named(site)).toEqual([["unsigned", 1, EVENTS]]);
    expect(site.prove()[0]).toMatchObject({ signed: 0, unsigned: EVENTS });
  });

  test("a statement of the twin itself", () => {
    const site = full();
    site.state(3);
    site.tamper((db) => {
      const row = db
        .prepare<[], { position: number; body: Buffer }>(
          "SELECT position, body FROM segment ORDER BY position DESC LIMIT 1",
        )
        .get();
      const batch = decodeBatch(row?.body ?? Buffer.alloc(0));
      const events = batch.events.with(1, altered(batch.events[1]));
      db.prepare("UPDATE segment SET body = ? WHERE position = ?").run(
        encodeBatch({ ...batch, events }),
        row?.position,
      );
    });
    expect(site.found().map(({ gateway, what, seq }) => [gateway, what, seq])).toEqual([
      ["twin", "altered", 2],
    ]);
  });
});

describe("what the twin reads is proven, though only the batch was copied", () => {
  test("under a number that is there already, where the reader turns its page", () => {
    const site = openSealedSite();
    site.put(40);
    site.hello();
    site.sendAll(1);
    site.tamper((db) => {
      loosen(db, "segment");
      copyBatch(db, 16, { position: 41 });
    });
    expect([...site.evidence().from(41)]).toHaveLength(1);
    expect(named(site)).toEqual([["inserted", 16, 16]]);
  });

  test("under a second numbering of the same name", () => {
    const site = full();
    site.tamper((db) => {
      loosen(db, "numbering");
      db.exec("INSERT INTO numbering SELECT 77, gateway, epoch, lane, 10 FROM numbering");
      copyBatch(db, 1, { position: 61, numbering: 77 });
    });
    expect([...site.evidence().from(61)]).toHaveLength(1);
    expect(named(site)).toEqual([["inserted", 1, 10]]);
  });

  test.each([-9, 61])("under number %i, where its numbering does not reach", (firstSeq) => {
    const site = full();
    site.tamper((db) => copyBatch(db, 1, { position: 61, first_seq: firstSeq }));
    expect([...site.evidence().from(61)]).toHaveLength(1);
    expect(named(site)).toContainEqual(["altered", firstSeq, firstSeq + 9]);
  });
});

describe("what is here is compared with", () => {
  test("an earlier export, which the cut-off tail is missed by", () => {
    const site = full();
    const [head] = site.prove();
    site.tamper((db) => {
      remove(db, 41);
      remove(db, 51);
      db.exec("UPDATE numbering SET through = 40");
    });
    expect(site.found()).toEqual([]);
    const known = { seq: head?.headSeq ?? 0, link: head?.head ?? new Uint8Array(0) };
    expect(site.provedWith(known).map(({ what, seq, lastSeq }) => [what, seq, lastSeq])).toEqual([
      ["removed", 41, 60],
    ]);
  });

  test("an earlier export, which signatures are missed by that were taken off with the key", () => {
    const site = full();
    const [head] = site.prove();
    const known = { seq: head?.headSeq ?? 0, link: head?.head ?? new Uint8Array(0) };
    site.tamper((db) => {
      strip(db);
      db.exec("DELETE FROM signer");
    });
    // As a gateway that never signed.
    expect(site.prove()[0]).toMatchObject({ signed: 0, unsigned: EVENTS, findings: [] });
    expect(site.provedWith(known).map(({ what, seq }) => [what, seq])).toEqual([["unsigned", 60]]);
  });

  test("the gateway's next batch, when signatures were taken off with the key and an event altered", () => {
    const site = full();
    site.tamper((db) => {
      strip(db);
      db.exec("DELETE FROM signer");
    });
    site.put(SIZE);
    site.hello();
    site.sendAll(SIZE);
    expect(named(site)).toEqual([["altered", 1, 60]]);
  });

  test("the gateway's word of what the twin had acknowledged, when the tail was cut and it went on", () => {
    const site = openSealedSite({ windowRows: 4, keepSentScans: 0 });
    site.put(EVENTS);
    site.hello();
    site.sendAll(SIZE);
    site.release(EVENTS);
    // Else the gateway sends again what the twin lost, and nothing is missing.
    site.outboxHand((db) => void db.exec("DELETE FROM scan"));
    site.tamper((db) => {
      for (const firstSeq of [41, 51]) remove(db, firstSeq);
      db.exec("UPDATE numbering SET through = 40");
    });
    site.put(SIZE);
    site.sendAll(SIZE);
    expect(named(site)[0]?.slice(0, 2)).toEqual(["lost", 41]);
  });
});

test("a period begins and ends where it is asked to, and finds what is in it only", () => {
  const site = full();
  site.tamper((db) => {
    rewrite(db, 11, (events) => events.with(4, altered(events[4])));
    db.exec("UPDATE segment SET taken_in_at_ms = first_seq");
  });
  const found = (fromMs?: number, toMs?: number) =>
    site.found({ fromMs, toMs }).map(({ what, seq }) => [what, seq]);
  expect(found(21)).toEqual([]);
  expect(found(1, 10)).toEqual([]);
  expect(found(11, 11)).toEqual([["altered", 15]]);
  expect(found()).toEqual([["altered", 15]]);
  expect(proveFile(site.evidencePath, { fromMs: 21 })[0]).toMatchObject({
    firstSeq: 21,
    signed: 40,
  });
});

test.each([
  { what: "all of it", cut: [21, 31], fromMs: 21, toMs: 40, missed: [21, 40] },
  { what: "its beginning", cut: [21], fromMs: 20, toMs: 50, missed: [21, 30] },
  { what: "its end", cut: [31], fromMs: 1, toMs: 40, missed: [31, 40] },
])("of a period is missed what was cut out: $what", ({ cut, missed, ...period }) => {
  const site = full();
  site.tamper((db) => {
    db.exec("UPDATE segment SET taken_in_at_ms = first_seq");
    for (const firstSeq of cut) remove(db, firstSeq);
  });
  expect(named(site, period)).toEqual([["removed", ...missed]]);
  site.tamper((db) => {
    for (const firstSeq of cut) sayGone(db, firstSeq);
  });
  expect(named(site, period)).toEqual([["removed", ...missed]]);
});

test("evidence of before the gateway signed is counted, and what follows is proven", () => {
  const site = upgraded(15);
  expect(site.prove()[0]).toMatchObject({ signed: 20, unsigned: 20, findings: [] });
  // Between what was let go and what was signed first, the chain covers what nobody signed.
  site.tamper((db) => rewrite(db, 11, (events) => events.with(7, altered(events[7]))));
  expect(named(site)[0]?.slice(0, 2)).toEqual(["altered", 16]);
});

test("signatures that were taken off before the beginning of a later chain are missing", () => {
  const site = full();
  // As `racktrace outbox renew-chain` does it, when all has been sent.
  site.release(EVENTS);
  site.outboxHand((db) => void db.exec("DELETE FROM chain"));
  site.put(SIZE);
  site.sendAll(SIZE);
  expect(site.prove()[0]).toMatchObject({ signed: EVENTS + SIZE, findings: [] });
  site.tamper(strip);
  expect(named(site)).toEqual([["unsigned", 1, EVENTS]]);
});

test.each([
  ["altered", () => {}, [["unsigned", 1, 10]]],
  ["removed, and said to be gone", (db: Database) => sayGone(db, 1), [["unsigned", 1, 20]]],
] as const)(
  "the beginning of a chain, %s, is missed by what is signed behind it, whatever stands beside that",
  (_what, cut, missed) => {
    const site = full();
    site.tamper((db) => {
      const last = missed[0][2];
      for (let firstSeq = 1; firstSeq <= last; firstSeq += SIZE)
        rewriteBatch(db, firstSeq, ({ seal: _seal, ...batch }) => ({
          ...batch,
          events: batch.events.with(4, altered(batch.events[4])),
        }));
      if (last > SIZE) remove(db, 1);
      cut(db);
      // As if the gateway had begun to sign only then.
      db.exec(`DELETE FROM seal WHERE position <= ${last};
        UPDATE seal SET chain_from = ${last + 1};
        UPDATE signer SET since_ms = since_ms + 1; UPDATE segment SET taken_in_at_ms = 1`);
    });
    expect(named(site)).toEqual(missed);
  },
);

test("a batch that is said to hold fewer events than it does is not as it was", () => {
  const site = full();
  site.tamper((db) => db.exec("UPDATE segment SET events = 5 WHERE first_seq = 51"));
  expect(site.evidence().latest()).toBe(55);
  expect(named(site)).toEqual([["altered", 51, 60]]);
});

test("a clock that was put back makes nothing of it a missing signature", () => {
  const site = upgraded(20, (db) =>
    // The twin took them in by a clock that went an hour ahead.
    db.exec("UPDATE segment SET taken_in_at_ms = taken_in_at_ms + 3600000"),
  );
  expect(site.prove()[0]).toMatchObject({ signed: 20, unsigned: 20, findings: [] });
});

test("what stands before the beginning of a chain is not signed by what stands behind it", () => {
  const site = upgraded(20);
  site.tamper((db) => {
    const before = bodyAt(db, 11).events;
    remove(db, 11);
    db.exec("UPDATE seal SET marks = CAST(zeroblob(40) || marks AS BLOB) WHERE position = 21");
    db.exec("UPDATE segment SET first_seq = 11, position = 11 WHERE first_seq = 21");
    db.exec("UPDATE seal SET position = 11 WHERE position = 21");
    rewriteBatch(db, 11, (batch) => ({
      ...batch,
      firstSeq: 11,
      events: [...before.with(3, altered(before[3])), ...batch.events],
    }));
  });
  expect(named(site)[0]).toEqual(["altered", 11, 30]);
});

test("the evidence that is copied away while a twin runs is proven as it is", () => {
  const site = full();
  const copy = join(site.folder, "copy.db");
  site.tamper((db) => void db.pragma("wal_checkpoint(TRUNCATE)"));
  copyFileSync(site.evidencePath, copy);
  expect(proveFile(copy)[0]).toMatchObject({ signed: EVENTS, findings: [] });
});

function full(): SealedSite {
  const site = openSealedSite();
  site.put(EVENTS);
  site.hello();
  site.sendAll(SIZE);
  expect(site.found()).toEqual([]);
  return site;
}

/** 20 events from before the gateway signed, of which it has let so many go, and 20 that it signed. */
function upgraded(gone: number, between: (db: Database) => void = () => {}): SealedSite {
  const site = openSealedSite();
  site.put(20);
  for (const firstSeq of [1, 11]) {
    const { seal: _seal, ...unsigned } = site.batch(firstSeq, SIZE) as Batch;
    site.send(unsigned);
  }
  site.tamper(between);
  site.outboxHand((db) => {
    db.exec(`UPDATE lane SET gone = ${gone} WHERE name = 'scan'; DELETE FROM chain`);
  });
  site.put(20);
  site.hello();
  site.sendAll(SIZE);
  return site;
}

function named(
  site: SealedSite,
  period: Period = {},
): readonly (readonly [string, number, number])[] {
  return site.found(period).map(({ what, seq, lastSeq }) => [what, seq, lastSeq] as const);
}

function altered(bytes: Uint8Array | undefined): Uint8Array {
  const copy = Uint8Array.from(bytes ?? []);
  // The value of the reading, which stands before the unit.
  const at = copy.length - 6;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function bodyAt(db: Database, firstSeq: number): Batch {
  const body = db
    .prepare<[number], Buffer>("SELECT body FROM segment WHERE numbering = 1 AND first_seq = ?")
    .pluck()
    .get(firstSeq);
  return decodeBatch(body ?? Buffer.alloc(0));
}

function rewriteBatch(db: Database, firstSeq: number, how: (batch: Batch) => Batch): void {
  const batch = how(bodyAt(db, firstSeq));
  db.prepare("UPDATE segment SET body = ?, events = ? WHERE numbering = 1 AND first_seq = ?").run(
    encodeBatch(batch),
    batch.events.length,
    firstSeq,
  );
}

function rewrite(
  db: Database,
  firstSeq: number,
  how: (events: Uint8Array[]) => readonly Uint8Array[],
): void {
  rewriteBatch(db, firstSeq, (batch) => ({ ...batch, events: how([...batch.events]) }));
}

function remove(db: Database, firstSeq: number): void {
  db.prepare(
    "DELETE FROM seal WHERE position = (SELECT position FROM segment WHERE numbering = 1 AND first_seq = ?)",
  ).run(firstSeq);
  db.prepare("DELETE FROM segment WHERE numbering = 1 AND first_seq = ?").run(firstSeq);
}

function sayGone(db: Database, firstSeq: number): void {
  db.prepare("INSERT INTO hole VALUES (1, ?, ?, 'gone from the gateway', 1)").run(
    firstSeq,
    firstSeq + SIZE - 1,
  );
}

/** What the table keeps from standing twice, whoever can write the file need not. */
function loosen(db: Database, table: string): void {
  const schema = db
    .prepare<[string], string>("SELECT sql FROM sqlite_schema WHERE name = ?")
    .pluck()
    .get(table);
  const loose = schema?.replace(table, "other").replace(/,\s*UNIQUE \([^)]*\)/, "");
  db.pragma("foreign_keys = OFF");
  db.exec(`${loose}; INSERT INTO other SELECT * FROM ${table};
    DROP TABLE ${table}; ALTER TABLE other RENAME TO ${table}`);
}

function copyBatch(db: Database, firstSeq: number, as: Readonly<Record<string, number>>): void {
  const row = db
    .prepare<[number], object>("SELECT * FROM segment WHERE numbering = 1 AND first_seq = ?")
    .get(firstSeq);
  const copy = { ...row, ...as };
  const names = Object.keys(copy);
  db.prepare(`INSERT INTO segment (${names}) VALUES (${names.map((name) => `@${name}`)})`).run(
    copy,
  );
}

/** Nothing is signed any more, and an event is another one. */
function strip(db: Database): void {
  for (let firstSeq = 1; firstSeq < EVENTS; firstSeq += SIZE)
    rewriteBatch(db, firstSeq, ({ seal: _seal, ...batch }) => ({
      ...batch,
      events: firstSeq === 41 ? batch.events.with(4, altered(batch.events[4])) : batch.events,
    }));
  db.exec("DELETE FROM seal WHERE position <= 60");
}

/** Everything about the batch is right but for whose key it is. */
function forge(db: Database, firstSeq: number): Uint8Array {
  const signer = makeSigner();
  rewriteBatch(db, firstSeq, (batch) => {
    if (batch.seal === undefined) throw new Error("it was signed");
    const events = batch.events.with(4, altered(batch.events[4]));
    const head = linkThrough(batch.seal.previous, firstSeq, events);
    const marks = Buffer.alloc(4 * events.length);
    linkThrough(batch.seal.previous, firstSeq, events, (link, index) => {
      marks.set(link.subarray(0, 4), 4 * index);
    });
    db.prepare("UPDATE seal SET link = ?, marks = ? WHERE position = ?").run(head, marks, firstSeq);
    const changed = { ...batch, events };
    const signature = signer.sign(sealStatement(changed, batch.seal, head));
    return { ...changed, seal: { ...batch.seal, signature } };
  });
  return signer.publicKey;
}

function timeOf(site: SealedSite, seq: number): number {
  const { epoch } = site.outbox().state("scan");
  const held = site.evidence().event({ gateway: "gw-1", epoch, seq });
  return decodeEvent(held?.bytes ?? new Uint8Array(0)).gatewayTimeMs;
}
