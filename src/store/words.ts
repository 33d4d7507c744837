/**
 * Words that rows repeat millions of times (names of scanners, gateways and steps, badges), kept once.
 * Numbers are given in the order of first use, so the same evidence gives the same numbers.
 */
import { assert } from "../kernel/assert.ts";
import type { Database } from "./database.ts";

/** The empty word has the number 0 and no row. */
export const wordsSchema = `
  CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
`;

const CACHE_MAX = 10_000;

export type Words = {
  /** Gives a number to a word that has none. */
  number(text: string): number;
  find(text: string): number | undefined;
  text(id: number): string;
  /** After a rollback. */
  forget(): void;
};

export function openWords(db: Database): Words {
  const insert = db.prepare<[string]>("INSERT INTO word (text) VALUES (?)");
  const reader = readWords(db);
  let numbers = new Map<string, number>();
  return {
    number(text) {
      if (text === "") return 0;
      const known = numbers.get(text);
      if (known !== undefined) return known;
      const id = reader.find(text) ?? Number(insert.run(text).lastInsertRowid);
      if (numbers.size >= CACHE_MAX) numbers = new Map();
      numbers.set(text, id);
      return id;
    },
    find: (text) => numbers.get(text) ?? reader.find(text),
    text: reader.text,
    forget() {
      numbers = new Map();
      reader.forget();
    },
  };
}

/** From any connection. */
export function readWords(db: Database) {
  const idOf = db.prepare<[string], number>("SELECT id FROM word WHERE text = ?").pluck();
  const textOf = db.prepare<[number], string>("SELECT text FROM word WHERE id = ?").pluck();
  let texts = new Map<number, string>();
  return {
    find: (text: string): number | undefined => (text === "" ? 0 : idOf.get(text)),
    text(id: number): string {
      if (id === 0) return "";
      const known = texts.get(id);
      if (known !== undefined) return known;
      const text = textOf.get(id);
      assert(text !== undefined, `word ${id} exists`);
      if (texts.size >= CACHE_MAX) texts = new Map();
      texts.set(id, text);
      return text;
    },
    forget() {
      texts = new Map();
    },
  };
}
