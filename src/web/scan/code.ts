/**
 * What a scan is called on the phone that made it, before the twin has said anything: by the GS1
 * identifier at its beginning. For people to recognise what they hold; what it means the twin decides.
 */
export type CodeClass = "page" | "asset" | "envelope" | "place" | "person" | "command" | "other";

export type CodeName = { readonly class: CodeClass; readonly name: string };

const GS = "\u001d";

const FORMS: readonly (readonly [CodeClass, RegExp])[] = [
  ["page", /^253\d{13}(.+)/],
  ["asset", /^8003\d{14}(.+)/],
  ["envelope", /^00(\d{18})/],
  ["place", /^414\d{13}254(.+)/],
  ["place", /^414(\d{13})/],
  ["person", /^8018(\d{18})/],
];

const AIM = /^\][A-Za-z]\d/;

export function codeName(text: string): CodeName {
  const data = text.replace(AIM, "");
  if (data.startsWith("CMD:")) return { class: "command", name: data.slice(4) };
  const path = /^https?:\/\/[^/]+\/(.+)$/.exec(data)?.[1];
  const [elements = ""] = (path === undefined ? data : path.replaceAll("/", "")).split(GS);
  for (const [kind, form] of FORMS) {
    const name = form.exec(elements)?.[1];
    if (name !== undefined) return { class: kind, name };
  }
  return { class: "other", name: data };
}

/** Things are put into these. */
export function isContainer({ class: kind }: CodeName): boolean {
  return kind === "asset" || kind === "envelope" || kind === "place";
}

/** Identifiers of fixed length, behind which no separator stands. */
const FIXED: ReadonlySet<string> = new Set(["00", "414"]);

/**
 * What a scanner would have sent for what a person typed: a bracketed element string as GS1, an address
 * or a command as a plain symbol, all else as it is.
 */
export function asScanned(typed: string): string {
  const text = typed.trim().replaceAll("\u241d", GS);
  if (text.startsWith("(")) {
    const elements = [...text.matchAll(/\((\d{2,4})\)([^(]*)/g)];
    const joined = elements.map(([, ai = "", value = ""], index) => {
      const ends = FIXED.has(ai) || index === elements.length - 1;
      return `${ai}${value}${ends ? "" : GS}`;
    });
    return `]d2${joined.join("")}`;
  }
  return /^(https?:|urn:)/i.test(text) ? `]Q1${text}` : text;
}

/** One byte a character where that is possible, as scanners send. */
export function bytesOf(text: string): Uint8Array {
  const latin = [...text].every((character) => character <= "\u00ff");
  return latin
    ? Uint8Array.from(text, (character) => character.charCodeAt(0))
    : new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
