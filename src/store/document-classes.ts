/**
 * How closely documents of each class are followed: what the configuration says, and over it what people
 * said. A word of theirs holds for what is issued from its moment on, by what was known at a position, so
 * what was issued before stays as it was, and a word that is taken back has never been said.
 */
import {
  type DocumentLevel,
  type DocumentLevels,
  levelOf,
  type Policies,
} from "../reconcile/policies.ts";
import { iso } from "./answer.ts";
import type { Database } from "./database.ts";
import { type Said, stands } from "./promises.ts";

export const documentClassesSchema = `
  CREATE TABLE document_class (
    id INTEGER PRIMARY KEY,
    class TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    level TEXT NOT NULL,
    name TEXT NOT NULL,
    said_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL, seq INTEGER NOT NULL, known_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX document_class_from ON document_class (class, from_ms);
`;

/** Stands for classes that are not named. */
const OTHERS = "*";

export type ClassWord = Said & {
  readonly class: string;
  readonly fromMs: number;
  readonly level: DocumentLevel;
  /** What people call it; empty: what was said before stays. */
  readonly name: string;
  readonly saidMs: number;
};

/** As a table has it; without `from` it holds from the moment at which it is said. */
export type ClassRow = {
  readonly class: string;
  readonly level: string;
  readonly name?: string;
  readonly from?: string;
};

/** `from` null: always. */
export type LevelStep = { readonly level: DocumentLevel; readonly from: string | null };

export function isLevel(text: string | undefined): text is DocumentLevel {
  return text === "none" || text === "received" || text === "tracked";
}

export function openDocumentClasses(db: Database) {
  const put = db.prepare("INSERT INTO document_class VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)");
  return {
    say({ class: name, fromMs, level, saidMs, epoch, seq, position, ...one }: ClassWord): void {
      put.run(name, fromMs, level, one.name, saidMs, epoch, seq, position);
    },
  };
}

type Row = { class: string; from_ms: number; level: DocumentLevel; name: string };

/** From any connection. `known`: everything up to this position was known, and nothing else. */
export function readDocumentClasses(db: Database, { documentLevels }: Policies) {
  const row = "SELECT class, from_ms, level, name FROM document_class";
  // Of two words on one moment the later one counts, whichever came in first.
  const inOrder = "from_ms, said_ms, epoch, seq";
  const sql = {
    at: db.prepare<[string, number, number, number, number], Row>(
      `${row} WHERE class = ? AND from_ms <= ? AND ${stands("document_class")}
       ORDER BY from_ms DESC, said_ms DESC, epoch DESC, seq DESC LIMIT 1`,
    ),
    all: db.prepare<[number, number, number], Row>(
      `${row} WHERE ${stands("document_class")} ORDER BY class, ${inOrder}`,
    ),
    name: db
      .prepare<[string, number, number, number], string>(
        `SELECT name FROM document_class WHERE class = ? AND name <> ''
         AND ${stands("document_class")} ORDER BY said_ms DESC, epoch DESC, seq DESC LIMIT 1`,
      )
      .pluck(),
  };
  const said = (name: string, atMs: number, known: number) =>
    sql.at.get(name, atMs, known, known, known)?.level;
  const configured = (name: string): DocumentLevels | undefined => documentLevels[name];

  /** Of a document of this class that is issued at a moment. */
  function levelAt(name: string, atMs: number, known: number): DocumentLevel {
    const own = said(name, atMs, known);
    if (own !== undefined) return own;
    const others = configured(name) === undefined ? said(OTHERS, atMs, known) : undefined;
    return others ?? levelOf({ documentLevels }, name, atMs);
  }

  /** What was said of each class and moment, and not taken back: the last word on it. */
  function words(known: number): readonly Row[] {
    const last = new Map<string, Row>();
    for (const one of sql.all.all(known, known, known))
      last.set(JSON.stringify([one.class, one.from_ms]), one);
    return [...last.values()];
  }

  /** Where its level may change, oldest first. */
  function stepsOf(name: string, all: readonly Row[]): readonly LevelStep[] {
    const own = all.filter((one) => one.class === name);
    const levels = configured(name);
    const before =
      levels !== undefined || name === OTHERS
        ? baseSteps(levels ?? "tracked")
        : stepsOf(OTHERS, all);
    const firstMs = own[0]?.from_ms ?? Number.POSITIVE_INFINITY;
    return [
      ...before.filter(({ from }) => from === null || Date.parse(from) < firstMs),
      ...own.map(({ level, from_ms }) => ({ level, from: iso(from_ms) })),
    ];
  }

  return {
    levelAt,
    /** What a person's word adds to what is known, with its moment; undefined: nothing. */
    news(word: ClassRow, nowMs: number, known: number): ClassRow | undefined {
      const { class: name, level, from } = word;
      const fromMs = from === undefined ? nowMs : Date.parse(from);
      const row = sql.at.get(name, fromMs, known, known, known);
      const isCalledSo = word.name === undefined || word.name === row?.name;
      if (row?.level === level && isCalledSo && (from === undefined || row.from_ms === fromMs))
        return undefined;
      return { ...word, from: iso(fromMs) ?? "" };
    },
    /** What people call it; null: nobody said. */
    nameOf: (name: string, known: number): string | null =>
      sql.name.get(name, known, known, known) ?? null,
    words,
    /** Classes that the configuration or a person names, and those that `used` names. */
    describe(used: readonly string[], atMs: number, known: number) {
      const all = words(known);
      const names = new Set([
        ...Object.keys(documentLevels),
        ...all.map((one) => one.class),
        ...used,
      ]);
      names.delete(OTHERS);
      const described = (name: string) => ({
        class: name,
        name: sql.name.get(name, known, known, known) ?? null,
        level: levelAt(name, atMs, known),
        levels: stepsOf(name, all),
      });
      return { classes: [...names].sort().map(described), others: described(OTHERS) };
    },
  };
}

export type DocumentClasses = ReturnType<typeof readDocumentClasses>;

function baseSteps(levels: DocumentLevels): readonly LevelStep[] {
  const steps = typeof levels === "string" ? [{ level: levels }] : levels;
  return steps.map(({ level, from = null }: { level: DocumentLevel; from?: string | null }) => ({
    ...{ level, from },
  }));
}
