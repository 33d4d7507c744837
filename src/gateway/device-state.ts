/**
 * What is known of one device on a line: absent, opening, open, silent or faulted, since when and why.
 *
 * A change is journalled and becomes an event on the telemetry lane. A loose plug changes state many
 * times a second, so the events are spaced out; the last state is always told in the end.
 */
import type { Clock, Journal, OutboxPort } from "../ports.ts";
import { encodeEvent } from "../wire/codec.ts";

export type DeviceStateName = "absent" | "opening" | "open" | "silent" | "faulted";

export type DeviceStateView = {
  readonly state: DeviceStateName;
  readonly reason: string;
  readonly sinceMs: number;
};

export type DeviceState = {
  become(state: DeviceStateName, reason: string): void;
  view(): DeviceStateView;
  /** The last state that was not an attempt; undefined before the first. */
  settled(): DeviceStateView | undefined;
  /** Tells what is still to be told now, and nothing after that. */
  close(): Promise<void>;
};

/** Why a device that left the configuration is absent. */
export const UNCONFIGURED = "it was taken out of the configuration";

/** Why a device is faulted is told anew no more often. */
const REASON_EVERY_MS = 60_000;

export type DeviceStateDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
};

export function createDeviceState(
  { clock, journal, outbox }: DeviceStateDeps,
  { device, everyMs }: { readonly device: string; readonly everyMs: number },
): DeviceState {
  let now: DeviceStateView = { state: "absent", reason: "not opened yet", sinceMs: clock.nowMs() };
  /** An attempt to open is no news: what counts is what it comes to. */
  let settled: DeviceStateView | undefined;
  let told: DeviceStateView | undefined;
  let cancel: (() => void) | undefined;
  let cancelReason: (() => void) | undefined;
  let closed = false;
  let telling = Promise.resolve();

  /** One behind the other: what is on its way to disk has not been told yet. */
  function tell(): Promise<void> {
    telling = telling.then(tellNow);
    return telling;
  }

  async function tellNow(): Promise<void> {
    const news = settled;
    if (news === undefined || (news.state === told?.state && news.reason === told.reason)) return;
    const bytes = encodeEvent({
      boot: outbox.state("telemetry").boot,
      gatewayTimeMs: news.sinceMs,
      monotonicMs: clock.monotonicMs(),
      clock: clock.quality(),
      sourceTimeMs: undefined,
      device,
      body: { kind: "device-state", state: news.state, reason: news.reason },
    });
    const put = await outbox.put("telemetry", [{ bytes, origin: undefined }]);
    if (put.ok) told = news;
  }

  function tellInTime(): void {
    if (closed || cancel !== undefined) return;
    cancel = clock.after(everyMs, () => {
      void tell().then(() => {
        cancel = undefined;
        if (settled?.state !== told?.state) tellInTime();
      });
    });
  }

  /** What a try to open comes to may be said in other words each time. */
  function tellReasonInTime(): void {
    if (closed || cancelReason !== undefined || settled?.reason === told?.reason) return;
    cancelReason = clock.after(REASON_EVERY_MS, () => {
      cancelReason = undefined;
      void tell();
    });
  }

  return {
    become(state, reason) {
      if (state === now.state && reason === now.reason) return;
      now = { state, reason, sinceMs: clock.nowMs() };
      if (state === "opening") return;
      if (settled?.state === state) {
        // What is wrong now is what somebody has to mend; when it went is another matter.
        if (state === "faulted") settled = { ...settled, reason };
        tellReasonInTime();
        return;
      }
      settled = now;
      const details = { device, state, reason };
      if (state === "open") journal.note("device-state", details);
      else journal.warn("device-state", details);
      tellInTime();
    },
    view: () => now,
    settled: () => settled,
    async close() {
      closed = true;
      cancel?.();
      cancelReason?.();
      await tell();
    },
  };
}
