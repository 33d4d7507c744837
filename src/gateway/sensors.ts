/**
 * What is known of devices that are not on a line of their own: whether they are there, by their own
 * word, their broker's last will, or their silence.
 *
 * A device that has reported and then says nothing for longer than it should becomes `silent`: it is
 * journalled, told as an event, and stands in the health report. Only who spoke once since the start, or
 * stands in the configuration by its name, can fall silent.
 */
import type { Clock, Journal, OutboxPort } from "../ports.ts";
import type { Parting } from "./activities.ts";
import {
  createDeviceState,
  type DeviceState,
  type DeviceStateName,
  type DeviceStateView,
  UNCONFIGURED,
} from "./device-state.ts";

export type SensorsOptions = {
  /** A device that reported and is quiet for so long is silent; undefined: nobody minds. */
  silentMs: (device: string) => number | undefined;
  readonly lookMs: number;
  readonly stateEveryMs: number;
};

export type Sensors = {
  heard(device: string): void;
  news(device: string, state: "open" | "absent", reason: string): void;
  /** Its values have stopped moving, and why it is thought so; undefined: they move, or nobody minds. */
  stuck(device: string, why: string | undefined): void;
  /** Of a device that is configured, and whose state somebody else keeps. */
  stateOf(device: string): DeviceState;
  /** The configuration names it, and it speaks by itself: its silence counts from now on. */
  expect(device: string): void;
  /** What is minded has changed: what was stuck, or silent where nobody minds that now, is so no more. */
  mind(): Promise<void>;
  /** It leaves, as configured so far; `removed`: for good. */
  forget(device: string, why: Parting): Promise<void>;
  views(): readonly (DeviceStateView & { readonly id: string })[];
  /** What stands in the configuration and what it came to last. */
  configured(): readonly SensorStateView[];
  /** Devices that somebody should look at, as they were when they were last not being opened. */
  troubles(): readonly SensorStateView[];
  close(): Promise<void>;
};

export type SensorStateView = DeviceStateView & { readonly id: string };

/** Any device may make up new names: whom nobody minds gives way, the oldest first, so many at once. */
const DEVICES_MAX = 8_192;
const GIVE_WAY = 256;
/** It is said so seldom that there is no place for more. */
const CROWDED_EVERY_MS = 3_600_000;

type Known = {
  readonly state: DeviceState;
  heardMs: number | undefined;
  /** It stands in the configuration with a line, an address or a broker. */
  configured: boolean;
  /** Why its values mean nothing, however well it answers. */
  stuck: string | undefined;
};
/** What a device that is heard of no longer is. */
const AWAY = new Set(["absent", "opening", "silent"]);
const TROUBLES = new Set(["absent", "silent", "faulted"]);

export function createSensors(
  deps: { readonly clock: Clock; readonly journal: Journal; readonly outbox: OutboxPort },
  { silentMs, lookMs, stateEveryMs }: SensorsOptions,
): Sensors {
  const { clock, journal } = deps;
  const devices = new Map<string, Known>();
  /** All are minded, as far as was seen since the last look: nobody is asked again for each message. */
  let isCrowded = false;
  let toldMs = Number.NEGATIVE_INFINITY;
  let closed = false;
  let cancel = clock.after(lookMs, look);

  const know = (device: string): Known | undefined =>
    devices.get(device) ?? (hasRoom() ? learn(device) : undefined);

  function hasRoom(): boolean {
    if (devices.size < DEVICES_MAX) return true;
    if (isCrowded) return false;
    const idle = [...devices].filter(
      ([device, { configured, stuck }]) =>
        !configured && stuck === undefined && silentMs(device) === undefined,
    );
    for (const [device] of idle.slice(0, GIVE_WAY)) void forget(device, "stopped");
    // Fewer than that would be asked for again and again.
    isCrowded = idle.length < GIVE_WAY;
    if (idle.length === 0) tellCrowd();
    return idle.length > 0;
  }

  function tellCrowd(): void {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < CROWDED_EVERY_MS) return;
    toldMs = nowMs;
    journal.warn("devices-crowded", {
      devices: DEVICES_MAX,
      next: "All of them are minded (sensors: silentAfterS), so nobody is told when another one falls silent: mind fewer, or find who makes names up.",
    });
  }

  const learn = (device: string): Known => {
    const told = createDeviceState(deps, { device, everyMs: stateEveryMs });
    const fresh: Known = {
      state: { ...told, become },
      heardMs: undefined,
      configured: false,
      stuck: undefined,
    };
    devices.set(device, fresh);
    return fresh;

    /** Whoever finds it there (a poll that was answered, a plug, a birth) knows nothing of its values. */
    function become(state: DeviceStateName, reason: string): void {
      if (state === "open" && fresh.stuck !== undefined) told.become("faulted", fresh.stuck);
      else told.become(state, reason);
    }
  };

  function look(): void {
    if (closed) return;
    isCrowded = false;
    const nowMs = clock.monotonicMs();
    for (const [device, { state, heardMs, stuck, configured }] of devices) {
      const limitMs = silentMs(device);
      if (limitMs === undefined || heardMs === undefined || nowMs - heardMs < limitMs) continue;
      const now = state.view();
      // One with a line of its own that is not open yet is another matter.
      const isExpected = !configured && state.settled() === undefined;
      if (now.state === "open" || isExpected || isOf(now, stuck))
        state.become("silent", `nothing was heard for ${Math.round(limitMs / 1000)} s`);
    }
    cancel = clock.after(lookMs, look);
  }

  function stuck(device: string, why: string | undefined): void {
    const known = why === undefined ? devices.get(device) : know(device);
    if (known === undefined || known.stuck === why) return;
    const { stuck: before, state } = known;
    known.stuck = why;
    const now = state.settled();
    // What else is wrong with it, or that it is away, is said by whoever knows.
    if (now === undefined || now.state === "open" || isOf(now, before)) state.become("open", "");
  }

  async function forget(device: string, why: Parting): Promise<void> {
    const known = devices.get(device);
    devices.delete(device);
    if (why === "removed") known?.state.become("absent", UNCONFIGURED);
    await known?.state.close();
  }

  const settled = () =>
    [...devices].flatMap(([id, { state, configured }]) => {
      const view = state.settled();
      return view === undefined ? [] : [{ id, configured, ...view }];
    });

  return {
    heard(device) {
      // Most devices tell nothing of themselves, and nobody minds their silence.
      if (!devices.has(device) && silentMs(device) === undefined) return;
      const known = know(device);
      if (known === undefined) return;
      known.heardMs = clock.monotonicMs();
      if (AWAY.has(known.state.view().state)) known.state.become("open", "");
    },
    news(device, state, reason) {
      know(device)?.state.become(state, state === "open" ? "" : reason);
    },
    stuck,
    async mind() {
      const nowMs = clock.monotonicMs();
      const gone: Promise<void>[] = [];
      for (const [device, { state, heardMs, configured }] of devices) {
        stuck(device, undefined);
        // The silence of a Modbus slave is not one of these: it was asked.
        if (heardMs === undefined || state.view().state !== "silent") continue;
        const limitMs = silentMs(device);
        if (limitMs === undefined && !configured) gone.push(forget(device, "removed"));
        else if (limitMs === undefined || nowMs - heardMs < limitMs) state.become("open", "");
      }
      await Promise.all(gone);
    },
    stateOf(device) {
      const known = devices.get(device) ?? learn(device);
      // From now on it is asked, or says by itself that it is expected.
      if (!known.configured) known.heardMs = undefined;
      known.configured = true;
      return known.state;
    },
    expect(device) {
      (devices.get(device) ?? learn(device)).heardMs ??= clock.monotonicMs();
    },
    forget,
    // Of one that is only expected nobody knows anything yet.
    views: () =>
      [...devices]
        .filter(([, { state, configured }]) => configured || state.settled() !== undefined)
        .map(([id, { state }]) => ({ id, ...state.view() })),
    configured: () => settled().filter(({ configured }) => configured),
    // The others may go as they like; silence and standstill are seen only where somebody minds them.
    troubles: () =>
      settled().filter(
        ({ state, configured }) => TROUBLES.has(state) && (configured || state !== "absent"),
      ),
    async close() {
      closed = true;
      cancel();
      await Promise.all([...devices.values()].map(({ state }) => state.close()));
    },
  };
}

function isOf({ state, reason }: DeviceStateView, stuck: string | undefined): boolean {
  return state === "faulted" && reason === stuck;
}
