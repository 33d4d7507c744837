/**
 * The labels of this world: GS1 keys with check digits of our own reckoning, as a person reads them
 * (bracketed) and as a scanner sends them.
 *
 * Written from the GS1 General Specifications and not from the product's decoder: one misreading
 * must not hide in both. The company prefix 952 is the one GS1 keeps for examples.
 */
export type LabelKind = "page" | "envelope" | "folder" | "place" | "person";

export type Label = {
  readonly kind: LabelKind;
  /** Bracketed element string, e.g. `(414)9521234001003(254)R01`. */
  readonly element: string;
  /** AIM symbology identifier: what kind of symbol is printed on the label. */
  readonly aim: string;
  /** What the symbol holds, without the symbology identifier. */
  readonly text: string;
};

export type PageSymbol = "datamatrix" | "qr";

const COMPANY = "9521234";
const GS1_128 = "]C1";
const PAGE_AIM: Readonly<Record<PageSymbol, string>> = { datamatrix: "]d2", qr: "]Q3" };

/** Modulo 10 with weights 3, 1 from the right (General Specifications 7.9.1). */
export function checkDigit(digits: string): string {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const weight = (digits.length - at) % 2 === 1 ? 3 : 1;
    sum += weight * Number(digits[at]);
  }
  return String((10 - (sum % 10)) % 10);
}

/** A physical place: a GLN, and for what has no GLN of its own the extension (254). */
export function place(locationReference: number, extension?: string): Label {
  const gln = checked(`${COMPANY}${padded(locationReference, 5)}`);
  return extension === undefined
    ? label("place", GS1_128, [["414", gln]])
    : label("place", GS1_128, [
        ["414", gln],
        ["254", extension],
      ]);
}

/** One page: GS1 has no page key, so each page has a GDTI serial of its own. */
export function page(serial: string, symbol: PageSymbol): Label {
  return label("page", PAGE_AIM[symbol], [["253", checked(`${COMPANY}00001`) + serial]]);
}

export const pageElement = (serial: string): string => page(serial, "datamatrix").element;

export function envelope(serial: number): Label {
  return label("envelope", GS1_128, [["00", checked(`0${COMPANY}${padded(serial, 9)}`)]]);
}

export function folder(number: number): Label {
  return label("folder", GS1_128, [["8003", `${folderType()}F${String(number).padStart(4, "0")}`]]);
}

/** The GRAI without its serial: what says that the asset is a folder. */
export const folderTypeElement = (): string => `(8003)${folderType()}`;

export function person(serviceReference: number): Label {
  return label("person", GS1_128, [["8018", checked(`${COMPANY}${padded(serviceReference, 10)}`)]]);
}

const folderType = (): string => `0${checked(`${COMPANY}00500`)}`;
const checked = (digits: string): string => digits + checkDigit(digits);

function padded(value: number, digits: number): string {
  const text = String(value).padStart(digits, "0");
  if (text.length > digits) throw new RangeError(`${value} does not fit into ${digits} digits`);
  return text;
}

function label(kind: LabelKind, aim: string, parts: readonly (readonly [string, string])[]): Label {
  return {
    kind,
    aim,
    element: parts.map(([ai, value]) => `(${ai})${value}`).join(""),
    // No separator is needed: 00, 414 and 8018 have a fixed length, and the others stand last.
    text: parts.map(([ai, value]) => ai + value).join(""),
  };
}
