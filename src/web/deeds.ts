/**
 * What a person does at this page, and what became of it. A deed is done only when an answer that
 * is shown reflects it: recorded is not yet judged.
 *
 * A deed that the twin did not answer is sent again under its own key, so it is recorded once.
 */
import { useEffect, useReducer, useRef } from "preact/hooks";
import type { EventName } from "./api.ts";
import { after, backoffMs, every } from "./clock.ts";
import { type Refusal, tell } from "./http.ts";

type Recorded = EventName & { readonly position: number };

export type Deed = {
  readonly n: number;
  /** What it is about, as the list that shows it names that. */
  readonly about: string;
  /** What was done, in a few words. */
  readonly title: string;
  /** Of the API, which says what kind of deed it is. */
  readonly path: string;
} & (
  | { readonly phase: "sending" | "unsent" }
  | { readonly phase: "saved" | "done"; readonly recorded: Recorded }
  | { readonly phase: "refused"; readonly refusal: Refusal }
);

export type Statement = {
  readonly about: string;
  readonly title: string;
  /** Of the API. */
  readonly path: string;
  readonly body: object;
};

export type Deeds = {
  /** The newest first. */
  readonly all: readonly Deed[];
  readonly state: (statement: Statement) => void;
};

/** As many as a person may choose at once, and some. */
const KEPT_MAX = 600;
const ASK_AGAIN_MS = 300;

/** `position`: what is shown reflects so much. `again` asks for what is shown anew. */
export function useDeeds(position: number | undefined, again: () => void): Deeds {
  const [all, change] = useReducer(changed, []);
  const nextN = useRef(1);
  const left = useRef<AbortController>(undefined);
  /** A list that is asked for with another filter has no position for a moment. */
  const reflected = useRef(0);
  reflected.current = Math.max(reflected.current, position ?? 0);

  useEffect(() => {
    const stop = new AbortController();
    left.current = stop;
    return () => stop.abort();
  }, []);

  const shown = all.map((deed) => judged(deed, reflected.current));
  const waits = shown.some(({ phase }) => phase === "saved");
  useEffect(() => {
    if (!waits) return;
    again();
    return every(ASK_AGAIN_MS, again);
  }, [waits, again]);

  function state({ about, title, path, body }: Statement): void {
    const n = nextN.current++;
    const key = mintKey();
    const signal = left.current?.signal ?? AbortSignal.abort();
    change({ n, about, title, path, phase: "sending" });

    async function send(tries: number): Promise<void> {
      const answer = await tell<Recorded>(path, body, key, signal).catch(() => undefined);
      switch (answer?.kind) {
        case undefined:
          return;
        case "ok":
          change({ n, about, title, path, phase: "saved", recorded: answer.value });
          return;
        case "refused":
          change({ n, about, title, path, phase: "refused", refusal: answer });
          return;
        case "unreachable": {
          change({ n, about, title, path, phase: "unsent" });
          const cancel = after(backoffMs(tries), () => void send(tries + 1));
          signal.addEventListener("abort", cancel);
        }
      }
    }
    void send(0);
  }

  return { all: shown, state };
}

function changed(all: readonly Deed[], deed: Deed): readonly Deed[] {
  const known = all.some(({ n }) => n === deed.n);
  const next = known ? all.map((one) => (one.n === deed.n ? deed : one)) : [deed, ...all];
  return next.slice(0, KEPT_MAX);
}

function judged(deed: Deed, position: number): Deed {
  if (deed.phase !== "saved") return deed;
  return position >= deed.recorded.position ? { ...deed, phase: "done" } : deed;
}

/** `crypto.randomUUID` is not there on a page without TLS. */
function mintKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
