/**
 * EPC URNs to elements. A URN leaves out the check digit and marks where the company prefix ends;
 * the length of both parts together is fixed, so no table of prefixes is needed.
 *
 * Source: GS1 EPC Tag Data Standard 2.0, section 6.3; `idpat` with `*` for a type without serial.
 */
import { checkValue, findAi } from "./application-identifiers.ts";
import { isDigits } from "./characters.ts";
import { withCheckDigit } from "./check-digit.ts";
import { type Element, type Elements, NONE } from "./elements.ts";
import { percentDecode } from "./percent.ts";

type Scheme = {
  readonly ai: string;
  /** Digits of prefix and reference together, without the check digit; undefined: free text. */
  readonly digits: number | undefined;
  readonly serial: "required" | "none";
  /** What stands before the prefix in the element string. */
  readonly lead: string;
};

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["gdti", { ai: "253", digits: 12, serial: "required", lead: "" }],
  ["grai", { ai: "8003", digits: 12, serial: "required", lead: "0" }],
  ["sgln", { ai: "414", digits: 12, serial: "required", lead: "" }],
  ["pgln", { ai: "417", digits: 12, serial: "none", lead: "" }],
  ["sscc", { ai: "00", digits: 17, serial: "none", lead: "" }],
  ["gsrn", { ai: "8018", digits: 17, serial: "none", lead: "" }],
  ["gsrnp", { ai: "8017", digits: 17, serial: "none", lead: "" }],
  ["gsin", { ai: "402", digits: 16, serial: "none", lead: "" }],
  ["giai", { ai: "8004", digits: undefined, serial: "none", lead: "" }],
  ["ginc", { ai: "401", digits: undefined, serial: "none", lead: "" }],
]);

export function isEpcUrn(text: string): boolean {
  return /^urn:epc:/i.test(text);
}

/** Undefined: an EPC URN of a scheme that names nothing here. */
export function parseEpcUrn(urn: string): Elements | undefined {
  const match = /^urn:epc:(id|idpat):([a-z]+):(.*)$/i.exec(urn);
  const [, form = "", name = "", body = ""] = match ?? [];
  const scheme = SCHEMES.get(name.toLowerCase());
  if (scheme === undefined) return undefined;

  const [prefix = "", reference = "", ...rest] = body.split(".");
  if (!isDigits(prefix) || prefix.length < 4 || prefix.length > 12)
    return refused(scheme.ai, `company prefix of 4 to 12 digits expected, got "${prefix}"`);
  if (scheme.digits === undefined) {
    const value = percentDecode([reference, ...rest].join("."));
    return value === undefined || value === ""
      ? refused(scheme.ai, "reference expected behind the company prefix")
      : checked([{ ai: scheme.ai, value: prefix + value }]);
  }

  const digits = swapExtension(scheme.ai, prefix, reference);
  if (!isDigits(digits) || digits.length !== scheme.digits)
    return refused(scheme.ai, `${scheme.digits} digits expected in prefix and reference`);
  const value = scheme.lead + withCheckDigit(digits);
  if (scheme.serial === "none")
    return rest.length > 0
      ? refused(scheme.ai, "nothing expected behind the reference")
      : checked([{ ai: scheme.ai, value }]);

  const serial = percentDecode(rest.join("."));
  if (serial === undefined || serial === "") return refused(scheme.ai, "serial expected");
  // A GLN without extension is written with the extension "0".
  const bare =
    (form.toLowerCase() === "idpat" && serial === "*") || (scheme.ai === "414" && serial === "0");
  if (bare) return checked([{ ai: scheme.ai, value }]);
  if (scheme.ai === "414")
    return checked([
      { ai: "414", value },
      { ai: "254", value: serial },
    ]);
  return checked([{ ai: scheme.ai, value: value + serial }]);
}

/** The first digit of an SSCC stands in the URN behind the prefix, with the serial reference. */
function swapExtension(ai: string, prefix: string, reference: string): string {
  return ai === "00" ? reference.slice(0, 1) + prefix + reference.slice(1) : prefix + reference;
}

function checked(elements: readonly Element[]): Elements {
  for (const { ai, value } of elements) {
    const rule = findAi(ai);
    const problem = rule && checkValue(rule, value, 0, value.length);
    if (problem !== undefined) return { ok: false, problem };
  }
  return { ok: true, elements, attributes: NONE };
}

function refused(ai: string, why: string): Elements {
  return { ok: false, problem: { check: "length", ai, why: `EPC URN for AI (${ai}): ${why}` } };
}
