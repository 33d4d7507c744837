/**
 * What a scanner can be told besides an answer to a scan: to beep, to light its lamp, to show a text, and
 * what that is on its line. What it cannot do is told with the way out.
 *
 * Sources: Zebra 72E-40451 (BEEP, LED_ON, LED_OFF); Honeywell Xenon user guide, Host ACK (`4` low, `6` high
 * beep, `3` green LED for five seconds); Datalogic Magellan PRG, appendix Host Commands (01h beeps whatever
 * the beeper is set to); Datalogic PowerScan PRG, Message Formatting.
 */
import { never } from "../../kernel/assert.ts";
import { displayMessage, isPrintable, LAMP, TONE } from "./display.ts";
import { ONE_LAMP, OPCODE } from "./ssi-packet.ts";

export type Wish =
  | { readonly kind: "beep"; readonly pitch: "high" | "low"; readonly times: number }
  | { readonly kind: "led"; readonly on: boolean; readonly color: Color | undefined }
  | { readonly kind: "text"; readonly text: string };

type Color = "green" | "red";

/** By which commands a scanner can be reached at any time; a character: it beeps on it and no more. */
export type Reach =
  | { readonly by: "ssi" | "escape" | "datalogic" | "display" | "nothing" }
  | { readonly by: "character"; readonly character: number };

export type Command =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "ssi"; readonly opcode: number; readonly data: readonly number[] }
  | { readonly kind: "cannot"; readonly why: string };

export const TIMES_MAX = 5;
export const TEXT_MAX = 64;

/** Undefined: it is none of these, or not said clearly. */
export function wishOf(kind: string, what: Readonly<Record<string, unknown>>): Wish | undefined {
  const { pitch = "high", times = 1, on, color, text } = what;
  switch (kind) {
    case "beep":
      if ((pitch !== "high" && pitch !== "low") || !isCount(times)) return undefined;
      return { kind, pitch, times };
    case "led":
      if (typeof on !== "boolean") return undefined;
      if (color !== undefined && color !== "green" && color !== "red") return undefined;
      return { kind, on, color };
    case "text":
      return typeof text === "string" && text !== "" && text.length <= TEXT_MAX
        ? { kind, text }
        : undefined;
    default:
      return undefined;
  }
}

export function commandFor(reach: Reach, wish: Wish): Command {
  switch (reach.by) {
    case "ssi":
      return ssi(wish);
    case "escape":
      return hostAck(wish);
    case "display":
      return display(wish);
    case "datalogic":
      return onlyBeeps(FORCED_TONE, wish);
    case "character":
      return onlyBeeps(reach.character, wish);
    case "nothing":
      return cannot(
        "this scanner takes no commands as it is configured; its profile must be zebra-ssi, honeywell-host-ack, datalogic or datalogic-display, or beep the character it beeps on",
      );
    default:
      return never(reach);
  }
}

const FORCED_TONE = 0x01;
/** Codes 00h to 04h are one to five short high beeps, 0Fh to 13h as many long low ones. */
const SHORT_HIGH = 0x00;
const LONG_LOW = 0x0f;

function ssi(wish: Wish): Command {
  switch (wish.kind) {
    case "beep": {
      const first = wish.pitch === "high" ? SHORT_HIGH : LONG_LOW;
      return { kind: "ssi", opcode: OPCODE.BEEP, data: [first + wish.times - 1] };
    }
    case "led":
      if (wish.color === "red")
        return cannot("the lamp that SSI can switch has one colour; leave color out");
      return { kind: "ssi", opcode: wish.on ? OPCODE.LED_ON : OPCODE.LED_OFF, data: [ONE_LAMP] };
    case "text":
      return NO_DISPLAY;
    default:
      return never(wish);
  }
}

function hostAck(wish: Wish): Command {
  switch (wish.kind) {
    case "beep":
      return ascii((wish.pitch === "high" ? "\x1b6," : "\x1b4,").repeat(wish.times));
    case "led":
      if (!wish.on) return cannot("its lamp goes out by itself, five seconds after it was lit");
      if (wish.color === "red")
        return cannot("the lamp that the host can light is green; leave color out");
      return ascii("\x1b3,");
    case "text":
      return NO_DISPLAY;
    default:
      return never(wish);
  }
}

function display(wish: Wish): Command {
  switch (wish.kind) {
    case "beep":
      return unasked((wish.pitch === "high" ? TONE.high : TONE.longLow).repeat(wish.times));
    case "led":
      return unasked(LAMP[wish.color ?? "green"][wish.on ? "on" : "off"]);
    case "text":
      return isPrintable(wish.text)
        ? unasked(displayMessage([wish.text]))
        : cannot("its display shows ASCII only; write the text without other characters");
    default:
      return never(wish);
  }
}

/** DC2 tells a message from the answer to a scan. */
function unasked(message: string): Command {
  return ascii(`\x12${message}\r`);
}

function onlyBeeps(character: number, wish: Wish): Command {
  if (wish.kind === "text") return NO_DISPLAY;
  if (wish.kind === "led") return cannot("its lamp cannot be switched from here; let it beep");
  if (wish.pitch === "low") return cannot("it has one tone for this; leave pitch out");
  return { kind: "bytes", bytes: new Uint8Array(wish.times).fill(character) };
}

const NO_DISPLAY = cannot(
  "it has no display that its protocol can write to; a scanner of the profile datalogic-display has",
);

function cannot(why: string): Command & { readonly kind: "cannot" } {
  return { kind: "cannot", why };
}

function isCount(times: unknown): times is number {
  return Number.isInteger(times) && Number(times) >= 1 && Number(times) <= TIMES_MAX;
}

function ascii(text: string): Command {
  return { kind: "bytes", bytes: Uint8Array.from(text, (one) => one.charCodeAt(0)) };
}
