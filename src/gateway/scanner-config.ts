/**
 * A scanner as it is configured, and as it is run: what the text leaves out is taken from its profile,
 * and what does not go together is told. Pure.
 */
import type { AckNak } from "../devices/scanners/answers.ts";
import type { Reach } from "../devices/scanners/commands.ts";
import {
  type FramingName,
  type LineSettings,
  PROFILES,
  type ProfileName,
  VERDICT_MS,
} from "../devices/scanners/profile.ts";
import type { Problem } from "./config-text.ts";

/** What fits the schema. */
export type ScannerText = Partial<LineSettings> & {
  readonly id: string;
  readonly path: string;
  readonly profile: ProfileName;
  readonly framing?: Exclude<FramingName, { readonly kind: "ssi" | "keys" }>;
  readonly settleMs: number;
  readonly frameBytesMax: number;
  readonly aim: boolean;
  readonly codeId: "none" | "symbol";
  readonly separator: string;
  readonly unmarked?: "gs1" | "plain";
  readonly beep?: number;
  readonly enquireMs?: number;
  readonly answer?: {
    readonly ack?: number;
    readonly nak?: number;
    readonly warning?: number;
    readonly timeoutMs?: number;
    readonly verdictMs?: number;
  };
};

export type ScannerConfig = LineSettings & {
  readonly id: string;
  readonly path: string;
  readonly profile: ProfileName;
  readonly framing: FramingName;
  readonly settleMs: number;
  readonly frameBytesMax: number;
  readonly aim: boolean;
  readonly codeId: "none" | "symbol";
  readonly separator: string;
  readonly unmarked?: "gs1" | "plain";
  readonly beep?: number;
  /** How often it is invited to send (ENQ); absent: it sends when it likes. */
  readonly enquireMs?: number;
  /** Absent: the scanner waits for no answer. */
  readonly answer?: ScannerAnswer;
};

export type ScannerAnswer = {
  readonly timeoutMs: number;
  readonly verdictMs: number;
} & (
  | ({ readonly style: "ack-nak" } & AckNak)
  | { readonly style: "host-ack" | "display" }
  | { readonly style: "ssi" }
);

const ACK = 0x06;
const NAK = 0x15;

export function completeScanner(text: ScannerText): ScannerConfig {
  const { answer: _answer, framing, ...rest } = text;
  const profile = PROFILES[text.profile];
  const answer = completeAnswer(text);
  return {
    ...rest,
    baudRate: text.baudRate ?? profile.line.baudRate,
    dataBits: text.dataBits ?? profile.line.dataBits,
    parity: text.parity ?? profile.line.parity,
    stopBits: text.stopBits ?? profile.line.stopBits,
    flowControl: text.flowControl ?? profile.line.flowControl,
    framing: framing ?? profile.framing,
    ...(answer && { answer }),
  };
}

/** A plain scanner is reached by the character that it beeps on. */
export function reachOf({ profile, beep }: Pick<ScannerConfig, "profile" | "beep">): Reach {
  if (beep !== undefined) return { by: "character", character: beep };
  const { reach } = PROFILES[profile];
  return reach === "character" ? { by: "nothing" } : { by: reach };
}

function completeAnswer({ profile: name, answer = {} }: ScannerText): ScannerAnswer | undefined {
  const profile = PROFILES[name];
  if (profile.answer === "none") return undefined;
  const { warning: character = profile.warning?.character } = answer;
  const usualMs = character === undefined ? profile.verdictMs : VERDICT_MS;
  const { timeoutMs = profile.timeoutMs, verdictMs = usualMs } = answer;
  if (profile.answer !== "ack-nak") return { style: profile.answer, timeoutMs, verdictMs };
  const { ack = ACK, nak = NAK } = answer;
  const warning =
    character === undefined ? undefined : { character, when: profile.warning?.when ?? "instead" };
  return { style: "ack-nak", ack, nak, warning, timeoutMs, verdictMs };
}

type Found = Omit<Problem, "line">;

/** Only of scanners that fit the schema. */
export function scannerProblems(scanner: ScannerText, at: number): readonly Found[] {
  const found: Found[] = [];
  const add = (key: readonly string[], what: string) =>
    found.push({ path: ["scanners", at, ...key], what });
  const { path, profile: name, framing, beep, enquireMs, answer = {} } = scanner;
  const profile = PROFILES[name];

  if (/^\w+:\/\//.test(path) && !/^(tcp|rfc2217):\/\/[^\s/:]+:\d{1,5}$/.test(path))
    add(["path"], `${path} is no address; write tcp://HOST:PORT or rfc2217://HOST:PORT`);
  if (name === "hid" && path.includes("://"))
    add(["path"], "a keyboard is read on this machine; write /dev/input/by-id/...-event-kbd");
  if (framing !== undefined && (name === "zebra-ssi" || name === "hid"))
    add(["framing"], `${name} frames its scans itself; leave framing out`);
  if (enquireMs !== undefined && (name === "hid" || !/none|ack-nak/.test(profile.answer)))
    add(["enquireMs"], `${name} is not invited to send; leave enquireMs out`);
  if (beep !== undefined && name === "hid")
    add(
      ["beep"],
      "a keyboard hears nothing, and its tone means only that it has read; leave beep out",
    );
  if (beep !== undefined && profile.answer !== "none")
    add(["beep"], `${name} sounds its tone by its answer; leave beep out`);
  if (profile.answer === "none" && scanner.answer !== undefined)
    add(["answer"], `${name} waits for no answer; choose a profile that does`);
  if (profile.answer !== "ack-nak")
    for (const key of ["ack", "nak", "warning"] as const)
      if (answer[key] !== undefined && profile.answer !== "none")
        add(["answer", key], `${name} is not answered with characters of choice`);
  const complete = completeAnswer(scanner);
  if (complete !== undefined && complete.verdictMs > complete.timeoutMs / 2)
    add(
      ["answer", "verdictMs"],
      `${complete.verdictMs} is more than half of timeoutMs, ${complete.timeoutMs}; the scanner would give up while the answer waits`,
    );
  if (complete?.style === "ack-nak" && complete.ack === complete.nak)
    add(["answer"], "ack and nak are the same character");
  return found;
}
