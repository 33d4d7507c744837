/**
 * Labels that are not GS1: other people's names for things. They become aliases, bound to an entity
 * by a person. The value is what a lookup compares; the scheme and the carriers only describe it.
 *
 * Sources: ISO/IEC 15434 (envelope of 2D symbols), ISO/IEC 15459 and ANSI MH10.8.2 (licence plates),
 * UPU S10; shapes of carriers' numbers from their public tracking pages.
 */
import type { Problem } from "./application-identifiers.ts";
import { s10 } from "./check-digit.ts";
import { GS } from "./elements.ts";

export type Label = {
  readonly scheme: "plain" | "licence-plate" | "iso-15434" | "upu-s10";
  readonly value: string;
  /** Carriers whose numbers look like this. A claim only where a step expects such a number. */
  readonly carriers: readonly string[];
};

const RS = "\u001e";
const EOT = "\u0004";
const NONE: readonly string[] = [];

/** Data identifiers that name one thing: licence plates, returnable containers, unique items. */
const PLATE = /^([1-6]?J|1B|25B|25S)(?=[A-Z0-9])/;

/** `text` is not empty and has no control characters. */
export function plainLabel(text: string): Label {
  if (isS10(text)) return { scheme: "upu-s10", value: text, carriers: ["upu"] };
  const carriers = CARRIERS.filter(({ looks }) => looks(text)).map(({ name }) => name);
  const plate = /^[1-6]J[A-Z0-9]{6,34}$/.test(text);
  return {
    scheme: plate ? "licence-plate" : "plain",
    value: text,
    carriers: carriers.length > 0 ? carriers : NONE,
  };
}

export function isEnvelope(text: string): boolean {
  return text.startsWith("[)>");
}

export type Envelope =
  | { readonly kind: "label"; readonly label: Label }
  | { readonly kind: "gs1"; readonly data: string }
  | { readonly kind: "problem"; readonly problem: Problem };

/**
 * Opens `[)>RS 06 GS field GS field RS EOT` and `[)>RS 05 GS elements RS EOT`. A scanner may have
 * eaten the EOT, but without the RS before it the end of the data is not known.
 */
export function openEnvelope(text: string): Envelope {
  const format = text.slice(4, 6);
  const end = text.endsWith(EOT) ? text.length - 1 : text.length;
  if (text[3] !== RS || text[6] !== GS || text[end - 1] !== RS || end - 1 < 7)
    return broken("[)> RS format GS data RS EOT expected");
  const data = text.slice(7, end - 1);
  if (data === "") return broken("no data in the envelope");
  if (format === "05") return { kind: "gs1", data };
  if (format !== "06" && format !== "12") return broken(`format "${format}" is not read here`);
  const plate = data.split(GS).find((field) => PLATE.test(field));
  if (plate !== undefined)
    return { kind: "label", label: { scheme: "licence-plate", value: plate, carriers: NONE } };
  return { kind: "label", label: { scheme: "iso-15434", value: data, carriers: NONE } };
}

function broken(why: string): Envelope {
  return { kind: "problem", problem: { check: "form", ai: undefined, why: `ISO 15434: ${why}` } };
}

function isS10(text: string): boolean {
  if (!/^[A-Z]{2}\d{9}[A-Z]{2}$/.test(text)) return false;
  return s10(text.slice(2, 10)) === text.charCodeAt(10) - 48;
}

const CARRIERS: readonly { readonly name: string; looks(text: string): boolean }[] = [
  { name: "dhl-express", looks: isDhlExpress },
  { name: "dhl-parcel", looks: (text) => /^(JD|JJD|JVGL)[0-9A-Z]{10,32}$/.test(text) },
  { name: "dhl-ecommerce", looks: (text) => /^GM\d{16,20}$/.test(text) },
  { name: "ups", looks: isUps },
];

/** Ten or eleven digits; the last is the number before it mod 7. */
function isDhlExpress(text: string): boolean {
  if (!/^\d{10,11}$/.test(text)) return false;
  return Number(text.slice(0, -1)) % 7 === Number(text.slice(-1));
}

/** 1Z, fifteen characters and a mod 10 digit; letters count as 2 for A, 3 for B, ... mod 10. */
function isUps(text: string): boolean {
  if (!/^1Z[0-9A-Z]{15}\d$/.test(text)) return false;
  let sum = 0;
  for (let i = 2; i < 17; i++) {
    const code = text.charCodeAt(i);
    const value = code >= 65 ? (code - 63) % 10 : code - 48;
    sum += i % 2 === 0 ? value : 2 * value;
  }
  return (10 - (sum % 10)) % 10 === Number(text[17]);
}
