/**
 * `racktrace listen PORT`: what a line says, as bytes and as the scans a profile makes of them, live and as
 * a recording. It says nothing to the device: a scanner that waits for an answer will sound its error tone.
 */
import { realpathSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { decodeScan, elementString } from "../barcode/decode.ts";
import type { Cut } from "../devices/framing/cut.ts";
import { createDeframer } from "../devices/framing/deframer.ts";
import { mark } from "../devices/scanners/mark.ts";
import { PROFILES, type ProfileName } from "../devices/scanners/profile.ts";
import { gapMsOf, hear } from "../gateway/hear.ts";
import { printable } from "../gateway/recent-scans.ts";
import { createClock } from "../io/clock.ts";
import { openLine } from "../io/line.ts";
import { openFiles } from "../io/machine/processes.ts";
import { openRecording, type Recording } from "../io/recording.ts";
import { Fault } from "../kernel/fault.ts";
import type { ByteLine, SerialSettings } from "../ports.ts";
import { stopSignal } from "./stop-signal.ts";

type Options = {
  readonly profile: ProfileName;
  readonly baud?: number;
  readonly dataBits?: 7 | 8;
  readonly parity?: SerialSettings["parity"];
  readonly record?: string;
  readonly json?: boolean;
};

const FRAME_BYTES_MAX = 4_096;
/** On a line of the live view. */
const HEX_BYTES = 16;
const SILENT_MS = 24 * 60 * 60 * 1000;
/** Also what an adapter says while it is opened. */
const ALL = { settleMs: 0, junk: () => undefined };

export function define(command: Command): void {
  command
    .argument("<PORT>", "device path, as `racktrace ports` shows it; tcp://HOST:PORT works too")
    .addOption(
      new Option("--profile <NAME>", "how scans are told apart")
        .choices(Object.keys(PROFILES))
        .default("generic"),
    )
    .option("--baud <N>", "instead of the profile's", wholeNumber)
    .addOption(new Option("--data-bits <N>", "instead of the profile's").argParser(dataBits))
    .addOption(new Option("--parity <P>", "none, even or odd").choices(["none", "even", "odd"]))
    .option("--record <FILE>", "keep what comes; `sim replay FILE` plays it back")
    .option("--json", "one JSON object a line")
    .action((port: string, options: Options) => listen(port, options, stopSignal()));
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 50)
    throw new InvalidArgumentError("write a number such as 9600");
  return value;
}

function dataBits(text: string): 7 | 8 {
  if (text !== "7" && text !== "8") throw new InvalidArgumentError("write 7 or 8");
  return text === "7" ? 7 : 8;
}

async function listen(path: string, options: Options, stop: AbortSignal): Promise<void> {
  const profile = PROFILES[options.profile];
  const { framing } = profile;
  const settings: SerialSettings = {
    path,
    baudRate: options.baud ?? profile.line.baudRate,
    dataBits: options.dataBits ?? profile.line.dataBits,
    parity: options.parity ?? profile.line.parity,
    stopBits: profile.line.stopBits,
    isKeyboard: options.profile === "hid",
  };
  const clock = createClock();
  // First, so that a port that cannot be opened leaves no file that is in the way the next time.
  const line = await open(settings);
  let recording: Recording | undefined;
  try {
    recording = options.record === undefined ? undefined : openRecording(options.record);
    const startedMs = clock.monotonicMs();
    const deframer = createDeframer(framing, FRAME_BYTES_MAX);
    const gapMs = gapMsOf(framing);
    const close = () => void line.close();
    stop.addEventListener("abort", close, { once: true });
    if (stop.aborted) close();
    const { baudRate, dataBits: bits, parity, stopBits } = settings;
    const line8n1 = `${baudRate} ${bits}${parity.slice(0, 1).toUpperCase()}${stopBits}`;
    process.stderr.write(`listening to ${path} at ${line8n1} as ${options.profile}; Ctrl-C ends\n`);

    for await (const heard of hear({ line, clock }, { gapMs, silentMs: SILENT_MS, ...ALL })) {
      const atMs = clock.monotonicMs() - startedMs;
      if (heard.kind === "bytes") {
        recording?.add(atMs, "in", heard.bytes);
        showBytes(atMs, heard.bytes, options);
        showCuts(atMs, deframer.push(heard.bytes), options);
      } else if (heard.kind === "quiet") showCuts(atMs, deframer.quiet(), options);
    }
    showCuts(clock.monotonicMs() - startedMs, deframer.close(), options);
    if (!stop.aborted) throw new Fault("SERIAL_LOST", `${path} was unplugged`);
  } finally {
    recording?.close();
    await line.close();
  }
}

/** A port that is busy is told with who has it. */
async function open(settings: SerialSettings): Promise<ByteLine> {
  try {
    return await openLine(settings);
  } catch (fault) {
    if (!(fault instanceof Fault) || !fault.detail.includes(" is busy ")) throw fault;
    const holders = openFiles().holdersOf(realpathSync(settings.path));
    // What could not be locked is not closed yet here.
    const others = holders.filter(({ pid }) => pid !== process.pid);
    const who = others.map(({ pid, command }) => `${command} (pid ${pid})`).join(", ");
    if (who === "") throw fault;
    throw new Fault("SERIAL_LOST", `${fault.detail}; held by ${who}`, { cause: fault });
  }
}

function showBytes(atMs: number, bytes: Uint8Array, { json }: Options): void {
  if (json === true) {
    print({ t: round(atMs), kind: "bytes", bytes: Buffer.from(bytes).toString("hex") });
    return;
  }
  for (let at = 0; at < bytes.length; at += HEX_BYTES) {
    const row = bytes.subarray(at, at + HEX_BYTES);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    say(`${time(atMs)}  ${hex.padEnd(3 * HEX_BYTES)} ${printable(row)}`);
  }
}

function showCuts(atMs: number, cuts: readonly Cut[], { json, profile }: Options): void {
  for (const cut of cuts) {
    if (cut.kind === "noise") {
      const { bytes, why } = cut;
      if (json === true) print({ t: round(atMs), kind: "noise", bytes, why });
      else say(`${time(atMs)}  ~ ${bytes} bytes that belong to no scan: ${why}`);
      continue;
    }
    const scan = scanOf(cut.frame, profile);
    if (json === true) print({ t: round(atMs), kind: "scan", ...scan });
    else
      say(
        `${time(atMs)}  = ${scan.aim || "no identifier"}  ${scan.text}${scan.why && `  (${scan.why})`}`,
      );
  }
}

function scanOf(frame: Uint8Array, profile: ProfileName) {
  const marking = { aim: true, codeId: "none", separator: "", unmarked: undefined } as const;
  const ssi = PROFILES[profile].framing.kind === "ssi";
  const { raw, aim } = ssi ? mark(frame.subarray(1), marking, frame[0]) : mark(frame, marking);
  const decoded = decodeScan(raw, { aim: aim !== "" });
  const text = decoded.kind === "key" ? elementString(decoded.key) : printable(raw);
  return { aim, text, means: decoded.kind, why: "why" in decoded ? decoded.why : "" };
}

function time(ms: number): string {
  return (ms / 1000).toFixed(3).padStart(9);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function print(value: object): void {
  say(JSON.stringify(value));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
