/** What components of the Scan page hold on to. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Phone, PhoneState } from "./phone.ts";
import { openSignals } from "./signals.ts";
import { askToKeep, type StorageState, workOffline } from "./storage.ts";
import { listenToWedge, type WedgeListener } from "./wedge/listen.ts";

export function usePhone(phone: Phone): PhoneState {
  const [state, setState] = useState(phone.state);
  useEffect(() => {
    setState(phone.state());
    phone.wake();
    return phone.onChange(() => setState(phone.state()));
  }, [phone]);
  return state;
}

/** Tones and vibration for what becomes of the scans. */
export function useSignals(phone: Phone, on: boolean): void {
  useEffect(() => {
    if (!on) return;
    const signals = openSignals();
    const cancel = phone.onNews((news) => {
      if (news.kind !== "judged") signals.give(news.kind);
      else if (news.verdict.kind !== "accepted") signals.give("look");
    });
    return () => {
      cancel();
      signals.close();
    };
  }, [phone, on]);
}

/** The listener may change from one drawing to the next; what is half heard goes on. */
export function useWedge(onScan: WedgeListener): void {
  const latest = useRef(onScan);
  latest.current = onScan;
  // Before the page is painted: people scan as soon as they see it, and what nobody heard is lost.
  useLayoutEffect(() => listenToWedge((strokes) => latest.current(strokes)), []);
}

export function useStorage(): StorageState | undefined {
  const [state, setState] = useState<StorageState>();
  useEffect(() => {
    workOffline();
    askToKeep().then(setState, () => {});
  }, []);
  return state;
}
