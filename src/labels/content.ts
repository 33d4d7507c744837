/** What stands on the label of a thing or a command: the data of its symbol, and the words. */
import { isCommand } from "../barcode/command.ts";
import { parseBracketed } from "../barcode/elements.ts";
import { elementString, parseKey } from "../barcode/key.ts";
import { commandWord, type SheetLanguage } from "./command-words.ts";
import type { LabelContent } from "./drawing.ts";

export type Named = {
  readonly key: string;
  /** What people call it; without a name its serial stands for it. */
  readonly name?: string | undefined;
  /** A smaller line: the document that a page is of, the type of a folder. */
  readonly caption?: string | undefined;
};

/** Undefined: not a key. */
export function labelOf({ key, name, caption = "" }: Named): LabelContent | undefined {
  const parsed = parseKey(key);
  if (parsed === undefined) return undefined;
  const text = elementString(key);
  const title = name || parsed.serial || text;
  return { text, data: dataOf(text), class: parsed.class, title, caption };
}

/** Undefined: not a command. */
export function commandLabel(text: string, language: SheetLanguage): LabelContent | undefined {
  if (!isCommand(text)) return undefined;
  return { text, data: text, class: undefined, title: commandWord(text, language), caption: "" };
}

/**
 * The elements one after the other. No separator is needed between them: a key is one element, or a
 * GLN, whose length is predefined, and its extension.
 */
function dataOf(text: string): string {
  const parsed = parseBracketed(text);
  return parsed.ok ? parsed.elements.map(({ ai, value }) => ai + value).join("") : "";
}
