/**
 * What a scan or a typed identifier means. Never throws, whatever comes in; the work is bounded by
 * the length of the input, and the length is bounded here.
 *
 *   bytes ─► command? ─► code id, AIM id ─► GS1 elements ─► key
 *                                      └──► plain: Digital Link, URN, envelope, label ─► key or alias
 *
 * A misread is data that claims to be something and fails its checks: scan again. An unknown is data
 * that was read well and names nothing that this twin keeps. What a symbol holds is decided by the
 * identifier that the scanner sends or by the scanner's profile, never by the looks of the data.
 */
import { type Check, findAi, type Problem } from "./application-identifiers.ts";
import { isDigits } from "./characters.ts";
import { COMMANDS, type CommandAct, isCommand } from "./command.ts";
import { isWebAddress, parseDigitalLink } from "./digital-link.ts";
import {
  type Element,
  type Elements,
  GS,
  NONE,
  parseBracketed,
  parseElements,
} from "./elements.ts";
import { isEpcUrn, parseEpcUrn } from "./epc-urn.ts";
import { type Key, parseKey, resolve } from "./key.ts";
import { isEnvelope, type Label, openEnvelope, plainLabel } from "./label.ts";
import { aimSymbology, codeIdSymbology, type Symbology, TYPED, UNMARKED } from "./symbology.ts";
import { textOf } from "./text.ts";

// This file is the door of the folder: what callers of the decoder need besides comes with it.
export { digitalLink, elementString, type Key, type KeyClass, parseKey } from "./key.ts";

export type ScannerProfile = {
  /** The scanner sends AIM identifiers. */
  readonly aim: boolean;
  /** What the scanner sends for the separator GS. */
  readonly separator: string;
  /** The scanner sends a Zebra/Symbol code identifier, before an AIM identifier if both. */
  readonly codeId: "none" | "symbol";
  /** What a scan is when the scanner sends neither. */
  readonly unmarked: "gs1" | "plain";
};

export const DEFAULT_PROFILE: ScannerProfile = {
  aim: true,
  separator: GS,
  codeId: "none",
  unmarked: "gs1",
};

export type Decoded =
  | (Key & {
      readonly kind: "key";
      readonly attributes: readonly Element[];
      readonly symbology: string;
    })
  | (Label & { readonly kind: "alias"; readonly symbology: string })
  | (CommandAct & { readonly kind: "command"; readonly symbology: string })
  | {
      readonly kind: "misread";
      /** The check that failed, and in which AI if in one. */
      readonly check: Check;
      readonly ai: string | undefined;
      readonly why: string;
      readonly text: string;
    }
  | { readonly kind: "unknown"; readonly why: string; readonly text: string };

/** `serial`: a bare serial or label, to be looked up. */
export type Typed = Decoded | { readonly kind: "serial"; readonly serial: string };

/** Above the capacity of any symbol that names a thing. */
export const SCAN_CHARACTERS_MAX = 4096;
/** A label longer than this is a document, not a name. */
export const LABEL_CHARACTERS_MAX = 512;

/** What a scanner sent, without the framing characters. */
export function decodeScan(
  raw: Uint8Array | string,
  profile: Partial<ScannerProfile> = DEFAULT_PROFILE,
): Decoded {
  if (raw.length > SCAN_CHARACTERS_MAX) return tooLong(raw);
  const text = typeof raw === "string" ? raw : textOf(raw);
  // A command has no identifier to wait for: its text is reserved.
  if (isCommand(text)) return decodeCommand(text, "unmarked", text);
  if (text === "") return unknown("empty scan", text);
  const {
    aim = DEFAULT_PROFILE.aim,
    separator = DEFAULT_PROFILE.separator,
    codeId = DEFAULT_PROFILE.codeId,
    unmarked = DEFAULT_PROFILE.unmarked,
  } = profile;

  let at = 0;
  let symbology: Symbology = UNMARKED[unmarked];
  if (codeId === "symbol") {
    const found = codeIdSymbology(text);
    if (found === undefined) return unknown("no code identifier of the Symbol kind", text);
    symbology = found.symbology;
    at = found.length;
  }
  if (aim) {
    if (text[at] !== "]" || text.length < at + 3)
      return unknown("no AIM identifier, though this scanner's profile says it sends one", text);
    const found = aimSymbology(text.slice(at + 1, at + 3));
    if (found === undefined)
      return unknown(`AIM identifier ${text.slice(at, at + 3)} is not known`, text);
    symbology = found;
    at += 3;
  } else if (codeId === "none" && /^\][A-Za-z]\d/.test(text)) {
    return unknown("AIM identifier, though this scanner's profile says it sends none", text);
  }
  if (symbology.eci && /^\\\d{6}/.test(text.slice(at, at + 7))) at += 7;
  const data = at === 0 ? text : text.slice(at);
  return decodeSymbol(
    separator === GS || separator === "" ? data : data.replaceAll(separator, GS),
    symbology,
    text,
  );
}

/**
 * What a person or another system writes: a raw scan with its AIM identifier, a bracketed element
 * string, a Digital Link URI, an EPC URN, a canonical key, or else a bare serial.
 */
export function decodeTyped(typed: string): Typed {
  if (typed.length > SCAN_CHARACTERS_MAX) return tooLong(typed);
  const text = typed.trim();
  if (text === "") return unknown("empty", typed);
  // Some keyboards and tools can only show GS: its picture stands for it.
  if (text.startsWith("]")) return decodeScan(text.replaceAll("\u241d", GS));
  if (text.startsWith("(")) return fromElements(parseBracketed(text), TYPED.name, text);
  if (isCommand(text)) return decodeCommand(text, TYPED.name, text);
  if (isWebAddress(text)) {
    const elements = parseDigitalLink(text);
    return elements === undefined
      ? unknown("no GS1 key in this address", text)
      : fromElements(elements, TYPED.name, text);
  }
  if (isEpcUrn(text)) return decodeUrn(text, TYPED.name, text);
  const key = parseKey(text);
  if (key !== undefined) return keyed(key, NONE, TYPED.name);
  if (controlAt(text) !== -1) return unknown("holds a control character", text);
  return { kind: "serial", serial: text };
}

function decodeSymbol(data: string, { content, name }: Symbology, text: string): Decoded {
  switch (content) {
    case "gs1":
      return fromElements(parseElements(withoutLeadingSeparator(data)), name, text);
    case "ean-13":
    case "ean-8":
      return decodeRetail(data, content, name, text);
    case "plain":
      return decodePlain(data, name, text);
  }
}

/** Scanners that send no identifier may send the FNC1 of the first position as a separator. */
function withoutLeadingSeparator(data: string): string {
  return data.startsWith(GS) ? data.slice(1) : data;
}

/** Article numbers name a kind of product; a 2D component behind them may name the thing. */
function decodeRetail(data: string, content: string, name: string, text: string): Decoded {
  const bar = data.indexOf("|]e0");
  const digits = bar === -1 ? data : data.slice(0, bar);
  const fits =
    content === "ean-8"
      ? digits.length === 8
      : digits.length === 13 || (name === "ean" && (digits.length === 8 || digits.length === 12));
  if (!fits || !isDigits(digits)) {
    const why = `${content === "ean-8" ? 8 : 13} digits expected, got ${digits.length} characters`;
    return misread({ check: fits ? "character" : "length", ai: "01", why: `GTIN: ${why}` }, text);
  }
  const component = bar === -1 ? "" : data.slice(bar + 4);
  return fromElements(parseElements(`01${digits.padStart(14, "0")}${component}`), name, text);
}

function decodePlain(data: string, name: string, text: string): Decoded {
  if (data === "") return unknown("empty symbol", text);
  if (isCommand(data)) return decodeCommand(data, name, text);
  if (isEnvelope(data)) {
    const envelope = openEnvelope(data);
    switch (envelope.kind) {
      case "problem":
        return misread(envelope.problem, text);
      case "gs1":
        return fromElements(parseElements(envelope.data), name, text);
      case "label":
        return { kind: "alias", ...envelope.label, symbology: name };
    }
  }
  const control = controlAt(data);
  if (control !== -1) return unknown(`control character at ${control + 1} of a plain label`, text);
  if (data.length > LABEL_CHARACTERS_MAX)
    return unknown(`a text of ${data.length} characters is no name`, text);
  if (isWebAddress(data)) {
    const elements = parseDigitalLink(data);
    if (elements !== undefined) return fromElements(elements, name, text);
  } else if (isEpcUrn(data)) {
    return decodeUrn(data, name, text);
  }
  return { kind: "alias", ...plainLabel(data), symbology: name };
}

function decodeUrn(urn: string, name: string, text: string): Decoded {
  const elements = parseEpcUrn(urn);
  return elements === undefined
    ? unknown("EPC URN of a scheme that names nothing here", text)
    : fromElements(elements, name, text);
}

function decodeCommand(command: string, name: string, text: string): Decoded {
  const act = COMMANDS.get(command);
  return act === undefined
    ? unknown("no such command; print the sheet again", text)
    : { kind: "command", ...act, symbology: name };
}

function fromElements(parsed: Elements, name: string, text: string): Decoded {
  if (!parsed.ok) return misread(parsed.problem, text);
  const resolved = resolve(parsed.elements);
  switch (resolved.kind) {
    case "key":
      return keyed(resolved.key, joined(resolved.attributes, parsed.attributes), name);
    case "orphan": {
      const why = "AI (254) GLN EXTENSION: AI (414) LOC No. expected beside it";
      return misread({ check: "ai", ai: "254", why }, text);
    }
    case "several":
      return unknown(`two keys in one label: AI (${resolved.ais.join(") and AI (")})`, text);
    case "none": {
      const [first] = parsed.elements;
      const title = first && findAi(first.ai)?.title;
      return unknown(`AI (${first?.ai}) ${title} names no thing that is kept here`, text);
    }
  }
}

function joined(first: readonly Element[], second: readonly Element[]): readonly Element[] {
  return second.length === 0 ? first : [...first, ...second];
}

function keyed(key: Key, attributes: readonly Element[], symbology: string): Decoded {
  return {
    kind: "key",
    key: key.key,
    ai: key.ai,
    class: key.class,
    serial: key.serial,
    attributes,
    symbology,
  };
}

function controlAt(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return i;
  }
  return -1;
}

function tooLong(raw: Uint8Array | string): Decoded {
  const why = `${raw.length} characters; ${SCAN_CHARACTERS_MAX} are the most a label has`;
  const start = raw.slice(0, SCAN_CHARACTERS_MAX);
  const text = typeof start === "string" ? start : textOf(start);
  return misread({ check: "length", ai: undefined, why }, text);
}

function misread({ check, ai, why }: Problem, text: string): Decoded {
  return { kind: "misread", check, ai, why, text };
}

function unknown(why: string, text: string): Decoded {
  return { kind: "unknown", why, text };
}
