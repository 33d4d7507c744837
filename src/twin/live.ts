/**
 * The live stream: news as server-sent events (HTML standard, section 9.2), to everyone who watches.
 *
 * `id` is the position. Several events can share one, and only the last of them carries it; those
 * before carry the previous position, so that whoever resumes hears a position whole. A bounded ring
 * holds the recent past; who comes from before it is told to `reset`, that is, to ask again. A
 * watcher that does not keep up is let go and comes back by itself.
 */
import type { Clock } from "../ports.ts";
import { briefly } from "./brief.ts";
import type { News } from "./news.ts";

export type Watcher = {
  /** Who watches: nobody takes the places of all others. */
  readonly who: string;
  /** Hears it in fewer words (brief.ts). */
  readonly brief?: boolean;
  /** Bytes sent and not gone out yet. */
  waiting(): number;
  send(text: string): void;
  end(): void;
};

export type LiveLimits = {
  readonly ringEvents: number;
  readonly ringChars: number;
  readonly watchers: number;
  /** Of one principal. */
  readonly watchersOfOne: number;
  readonly waitingBytes: number;
  readonly beatMs: number;
};

export const LIVE_LIMITS: LiveLimits = {
  ringEvents: 4_096,
  ringChars: 16 * 1024 * 1024,
  watchers: 128,
  watchersOfOne: 8,
  waitingBytes: 1024 * 1024,
  beatMs: 5_000,
};

export type Live = {
  /** `from`: nothing at or below this position will be told any more. */
  begin(from: number): void;
  publish(news: readonly News[]): void;
  /**
   * `after`: the last position the watcher has; undefined when it has none, and then the last
   * `recent` events come first.
   */
  watch(watcher: Watcher, after: number | undefined, recent?: number): (() => void) | "full";
  watchers(): number;
  close(): void;
};

export function createLive({ clock }: { clock: Clock }, limits: LiveLimits = LIVE_LIMITS): Live {
  const watchers = new Set<Watcher>();
  let ring: Told[] = [];
  /** All news above this position is in the ring. */
  let floor = 0;
  let latest = 0;
  let cancelBeat = () => {};

  function sendAll(textFor: (brief: boolean) => string): void {
    const texts = new Map<boolean, string>();
    for (const watcher of watchers) {
      if (watcher.waiting() > limits.waitingBytes) {
        watchers.delete(watcher);
        watcher.end();
        continue;
      }
      const { brief = false } = watcher;
      const text = texts.get(brief) ?? textFor(brief);
      texts.set(brief, text);
      watcher.send(text);
    }
  }

  function beat(): void {
    sendAll(() => ":\n\n");
    cancelBeat = clock.after(limits.beatMs, beat);
  }
  beat();

  function remember(events: readonly Told[]): void {
    ring = [...ring, ...events];
    let cut = Math.max(0, ring.length - limits.ringEvents);
    let chars = ring.slice(cut).reduce((sum, { text }) => sum + text.length, 0);
    for (; chars > limits.ringChars; cut += 1) chars -= ring[cut]?.text.length ?? 0;
    if (cut === 0) return;
    // A position is forgotten whole.
    floor = ring[cut - 1]?.position ?? floor;
    ring = ring.slice(cut).filter(({ position }) => position > floor);
  }

  function past(after: number, brief: boolean): string {
    if (after >= floor && after <= latest)
      return textOf(
        ring.filter(({ position }) => position > after),
        brief,
      );
    return eventText({
      position: latest,
      kind: "reset",
      json: '{"why":"what came between is no longer held here"}',
    });
  }

  function lately(recent: number, brief: boolean): string {
    return textOf(ring.slice(Math.max(0, ring.length - recent)), brief);
  }

  return {
    begin(from) {
      ring = [];
      floor = from;
      latest = from;
    },

    publish(news) {
      if (news.length === 0) return;
      const events = news.map((one, index) => {
        const last = news[index + 1]?.position !== one.position;
        return toldOf(one, last ? 0 : 1);
      });
      latest = news.at(-1)?.position ?? latest;
      remember(events);
      sendAll((brief) => textOf(events, brief));
    },

    watch(watcher, after, recent = 0) {
      if (watchers.size >= limits.watchers) return "full";
      const own = [...watchers].filter(({ who }) => who === watcher.who).length;
      if (own >= limits.watchersOfOne) return "full";
      const { brief = false } = watcher;
      const before = after === undefined ? lately(recent, brief) : past(after, brief);
      watcher.send(`retry: 1000\n\n${before}`);
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    watchers: () => watchers.size,

    close() {
      cancelBeat();
      for (const watcher of watchers) watcher.end();
      watchers.clear();
    },
  };
}

type Told = {
  readonly position: number;
  readonly text: string;
  /** Made when somebody wants it, once. */
  brief(): string;
};

function toldOf(news: News, before: number): Told {
  const { position, kind } = news;
  const text = eventText(news, before);
  let short: string | undefined;
  return {
    position,
    text,
    brief() {
      short ??= eventText({ position, kind, json: briefly(kind, news.json) }, before);
      return short;
    },
  };
}

function textOf(events: readonly Told[], brief: boolean): string {
  return events.map((one) => (brief ? one.brief() : one.text)).join("");
}

/** JSON has no raw line breaks, so one data line holds it. */
function eventText({ position, kind, json }: News, before = 0): string {
  return `id: ${position - before}\nevent: ${kind}\ndata: ${json}\n\n`;
}
