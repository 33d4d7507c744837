/**
 * The character sets of GS1 data as one bit each, so that checking a value is one look-up per
 * character. Source: GS1 General Specifications, figures 7.11-1 (82), 7.11-2 (39) and 7.11-3 (64).
 */
export const DIGITS = 1;
export const SET_39 = 2;
export const SET_82 = 4;
/** base64url with its padding. */
export const SET_64 = 8;

const DIGIT = "0123456789";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";

const SETS = new Uint8Array(128);
mark(DIGITS, DIGIT);
mark(SET_39, `#-/${DIGIT}${UPPER}`);
mark(SET_82, `!"%&'()*+,-./:;<=>?_${DIGIT}${UPPER}${LOWER}`);
mark(SET_64, `-_=${DIGIT}${UPPER}${LOWER}`);

function mark(set: number, characters: string): void {
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i);
    SETS[code] = (SETS[code] ?? 0) | set;
  }
}

/** Index of the first character outside `set` in [from, to), or -1. */
export function outsideSet(set: number, text: string, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    if (((SETS[text.charCodeAt(i)] ?? 0) & set) === 0) return i;
  }
  return -1;
}

export function isDigits(text: string): boolean {
  return text.length > 0 && outsideSet(DIGITS, text, 0, text.length) === -1;
}

/** A character for a person to read: itself, or its number when it cannot be seen. */
export function shown(text: string, at: number): string {
  const code = text.charCodeAt(at);
  return code > 0x20 && code < 0x7f
    ? `"${text[at]}"`
    : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
