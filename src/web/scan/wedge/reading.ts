/**
 * What a scan's keys say: the characters that the scanner meant, whatever layout the system has, with
 * the separator GS in its one form. Pure.
 *
 * A layout that was calibrated is believed. Without one, what the system typed is taken as it is, unless
 * it cannot be: a character beyond ASCII, a dead key, or an AIM identifier that is one only on the board.
 * Then the keys are read as those of a US board.
 */
import { kindOf, type Stroke, tokenOf, usCharacter } from "./stroke.ts";

export const GS = "\u001d";

export type WedgeSetting = {
  /** What a key means, as the calibration sheet has shown; empty: not calibrated. */
  readonly layout: Readonly<Record<string, string>>;
  /** What this scanner sends for GS besides what every scanner may; empty: nothing else. */
  readonly separator: string;
};

export const USUAL: WedgeSetting = { layout: {}, separator: "" };

/** The spellings of GS that scanners are set to, as text. */
const SPELLINGS = /<GS>|\{GS\}|\[GS\]|\\x1d|\\u001d|\^\]|\u241d/gi;

export function readingOf(strokes: readonly Stroke[], setting: WedgeSetting = USUAL): string {
  const characters = strokes.filter((stroke) => kindOf(stroke) !== "other");
  const text = textOf(characters, setting);
  const own = setting.separator === "" ? text : text.replaceAll(setting.separator, GS);
  return own.replaceAll(SPELLINGS, GS);
}

function textOf(strokes: readonly Stroke[], { layout }: WedgeSetting): string {
  const typed = said(strokes, ({ key }) => key);
  if (Object.keys(layout).length > 0)
    return said(strokes, (stroke) => layout[tokenOf(stroke)] ?? stroke.key);
  const onBoard = said(strokes, (stroke) => usCharacter(stroke) ?? stroke.key);
  const garbled = strokes.some(({ key }) => key === "Dead" || key > "\u007e");
  return garbled || (AIM.test(onBoard) && !AIM.test(typed)) ? onBoard : typed;
}

const AIM = /^\][A-Za-z]\d/;

function said(strokes: readonly Stroke[], character: (stroke: Stroke) => string): string {
  return strokes
    .map((stroke) => (kindOf(stroke) === "separator" ? GS : character(stroke)))
    .join("");
}
