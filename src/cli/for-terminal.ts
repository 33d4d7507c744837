/**
 * Text from outside on its way to a person: a topic, a name in a file, what a barcode says. Characters that a
 * terminal would obey, or that turn the reading direction, are shown as \x1b and the like.
 */

const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line stays one. */
export function forTerminal(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** Of several lines each by itself. */
export function linesForTerminal(text: string): string {
  return text.split("\n").map(forTerminal).join("\n");
}

/** A word between others: it cannot pass for two of them. */
export function wordForTerminal(text: string): string {
  return text.replaceAll(/\s/gu, escaped).replace(OBEYED, escaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}
