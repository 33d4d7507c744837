/**
 * The families of scanners by what they put on the line and how they want to be answered.
 *
 * Line settings are what the makers ship (Zebra PRG, host types; Honeywell Xenon user guide; Datalogic
 * PRG, RS-232). A configuration may replace each of them; what it leaves out is taken from here.
 */
import type { Delimiter } from "../framing/delimiter.ts";
import type { Reach } from "./commands.ts";

export type ProfileName =
  | "generic"
  | "zebra"
  | "zebra-stx-etx"
  | "zebra-ssi"
  | "honeywell"
  | "honeywell-ack-nak"
  | "honeywell-host-ack"
  | "datalogic"
  | "datalogic-ack-nak"
  | "datalogic-display"
  | "hid";

export type FramingName =
  | { readonly kind: "delimiter"; readonly delimiter: Delimiter }
  | { readonly kind: "stx-etx" }
  | { readonly kind: "gap"; readonly gapMs: number }
  | { readonly kind: "length"; readonly bytes: number }
  /** Packets of the Simple Serial Interface. */
  | { readonly kind: "ssi" }
  /** Key events of a keyboard wedge. */
  | { readonly kind: "keys" };

export type LineSettings = {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
  readonly flowControl: "none" | "hardware" | "software";
};

/** How a scanner wants to be answered; `none`: it cannot be told anything. */
export type AnswerStyle = "none" | "ack-nak" | "host-ack" | "display" | "ssi";

export type Profile = {
  readonly line: LineSettings;
  readonly framing: FramingName;
  readonly answer: AnswerStyle;
  /** How long the scanner waits for an answer. */
  readonly timeoutMs: number;
  /** How long a good answer or tone may wait for the twin; 0: it does not wait. */
  readonly verdictMs: number;
  /**
   * The character that says "kept, but look at it": in place of the acknowledgement, or after it.
   * Undefined: there is none.
   */
  readonly warning: { readonly character: number; readonly when: "instead" | "after" } | undefined;
  /** How it is told things between its scans. */
  readonly reach: Reach["by"];
};

const LINE: LineSettings = {
  baudRate: 9600,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  flowControl: "none",
};
const ANY: FramingName = { kind: "delimiter", delimiter: "any" };
const PLAIN = {
  line: LINE,
  framing: ANY,
  answer: "none",
  timeoutMs: 0,
  verdictMs: 0,
  warning: undefined,
  reach: "nothing",
} as const satisfies Profile;
const ACK_NAK = { ...PLAIN, answer: "ack-nak", timeoutMs: 2_000 } as const satisfies Profile;
/** Long enough for the twin on a good day, short enough for a hand that waits for its tone. */
export const VERDICT_MS = 400;

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  generic: PLAIN,
  // "Data as is" has no end but silence.
  zebra: { ...PLAIN, framing: { kind: "gap", gapMs: 50 } },
  // After a time-out it sounds its error tone and sends nothing again.
  "zebra-stx-etx": {
    ...ACK_NAK,
    line: { ...LINE, dataBits: 7, parity: "even" },
    framing: { kind: "stx-etx" },
  },
  "zebra-ssi": {
    ...PLAIN,
    framing: { kind: "ssi" },
    answer: "ssi",
    timeoutMs: 2_000,
    verdictMs: VERDICT_MS,
    reach: "ssi",
  },
  honeywell: PLAIN,
  // Metrologic lines answer BEL with three beeps and take it for an acknowledgement, when that is on.
  // "5 retries on ACK/NAK time-out" is a setting of theirs.
  "honeywell-ack-nak": ACK_NAK,
  "honeywell-host-ack": {
    ...PLAIN,
    answer: "host-ack",
    timeoutMs: 10_000,
    verdictMs: VERDICT_MS,
    reach: "escape",
  },
  datalogic: { ...PLAIN, reach: "datalogic" },
  // "F" is its "not on file" indication, a long series of beeps.
  "datalogic-ack-nak": {
    ...ACK_NAK,
    verdictMs: VERDICT_MS,
    warning: { character: 0x46, when: "after" },
    reach: "datalogic",
  },
  // Transmission mode "ACK from host": the reader waits for a message, for 2 to 19 s as it is set.
  "datalogic-display": {
    ...PLAIN,
    answer: "display",
    timeoutMs: 2_000,
    verdictMs: VERDICT_MS,
    reach: "display",
  },
  hid: { ...PLAIN, framing: { kind: "keys" } },
};
