/**
 * Barcodes as text in an input. The separator GS (0x1D) has no glyph, so people see and may paste
 * U+241D instead; scanners that act as keyboards send it in several spellings.
 */
const GS = "\u001d";
const GS_SHOWN = "\u241d";
const GS_SPELLINGS = /<GS>|\{GS\}|\\x1d|\\u001d|\^\]/gi;

/** What the input shows for what was typed, pasted or scanned. */
export function shownBarcode(text: string): string {
  return text.replaceAll(GS, GS_SHOWN).replaceAll(GS_SPELLINGS, GS_SHOWN);
}

/** What a scanner sent, with each character that has no glyph by its code. */
export function shownScan(code: string): string {
  const shown = shownBarcode(code).replaceAll("\ufffd", "\u2592");
  return shown.replaceAll(/\p{Cc}/gu, (character) => {
    return `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
  });
}

/** What the twin is asked for. */
export function rawBarcode(shown: string): string {
  return shown.trim().replaceAll(GS_SHOWN, GS);
}
