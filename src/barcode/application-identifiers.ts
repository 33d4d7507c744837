/**
 * The GS1 Application Identifiers (AIs) as data: format, title, and how a value ends.
 *
 * Format, one word per part of a value: N digits, X set 82, Y set 39, Z base64url; "13" exactly,
 * "..20" one up to twenty, "[..17]" may be absent; "!" ends in a mod 10 check digit; D is a date
 * YYMMDD whose day may be 00, T one whose day may not; "0" is the digit zero.
 *
 * Source: GS1 General Specifications, section 3.2, and the GS1 Barcode Syntax Dictionary.
 */
import { DIGITS, outsideSet, SET_39, SET_64, SET_82, shown } from "./characters.ts";
import { mod10 } from "./check-digit.ts";

export type Part = {
  readonly set: number;
  readonly min: number;
  readonly max: number;
  readonly check: "none" | "mod10" | "date" | "day" | "zero";
};

export type ApplicationIdentifier = {
  readonly ai: string;
  readonly title: string;
  readonly parts: readonly Part[];
  /** Length of the value when the next AI follows it without a separator; else undefined. */
  readonly predefined: number | undefined;
};

/** What is wrong with data: the check that failed, the AI it failed in, and a line for a person. */
export type Problem = {
  readonly check: Check;
  readonly ai: string | undefined;
  readonly why: string;
};

export type Check = "empty" | "ai" | "length" | "character" | "check_digit" | "content" | "form";

const TABLE: readonly (readonly [ais: string, format: string, title: string])[] = [
  ["00", "N18!", "SSCC"],
  ["01", "N14!", "GTIN"],
  ["02", "N14!", "CONTENT"],
  ["03", "N14!", "MTO GTIN"],
  ["10", "X..20", "BATCH/LOT"],
  ["11", "D", "PROD DATE"],
  ["12", "D", "DUE DATE"],
  ["13", "D", "PACK DATE"],
  ["15", "D", "BEST BEFORE"],
  ["16", "D", "SELL BY"],
  ["17", "D", "EXPIRY"],
  ["20", "N2", "VARIANT"],
  ["21", "X..20", "SERIAL"],
  ["22", "X..20", "CPV"],
  ["235", "X..28", "TPX"],
  ["240", "X..30", "ADDITIONAL ID"],
  ["241", "X..30", "CUST. PART No."],
  ["242", "N..6", "MTO VARIANT"],
  ["243", "X..20", "PCN"],
  ["250", "X..30", "SECONDARY SERIAL"],
  ["251", "X..30", "REF. TO SOURCE"],
  ["253", "N13! X[..17]", "GDTI"],
  ["254", "X..20", "GLN EXTENSION"],
  ["255", "N13! N[..12]", "GCN"],
  ["30", "N..8", "VAR. COUNT"],
  ["310n-316n", "N6", "MEASURE"],
  ["320n-329n", "N6", "MEASURE"],
  ["330n-337n", "N6", "MEASURE"],
  ["340n-349n", "N6", "MEASURE"],
  ["350n-357n", "N6", "MEASURE"],
  ["360n-369n", "N6", "MEASURE"],
  ["37", "N..8", "COUNT"],
  ["3900-3909", "N..15", "AMOUNT"],
  ["3910-3919", "N3 N..15", "AMOUNT"],
  ["3920-3929", "N..15", "PRICE"],
  ["3930-3939", "N3 N..15", "PRICE"],
  ["3940-3943", "N4", "PRCNT OFF"],
  ["3950-3955", "N6", "PRICE/UoM"],
  ["400", "X..30", "ORDER NUMBER"],
  ["401", "X..30", "GINC"],
  ["402", "N17!", "GSIN"],
  ["403", "X..30", "ROUTE"],
  ["410", "N13!", "SHIP TO LOC"],
  ["411", "N13!", "BILL TO"],
  ["412", "N13!", "PURCHASE FROM"],
  ["413", "N13!", "SHIP FOR LOC"],
  ["414", "N13!", "LOC No."],
  ["415", "N13!", "PAY TO"],
  ["416", "N13!", "PROD/SERV LOC"],
  ["417", "N13!", "PARTY"],
  ["420", "X..20", "SHIP TO POST"],
  ["421", "N3 X..9", "SHIP TO POST"],
  ["422", "N3", "ORIGIN"],
  ["423", "N..15", "COUNTRY - INITIAL PROCESS"],
  ["424", "N3", "COUNTRY - PROCESS"],
  ["425", "N..15", "COUNTRY - DISASSEMBLY"],
  ["426", "N3", "COUNTRY - FULL PROCESS"],
  ["427", "X..3", "ORIGIN SUBDIVISION"],
  ["4300-4301", "X..35", "SHIP TO NAME"],
  ["4302-4306", "X..70", "SHIP TO ADDRESS"],
  ["4307", "X2", "SHIP TO COUNTRY"],
  ["4308", "X..30", "SHIP TO PHONE"],
  ["4309", "N20", "SHIP TO GEO"],
  ["4310-4311", "X..35", "RTN TO NAME"],
  ["4312-4316", "X..70", "RTN TO ADDRESS"],
  ["4317", "X2", "RTN TO COUNTRY"],
  ["4318", "X..20", "RTN TO POST"],
  ["4319", "X..30", "RTN TO PHONE"],
  ["4320", "X..35", "SRV DESCRIPTION"],
  ["4321", "N1", "DANGEROUS GOODS"],
  ["4322", "N1", "AUTH TO LEAVE"],
  ["4323", "N1", "SIG REQUIRED"],
  ["4324", "D N4", "NOT BEF DEL DT"],
  ["4325", "D N4", "NOT AFT DEL DT"],
  ["4326", "T", "REL DATE"],
  ["4330-4333", "N6 X[..1]", "TEMPERATURE"],
  ["7001", "N13", "NSN"],
  ["7002", "X..30", "MEAT CUT"],
  ["7003", "T N4", "EXPIRY TIME"],
  ["7004", "N..4", "ACTIVE POTENCY"],
  ["7005", "X..12", "CATCH AREA"],
  ["7006", "T", "FIRST FREEZE DATE"],
  ["7007", "N6 N[..6]", "HARVEST DATE"],
  ["7008", "X..3", "AQUATIC SPECIES"],
  ["7009", "X..10", "FISHING GEAR TYPE"],
  ["7010", "X..2", "PROD METHOD"],
  ["7011", "T N[..4]", "TEST BY DATE"],
  ["7020", "X..20", "REFURB LOT"],
  ["7021", "X..20", "FUNC STAT"],
  ["7022", "X..20", "REV STAT"],
  ["7023", "X..30", "GIAI - ASSEMBLY"],
  ["7030-7039", "N3 X..27", "PROCESSOR"],
  ["7040", "N1 X3", "UIC+EXT"],
  ["7041", "X..4", "UFRGT UNIT TYPE"],
  ["710-717", "X..20", "NHRN"],
  ["7230-7239", "X2 X..28", "CERT"],
  ["7240", "X..20", "PROTOCOL"],
  ["7241", "N2", "AIDC MEDIA TYPE"],
  ["7242", "X..25", "VCN"],
  ["7250", "N8", "DOB"],
  ["7251", "N12", "DOB TIME"],
  ["7252", "N1", "BIO SEX"],
  ["7253-7254", "X..40", "NAME"],
  ["7255", "X..10", "SUFFIX"],
  ["7256", "X..90", "FULL NAME"],
  ["7257", "X..70", "PERSON ADDR"],
  ["7258", "X3", "BIRTH SEQUENCE"],
  ["7259", "X..40", "BABY"],
  ["8001", "N14", "DIMENSIONS"],
  ["8002", "X..20", "CMT No."],
  ["8003", "0 N13! X[..16]", "GRAI"],
  ["8004", "X..30", "GIAI"],
  ["8005", "N6", "PRICE PER UNIT"],
  ["8006", "N14! N4", "ITIP"],
  ["8007", "X..34", "IBAN"],
  ["8008", "N8 N[..4]", "PROD TIME"],
  ["8009", "X..50", "OPTSEN"],
  ["8010", "Y..30", "CPID"],
  ["8011", "N..12", "CPID SERIAL"],
  ["8012", "X..20", "VERSION"],
  ["8013", "X..25", "GMN"],
  ["8014", "X..25", "MUDI"],
  ["8017", "N18!", "GSRN - PROVIDER"],
  ["8018", "N18!", "GSRN - RECIPIENT"],
  ["8019", "N..10", "SRIN"],
  ["8020", "X..25", "REF No."],
  ["8026", "N14! N4", "ITIP CONTENT"],
  ["8030", "Z..90", "DIGSIG"],
  ["8110", "X..70", "COUPON"],
  ["8111", "N4", "POINTS"],
  ["8112", "X..70", "COUPON"],
  ["8200", "X..70", "PRODUCT URL"],
  ["90", "X..30", "INTERNAL"],
  ["91-99", "X..90", "INTERNAL"],
];

/** AIs of these first two digits need no separator; figure 7.8.5-2. The list will not grow. */
const PREDEFINED = /^(0[0-4]|1[1-9]|20|3[1-6]|41)/;

const SET_OF: Readonly<Record<string, number>> = {
  N: DIGITS,
  X: SET_82,
  Y: SET_39,
  Z: SET_64,
};

const BY_AI = new Map<string, ApplicationIdentifier>();
/** AI length by its first two digits: data can be cut only because these never differ. */
const AI_LENGTHS = new Uint8Array(100);

for (const [ais, format, title] of TABLE) {
  const parts = format.split(" ").map(partOf);
  const length = parts.reduce((sum, part) => sum + part.max, 0);
  for (const ai of aisOf(ais)) {
    const predefined = PREDEFINED.test(ai) ? length : undefined;
    BY_AI.set(ai, { ai, title, parts, predefined });
    AI_LENGTHS[Number(ai.slice(0, 2))] = ai.length;
  }
}

/** "10", "11-13" or "310n-316n", where n is the place of the decimal point, 0 to 5. */
function aisOf(words: string): string[] {
  const [first = "", last = first] = words.split("-");
  const ais: string[] = [];
  for (let number = Number.parseInt(first, 10); number <= Number.parseInt(last, 10); number++) {
    const ai = String(number).padStart(first.replace("n", "").length, "0");
    for (const place of first.endsWith("n") ? "012345" : [""]) ais.push(ai + place);
  }
  return ais;
}

function partOf(word: string): Part {
  if (word === "0") return { set: DIGITS, min: 1, max: 1, check: "zero" };
  if (word === "D") return { set: DIGITS, min: 6, max: 6, check: "date" };
  if (word === "T") return { set: DIGITS, min: 6, max: 6, check: "day" };
  const max = Number(word.replace(/\D/g, ""));
  return {
    set: SET_OF[word.charAt(0)] ?? 0,
    min: word.includes("[") ? 0 : word.includes("..") ? 1 : max,
    max,
    check: word.endsWith("!") ? "mod10" : "none",
  };
}

/** The AI that starts at `at`, or undefined when no AI is a prefix of the data there. */
export function aiAt(data: string, at: number): ApplicationIdentifier | undefined {
  const tens = data.charCodeAt(at) - 48;
  const ones = data.charCodeAt(at + 1) - 48;
  if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) return undefined;
  return BY_AI.get(data.slice(at, at + (AI_LENGTHS[tens * 10 + ones] ?? 0)));
}

export function findAi(ai: string): ApplicationIdentifier | undefined {
  return BY_AI.get(ai);
}

/** Checks the value in `data[from, to)`; undefined when it is right. */
export function checkValue(
  { ai, title, parts }: ApplicationIdentifier,
  data: string,
  from: number,
  to: number,
): Problem | undefined {
  let at = from;
  for (const part of parts) {
    const end = Math.min(to, at + part.max);
    if (end - at < part.min) return wrongLength();
    const outside = outsideSet(part.set, data, at, end);
    if (outside !== -1) {
      const why = `${shown(data, outside)} at ${outside - from + 1}; ${expected(parts)} expected`;
      return { check: "character", ai, why: `AI (${ai}) ${title}: ${why}` };
    }
    const wrong = part.check === "none" ? undefined : checkContent(part, data, at, end);
    if (wrong !== undefined)
      return { check: wrong.check, ai, why: `AI (${ai}) ${title}: ${wrong.why}` };
    at = end;
  }
  return at === to ? undefined : wrongLength();

  function wrongLength(): Problem {
    const why = `${to - from} characters; ${expected(parts)} expected`;
    return { check: "length", ai, why: `AI (${ai}) ${title}: ${why}` };
  }
}

function checkContent(
  part: Part,
  data: string,
  from: number,
  to: number,
): { check: Check; why: string } | undefined {
  switch (part.check) {
    case "none":
      return undefined;
    case "mod10": {
      const right = mod10(data, from, to - 1);
      if (data.charCodeAt(to - 1) === right + 48) return undefined;
      const why = `check digit of ${data.slice(from, to)} is ${data[to - 1]}, expected ${right}`;
      return { check: "check_digit", why };
    }
    case "zero":
      if (data[from] === "0") return undefined;
      return { check: "content", why: `starts with ${data[from]}, expected 0` };
    case "date":
    case "day": {
      const month = Number(data.slice(from + 2, from + 4));
      const day = Number(data.slice(from + 4, from + 6));
      const firstDay = part.check === "date" ? 0 : 1;
      if (month >= 1 && month <= 12 && day >= firstDay && day <= 31) return undefined;
      return { check: "content", why: `${data.slice(from, to)} is not a date YYMMDD` };
    }
  }
}

const SET_NAMES = new Map([
  [DIGITS, "digits"],
  [SET_39, "capitals and digits"],
  [SET_82, "characters of GS1 set 82"],
  [SET_64, "characters of base64url"],
]);

function expected(parts: readonly Part[]): string {
  const words = parts.map(({ set, min, max }) => {
    const count = min === max ? `${max}` : min === 0 ? `up to ${max}` : `1 to ${max}`;
    return `${count} ${SET_NAMES.get(set)}`;
  });
  return words.join(", then ");
}
