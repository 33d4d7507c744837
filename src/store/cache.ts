/** Rows in memory, by number. Two generations: what was not asked for since the last turn is forgotten. */
export function createCache<T>(entriesMax: number) {
  let young = new Map<number, T>();
  let old = new Map<number, T>();

  function set(id: number, value: T): void {
    if (young.size >= entriesMax) {
      old = young;
      young = new Map();
    }
    young.set(id, value);
  }

  return {
    get(id: number): T | undefined {
      const value = young.get(id);
      if (value !== undefined) return value;
      const kept = old.get(id);
      if (kept !== undefined) set(id, kept);
      return kept;
    },
    /** The value must not be undefined. */
    set(id: number, value: T): void {
      set(id, value);
      old.delete(id);
    },
    delete(id: number): void {
      young.delete(id);
      old.delete(id);
    },
    clear(): void {
      young = new Map();
      old = new Map();
    },
  };
}
