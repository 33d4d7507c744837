/**
 * What an answer is on the line, for the protocols that answer with characters.
 *
 * Sources: Zebra PRG, RS-232 (ACK 06, NAK 15); Honeywell Xenon user guide, Host ACK (an escape command
 * is ended by a comma, which is required; `[ESC]7,` on file, `[ESC]8,[ESC]8,` not on file); Datalogic
 * PRG, RS-232 (ACK and NAK characters are settings).
 */
import { never } from "../../kernel/assert.ts";
import type { Answer } from "./delivery.ts";
import type { Profile } from "./profile.ts";

export type AckNak = {
  readonly ack: number;
  readonly nak: number;
  readonly warning: Profile["warning"];
};

/** Undefined: nothing is said. */
export function ackNakBytes(answer: Answer, { ack, nak, warning }: AckNak): Uint8Array | undefined {
  switch (answer.kind) {
    case "kept":
      return Uint8Array.of(ack);
    case "refused":
      return Uint8Array.of(nak);
    case "judged": {
      const bad = answer.verdict === "discrepancy" || answer.verdict === "unknown";
      if (warning?.when === "instead") return Uint8Array.of(bad ? warning.character : ack);
      return bad && warning !== undefined ? Uint8Array.of(warning.character) : undefined;
    }
    default:
      return never(answer);
  }
}

/** "7": as good; "8": as not; "4": one low beep. */
const GOOD = "\x1b7,";
const NOT_ON_FILE = "\x1b8,\x1b8,";
const NOT_SAVED = "\x1b8,\x1b4,\x1b4,";

export function hostAckBytes(answer: Answer): Uint8Array | undefined {
  switch (answer.kind) {
    case "kept":
      return undefined;
    case "refused":
      return ascii(NOT_SAVED);
    case "judged":
      return ascii(answer.verdict === "accepted" || answer.verdict === "none" ? GOOD : NOT_ON_FILE);
    default:
      return never(answer);
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
