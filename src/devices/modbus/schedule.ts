/**
 * Whose turn it is on a bus. Pure: told the time, it says what to do, and what came of it.
 *
 * Slaves that answer keep their period: each turn is due a period after the last one was due, not after
 * it ended. A slave that does not answer costs its time-out each time, so it is asked ever more seldom,
 * and only where nobody else is due before the time-out is over. When that never happens, it is asked
 * all the same, once in a long while: a bus that is always busy would never find out that it is back.
 */
export type Slave = { readonly periodMs: number; readonly timeoutMs: number };

export type Turn =
  | { readonly kind: "ask"; readonly slave: number }
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
};

type Place = { dueMs: number; failures: number };

export function createSchedule(
  slaves: readonly Slave[],
  { pauseMsMax, forceMs }: ScheduleOptions,
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

  return {
    next(nowMs) {
      const live = earliest(isLive);
      const dead = earliest((place) => !isLive(place));
      if (dead !== undefined && nowMs - dueOf(dead) >= forceMs) return { kind: "ask", slave: dead };
      if (live !== undefined && dueOf(live) <= nowMs) return { kind: "ask", slave: live };
      const room = dueOf(live) - nowMs;
      const fitting = earliest(
        (place) => !isLive(place) && (slaves[places.indexOf(place)]?.timeoutMs ?? 0) < room,
      );
      if (fitting !== undefined && dueOf(fitting) <= nowMs) return { kind: "ask", slave: fitting };
      const soonest = Math.min(
        dueOf(live),
        ...places.map(({ dueMs }) => dueMs).filter((ms) => ms > nowMs),
      );
      return { kind: "wait", ms: Math.max(1, soonest - nowMs) };
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
