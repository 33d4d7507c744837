/**
 * Keys in a row: what keys of one kind share (the stem), and a number that counts up behind it. Pure:
 * which numbers are taken is for the store to say.
 *
 * GDTI and GRAI carry a serial of letters and digits behind their type, GLN an extension; SSCC and
 * GSRN are digits only, as many as their length leaves behind the company's prefix, and a check digit.
 */
import { mod10 } from "../barcode/check-digit.ts";
import { parseKey } from "../barcode/key.ts";

export type Series = {
  /** Of the key, up to the number. */
  readonly stem: string;
  /** At least so many; a fixed number of them when the key ends in a check digit. */
  readonly digits: number;
  readonly hasCheckDigit: boolean;
};

export type Numbered = { readonly ok: true; readonly key: string } | { readonly ok: false };

/** Not ok: the number has more digits than the stem leaves room for. */
export function keyOfSeries({ stem, digits, hasCheckDigit }: Series, n: number): Numbered {
  const number = String(n).padStart(digits, "0");
  if (!hasCheckDigit) return checked(stem + number);
  const value = stem.slice(stem.indexOf("/") + 1) + number;
  return checked(stem + number + mod10(value, 0, value.length));
}

function checked(key: string): Numbered {
  return parseKey(key) === undefined ? { ok: false } : { ok: true, key };
}

/** Envelopes: the extension digit, the prefix, and what is left of 17 digits. */
export function envelopeSeries(companyPrefix: string, extension: number): Series {
  return digitSeries(`00/${extension}${companyPrefix}`, 17 - 1 - companyPrefix.length);
}

/** Badges: GSRN of those who serve. */
export function badgeSeries(companyPrefix: string): Series {
  return digitSeries(`8018/${companyPrefix}`, 17 - companyPrefix.length);
}

function digitSeries(stem: string, digits: number): Series {
  return { stem, digits, hasCheckDigit: true };
}

/** Things whose serial is letters and digits: `type` is the key of the type, `prefix` begins the serial. */
export function serialSeries(type: string, prefix: string, digits: number): Series {
  return { stem: type + prefix, digits, hasCheckDigit: false };
}

const SERIAL_LENGTH_MAX = 17;
const PAGE_DIGITS = 2;
/** Of the part of the character set of serials that people read without doubt. */
const PLAIN = /^[A-Z0-9-]+$/;

/**
 * The pages of a document: its number, P, and the number of the page. Undefined: the document's
 * number is too long, or has letters that a serial cannot have; it needs a name of its own.
 */
export function pageSeries(type: string, document: string): Series | undefined {
  if (!PLAIN.test(document)) return undefined;
  // Room for three digits: a document of more pages than that is several.
  if (document.length > SERIAL_LENGTH_MAX - 1 - 3) return undefined;
  return serialSeries(type, `${document}P`, PAGE_DIGITS);
}

/** Places in a place: its own extension, a dash, the letter of the kind, and a number. */
export function placeSeries(gln: string, above: string, letter: string): Series {
  const extension = above === "" ? letter : `${above}-${letter}`;
  return { stem: `414/${gln}/254/${extension}`, digits: 1, hasCheckDigit: false };
}
