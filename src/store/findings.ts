/**
 * What was found at odds, with its life: rows are added and ended, never changed. A finding ends in
 * valid time when later events show it settled, and in known time when it proves never to have been.
 */
import type { FindingKind } from "../reconcile/assertion.ts";
import type { Found, Resolution } from "../reconcile/engine.ts";
import { FOREVER } from "./assertions.ts";
import type { Database } from "./database.ts";

export const findingsSchema = `
  CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    thing INTEGER NOT NULL,
    subject TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    assertion INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closed TEXT
  ) STRICT;
  CREATE INDEX finding_assertion ON finding (assertion);
  CREATE INDEX finding_thing ON finding (thing) WHERE thing > 0;
  CREATE INDEX finding_gap ON finding (subject) WHERE kind = 'sequence_gap';
  CREATE INDEX finding_text ON finding (subject, valid_from) WHERE thing = 0;
  -- Those that stand, in the order in which they are told, and those that end at some moment.
  CREATE INDEX finding_open ON finding (valid_from, id)
    WHERE known_to = ${FOREVER} AND valid_to = ${FOREVER};
  CREATE INDEX finding_ending ON finding (valid_to)
    WHERE known_to = ${FOREVER} AND valid_to < ${FOREVER};
`;

type Row = {
  id: number;
  kind: FindingKind;
  thing: number;
  subject: string;
  valid_from: number;
  valid_to: number;
  assertion: number;
  reason: string;
};

export function openFindings(db: Database) {
  const now = `known_to = ${FOREVER}`;
  const sql = {
    by: db.prepare<[number], Row>(`SELECT * FROM finding WHERE assertion = ? AND ${now}`),
    on: db.prepare<[number], Row>(`SELECT * FROM finding WHERE thing = ? AND thing > 0 AND ${now}`),
    put: db.prepare(`INSERT INTO finding VALUES (NULL, ?, ?, ?, ?, ?, ?, ${FOREVER}, ?, ?, NULL)`),
    drop: db.prepare("DELETE FROM finding WHERE id = ? AND known_from = ?"),
    end: db.prepare("UPDATE finding SET known_to = ?, closed = ? WHERE id = ?"),
  };
  return {
    by: (assertion: number): readonly Found[] => sql.by.all(assertion).map(foundOf),
    on: (thing: number): readonly Found[] => sql.on.all(thing).map(foundOf),
    write(finding: Omit<Found, "id">, position: number): void {
      const { kind, subject, validFrom, validTo, assertion, reason } = finding;
      const [thing, text] = typeof subject === "number" ? [subject, ""] : [0, subject];
      const until = validTo === Infinity ? FOREVER : validTo;
      sql.put.run(kind, thing, text, validFrom, until, position, assertion, reason);
    },
    end({ id }: Found, by: Resolution | undefined, position: number): void {
      sql.drop.run(id, position);
      sql.end.run(position, by ?? null, id);
    },
  };
}

function foundOf(row: Row): Found {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.thing === 0 ? row.subject : row.thing,
    validFrom: row.valid_from,
    validTo: row.valid_to === FOREVER ? Infinity : row.valid_to,
    assertion: row.assertion,
    reason: row.reason,
  };
}
