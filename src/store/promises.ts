/**
 * What is owed and ordered: documents to be archived (obligations), things to be brought somewhere
 * before a process may run (gates), and what people did on the belief that one was settled or not
 * (executions of a process, reminders to a debtor, receipts of a document). Whether a promise is
 * fulfilled is worked out when asked, from the chains of the few things concerned, on both time axes.
 *
 * A row names the statement it came by, so that a void of the statement takes it back.
 */

import type { EventName } from "./assertions.ts";
import type { Database } from "./database.ts";

const said = "epoch TEXT NOT NULL, seq INTEGER NOT NULL, known_from INTEGER NOT NULL";

export const promisesSchema = `
  CREATE TABLE obligation (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    debtor TEXT NOT NULL,
    responsible TEXT NOT NULL,
    ${said}
  ) STRICT;
  CREATE INDEX obligation_document ON obligation (document);
  CREATE TABLE receipt (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    ${said}
  ) STRICT;
  CREATE INDEX receipt_document ON receipt (document);
  CREATE TABLE gate (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    thing INTEGER NOT NULL,
    target INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    ${said}
  ) STRICT;
  CREATE INDEX gate_name ON gate (name);
  CREATE TABLE execution (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    what TEXT NOT NULL,
    by TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    ${said}
  ) STRICT;
  CREATE INDEX execution_about ON execution (kind, about);
`;

/** In SQL over a table with the columns of `said`: known then, and not voided then. Binds K three times. */
export const stands = (table: string) =>
  `${table}.known_from <= ? AND NOT EXISTS (SELECT 1 FROM void WHERE void.gateway = ''
     AND void.epoch = ${table}.epoch AND void.seq = ${table}.seq
     AND void.known_from <= ? AND void.known_to > ?)`;

/** The statement by which a row came, by the name it has in the fold, and where it was taken in. */
export type Said = Pick<EventName, "epoch" | "seq"> & { readonly position: number };

export type Obligation = Said & {
  readonly document: number;
  readonly issuedMs: number;
  readonly dueMs: number;
  /** Who owes it, and who of us sees to it that it comes; empty when nobody said. */
  readonly debtor?: string;
  readonly responsible?: string;
};

export type Receipt = Said & {
  readonly document: number;
  readonly timeMs: number;
  readonly by: string;
};

export type Gate = Said & {
  readonly name: string;
  readonly thing: number;
  readonly target: number;
  readonly issuedMs: number;
  readonly deadlineMs: number;
};

/** `about`: the name of the gate that a process ran behind, or of the document one was reminded of. */
export type Execution = Said & {
  readonly kind: "process" | "reminder";
  readonly about: string;
  readonly what: string;
  readonly by: string;
  readonly timeMs: number;
};

export function openPromises(db: Database) {
  const oblige = db.prepare("INSERT INTO obligation VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)");
  const receipt = db.prepare("INSERT INTO receipt VALUES (NULL, ?, ?, ?, ?, ?, ?)");
  const gate = db.prepare("INSERT INTO gate VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)");
  const execution = db.prepare("INSERT INTO execution VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)");
  return {
    oblige({ document, issuedMs, dueMs, debtor, responsible, ...said }: Obligation): void {
      const { epoch, seq, position } = said;
      oblige.run(document, issuedMs, dueMs, debtor ?? "", responsible ?? "", epoch, seq, position);
    },
    receive({ document, timeMs, by, epoch, seq, position }: Receipt): void {
      receipt.run(document, timeMs, by, epoch, seq, position);
    },
    gate({ name, thing, target, issuedMs, deadlineMs, epoch, seq, position }: Gate): void {
      gate.run(name, thing, target, issuedMs, deadlineMs, epoch, seq, position);
    },
    execute({ kind, about, what, by, timeMs, epoch, seq, position }: Execution): void {
      execution.run(kind, about, what, by, timeMs, epoch, seq, position);
    },
  };
}
