/**
 * Deliveries whose acknowledgement may never have arrived: stored just before a connection broke, or
 * just before this gateway's last process died.
 *
 * A device that resumes its session sends them again, and must mark them with DUP [MQTT-3.3.1-1].
 * Widely used clients do not (MQTT.js 5 sends the stored packet as it was), so a message on a resumed
 * session that repeats one of these deliveries, packet id, topic and payload, is the same message
 * without the mark. Sessions that begin clean are never held against it: they redeliver nothing, and a
 * sensor that wakes up, connects and sends the same value under packet id 1 means a new reading.
 */

/** PUBACK follows the commit within milliseconds; this is how long before a break one may be missing. */
export const UNSURE_MS = 5_000;
/** How long a device may take to come back and repeat them. */
const REPEAT_MS = 120_000;
const HELD_MAX = 65_536;
/** A session's latest deliveries; beyond them it was acknowledged long ago. */
const SESSION_MAX = 1_024;

export type Unsure = {
  hold(origins: Iterable<bigint>, nowMs: number): void;
  /** Whether this delivery is one of them; each is recognised once. */
  take(origin: bigint, nowMs: number): boolean;
};

export function createUnsure(): Unsure {
  const untilMs = new Map<bigint, number>();
  return {
    hold(origins, nowMs) {
      for (const origin of origins) {
        untilMs.delete(origin);
        untilMs.set(origin, nowMs + REPEAT_MS);
      }
      for (const oldest of untilMs.keys()) {
        if (untilMs.size <= HELD_MAX) break;
        untilMs.delete(oldest);
      }
    },
    take(origin, nowMs) {
      const limitMs = untilMs.get(origin);
      if (limitMs === undefined) return false;
      untilMs.delete(origin);
      return nowMs <= limitMs;
    },
  };
}

/** The latest deliveries of one session, with their moments. */
export function createRecent() {
  let recent: { readonly origin: bigint; readonly atMs: number }[] = [];
  return {
    add(origin: bigint, atMs: number): void {
      recent.push({ origin, atMs });
      if (recent.length >= 2 * SESSION_MAX) recent = recent.slice(-SESSION_MAX);
    },
    since(fromMs: number): bigint[] {
      return recent.filter(({ atMs }) => atMs >= fromMs).map(({ origin }) => origin);
    },
  };
}
