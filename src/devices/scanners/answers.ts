/**
 * What an answer is on the line, for the protocols that answer with characters.
 *
 * Sources: Zebra PRG, RS-232 (ACK 06, NAK 15); Honeywell Xenon user guide, Host ACK (an escape command
 * is ended by a comma, which is required; `[ESC]7,` on file, `[ESC]8,[ESC]8,` not on file); Datalogic
 * PRG, RS-232 (ACK and NAK characters are settings); Datalogic PowerScan PRG, Message Formatting (a message
 * that answers a scan ends with CR).
 */
import { never } from "../../kernel/assert.ts";
import type { Answer } from "./delivery.ts";
import { displayMessage, LAMP, TONE } from "./display.ts";
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

const SOUND_GOOD = `${LAMP.green.on}${TONE.good}${LAMP.green.off}`;
const SOUND_BAD = `${LAMP.red.on}${TONE.longLow}${TONE.longLow}${LAMP.red.off}`;
const SOUND_NOT_SAVED = `${LAMP.red.on}${TONE.notSent}${LAMP.red.off}`;

/** What became of the scan in a word, the twin's reason below it, and the tone. */
export function displayBytes(answer: Answer): Uint8Array | undefined {
  switch (answer.kind) {
    case "kept":
      return undefined;
    case "refused":
      return shown(["NOT SAVED", "Scan it again."], SOUND_NOT_SAVED);
    case "judged": {
      const { verdict, reason = "" } = answer;
      if (verdict === "accepted" || verdict === "none") return shown(["SAVED"], SOUND_GOOD);
      const word = verdict === "unknown" ? "UNKNOWN" : "CHECK THIS";
      return shown([word, reason], SOUND_BAD);
    }
    default:
      return never(answer);
  }
}

function shown(paragraphs: readonly string[], sound: string): Uint8Array {
  return ascii(`${displayMessage(paragraphs)}${sound}\r`);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
