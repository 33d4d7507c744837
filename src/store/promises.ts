/**
 * What is owed and ordered: documents to be archived (obligations) and things to be brought
 * somewhere before a process may run (gates). Whether they are fulfilled is worked out when asked,
 * from the chains of the few things concerned, on both time axes.
 */
import type { Database } from "./database.ts";

export const promisesSchema = `
  CREATE TABLE obligation (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    known_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX obligation_document ON obligation (document);
  CREATE TABLE gate (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    thing INTEGER NOT NULL,
    target INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    known_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX gate_name ON gate (name);
`;

export type Obligation = {
  readonly document: number;
  readonly issuedMs: number;
  readonly dueMs: number;
  readonly position: number;
};

export type Gate = {
  readonly name: string;
  readonly thing: number;
  readonly target: number;
  readonly issuedMs: number;
  readonly deadlineMs: number;
  readonly position: number;
};

export function openPromises(db: Database) {
  const oblige = db.prepare("INSERT INTO obligation VALUES (NULL, ?, ?, ?, ?)");
  const gate = db.prepare("INSERT INTO gate VALUES (NULL, ?, ?, ?, ?, ?, ?)");
  return {
    oblige({ document, issuedMs, dueMs, position }: Obligation): void {
      oblige.run(document, issuedMs, dueMs, position);
    },
    gate({ name, thing, target, issuedMs, deadlineMs, position }: Gate): void {
      gate.run(name, thing, target, issuedMs, deadlineMs, position);
    },
  };
}
