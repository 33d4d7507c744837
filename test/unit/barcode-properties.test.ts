/**
 * Laws of the decoder over generated keys, and a fuzz of mutated scans.
 *
 * The encoders and the check digit here are written from the standard, not shared with src.
 * `SEED=n` repeats a fuzz run, `FUZZ=1000000` makes it long.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Decoded,
  decodeScan,
  decodeTyped,
  digitalLink,
  elementString,
  parseKey,
  type ScannerProfile,
} from "../../src/barcode/decode.ts";
import { workOf } from "../support/work.ts";

const GS = "\u001d";

describe("a key", () => {
  test("comes back from its element string, its Digital Link and itself", () => {
    fc.assert(
      fc.property(thing(), ({ key }) => {
        expect(keyOf(decodeTyped(elementString(key)))).toBe(key);
        expect(keyOf(decodeTyped(digitalLink(key)))).toBe(key);
        expect(keyOf(decodeTyped(key))).toBe(key);
        expect(parseKey(key)?.key).toBe(key);
      }),
    );
  });

  test("is the same whichever symbol carries it, and whether or not a separator ends it", () => {
    fc.assert(
      fc.property(thing(), fc.constantFrom(...GS1_AIMS), ({ key, scan }, aim) => {
        expect(keyOf(decodeScan(aim + scan))).toBe(key);
        expect(keyOf(decodeScan(aim + scan + GS))).toBe(key);
        expect(keyOf(decodeScan(scan, { aim: false }))).toBe(key);
        expect(keyOf(decodeScan(bytes(aim + scan)))).toBe(key);
      }),
    );
  });

  test("does not depend on the attributes printed around it", () => {
    fc.assert(
      fc.property(thing(), attributes(), attributes(), ({ key, scan, own }, before, after) => {
        const taken = new Set([own]);
        const used = [...before, ...after].filter(({ ai }) => !taken.has(ai) && taken.add(ai));
        const head = used.filter((_, i) => i % 2 === 0).map(({ text }) => text);
        const tail = used.filter((_, i) => i % 2 === 1).map(({ text }) => text);
        const decoded = decodeScan(`]C1${[...head, scan, ...tail].join(GS)}`);
        expect(keyOf(decoded)).toBe(key);
        const printed = used.map(({ ai, text }) => ai + text.slice(ai.length)).sort();
        const read = decoded.kind === "key" ? decoded.attributes : [];
        expect(read.map(({ ai, value }) => ai + value).sort()).toEqual(printed);
      }),
    );
  });

  test("reads through any separator that its scanner is set to", () => {
    fc.assert(
      fc.property(
        thing(),
        fc.constantFrom("|", "~", "{GS}", "^]", "#"),
        ({ key, scan }, separator) => {
          const sent = `]d2${scan}${separator}10LOT7`;
          const decoded = decodeScan(sent, { separator });
          expect(keyOf(decoded)).toBe(key);
        },
      ),
    );
  });

  test("with one wrong digit in its number is a misread", () => {
    fc.assert(
      fc.property(
        thing().filter(({ digits }) => digits !== ""),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        ({ scan, digits, own }, where, by) => {
          const at = own.length + scan.slice(own.length).indexOf(digits) + (where % digits.length);
          const wrong = (Number(scan[at]) + by) % 10;
          const decoded = decodeScan(`]C1${scan.slice(0, at)}${wrong}${scan.slice(at + 1)}`);
          expect(decoded).toMatchObject({ kind: "misread", check: "check_digit", ai: own });
        },
      ),
    );
  });
});

const SCANS = Number(process.env["FUZZ"] ?? 20_000);
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`${SCANS} mutated scans give an answer each, never an exception (SEED=${SEED})`, () => {
  const next = prng(SEED);
  const counts = { key: 0, alias: 0, command: 0, misread: 0, unknown: 0, serial: 0 };
  for (let i = 0; i < SCANS; i++) {
    const { raw, profile } = mutant(next);
    const answers = [decodeScan(raw, profile), decodeTyped(latin1(raw))];
    for (const answer of answers) {
      counts[answer.kind] += 1;
      // What calls itself a key is one, to the last character.
      if (answer.kind === "key" && parseKey(answer.key)?.class !== answer.class)
        throw new Error(`not a key: ${JSON.stringify(answer)} from ${JSON.stringify(latin1(raw))}`);
    }
  }
  expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(2 * SCANS);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
});

test("a megabyte of noise is refused without being read", () => {
  expect(decodeScan(new Uint8Array(1_000_000).fill(0x31))).toMatchObject({
    kind: "misread",
    check: "length",
  });
  expect(decodeTyped("(".repeat(1_000_000)).kind).toBe("misread");
});

test("the longest scans that are read cost little, whatever their shape", () => {
  const nasty = ["(", "(10)", "/253", `10A${GS}`, "%41", "?10=A&", "\\(", "]", "0", "https://"];
  for (const piece of nasty) {
    for (const head of [
      "",
      "]C1",
      "]Q1",
      "]C0[)>\u001e06\u001d",
      "https://x/",
      "urn:epc:id:giai:",
    ]) {
      const text = (head + piece.repeat(4096)).slice(0, 4096);
      // The least of three: one of them may meet a collection of garbage.
      const took = [1, 2, 3].map(() => {
        const { workMs } = workOf(() => [decodeScan(text), decodeTyped(text)]);
        return workMs;
      });
      expect(Math.min(...took), JSON.stringify(head + piece)).toBeLessThan(100);
    }
  }
});

const GS1_AIMS = ["]C1", "]e0", "]d2", "]Q3", "]J1"] as const;
const SET_82 = `!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`;

type Thing = {
  readonly key: string;
  readonly scan: string;
  /** AI of the key, and its digits that end in a check digit. */
  readonly own: string;
  readonly digits: string;
};

function thing(): fc.Arbitrary<Thing> {
  const serial = (min: number, max: number) =>
    fc
      .array(fc.constantFrom(...SET_82), { minLength: min, maxLength: max })
      .map((characters) => characters.join(""));
  const numbered = (ai: string, length: number, lead: string, tail: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.array(fc.nat(9), { minLength: length - 1, maxLength: length - 1 }), tail)
      .map(([body, rest]): Thing => {
        const digits = body.join("") + checkDigit(body);
        const value = lead + digits + rest;
        return { key: `${ai}/${value}`, scan: ai + value, own: ai, digits };
      });
  const free = (ai: string) =>
    serial(1, 30).map(
      (value): Thing => ({ key: `${ai}/${value}`, scan: ai + value, own: ai, digits: "" }),
    );
  const nothing = fc.constant("");
  return fc.oneof(
    numbered("253", 13, "", serial(0, 17)),
    numbered("8003", 13, "0", serial(0, 16)),
    numbered("00", 18, "", nothing),
    numbered("414", 13, "", nothing),
    fc.tuple(numbered("414", 13, "", nothing), serial(1, 20)).map(([gln, extension]) => ({
      ...gln,
      key: `${gln.key}/254/${extension}`,
      scan: `${gln.scan}254${extension}`,
    })),
    numbered("8017", 18, "", nothing),
    numbered("8018", 18, "", nothing),
    numbered("402", 17, "", nothing),
    numbered("417", 13, "", nothing),
    free("8004"),
    free("401"),
  );
}

function attributes(): fc.Arbitrary<readonly { ai: string; text: string }[]> {
  const lot = fc.constantFrom("A", "LOT7", "x/1", "00", "21X");
  const date = fc.constantFrom("260301", "260300", "991231");
  const one = fc.oneof(
    fc.tuple(fc.constantFrom("10", "21", "98", "240", "400"), lot),
    fc.tuple(fc.constantFrom("11", "13", "15", "17"), date),
    fc.constant(["37", "240"] as const),
    fc.constant(["3302", "001250"] as const),
  );
  return fc.array(
    one.map(([ai, value]) => ({ ai, text: ai + value })),
    { maxLength: 4 },
  );
}

/** GS1 General Specifications 7.9.1: weights 3 and 1 from the right, up to the next ten. */
function checkDigit(digits: readonly number[]): number {
  const sum = digits
    .toReversed()
    .reduce((total, digit, i) => total + digit * (i % 2 === 0 ? 3 : 1), 0);
  return (1000 - sum) % 10;
}

const SEEDS_OF_MUTANTS = [
  ...[
    "]d22539521234000013N00001P01",
    "]C100095212340000000013",
    "]C1800309521234005001F0001",
    "]C14149521234001003254R1-S1",
    "]C18018952123400000000772",
    `]d22539521234000013N1${GS}1126030110LOT7${GS}98X`,
    "]E02112345678900|]e099COMPOSITE",
    "]E402345673",
    "]Q1https://id.gs1.org/414/9521234001003/254/R1%2FS1?10=LOT&11=260301#x",
    "]d1[)>\u001e06\u001d1JUN043325711MH803\u001dQ12\u001e\u0004",
    "]d1[)>\u001e05\u001d2539521234000013N1\u001e\u0004",
    "]C03318810025",
    "]C0RB123456785GB",
    "]C0CMD:STEP:storing",
    "CMD:UNDO",
    "(414)9521234001003(254)R1-S1",
    "(253)9521234000013A\\(7)",
    "urn:epc:id:gdti:4012345.00009.PO-4711",
    "urn:epc:id:sscc:0614141.1234567890",
    "urn:epc:idpat:grai:0614141.12345.*",
    "https://id.gs1.org/253/9521234000013N1",
    "253/9521234000013A/B",
    "K00095212340000000013",
    "P0Q2539521234000013N1",
    "N00001P01",
    "]d1\u00d0\u009f\u00d0\u00b0\u00d0\u00bf\u00d0\u00ba\u00d0\u00b0",
  ].map(bytes),
];
const SPICE = bytes(
  `${GS}\u001e\u0004\u0000]()/%.:?&=#|*~\\0123456789CdQeJEPKunrhtps \u00ff\u00e2`,
);

const PROFILES: readonly Partial<ScannerProfile>[] = [
  {},
  {},
  { aim: false },
  { aim: false, unmarked: "plain" },
  { aim: false, codeId: "symbol" },
  { codeId: "symbol" },
  { separator: "|" },
  { separator: "" },
];

function mutant(next: (below: number) => number): {
  raw: Uint8Array;
  profile: Partial<ScannerProfile>;
} {
  const pick = <T>(from: ArrayLike<T>) => from[next(from.length)] as T;
  const raw = [...pick(SEEDS_OF_MUTANTS)];
  const mutations = next(4);
  for (let i = 0; i < mutations; i++) {
    const at = next(raw.length + 1);
    switch (next(7)) {
      case 0:
        raw[at] = next(256);
        break;
      case 1:
        raw.splice(at, 1 + next(3));
        break;
      case 2:
        raw.splice(at, 0, pick(SPICE));
        break;
      case 3:
        raw.length = Math.min(raw.length, at);
        break;
      case 4:
        raw.splice(at, 0, ...pick(SEEDS_OF_MUTANTS).slice(next(20)));
        break;
      case 5:
        raw.splice(at, 0, ...raw.slice(next(raw.length + 1)));
        break;
      case 6:
        raw[at] = pick(SPICE);
        break;
    }
  }
  return { raw: Uint8Array.from(raw), profile: pick(PROFILES) };
}

/** Mulberry32. */
function prng(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function latin1(raw: Uint8Array): string {
  return Array.from(raw, (byte) => String.fromCharCode(byte)).join("");
}

function keyOf(decoded: ReturnType<typeof decodeTyped> | Decoded): string {
  return decoded.kind === "key" ? decoded.key : JSON.stringify(decoded);
}
