/**
 * Learns from one scan of the calibration sheet what a scanner's keys mean on this machine. Pure.
 *
 * The sheet's symbol holds each printable character once, in the order of their codes, then GS, then a
 * zero. So the first keys tell the layout, and what comes between them and the zero is what this
 * scanner sends for GS. An identifier that the scanner puts before (`]d1`) is found by this: a key
 * that comes twice among the characters shows that they do not begin where it was thought.
 */
import { GS } from "./reading.ts";
import { kindOf, type Stroke, tokenOf } from "./stroke.ts";

/** The space comes last: as a first key it would press the button that has the focus. */
const PRINTABLE = [...Array.from({ length: 94 }, (_, n) => String.fromCharCode(0x21 + n)), " "];

/** What the symbol on the sheet holds. */
export const SHEET_TEXT = `${PRINTABLE.join("")}${GS}0`;

const IDENTIFIER_STROKES_MAX = 6;

export type Calibration =
  | {
      readonly kind: "learned";
      /** Key to character, of all keys of the sheet. */
      readonly layout: Readonly<Record<string, string>>;
      /** Characters that this system types wrongly, and what it types for them. */
      readonly wrong: readonly (readonly [meant: string, typed: string])[];
      readonly separator: "sent" | "dropped";
      /** How GS comes, as text, where it comes as characters of its own. */
      readonly separatorText: string;
    }
  | { readonly kind: "not-the-sheet"; readonly strokes: number };

export function calibrate(strokes: readonly Stroke[]): Calibration {
  const told = strokes.filter((stroke) => ["character", "separator"].includes(kindOf(stroke)));
  for (let start = 0; start <= IDENTIFIER_STROKES_MAX; start++) {
    const sheet = told.slice(start, start + PRINTABLE.length);
    const rest = told.slice(start + PRINTABLE.length);
    if (sheet.length === PRINTABLE.length && isSheet(sheet, rest)) return learned(sheet, rest);
  }
  return { kind: "not-the-sheet", strokes: told.length };
}

/** Each key once, all of them characters, and the zero at the end the one that stands among them. */
function isSheet(sheet: readonly Stroke[], rest: readonly Stroke[]): boolean {
  const last = rest.at(-1);
  const zero = sheet[PRINTABLE.indexOf("0")];
  if (last === undefined || zero === undefined || tokenOf(last) !== tokenOf(zero)) return false;
  if (rest.length > 6 || sheet.some((stroke) => kindOf(stroke) !== "character")) return false;
  return new Set(sheet.map(tokenOf)).size === sheet.length;
}

function learned(sheet: readonly Stroke[], rest: readonly Stroke[]): Calibration {
  const layout = Object.fromEntries(
    sheet.map((stroke, index) => [tokenOf(stroke), PRINTABLE[index] ?? ""]),
  );
  const wrong = sheet.flatMap(({ key }, index) => {
    const meant = PRINTABLE[index] ?? "";
    return key === meant ? [] : [[meant, key] as const];
  });
  const separator = rest.slice(0, -1);
  const asText = separator
    .filter((stroke) => kindOf(stroke) === "character")
    .map((stroke) => layout[tokenOf(stroke)] ?? stroke.key)
    .join("");
  return {
    ...{ kind: "learned", layout, wrong, separatorText: asText },
    separator: separator.length > 0 ? "sent" : "dropped",
  };
}
