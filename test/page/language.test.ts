/** Every text of the page stands in the dictionaries, and each of them says it in its own language. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { expect, test } from "vitest";
import { de } from "../../src/web/language/de.ts";
import { en } from "../../src/web/language/en.ts";
import { ru } from "../../src/web/language/ru.ts";

const WEB = new URL("../../src/web/", import.meta.url).pathname;
/** What is the same in German: names, units, and words that German took over or gave. */
const SAME_IN_GERMAN = new Set([
  ...[
    "Live",
    "live",
    "Person",
    "Scanner",
    "Sensor",
    "Gateway",
    "Gateways",
    "in",
    "Status",
    "Scans",
  ],
  ...["Name", "English", "Deutsch", "1 min", "15 min", "1 h", "24 h", "Vibration"],
]);

test("each text is said in German, and none was left in English", () => {
  const left = pairs(en, de).filter(
    ([, english, german]) =>
      english === german && !SAME_IN_GERMAN.has(english) && /\p{L}{2}/u.test(english),
  );
  expect(left).toEqual([]);
});

test("each text is said in Russian, and none was left in Latin letters", () => {
  const left = pairs(en, ru).filter(
    ([path, , russian]) =>
      path !== "locale" && /\p{L}/u.test(russian) && !/\p{Script=Cyrillic}/u.test(russian),
  );
  expect(left).toEqual([]);
});

test("what is counted takes the form that the number asks for", () => {
  expect([1, 2, 5, 21, 22].map((n) => ru.live.moveCount(n))).toEqual([
    "1 перемещение",
    "2 перемещения",
    "5 перемещений",
    "21 перемещение",
    "22 перемещения",
  ]);
  expect([1, 2].map((n) => de.live.moveCount(n))).toEqual(["1 Bewegung", "2 Bewegungen"]);
});

test("no component has a text of its own", () => {
  const files = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith(".tsx"))
    .map(({ parentPath, name }) => join(parentPath, name));
  expect(files.length).toBeGreaterThan(30);
  const found = files.flatMap((file) =>
    textsIn(readFileSync(file, "utf8")).map((text) => `${file.slice(WEB.length)}: ${text}`),
  );
  expect(found).toEqual([]);
});

test("a text that is written into a component is noticed", () => {
  expect(textsIn(`const a = <p title="Hello">Good {day} <b>day</b></p>;`)).toEqual([
    "Hello",
    "Good ",
    "day",
  ]);
  expect(textsIn(`const a = <p class="card">{words.a} – <Icon name="x" /></p>;`)).toEqual([]);
});

type Pair = readonly [path: string, one: string, other: string];

/** The leaves of both in pairs; a function by what it says of small arguments. */
function pairs(one: unknown, other: unknown, path = ""): readonly Pair[] {
  if (typeof one === "string") return [[path, one, String(other)]];
  if (typeof one === "function" && typeof other === "function")
    return [[path, one("1", "2", "3", "4"), other("1", "2", "3", "4")]];
  if (Array.isArray(one) && Array.isArray(other)) expect(other.length, path).toBe(one.length);
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  expect(Object.keys(right).sort(), path).toEqual(Object.keys(left).sort());
  return Object.keys(left).flatMap((key) =>
    pairs(left[key], right[key], path === "" ? key : `${path}.${key}`),
  );
}

/** Attributes that people read or hear. */
const READ = new Set(["title", "alt", "placeholder", "label", "aria-label", "aria-valuetext"]);
const BRAND = "racktrace";

type Node = {
  readonly type?: string;
  readonly value?: unknown;
  readonly name?: { readonly name?: string };
};

function textsIn(source: string): readonly string[] {
  const texts: string[] = [];
  visit(parseSync("page.tsx", source).program);
  return texts;

  function visit(node: unknown): void {
    if (Array.isArray(node)) for (const one of node) visit(one);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    const { type, value, name } = node as Node;
    if (type === "JSXText") note(value);
    if (type === "JSXAttribute" && READ.has(name?.name ?? "")) note((value as Node | null)?.value);
    for (const one of Object.values(node)) visit(one);
  }

  function note(value: unknown): void {
    if (typeof value === "string" && /\p{L}{2}/u.test(value) && value.trim() !== BRAND)
      texts.push(value);
  }
}
