/**
 * Key events of a scanner that plays keyboard (HID), as Linux hands them out, to frames.
 *
 *   struct input_event: time 16 bytes | type u16 | code u16 | value i32        64-bit kernels
 *
 * Only what a US layout types is understood: scanners must be set to it. A scan ends with Enter or
 * Tab. GS comes as Ctrl+] where the scanner can send it (keyboard "function code" on); wedges that
 * cannot must be told to send a word in its place.
 *
 * Where the kernel says that it lost events (SYN_DROPPED), a scan could be spliced of two: all up to the
 * next end of a scan is noise.
 *
 * Source: linux/input.h, linux/input-event-codes.h.
 */
import type { Cut, Deframer } from "../framing/cut.ts";
import { createHeld } from "../framing/held.ts";

export const KEY_EVENT_BYTES = 24;
const EV_SYN = 0;
const SYN_DROPPED = 3;
const EV_KEY = 1;
const PRESSED = 1;
const RELEASED = 0;
const KEY = {
  TAB: 15,
  ENTER: 28,
  LEFT_CTRL: 29,
  LEFT_SHIFT: 42,
  RIGHT_SHIFT: 54,
  CAPS_LOCK: 58,
  KEYPAD_ENTER: 96,
  RIGHT_CTRL: 97,
} as const;

/** Rows of the US layout: code of the first key, characters plain and shifted. */
const ROWS = [
  [2, "1234567890-=", "!@#$%^&*()_+"],
  [16, "qwertyuiop[]", "QWERTYUIOP{}"],
  [30, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [43, "\\zxcvbnm,./", "|ZXCVBNM<>?"],
  [55, "*", "*"],
  [57, " ", " "],
  [71, "789-456+1230.", "789-456+1230."],
  [98, "/", "/"],
] as const;

const PLAIN = new Map<number, string>();
const SHIFTED = new Map<number, string>();
for (const [first, plain, shifted] of ROWS)
  for (let at = 0; at < plain.length; at++) {
    PLAIN.set(first + at, plain[at] as string);
    SHIFTED.set(first + at, shifted[at] as string);
  }

export function createKeysDeframer(frameBytesMax: number): Deframer {
  const held = createHeld(frameBytesMax);
  const event = new Uint8Array(KEY_EVENT_BYTES);
  const view = new DataView(event.buffer);
  let filled = 0;
  const down = new Set<number>();
  let capsLock = false;
  let dead = 0;
  /** Characters of a scan from which events are missing; undefined: none are. */
  let torn: number | undefined;

  /** True when a scan ended with this key. */
  function press(code: number): boolean {
    if (code === KEY.ENTER || code === KEY.KEYPAD_ENTER || code === KEY.TAB) return true;
    if (code === KEY.CAPS_LOCK) capsLock = !capsLock;
    if (isModifier(code)) return false;
    const byte = byteOf(code);
    if (byte === undefined) dead += 1;
    else if (torn !== undefined) torn += 1;
    else held.add(byte);
    return false;
  }

  function byteOf(code: number): number | undefined {
    const plain = PLAIN.get(code);
    if (plain === undefined) return undefined;
    const control = down.has(KEY.LEFT_CTRL) || down.has(KEY.RIGHT_CTRL);
    if (control) return plain.toUpperCase().charCodeAt(0) & 0x1f;
    const shift = down.has(KEY.LEFT_SHIFT) || down.has(KEY.RIGHT_SHIFT);
    const upper = /[a-z]/.test(plain) ? shift !== capsLock : shift;
    return (upper ? (SHIFTED.get(code) ?? plain) : plain).charCodeAt(0);
  }

  /** One event is whole: whether a scan ended with it. */
  function hear(): boolean {
    const type = view.getUint16(16, true);
    const code = view.getUint16(18, true);
    const value = view.getInt32(20, true);
    if (type === EV_SYN && code === SYN_DROPPED) tear();
    if (type !== EV_KEY) return false;
    if (value === RELEASED) down.delete(code);
    if (value !== PRESSED) return false;
    down.add(code);
    return press(code);
  }

  /** Which keys are down is not known any more either. */
  function tear(): void {
    const cut = held.cutShort();
    torn = (torn ?? 0) + (cut?.kind === "noise" ? cut.bytes : 0);
    down.clear();
  }

  function endOfTorn(): Cut | undefined {
    const bytes = torn ?? 0;
    torn = undefined;
    return bytes > 0 ? { kind: "noise", bytes, why: "cut-short" } : undefined;
  }

  return {
    push(chunk) {
      const cuts: Cut[] = [];
      const keep = (cut: Cut | undefined) => cut && cuts.push(cut);
      for (const byte of chunk) {
        event[filled++] = byte;
        if (filled < KEY_EVENT_BYTES) continue;
        filled = 0;
        if (!hear()) continue;
        keep(held.dropped());
        keep(torn === undefined ? held.end() : endOfTorn());
      }
      keep(held.dropped());
      if (dead > 0) cuts.push({ kind: "noise", bytes: dead, why: "keys" });
      dead = 0;
      return cuts;
    },
    quiet: () => [],
    close() {
      filled = 0;
      down.clear();
      return [held.dropped(), held.cutShort(), endOfTorn()].filter((cut) => cut !== undefined);
    },
  };
}

function isModifier(code: number): boolean {
  return (
    code === KEY.LEFT_CTRL ||
    code === KEY.RIGHT_CTRL ||
    code === KEY.LEFT_SHIFT ||
    code === KEY.RIGHT_SHIFT ||
    code === KEY.CAPS_LOCK
  );
}
