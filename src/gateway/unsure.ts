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
 * round again. A session that ended with DISCONNECT leaves nothing unacknowledged but what had no answer yet,
 * and a device that has been back for two minutes has repeated what it had to.
 *
 * What is known is known by this alone, and not by looking for the row: what was answered is on disk, whatever
 * came behind it and whether or not the row is still there. The bound is a count: of each of 4,096 sessions that
 * broke the last 32 deliveries (Paho and mosquitto have 20 in flight at most), and beyond these the last 65,536
 * of all devices together, so that a thousand lines that break at once do not stop the gateway.
 */
import { type Fate, STORED } from "./fate.ts";
import { createHeldDeliveries, type Held } from "./held-deliveries.ts";

/** PUBACK follows the commit within milliseconds; this is how long before a break one may be missing. */
export const UNSURE_MS = 5_000;
/** How long a device may take to come back and repeat them: it says so, or it does not. */
export const MARKED_MS = 86_400_000;
const UNMARKED_MS = 120_000;
/** Devices repeat first when they are back, some of them one message a second. */
export const REPEATING_MS = 120_000;
/** The last of a session, which do not make way for more of another. */
const NEAR = 32;
const NEAR_MAX = 4_096 * NEAR;
const FAR_MAX = 65_536;
const SETTLED_MAX = 16_384;
/** A session's latest deliveries; beyond them it was acknowledged long ago. */
const SESSION_MAX = 1_024;
const SESSION_MIN = 16;
/** Numbers of a delivery; the first is how it is known. */
const FIELDS = 4;
const NONE = 0;
const KNOWN = 1;
const KNOWN_STORED = 2;

export type Unsure = {
  /** What a session leaves, when so many were delivered by all. */
  hold(recent: Recent, delivered: number, held: (delivery: Delivery) => Held | undefined): void;
  /** What is on disk since an earlier start of the gateway, oldest first. */
  holdStored(origins: readonly bigint[], nowMs: number): void;
  /** What became of this delivery if it is one of them; each is recognised once. */
  take(client: string, origin: bigint, nowMs: number, marked: boolean): Fate | undefined;
  /** They were refused; what is on its way meanwhile is told apart. */
  drop(origins: Iterable<bigint>): void;
  /** The device has repeated what it had to of all before now. */
  settle(client: string, nowMs: number): void;
  isSettled(client: string, sinceMs: number): boolean;
};

export function createUnsure(): Unsure {
  const near = createHeldDeliveries(NEAR_MAX);
  const far = createHeldDeliveries(FAR_MAX);
  const settled = new Map<string, number>();

  const drop = (origin: bigint): void => {
    near.delete(origin);
    far.delete(origin);
  };

  const hold = (origin: bigint, delivery: Held, isNear: boolean): void => {
    drop(origin);
    (isNear ? near : far).set(origin, delivery);
  };

  const isSettled = (client: string, sinceMs: number): boolean =>
    sinceMs < (settled.get(client) ?? Number.NEGATIVE_INFINITY);

  return {
    hold(recent, delivered, held) {
      recent.each((delivery, behind) => {
        const isNear = behind < NEAR;
        if (!isNear && delivery.nth <= delivered - FAR_MAX) return;
        const one = held(delivery);
        if (one !== undefined) hold(delivery.origin, one, isNear);
      });
    },
    holdStored(origins, nowMs) {
      const delivery = { atMs: nowMs, unmarked: true, fate: STORED };
      for (const origin of origins) hold(origin, delivery, false);
    },
    take(client, origin, nowMs, marked) {
      const found = near.get(origin) ?? far.get(origin);
      if (found === undefined || !(marked || found.unmarked)) return undefined;
      drop(origin);
      const { atMs, fate } = found;
      if (fate.is === "refused" || isSettled(client, atMs)) return undefined;
      return nowMs - atMs <= (marked ? MARKED_MS : UNMARKED_MS) ? fate : undefined;
    },
    drop(origins) {
      for (const origin of origins)
        if ((near.get(origin) ?? far.get(origin))?.fate.is !== "flying") drop(origin);
    },
    settle(client, nowMs) {
      settled.delete(client);
      settled.set(client, nowMs);
      const [oldest] = settled.keys();
      if (settled.size > SETTLED_MAX && oldest !== undefined) settled.delete(oldest);
    },
    isSettled,
  };
}

export type Delivery = {
  readonly origin: bigint;
  /** Of all that all devices delivered. */
  readonly nth: number;
  readonly atMs: number;
  readonly ticket: number;
  /** It was on disk before it came. */
  readonly stored: boolean;
};

/** The latest deliveries of one connection. Numbers side by side, since there is one for each device. */
export type Recent = {
  add(delivery: Delivery): void;
  /** The last of this origin. */
  find(origin: bigint): Delivery | undefined;
  /** Oldest first, and how many came behind it. */
  each(visit: (delivery: Delivery, behind: number) => void): void;
  /**
   * What came with this ticket was refused: forgets it, and says what it was. A device that used the packet
   * id again had heard the answer to what it meant before, so that goes with it.
   */
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

  const deliveryAt = (at: number): Delivery => ({
    origin: origins[at] as bigint,
    atMs: told[FIELDS * at + 1] as number,
    ticket: told[FIELDS * at + 2] as number,
    nth: told[FIELDS * at + 3] as number,
    stored: told[FIELDS * at] === KNOWN_STORED,
  });

  const isKnown = (at: number): boolean => told[FIELDS * at] !== NONE;
  const oldest = (): number => Math.max(0, count - origins.length);

  return {
    add({ origin, nth, atMs, ticket, stored }) {
      if (count === origins.length && count < SESSION_MAX) grow();
      const at = count % origins.length;
      origins[at] = origin;
      told[FIELDS * at] = stored ? KNOWN_STORED : KNOWN;
      told[FIELDS * at + 1] = atMs;
      told[FIELDS * at + 2] = ticket;
      told[FIELDS * at + 3] = nth;
      count += 1;
    },
    find(origin) {
      for (let n = count - 1; n >= oldest(); n--) {
        const at = n % origins.length;
        if (origins[at] === origin && isKnown(at)) return deliveryAt(at);
      }
      return undefined;
    },
    each(visit) {
      for (let n = oldest(); n < count; n++) {
        const at = n % origins.length;
        if (isKnown(at)) visit(deliveryAt(at), count - 1 - n);
      }
    },
    drop(ticket) {
      const dropped = new Set<bigint>();
      for (let n = oldest(); n < count; n++) {
        const at = n % origins.length;
        if (told[FIELDS * at + 2] === ticket && told[FIELDS * at] === KNOWN)
          dropped.add(origins[at] as bigint);
      }
      for (let n = oldest(); n < count && dropped.size > 0; n++) {
        const at = n % origins.length;
        if (dropped.has(origins[at] as bigint)) told[FIELDS * at] = NONE;
      }
      return [...dropped];
    },
  };
}
