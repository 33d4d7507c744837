/**
 * What a program opened, closed in the reverse order, whatever happens: one that fails to close is
 * told and does not keep the others open.
 */
import type { Journal } from "../ports.ts";

export type Closers = {
  add(close: () => unknown): void;
  closeAll(): Promise<void>;
};

export function createClosers(journal: Journal): Closers {
  const closers: (() => unknown)[] = [];
  return {
    add: (close) => void closers.unshift(close),
    async closeAll() {
      for (const close of closers.splice(0)) {
        try {
          await close();
        } catch (error) {
          journal.error("close-failed", { error: (error as Error).message });
        }
      }
    },
  };
}
