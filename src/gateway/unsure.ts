/**
 * Deliveries whose acknowledgement may never have arrived, and which their devices therefore send again.
 *
 *   marked with DUP [MQTT-3.3.1-1] ─► what the same connection said, or one that broke less than a day ago
 *   without the mark ───────────────► what was stored just before a connection broke, or just before this
 *                                     gateway's last process died, if the session is a resumed one
 *
 * Widely used clients do not mark (MQTT.js 5 sends the stored packet as it was), so a message on a resumed
 * session that repeats one of these deliveries, packet id, topic and payload, is the same message without
 * the mark. Sessions that begin clean are never held against it: they redeliver nothing unmarked, and a
 * sensor that wakes up, connects and sends the same value under packet id 1 means a new reading.
 *
 * A mark alone says nothing either: the first try may have been lost on its way here, and packet ids come
 * round again. A session that ended with DISCONNECT leaves nothing unacknowledged but what had no answer yet.
 */

/** PUBACK follows the commit within milliseconds; this is how long before a break one may be missing. */
export const UNSURE_MS = 5_000;
/** How long a device may take to come back and repeat them: it says so, or it does not. */
export const MARKED_MS = 86_400_000;
const UNMARKED_MS = 120_000;
const HELD_MAX = 65_536;
/** A session's latest deliveries; beyond them it was acknowledged long ago. */
const SESSION_MAX = 1_024;
const SESSION_MIN = 16;
/** Numbers of a delivery; the first is NONE where one was dropped. */
const FIELDS = 4;
const NONE = 0;

export type Unsure = {
  /** Without the mark they count only until a device is back that resumes, and not for long. */
  hold(origins: Iterable<bigint>, nowMs: number, unmarked: boolean): void;
  /** Whether this delivery is one of them; each is recognised once. */
  take(origin: bigint, nowMs: number, marked: boolean): boolean;
  /** They were not stored. */
  drop(origins: Iterable<bigint>): void;
};

export function createUnsure(): Unsure {
  const held = new Map<bigint, { readonly atMs: number; readonly unmarked: boolean }>();
  return {
    hold(origins, nowMs, unmarked) {
      for (const origin of origins) {
        held.delete(origin);
        held.set(origin, { atMs: nowMs, unmarked });
      }
      for (const oldest of held.keys()) {
        if (held.size <= HELD_MAX) break;
        held.delete(oldest);
      }
    },
    take(origin, nowMs, marked) {
      const found = held.get(origin);
      if (found === undefined || !(marked || found.unmarked)) return false;
      held.delete(origin);
      return nowMs - found.atMs <= (marked ? MARKED_MS : UNMARKED_MS);
    },
    drop(origins) {
      for (const origin of origins) held.delete(origin);
    },
  };
}

export type Delivery = {
  readonly origin: bigint;
  /** Of all that all devices delivered. */
  readonly nth: number;
  readonly atMs: number;
  readonly ticket: number;
  /** It was recognised as one from before. */
  readonly again: boolean;
};

/** The latest deliveries of one connection. Numbers side by side, since there is one for each device. */
export type Recent = {
  add(delivery: Delivery): void;
  has(origin: bigint): boolean;
  /** Origins of those that fit. */
  where(fits: (delivery: Omit<Delivery, "origin">) => boolean): bigint[];
  /** Forgets what came with this ticket for the first time, and says what that was. */
  drop(ticket: number): bigint[];
};

export function createRecent(): Recent {
  let origins = new BigInt64Array(SESSION_MIN);
  let told = new Float64Array(FIELDS * SESSION_MIN);
  let count = 0;

  const grow = (): void => {
    const more = {
      origins: new BigInt64Array(2 * count),
      told: new Float64Array(FIELDS * 2 * count),
    };
    more.origins.set(origins);
    more.told.set(told);
    ({ origins, told } = more);
  };

  const deliveryAt = (at: number): Omit<Delivery, "origin"> => ({
    nth: told[FIELDS * at] as number,
    atMs: told[FIELDS * at + 1] as number,
    ticket: told[FIELDS * at + 2] as number,
    again: told[FIELDS * at + 3] === 1,
  });

  /** Places of those that are known, oldest first. */
  function* places(): Iterable<number> {
    for (let n = Math.max(0, count - origins.length); n < count; n++) {
      const at = n % origins.length;
      if (told[FIELDS * at] !== NONE) yield at;
    }
  }

  return {
    add({ origin, nth, atMs, ticket, again }) {
      if (count === origins.length && count < SESSION_MAX) grow();
      const at = count % origins.length;
      origins[at] = origin;
      told[FIELDS * at] = nth;
      told[FIELDS * at + 1] = atMs;
      told[FIELDS * at + 2] = ticket;
      told[FIELDS * at + 3] = Number(again);
      count += 1;
    },
    has(origin) {
      for (const at of places()) if (origins[at] === origin) return true;
      return false;
    },
    where(fits) {
      const found: bigint[] = [];
      for (const at of places()) if (fits(deliveryAt(at))) found.push(origins[at] as bigint);
      return found;
    },
    drop(ticket) {
      const dropped: bigint[] = [];
      for (const at of places()) {
        const delivery = deliveryAt(at);
        if (delivery.ticket !== ticket || delivery.again) continue;
        dropped.push(origins[at] as bigint);
        told[FIELDS * at] = NONE;
      }
      return dropped;
    },
  };
}
