/**
 * A scanner that acts as a keyboard, as a browser gets it: real key events, each a few milliseconds
 * after the other by their own timestamps, whoever has the focus.
 */
import type { Page } from "playwright-core";
import { until } from "../support/until.ts";

export type Key = {
  readonly code: string;
  readonly key: string;
  readonly shift?: boolean;
  readonly ctrl?: boolean;
};

export type WedgeOptions = {
  readonly gapMs?: number;
  /** How a character arrives at this machine; a US board at a US layout unless told. */
  readonly keyOf?: (character: string) => Key;
  /** How this scanner sends GS. */
  readonly separator?: readonly Key[];
  /** What it sends at the end. */
  readonly suffix?: readonly Key[];
};

const ENTER: Key = { code: "Enter", key: "Enter" };
export const F8: Key = { code: "F8", key: "F8" };
export const CTRL_BRACKET: Key = { code: "BracketRight", key: "]", ctrl: true };

/** Between two labels. A scan that ends with Enter needs no silence behind it. */
const NEXT_MS = 60;
const SHIFT_BIT = 8;
const CTRL_BIT = 2;
const VIRTUAL: Readonly<Record<string, number>> = { Enter: 13, F8: 119 };

/** Resolves when the browser has heard all of it. */
export async function typeAsScanner(
  page: Page,
  texts: readonly string[],
  { gapMs = 3, keyOf = usKey, separator = [F8], suffix = [ENTER] }: WedgeOptions = {},
): Promise<void> {
  const session = await page.context().newCDPSession(page);
  let atMs = Date.now();
  for (const text of texts) {
    const keys = [...text].flatMap((one) => (one === "\u001d" ? separator : [keyOf(one)]));
    const sent = [...keys, ...suffix].flatMap((key) => {
      atMs += gapMs;
      return [event("keyDown", key, atMs), event("keyUp", key, atMs + gapMs / 2)];
    });
    await Promise.all(sent.map((one) => session.send("Input.dispatchKeyEvent", one)));
    // Somebody takes up the next thing, faster than people do; no key is from the future.
    atMs += NEXT_MS;
    await until("a person has taken it up", () => Date.now() >= atMs);
    atMs = Date.now();
  }
  await session.detach();
}

function event(type: "keyDown" | "keyUp", { code, key, shift, ctrl }: Key, atMs: number) {
  const printed = type === "keyDown" && key.length === 1 && ctrl !== true;
  const text = key === "Enter" && type === "keyDown" ? "\r" : printed ? key : "";
  return {
    ...{ type, code, key, timestamp: atMs / 1000 },
    modifiers: (shift ? SHIFT_BIT : 0) | (ctrl ? CTRL_BIT : 0),
    windowsVirtualKeyCode: VIRTUAL[code] ?? key.toUpperCase().charCodeAt(0),
    ...(text !== "" && { text, unmodifiedText: text }),
  };
}

const SHIFTED = ")!@#$%^&*(";
const SIGNS: Readonly<Record<string, string>> = {
  ...{ Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}" },
  ...{ Backslash: "\\|", Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?" },
  ...{ Space: "  " },
};

/** The key of a US board that a character is on. */
export function usKey(character: string): Key {
  const key = character;
  if (/[a-z]/i.test(key)) return { code: `Key${key.toUpperCase()}`, key, shift: /[A-Z]/.test(key) };
  if (/\d/.test(key)) return { code: `Digit${key}`, key };
  const digit = SHIFTED.indexOf(key);
  if (digit !== -1) return { code: `Digit${digit}`, key, shift: true };
  const [code, both = ""] = Object.entries(SIGNS).find(([, one]) => one.includes(key)) ?? [""];
  return { code, key, shift: both.indexOf(key) === 1 };
}

const RUSSIAN = new Map(
  [..."qwertyuiop[]asdfghjkl;'zxcvbnm,./"].map((us, n) => [
    us,
    [..."йцукенгшщзхъфывапролджэячсмитьбю."][n] ?? us,
  ]),
);
const RUSSIAN_SIGNS: Readonly<Record<string, string>> = {
  ...{ "@": '"', "#": "№", $: ";", "^": ":", "&": "?", "{": "Х", "}": "Ъ", ":": "Ж", '"': "Э" },
  ...{ "<": "Б", ">": "Ю", "?": ",", "/": ".", "`": "ё", "~": "Ё", "|": "/" },
};

/** The same board at a system with the Russian layout. */
export function russianKey(character: string): Key {
  const key = usKey(character);
  const lower = RUSSIAN.get(character.toLowerCase());
  const typed = RUSSIAN_SIGNS[character] ?? (key.shift ? lower?.toUpperCase() : lower);
  return { ...key, key: typed ?? character };
}

const GERMAN: Readonly<Record<string, string>> = {
  ...{ y: "z", z: "y", Y: "Z", Z: "Y", "]": "+", "[": "ü", "}": "*", "{": "Ü", "(": ")", ")": "=" },
  ...{
    "-": "ß",
    _: "?",
    "=": "Dead",
    "+": "Dead",
    "/": "-",
    "?": "_",
    ";": "ö",
    ":": "Ö",
    "'": "ä",
  },
  ...{
    '"': "Ä",
    "\\": "#",
    "|": "'",
    "`": "Dead",
    "~": "°",
    "@": '"',
    "#": "§",
    "^": "&",
    "&": "/",
  },
  ...{ "*": "(", "<": ";", ">": ":" },
};

/** The same board at a system with the German layout. */
export function germanKey(character: string): Key {
  return { ...usKey(character), key: GERMAN[character] ?? character };
}
