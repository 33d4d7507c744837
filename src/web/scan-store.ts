/** The latest scans while the page is open, oldest first, whatever part of it is shown. */
import { useEffect, useState } from "preact/hooks";
import type { Live } from "./live.ts";
import type { Scanned } from "./live-event.ts";

const KEPT_MAX = 4_000;

export type ScanStore = {
  scans(): readonly Scanned[];
  /** Called at each change. Returns a cancel. */
  onChange(listener: () => void): () => void;
};

export function openScans(live: Pick<Live, "onNews">): ScanStore {
  let scans: readonly Scanned[] = [];
  const listeners = new Set<() => void>();
  live.onNews((news) => {
    if (news.kind === "gap") return;
    const fresh = news.events.filter((event) => event.kind === "scan");
    if (fresh.length === 0) return;
    scans = [...scans, ...fresh].slice(-KEPT_MAX);
    for (const listener of listeners) listener();
  });
  return {
    scans: () => scans,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useScans(store: ScanStore): readonly Scanned[] {
  const [scans, setScans] = useState(store.scans);
  useEffect(() => {
    setScans(store.scans());
    return store.onChange(() => setScans(store.scans()));
  }, [store]);
  return scans;
}
