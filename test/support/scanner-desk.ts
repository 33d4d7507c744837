/**
 * A desk with one scanner on it and the gateway's side of its cable: supervisor, reader or conversation,
 * and an outbox on a real disk. What the disk and the twin do is for the test to say.
 */
import { onTestFinished } from "vitest";
import { createSleep } from "../../firmware-sim/pace.ts";
import { openTty, type Tty } from "../../firmware-sim/tty.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { createDeviceState } from "../../src/gateway/device-state.ts";
import { createDirectiveBox } from "../../src/gateway/directives.ts";
import { createScannerActs } from "../../src/gateway/scanner-acts.ts";
import { SUPERVISE_DEFAULTS, superviseScanner } from "../../src/gateway/supervise.ts";
import { createVerdicts } from "../../src/gateway/verdicts.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { openLine } from "../../src/io/line.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import { whenAppears } from "../../src/io/path-watch.ts";
import type { Journal, OutboxPort, Put, Refusal } from "../../src/ports.ts";
import { outboxLimits } from "../../src/store/outbox.ts";
import {
  decodeEvent,
  encodeDirectives,
  encodeVerdicts,
  type VerdictKind,
} from "../../src/wire/codec.ts";
import { temporaryFolder } from "./folder.ts";
import { until } from "./until.ts";

export type Desk = {
  /** Raw texts on disk, in order. */
  scans(): Promise<readonly string[]>;
  /** Those of them that may be the one before, sent again. */
  suspected(): Promise<readonly string[]>;
  state(): { readonly state: string; readonly reason: string };
  readonly figures: {
    readonly said: string[];
    readonly noted: string[];
    readonly noise: Record<string, number>;
  };
  /** Commits wait until the returned function is called. */
  holdDisk(): () => void;
  /** Resolves when something waits for the disk: it was read, and is not kept yet. */
  untilHeld(): Promise<void>;
  refuse(why: Refusal | undefined): void;
  /** From now on the twin says so of each scan, after so long; undefined: it is away. */
  judge(verdict: VerdictKind | "silent" | undefined, afterMs?: number, reason?: string): void;
  /** A directive of the twin for this scanner, told once. */
  direct(id: string, kind: string, what: object, remainingMs?: number): void;
  /** What came of directives, as the twin will read it: id, outcome and reason. */
  outcomes(): Promise<readonly string[]>;
  /** Of these it is on disk that they have begun. */
  begun(): Promise<readonly string[]>;
  /** As when the gateway stops: no directive is taken in hand any more. */
  closeBox(): Promise<void>;
  untilOpen(): Promise<void>;
  stop(): Promise<void>;
};

export type DeskOptions = {
  /** Keys of the scanner in the gateway's configuration, as YAML in braces would have them. */
  readonly scanner: string;
  readonly path: string;
  readonly outboxBytesMax?: number;
  readonly reopen?: { readonly firstMs: number; readonly lastMs: number };
  /** Of the test, where it runs beside others of its file. */
  readonly finished?: typeof onTestFinished;
};

export async function openDesk({
  scanner: words,
  path,
  outboxBytesMax = 2 ** 30,
  reopen = { firstMs: 20, lastMs: 100 },
  finished = onTestFinished,
}: DeskOptions): Promise<Desk> {
  const text = `version: 1\ngateway: gw\nscanners: [{ id: desk, path: "${path}", ${words} }]\n`;
  const read = readGatewayConfig(text);
  const [scanner] = read.ok ? read.config.scanners : [];
  if (scanner === undefined) throw new Error(JSON.stringify(read));
  const clock = createClock();
  const journal: Journal = { note() {}, warn() {}, error() {} };
  const limits = outboxLimits({ bytesMax: outboxBytesMax, telemetryBytesMax: 2 ** 19 });
  const disk = await openOutboxThread({ journal }, { folder: temporaryFolder(finished), limits });
  const verdicts = createVerdicts({ journal });
  let verdict: VerdictKind | "silent" | undefined;
  let verdictMs = 0;
  let verdictReason = "";
  verdicts.watch(() => verdict !== undefined);
  let refusal: Refusal | undefined;
  let held: Promise<void> | undefined;
  let waiting = 0;

  const outbox: OutboxPort = {
    ...disk,
    async put(lane, events): Promise<Put> {
      if (lane === "telemetry") return disk.put(lane, events);
      waiting += 1;
      await held;
      waiting -= 1;
      if (refusal !== undefined) return { ok: false, why: refusal };
      const put = await disk.put(lane, events);
      if (put.ok) speak(put.commit.lastSeq);
      return put;
    },
  };

  function speak(seq: number): void {
    if (verdict === undefined || verdict === "silent") return;
    const message = encodeVerdicts([
      { epoch: disk.state("scan").epoch, seq, kind: verdict, reason: verdictReason },
    ]);
    setTimeout(() => verdicts.hear(message), verdictMs);
  }

  const state = createDeviceState({ clock, journal, outbox }, { device: "desk", everyMs: 60_000 });
  const figures = {
    said: [] as string[],
    noted: [] as string[],
    noise: {} as Record<string, number>,
  };
  const halt = new AbortController();
  const box = createDirectiveBox({ clock, chance, journal, outbox: disk });
  const acts = createScannerActs(scanner);
  box.serve("desk", acts.act);
  const ended = superviseScanner(
    {
      ...{ clock, chance, journal, outbox, state, verdicts, acts },
      unkept: { over: halt.signal, hold() {} },
      open: openLine,
      appears: whenAppears,
      record: {
        opened() {},
        scans() {},
        refused() {},
        dropped() {},
        noise(why, bytes) {
          figures.noise[why] = (figures.noise[why] ?? 0) + bytes;
        },
        answered: (says) => figures.said.push(says),
        noted: (what) => figures.noted.push(what),
      },
    },
    { ...SUPERVISE_DEFAULTS, reopen, scanner },
    halt.signal,
  );
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await box.close();
    halt.abort();
    await ended;
    await state.close();
    await disk.close();
  };
  finished(stop);

  async function texts(suspected: boolean): Promise<readonly string[]> {
    const { events } = await disk.peek("scan", 1, { events: 10_000, bytes: 2 ** 24 });
    return events.flatMap((bytes) => {
      const { body } = decodeEvent(bytes);
      if (body.kind !== "scan" || (suspected && body.suspectedRepeat !== true)) return [];
      return [Buffer.from(body.raw).toString("latin1")];
    });
  }

  async function statements(): Promise<readonly Readonly<Record<string, string>>[]> {
    const { events } = await disk.peek("scan", 1, { events: 10_000, bytes: 2 ** 24 });
    return events.flatMap((bytes) => {
      const { body } = decodeEvent(bytes);
      return body.kind === "statement" ? [JSON.parse(body.json) as Record<string, string>] : [];
    });
  }

  return {
    figures,
    stop,
    state: () => state.view(),
    scans: () => texts(false),
    suspected: () => texts(true),
    holdDisk() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = undefined;
        release();
      };
    },
    refuse(why) {
      refusal = why;
    },
    judge(next, afterMs = 0, reason = "") {
      verdict = next;
      verdictMs = afterMs;
      verdictReason = reason;
    },
    direct(id, kind, what, remainingMs = 60_000) {
      const json = JSON.stringify(what);
      box.hear(encodeDirectives([{ id, device: "desk", kind, json, remainingMs }]));
    },
    async outcomes() {
      return (await statements()).flatMap(({ id, outcome, reason }) =>
        outcome === "begun" ? [] : [`${id} ${outcome} ${reason}`.trim()],
      );
    },
    async begun() {
      return (await statements()).flatMap(({ id = "", outcome }) =>
        outcome === "begun" ? [id] : [],
      );
    },
    closeBox: box.close,
    untilHeld: () => until("it waits for the disk", () => waiting > 0, { everyMs: 2 }),
    untilOpen: () => until("the line is open", () => state.view().state === "open", { everyMs: 2 }),
  };
}

/** A cable with a name, as udev gives it. */
export function openCable(finished = onTestFinished): Tty {
  const sleep = createSleep(new AbortController().signal);
  const tty = openTty({ nowMs: Date.now, sleep }, temporaryFolder(finished), "by-id-desk");
  finished(() => tty.close());
  return tty;
}
