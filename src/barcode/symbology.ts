/**
 * Which symbol was read, as the scanner says it: AIM identifiers (ISO/IEC 15424) and the one-letter
 * code identifiers of Zebra/Symbol. The content of a symbol is decided by this and never by looks.
 */
export type Symbology = {
  readonly name: string;
  /** What the data is: GS1 element strings, a retail number, or whatever its maker wanted. */
  readonly content: "gs1" | "ean-13" | "ean-8" | "plain";
  /** The data starts with an extended channel interpretation, `\000026` for UTF-8. */
  readonly eci: boolean;
};

const plain = (name: string): Symbology => ({ name, content: "plain", eci: false });
const gs1 = (name: string): Symbology => ({ name, content: "gs1", eci: false });
const withEci = (symbology: Symbology): Symbology => ({ ...symbology, eci: true });

/** Where one modifier decides; other modifiers of the same letter are in AIM_PLAIN. */
const AIM: ReadonlyMap<string, Symbology> = new Map([
  ["C1", gs1("gs1-128")],
  ["e0", gs1("gs1-databar")],
  ["d2", gs1("gs1-datamatrix")],
  ["d4", withEci(plain("datamatrix"))],
  ["d5", withEci(gs1("gs1-datamatrix"))],
  ["d6", withEci(plain("datamatrix"))],
  ["Q2", withEci(plain("qr"))],
  ["Q3", gs1("gs1-qr")],
  ["Q4", withEci(gs1("gs1-qr"))],
  ["Q6", withEci(plain("qr"))],
  ["J1", gs1("gs1-dotcode")],
  ["J3", withEci(plain("dotcode"))],
  ["J4", withEci(gs1("gs1-dotcode"))],
  ["J5", withEci(plain("dotcode"))],
  ["E0", { name: "ean-13", content: "ean-13", eci: false }],
  ["E4", { name: "ean-8", content: "ean-8", eci: false }],
]);

const AIM_PLAIN: ReadonlyMap<string, Symbology> = new Map(
  Object.entries({
    A: "code-39",
    B: "telepen",
    C: "code-128",
    D: "code-one",
    E: "ean-add-on",
    F: "codabar",
    G: "code-93",
    H: "code-11",
    I: "interleaved-2-of-5",
    J: "dotcode",
    K: "code-16k",
    L: "pdf417",
    M: "msi",
    N: "anker",
    O: "codablock",
    P: "plessey",
    Q: "qr",
    R: "straight-2-of-5",
    S: "straight-2-of-5",
    T: "code-49",
    U: "maxicode",
    X: "other",
    d: "datamatrix",
    e: "gs1-composite",
    h: "han-xin",
    o: "ocr",
    z: "aztec",
  }).map(([letter, name]) => [letter, plain(name)]),
);

/** `id` is the two characters behind "]". */
export function aimSymbology(id: string): Symbology | undefined {
  return AIM.get(id) ?? (/^[A-Za-z][0-9A-Fa-f]$/.test(id) ? AIM_PLAIN.get(id[0] ?? "") : undefined);
}

const CODE_IDS: ReadonlyMap<string, Symbology> = new Map([
  ["A", { name: "ean", content: "ean-13", eci: false }],
  ["B", plain("code-39")],
  ["C", plain("codabar")],
  ["D", plain("code-128")],
  ["E", plain("code-93")],
  ["F", plain("interleaved-2-of-5")],
  ["G", plain("straight-2-of-5")],
  ["H", plain("code-11")],
  ["J", plain("msi")],
  ["K", gs1("gs1-128")],
  ["L", { name: "ean", content: "ean-13", eci: false }],
  ["M", plain("code-39")],
  ["N", plain("coupon")],
  ["R", gs1("gs1-databar")],
  ["S", plain("straight-2-of-5")],
  ["T", gs1("gs1-databar")],
  ["U", plain("straight-2-of-5")],
  ["V", plain("straight-2-of-5")],
  ["X", plain("pdf417")],
  ["z", plain("aztec")],
  ["P00", plain("datamatrix")],
  ["P01", plain("qr")],
  ["P02", plain("maxicode")],
  ["P0G", gs1("gs1-datamatrix")],
  ["P0H", plain("han-xin")],
  ["P0Q", gs1("gs1-qr")],
]);

/** The code identifier at the start of `text`, with its length. Source: Zebra, SP72 guide. */
export function codeIdSymbology(
  text: string,
): { readonly symbology: Symbology; readonly length: number } | undefined {
  const length = text[0] === "P" ? 3 : 1;
  const symbology = CODE_IDS.get(text.slice(0, length));
  return symbology && { symbology, length };
}

/** For scans whose scanner says nothing, by what its profile says of it; and for typed text. */
export const UNMARKED = { gs1: gs1("unmarked"), plain: plain("unmarked") } as const;
export const TYPED = plain("typed");
