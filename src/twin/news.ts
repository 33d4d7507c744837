/**
 * Chooses what of a step is told to those who watch live.
 *
 * Watching must never cost the work itself, so there is an allowance a second. What only says that
 * something was noticed (a reading, a scan, a thing seen where it was known to be) is thinned: the
 * next one says more. What changes the picture (a move, a discrepancy, an alarm, a device unplugged) is told, or watchers hear that
 * they missed something, so that they ask again instead of believing an old picture.
 */
import type { Clock } from "../ports.ts";
import type { ToldState } from "../store/device-states.ts";
import type { Change } from "../store/reconciler.ts";
import type { AlarmChange, TimedReading } from "../store/series.ts";
import type { Step } from "./derive.ts";

/** `json` is the data as it was at the time of telling, written once for all watchers. */
export type News = {
  readonly position: number;
  readonly kind: Change["kind"] | "reading" | "alarm" | "device" | "reset";
  readonly json: string;
};

export type NewsLimits = {
  readonly notesPerSecond: number;
  readonly changesPerSecond: number;
  /** Of all together: a gateway may have scanned 60 KiB at once, and each watcher hears it. */
  readonly charsPerSecond: number;
};

export type NewsDesk = {
  /** Reads the changes' data, which is made on reading. */
  report(step: Step): void;
};

export type NewsDeskDeps = {
  readonly clock: Clock;
  /** In order of positions. */
  readonly tell: (news: readonly News[]) => void;
};

export function createNewsDesk({ clock, tell }: NewsDeskDeps, limits: NewsLimits): NewsDesk {
  let second = -1;
  let notes = 0;
  let changes = 0;
  let chars = 0;
  let latest = 0;
  let owed = false;

  /** After the rush, so that those who ask again then see what it came to. */
  function oweReset(): void {
    changes = 0;
    if (owed) return;
    owed = true;
    clock.after(1_000, () => {
      owed = false;
      const json = '{"why":"more happened than can be followed"}';
      tell([{ position: latest, kind: "reset", json }]);
    });
  }

  /** As many of them as there is room for; what is beyond is not even made. */
  function fitting<T>(all: readonly T[], newsOf: (one: T) => News): readonly News[] {
    const told: News[] = [];
    for (const one of all) {
      if (chars <= 0) break;
      const news = newsOf(one);
      chars -= news.json.length;
      told.push(news);
    }
    return told;
  }

  return {
    report(step) {
      const now = Math.floor(clock.monotonicMs() / 1000);
      if (now !== second) {
        second = now;
        notes = limits.notesPerSecond;
        changes = limits.changesPerSecond;
        chars = limits.charsPerSecond;
      }
      latest = step.position;
      const told: News[] = [];
      const noted = fitting(step.changes.filter(isNote).slice(0, notes), newsOfChange);
      notes -= noted.length;
      const readings = fitting(step.readings.slice(0, notes), newsOfReading);
      notes -= readings.length;
      told.push(...noted, ...readings);

      const changed = step.changes.filter((change) => !isNote(change));
      const count = changed.length + step.states.length + step.alarms.length;
      if (owed || count > changes) {
        if (count > 0) oweReset();
      } else {
        const news = [
          ...fitting(changed, newsOfChange),
          ...fitting(step.states, newsOfDevice),
          ...fitting(step.alarms, newsOfAlarm),
        ];
        changes -= count;
        if (news.length < count) oweReset();
        else told.push(...news);
      }
      if (told.length > 0) tell(told.sort((a, b) => a.position - b.position));
    },
  };
}

function isNote({ kind }: Change): boolean {
  return kind === "scan" || kind === "seen";
}

function newsOfReading(reading: TimedReading): News {
  const { position, timeMs, gateway, device, property, unit, value } = reading;
  const time = new Date(timeMs).toISOString();
  const json = JSON.stringify({ device, property, unit, gateway, time, value });
  return { position, kind: "reading", json };
}

function newsOfAlarm(alarm: AlarmChange): News {
  const { position, gateway, device, property, unit, state, value, timeMs, sinceMs, range } = alarm;
  const [time, since] = [timeMs, sinceMs].map((ms) => new Date(ms).toISOString());
  const series = { device, property, unit, gateway };
  const json = JSON.stringify({ ...series, state, since, time, value, range });
  return { position, kind: "alarm", json };
}

function newsOfDevice({ position, gateway, device, state, reason, sinceMs }: ToldState): News {
  const since = new Date(sinceMs).toISOString();
  const json = JSON.stringify({ gateway, device, state, reason, since });
  return { position, kind: "device", json };
}

function newsOfChange({ position, kind, data }: Change): News {
  return { position, kind, json: JSON.stringify(data) };
}
