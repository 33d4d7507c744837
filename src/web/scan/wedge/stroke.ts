/**
 * One key of a scanner that acts as a keyboard, as the browser tells it: which key it is on the board
 * and what the system's layout makes of it. Pure.
 */
export type Stroke = {
  /** Of the board, whatever the layout: KeyA, Digit1; empty when the system typed a character itself. */
  readonly code: string;
  readonly shift: boolean;
  readonly alt: boolean;
  /** What the layout makes of it: a character, or the name of a key. */
  readonly key: string;
  readonly ctrl: boolean;
  readonly atMs: number;
};

export type StrokeKind = "character" | "separator" | "end" | "modifier" | "other";

const MODIFIERS: ReadonlySet<string> = new Set([
  ...["Shift", "Control", "Alt", "AltGraph", "CapsLock", "NumLock", "Meta"],
]);

/** GS is sent as Ctrl+], as F8, or as the control character itself; CR, LF and TAB may be Ctrl+M, J, I. */
export function kindOf({ key, ctrl, code, alt }: Stroke): StrokeKind {
  if (MODIFIERS.has(key)) return "modifier";
  if (key === "Enter" || key === "Tab" || key === "\r" || key === "\n" || key === "\t")
    return "end";
  if (key === "F8" || key === "\u001d") return "separator";
  if (ctrl && !alt) {
    if (code === "BracketRight" || key === "]") return "separator";
    if (["m", "j", "i"].includes(key.toLowerCase())) return "end";
    return "other";
  }
  return key === "Dead" || [...key].length === 1 ? "character" : "other";
}

/** Names the key with what was held beside it: on one board it always means one character. */
export function tokenOf({ code, shift, alt, key }: Stroke): string {
  return code === "" ? key : `${code}${shift ? "+" : ""}${alt ? "*" : ""}`;
}

/** What a US board has on a key, plain and with shift; the board that nearly every scanner pretends to be. */
const US: Readonly<Record<string, string>> = {
  ...{ Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}" },
  ...{ Backslash: "\\|", Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?" },
  ...{ Space: "  ", NumpadDivide: "//", NumpadMultiply: "**", NumpadSubtract: "--" },
  ...{ NumpadAdd: "++", NumpadDecimal: ".." },
};
const US_DIGITS_SHIFTED = ")!@#$%^&*(";

/** The character of a US board; undefined for a key that has none. */
export function usCharacter({ code, shift }: Pick<Stroke, "code" | "shift">): string | undefined {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter !== undefined) return shift ? letter : letter.toLowerCase();
  const digit = /^(Digit|Numpad)(\d)$/.exec(code);
  if (digit?.[2] !== undefined)
    return shift && digit[1] === "Digit" ? US_DIGITS_SHIFTED[Number(digit[2])] : digit[2];
  return US[code]?.[shift ? 1 : 0];
}
