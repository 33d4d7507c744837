/**
 * What is known of devices that are not on a line of their own: whether they are there, by their own
 * word, their broker's last will, or their silence.
 *
 * A device that has reported and then says nothing for longer than it should becomes `silent`: it is
 * journalled, told as an event, and stands in the health report. Only who spoke once, or is configured,
 * can fall silent.
 */
import type { Clock, Journal, OutboxPort } from "../ports.ts";
import type { Parting } from "./activities.ts";
import {
  createDeviceState,
  type DeviceState,
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
  news(device: string, state: "open" | "absent" | "faulted", reason: string): void;
  /** Of a device that is configured, and whose state somebody else keeps. */
  stateOf(device: string): DeviceState;
  /** It is configured and speaks by itself: its silence counts from now on. */
  expect(device: string): void;
  /** It leaves, as configured so far; `removed`: for good. */
  forget(device: string, why: Parting): Promise<void>;
  views(): readonly (DeviceStateView & { readonly id: string })[];
  close(): Promise<void>;
};

/** Any device may make up new names. */
const DEVICES_MAX = 8_192;

type Known = { readonly state: DeviceState; heardMs: number | undefined };
/** What a device that is heard of no longer is. */
const AWAY = new Set(["absent", "opening", "silent"]);

export function createSensors(
  deps: { readonly clock: Clock; readonly journal: Journal; readonly outbox: OutboxPort },
  { silentMs, lookMs, stateEveryMs }: SensorsOptions,
): Sensors {
  const { clock } = deps;
  const devices = new Map<string, Known>();
  let closed = false;
  let cancel = clock.after(lookMs, look);

  const know = (device: string): Known | undefined =>
    devices.get(device) ?? (devices.size < DEVICES_MAX ? learn(device) : undefined);

  const learn = (device: string): Known => {
    const state = createDeviceState(deps, { device, everyMs: stateEveryMs });
    const fresh: Known = { state, heardMs: undefined };
    devices.set(device, fresh);
    return fresh;
  };

  function look(): void {
    if (closed) return;
    const nowMs = clock.monotonicMs();
    for (const [device, { state, heardMs }] of devices) {
      const limitMs = silentMs(device);
      if (limitMs === undefined || heardMs === undefined || nowMs - heardMs < limitMs) continue;
      if (state.view().state === "open")
        state.become("silent", `nothing was heard for ${Math.round(limitMs / 1000)} s`);
    }
    cancel = clock.after(lookMs, look);
  }

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
    stateOf: (device) => (devices.get(device) ?? learn(device)).state,
    expect(device) {
      (devices.get(device) ?? learn(device)).heardMs ??= clock.monotonicMs();
    },
    async forget(device, why) {
      const known = devices.get(device);
      devices.delete(device);
      if (why === "removed") known?.state.become("absent", UNCONFIGURED);
      await known?.state.close();
    },
    views: () => [...devices].map(([id, { state }]) => ({ id, ...state.view() })),
    async close() {
      closed = true;
      cancel();
      await Promise.all([...devices.values()].map(({ state }) => state.close()));
    },
  };
}
