/**
 * Whose turn it is on a bus. Pure: told the time, it says what to do, and what came of it.
 *
 * Slaves that answer keep their period: each turn is due a period after the last one was due, not after
 * it ended. A slave that does not answer costs its time-out each time, so it is asked ever more seldom,
 * and only between the turns of the others, with no more patience than there is room for. When there is
 * never room, it is asked all the same, once in a long while: a bus that is always busy would otherwise
 * never find out that it is back.
 */
export type Slave = { readonly periodMs: number; readonly timeoutMs: number };

export type Turn =
  | { readonly kind: "ask"; readonly slave: number; readonly timeoutMs: number }
  | { readonly kind: "wait"; readonly ms: number };

export type Schedule = {
  next(nowMs: number): Turn;
  answered(slave: number, nowMs: number): void;
  silent(slave: number, nowMs: number): void;
};

export type ScheduleOptions = {
  /** Longest pause between two attempts at a slave that does not answer. */
  readonly pauseMsMax: number;
  /** So long after its turn a silent slave is asked whoever else is due. */
  readonly forceMs: number;
  /** With less patience than this a slave that is back would be missed. */
  readonly patienceMsMin: number;
};

/** What is left of the room between two turns, for the answer to leave the line. */
const ROOM_SHARE = 0.8;

type Place = { dueMs: number; failures: number };

export function createSchedule(
  slaves: readonly Slave[],
  { pauseMsMax, forceMs, patienceMsMin }: ScheduleOptions,
  startMs: number,
): Schedule {
  // Spread out from the start, so that they do not all wait for one another.
  const places: Place[] = slaves.map(({ periodMs }, at) => {
    return { dueMs: startMs + Math.floor((periodMs * at) / slaves.length), failures: 0 };
  });
  const isLive = ({ failures }: Place) => failures === 0;

  const earliest = (of: (place: Place) => boolean): number | undefined => {
    let best: number | undefined;
    for (const [at, place] of places.entries())
      if (of(place) && (best === undefined || place.dueMs < (places[best]?.dueMs ?? 0))) best = at;
    return best;
  };
  const dueOf = (slave: number | undefined): number =>
    (slave === undefined ? undefined : places[slave]?.dueMs) ?? Number.POSITIVE_INFINITY;

  const ask = (slave: number, patienceMs = Number.POSITIVE_INFINITY): Turn => {
    const timeoutMs = slaves[slave]?.timeoutMs ?? 0;
    return { kind: "ask", slave, timeoutMs: Math.floor(Math.min(timeoutMs, patienceMs)) };
  };

  return {
    next(nowMs) {
      const live = earliest(isLive);
      const dead = earliest((place) => !isLive(place));
      if (dead !== undefined && nowMs - dueOf(dead) >= forceMs) return ask(dead);
      if (live !== undefined && dueOf(live) <= nowMs) return ask(live);
      const patienceMs = (dueOf(live) - nowMs) * ROOM_SHARE;
      if (dead !== undefined && dueOf(dead) <= nowMs) {
        const wantedMs = Math.min(slaves[dead]?.timeoutMs ?? 0, patienceMsMin);
        if (patienceMs >= wantedMs) return ask(dead, patienceMs);
      }
      const later = places.map(({ dueMs }) => dueMs).filter((dueMs) => dueMs > nowMs);
      return { kind: "wait", ms: Math.max(1, Math.min(...later) - nowMs) };
    },
    answered(slave, nowMs) {
      const place = places[slave];
      const periodMs = slaves[slave]?.periodMs ?? 0;
      if (place === undefined) return;
      const back = place.failures > 0;
      place.failures = 0;
      const nextMs = place.dueMs + periodMs;
      // What was missed is not made up for; the beat goes on.
      place.dueMs = back
        ? nowMs + periodMs
        : nextMs > nowMs
          ? nextMs
          : nextMs + periodMs * Math.ceil((nowMs - nextMs + 1) / periodMs);
    },
    silent(slave, nowMs) {
      const place = places[slave];
      const { periodMs = 0, timeoutMs = 0 } = slaves[slave] ?? {};
      if (place === undefined) return;
      place.failures += 1;
      // Not sooner than its late reply could still come: it would pass for the next one's.
      const pauseMs = Math.max(2 * timeoutMs, periodMs * 2 ** Math.min(place.failures, 20));
      place.dueMs = nowMs + Math.min(Math.max(pauseMsMax, periodMs), pauseMs);
    },
  };
}
