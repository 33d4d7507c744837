/**
 * What hands work with in the same minute: a folder and its pages, not a shelf. SQLite keeps the tables of the
 * rest in memory, and a hundred times as many rows here were measured to be no faster (`bench -- reconcile`).
 */
const ROWS_MAX = 1_024;

/** Rows in memory, by key. Two generations: what was not asked for since the last turn is forgotten. */
export function createCache<Key extends string | number, T>() {
  let young = new Map<Key, T>();
  let old = new Map<Key, T>();

  function set(id: Key, value: T): void {
    if (young.size >= ROWS_MAX) {
      old = young;
      young = new Map();
    }
    young.set(id, value);
  }

  return {
    get(id: Key): T | undefined {
      const value = young.get(id);
      if (value !== undefined) return value;
      const kept = old.get(id);
      if (kept !== undefined) set(id, kept);
      return kept;
    },
    /** The value must not be undefined. */
    set(id: Key, value: T): void {
      set(id, value);
      old.delete(id);
    },
    delete(id: Key): void {
      young.delete(id);
      old.delete(id);
    },
    clear(): void {
      young = new Map();
      old = new Map();
    },
  };
}
