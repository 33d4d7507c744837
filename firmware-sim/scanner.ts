/**
 * One barcode scanner: puts what its operator reads onto the line, with its framing and its faults.
 *
 * A plain scanner is never told whether it was heard, so its operator keeps to what a person sees:
 * nothing is read while nobody has the port open, and what a pulled cable cut short is read again. With
 * a scanner that waits for an answer a label is read until its good tone is heard.
 */
import { createAckNakScanner, FAMILIES } from "./ack-nak.ts";
import type { Act } from "./acts.ts";
import type { AnsweredScanner } from "./answered.ts";
import { createHostAckScanner } from "./host-ack.ts";
import type { Label } from "./keys.ts";
import type { Sleep } from "./pace.ts";
import type { Profile, ScannerSpec, Scenario, Suffix } from "./scenario.ts";
import { createSsiScanner } from "./ssi.ts";
import type { Tty } from "./tty.ts";

export type ScannerCounts = {
  scans: number;
  bounces: number;
  doubleReads: number;
  noises: number;
  unplugs: number;
};

export type Scanner = {
  readonly spec: ScannerSpec;
  readonly tty: Tty;
  readonly counts: Readonly<ScannerCounts>;
  /** Resolves when somebody reads, or when the simulator is told to stop. */
  heard(): Promise<void>;
  /**
   * Reads one label, not before `gapMs` of real time have passed since the last. `onRead` is called
   * once, with the time of the first whole reading; not at all when the simulator is told to stop.
   */
  read(act: Act, gapMs: number, onRead: (timeMs: number) => void): Promise<void>;
};

export type ScannerDeps = {
  readonly tty: Tty;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  readonly stop: AbortSignal;
};

export type ScannerOptions = {
  readonly pacing: Scenario["pacing"];
  /** False: bytes are written whether anybody reads them or not. */
  readonly waitForReader: boolean;
};

const LOOK_MS = 20;
/** A reader takes up what it was sent: what is still in the kernel is gone with the cable. */
const TAKEN_UP_MS = 250;
/** Noise and frame arrive apart, as on a real line. */
const NOISE_GAP_MS = 5;

export function createScanner(
  { tty, nowMs, sleep, stop }: ScannerDeps,
  spec: ScannerSpec,
  { pacing, waitForReader }: ScannerOptions,
): Scanner {
  const counts: ScannerCounts = { scans: 0, bounces: 0, doubleReads: 0, noises: 0, unplugs: 0 };
  /** Real time of the last reading of each label, for the product takes close readings for one. */
  const readMs = new Map<string, number>();
  const answered = plugIn(spec.profile, tty);
  let lastMs = 0;

  async function heard(): Promise<void> {
    while (!stop.aborted && waitForReader) {
      const sinceMs = tty.openSinceMs();
      // A reader that has just opened the port still sets it up and drops what comes meanwhile.
      if (sinceMs !== undefined && nowMs() - sinceMs >= pacing.settleMs) return;
      await sleep(LOOK_MS);
    }
  }

  /** False: read it again. */
  async function transmit({ aim, text }: Label): Promise<boolean> {
    if (answered === undefined) return (await tty.write(frame(spec, aim, text))) || !waitForReader;
    return (await answered.scan(spec.aim ? aim + text : text)).how === "acknowledged";
  }

  async function send(label: Label): Promise<number | undefined> {
    while (!stop.aborted) {
      await heard();
      if (stop.aborted) return undefined;
      if (!(await transmit(label))) continue;
      counts.scans += 1;
      lastMs = nowMs();
      readMs.set(label.element, lastMs);
      return lastMs;
    }
    return undefined;
  }

  async function pullCable(label: Label, share: number, absentMs: number): Promise<void> {
    const whole = frame(spec, label.aim, label.text);
    const cut = Math.min(whole.length - endBytes(spec.suffix), Math.ceil(whole.length * share));
    await heard();
    if (stop.aborted) return;
    // The label before was heard with its tone; a busy machine reads it later than that.
    await sleep(TAKEN_UP_MS);
    counts.unplugs += 1;
    await tty.write(whole.subarray(0, cut));
    tty.unplug();
    await sleep(absentMs);
    tty.plug();
  }

  async function sameLabelAgain({ element }: Label): Promise<void> {
    const earliestMs = (readMs.get(element) ?? Number.NEGATIVE_INFINITY) + pacing.sameSymbolMsMin;
    await sleep(earliestMs - nowMs());
  }

  return {
    spec,
    tty,
    counts,
    heard,
    async read({ label, upset }, gapMs, onRead) {
      await sleep(lastMs + Math.max(gapMs, pacing.scanMsMin) - nowMs());
      await sameLabelAgain(label);
      if (upset?.kind === "noise") {
        await heard();
        counts.noises += 1;
        await tty.write(upset.bytes);
        await sleep(NOISE_GAP_MS);
      }
      if (upset?.kind === "unplug") await pullCable(label, upset.share, upset.absentMs);
      const timeMs = await send(label);
      if (timeMs === undefined) return;
      onRead(timeMs);
      if (upset?.kind === "bounce") {
        await sleep(upset.afterMs);
        if ((await send(label)) !== undefined) counts.bounces += 1;
      }
      if (upset?.kind === "double-read") {
        await sameLabelAgain(label);
        if ((await send(label)) !== undefined) counts.doubleReads += 1;
      }
    },
  };
}

/** Undefined: nobody answers it. Its timers go with the process. */
function plugIn(profile: Profile, tty: Tty): AnsweredScanner | undefined {
  switch (profile) {
    case "plain":
      return undefined;
    case "zebra-ssi":
      return createSsiScanner(tty, { timeoutMs: 2_000, type: SSI_CODE_128 });
    case "honeywell-host-ack":
      return createHostAckScanner(tty, { timeoutMs: 10_000, suffix: "\r" });
    default:
      return createAckNakScanner(tty, FAMILIES[profile]);
  }
}

/** Its AIM identifier says more, and is sent as well. */
const SSI_CODE_128 = 3;

/** What the scanner of this specification sends for a symbol, byte for byte. */
export function frame(spec: ScannerSpec, aim: string, text: string): Uint8Array {
  const [start, end] = AROUND[spec.suffix];
  return new TextEncoder().encode(`${start}${spec.aim ? aim : ""}${text}${end}`);
}

const AROUND: Readonly<Record<Suffix, readonly [string, string]>> = {
  cr: ["", "\r"],
  lf: ["", "\n"],
  crlf: ["", "\r\n"],
  "stx-etx": ["\u0002", "\u0003"],
};

const endBytes = (suffix: Suffix): number => AROUND[suffix][1].length;
