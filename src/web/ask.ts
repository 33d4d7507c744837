/**
 * Hooks that keep a component in step with the twin.
 *
 * `useAnswer` asks again when the question changes and drops the older question; while a newer
 * answer to the same question is on its way, or the twin is out of reach, the last one stays and is
 * marked as old. `useStream` listens to the live events.
 */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { after, backoffMs, every, nowMs } from "./clock.ts";
import type { Answer, Refusal } from "./http.ts";
import type { LinkState, Live, LiveNews } from "./live.ts";

export const LiveContext = createContext<Live | undefined>(undefined);

export type Asked<T> = {
  /** The last answer to this question. */
  readonly value: T | undefined;
  readonly refused: Refusal | undefined;
  /** The twin did not answer the last time; `value` may be old. */
  readonly unreachable: boolean;
  /** Asks once more. Calls while an answer is awaited become one. */
  readonly again: () => void;
};

type Known<T> = Omit<Asked<T>, "again"> & { readonly question: string | undefined };

export type AskOptions = {
  /** Asking again follows at once, but not sooner than this after the last answer. */
  readonly restMs: number;
};

/** `question` names what is asked: another name is another question. Undefined asks nothing. */
export function useAnswer<T>(
  question: string | undefined,
  ask: (signal: AbortSignal) => Promise<Answer<T>>,
  { restMs }: AskOptions = { restMs: 150 },
): Asked<T> {
  const [known, setKnown] = useState<Known<T>>({
    question,
    value: undefined,
    refused: undefined,
    unreachable: false,
  });
  const latest = useRef(ask);
  latest.current = ask;
  const trigger = useRef(() => {});

  useEffect(() => {
    if (question === undefined) return;
    const stop = new AbortController();
    let phase: "asking" | "resting" | "idle" = "idle";
    let wanted = false;
    let tries = 0;
    let cancelNext = () => {};

    async function run(): Promise<void> {
      cancelNext();
      phase = "asking";
      wanted = false;
      let answer: Answer<T>;
      try {
        answer = await latest.current(stop.signal);
      } catch {
        return;
      }
      if (stop.signal.aborted) return;
      setKnown((before) => settle(before, question, answer));
      if (answer.kind === "unreachable") {
        phase = "idle";
        cancelNext = after(backoffMs(tries), () => void run());
        tries += 1;
        return;
      }
      tries = 0;
      phase = "resting";
      cancelNext = after(restMs, () => {
        phase = "idle";
        if (wanted) void run();
      });
    }

    trigger.current = () => {
      wanted = true;
      if (phase === "idle") void run();
    };
    void run();
    return () => {
      cancelNext();
      stop.abort();
    };
  }, [question, restMs]);

  const again = useCallback(() => trigger.current(), []);
  // The answer to an earlier question is never shown under a new one.
  const fits = known.question === question;
  return {
    value: fits ? known.value : undefined,
    refused: fits ? known.refused : undefined,
    unreachable: fits && known.unreachable,
    again,
  };
}

function settle<T>(before: Known<T>, question: string | undefined, answer: Answer<T>): Known<T> {
  switch (answer.kind) {
    case "ok":
      return { question, value: answer.value, refused: undefined, unreachable: false };
    case "refused":
      return { question, value: undefined, refused: answer, unreachable: false };
    case "unreachable": {
      const kept = before.question === question ? before : undefined;
      return { question, value: kept?.value, refused: kept?.refused, unreachable: true };
    }
  }
}

/** While the answer for another instant is on its way the one before stays, so that nothing jumps. */
export function useLast<T>(value: T | undefined): T | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) setLast(value);
  return value ?? last;
}

/** Calls `onNews` with each piece of news while the component is shown. */
export function useNews(onNews: (news: LiveNews) => void): void {
  const live = useContext(LiveContext);
  const latest = useRef(onNews);
  latest.current = onNews;
  useEffect(() => live?.onNews((news) => latest.current(news)), [live]);
}

export function useLinkState(): LinkState {
  const live = useContext(LiveContext);
  const [state, setState] = useState<LinkState>(() => live?.state() ?? { kind: "connecting" });
  useEffect(() => {
    if (live === undefined) return;
    setState(live.state());
    return live.onState(() => setState(live.state()));
  }, [live]);
  return state;
}

/** The time now, refreshed every `ms`. */
export function useNow(ms: number): number {
  const [now, setNow] = useState(nowMs);
  useEffect(() => every(ms, () => setNow(nowMs())), [ms]);
  return now;
}
