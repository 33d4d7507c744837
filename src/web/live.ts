/**
 * What happens in the twin, as it happens: one stream of server-sent events for the whole page.
 *
 * It never claims to be live when it is not. Any bytes count as a sign of life, also the twin's
 * comments; when none came for SILENT_MS the line is given up, even if the socket looks open. After
 * a break it asks for what came after the last event it has; where the twin cannot tell (`reset`),
 * listeners hear of the gap.
 *
 * `fetch` carries it rather than EventSource, which hides comments and a refusal's status.
 */
import { after, backoffMs, nowMs } from "./clock.ts";
import { createEventReader } from "./event-reader.ts";
import { ENTERED, NOBODY } from "./http.ts";
import { words } from "./language/spoken.ts";
import { type LiveEvent, readLiveEvent } from "./live-event.ts";

const ADDRESS = "/api/v1/live";
/** What a page that opens begins with, so that it does not begin empty; a phone shows fewer at a time. */
const RECENT = 200;
const RECENT_SMALL = 60;
const SMALL = "(width < 45rem)";
/** Two of the twin's heartbeats, and the time that a busy machine may be late. */
const SILENT_MS = 12_000;
/** A hidden page lets its connection go: browsers allow six for one host, over all tabs. */
const HIDDEN_MS = 30_000;

export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live"; readonly sinceMs: number }
  /** `heardMs`: the last sign of life; undefined when there never was one. */
  | { readonly kind: "lost"; readonly heardMs: number | undefined };

export type LiveNews =
  | { readonly kind: "events"; readonly events: readonly LiveEvent[] }
  /** What came between is not known here; whoever shows state asks again. */
  | { readonly kind: "gap"; readonly why: string };

export type Live = {
  state(): LinkState;
  /** Called at each change of the state. Returns a cancel. */
  onState(listener: () => void): () => void;
  /** Called with the events of one chunk together. Returns a cancel. */
  onNews(listener: (news: LiveNews) => void): () => void;
};

export function openLive(): Live {
  let state: LinkState = { kind: "connecting" };
  let heardMs: number | undefined;
  let lastId = "";
  let tries = 0;
  let isNobody = false;
  let connection: AbortController | undefined;
  let cancelNext = () => {};
  let cancelHide = () => {};
  const stateListeners = new Set<() => void>();
  const newsListeners = new Set<(news: LiveNews) => void>();

  function become(next: LinkState): void {
    state = next;
    for (const listener of stateListeners) listener();
  }

  function tell(news: LiveNews): void {
    for (const listener of newsListeners) listener(news);
  }

  async function connect(): Promise<void> {
    cancelNext();
    const mine = new AbortController();
    connection = mine;
    try {
      await listen(mine);
    } catch {
      // The reason is the browser's and says nothing to a person; that it is lost is shown.
    }
    if (connection === mine) lose();
  }

  async function listen(mine: AbortController): Promise<void> {
    let cancelWatch = after(SILENT_MS, () => mine.abort());
    mine.signal.addEventListener("abort", () => cancelWatch());
    try {
      const recent = matchMedia(SMALL).matches ? RECENT_SMALL : RECENT;
      const resume: Record<string, string> = lastId === "" ? {} : { "last-event-id": lastId };
      const response = await fetch(`${ADDRESS}?recent=${recent}&brief=true`, {
        signal: mine.signal,
        headers: { accept: "text/event-stream", ...resume },
      });
      if (response.status === 401) {
        isNobody = true;
        dispatchEvent(new Event(NOBODY));
      }
      if (!response.ok || response.body === null) return;
      // Without an id to resume from, what happened while the line was down is not known.
      if (heardMs !== undefined && lastId === "")
        tell({ kind: "gap", why: words.twin.interrupted });
      const reader = createEventReader();
      const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        heardMs = nowMs();
        tries = 0;
        if (state.kind !== "live") become({ kind: "live", sinceMs: heardMs });
        const { done, value } = await chunks.read();
        if (done) return;
        cancelWatch();
        cancelWatch = after(SILENT_MS, () => mine.abort());
        take(reader.push(value));
      }
    } finally {
      cancelWatch();
    }
  }

  function take(messages: readonly { id: string; name: string; data: string }[]): void {
    let events: LiveEvent[] = [];
    for (const { id, name, data } of messages) {
      if (id !== "") lastId = id;
      if (name === "reset") {
        if (events.length > 0) tell({ kind: "events", events });
        events = [];
        tell({ kind: "gap", why: reasonOf(data) });
        continue;
      }
      const event = readLiveEvent(name, data);
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) tell({ kind: "events", events });
  }

  function lose(): void {
    connection = undefined;
    become({ kind: "lost", heardMs });
    // Until somebody has logged in, asking again is of no use.
    if (document.hidden || isNobody) return;
    cancelNext = after(backoffMs(tries), () => void connect());
    tries += 1;
  }

  document.addEventListener("visibilitychange", () => {
    cancelHide();
    if (document.hidden) {
      cancelHide = after(HIDDEN_MS, () => {
        cancelNext();
        connection?.abort();
      });
    } else if (connection === undefined) void connect();
  });
  addEventListener("online", () => {
    if (connection === undefined) void connect();
  });
  addEventListener(ENTERED, () => {
    isNobody = false;
    if (connection === undefined) void connect();
  });
  void connect();

  return {
    state: () => state,
    onState(listener) {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    onNews(listener) {
      newsListeners.add(listener);
      return () => newsListeners.delete(listener);
    },
  };
}

/** The twin's own words, when it has some. */
function reasonOf(data: string): string {
  try {
    const why: unknown = JSON.parse(data)?.why;
    return typeof why === "string" && why !== "" ? why : words.twin.interrupted;
  } catch {
    return words.twin.interrupted;
  }
}
