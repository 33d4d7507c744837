/**
 * GS1 Digital Link URIs, of any host and with any path before the key, to elements.
 *
 * A web address is everywhere, a Digital Link is not: an address is taken for one only when a
 * primary key of the right shape stands in its path. A wrong check digit there is then a problem.
 *
 * Source: GS1 Digital Link standard: URI syntax 1.6, sections 4 and 5.
 */
import { checkValue, findAi, type Problem } from "./application-identifiers.ts";
import { isDigits } from "./characters.ts";
import type { Element, Elements } from "./elements.ts";
import { percentDecode } from "./percent.ts";

const PRIMARY_KEYS: ReadonlySet<string> = new Set(
  "00 01 253 255 401 402 414 415 417 8003 8004 8006 8010 8013 8017 8018".split(" "),
);
/** More pairs than any key has qualifiers: what is left of a path is not looked at. */
const PAIRS_MAX = 6;

export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Undefined: a web address, and not a Digital Link. */
export function parseDigitalLink(address: string): Elements | undefined {
  const [beforeFragment = ""] = address.split("#", 1);
  const question = beforeFragment.indexOf("?");
  const link = question === -1 ? beforeFragment : beforeFragment.slice(0, question);
  const query = question === -1 ? "" : beforeFragment.slice(question + 1);
  const [, , host = "", ...segments] = link.split("/");
  if (host === "" || /\s/.test(link)) return undefined;
  if (segments.at(-1) === "") segments.pop();

  const elements = pairsOf(segments);
  const [primary] = elements ?? [];
  if (elements === undefined || primary === undefined) return undefined;
  const shape = checkElement(primary);
  if (shape !== undefined && shape.check !== "check_digit") return undefined;
  const attributes = attributesOf(query);
  for (const element of [...elements, ...attributes]) {
    const problem = checkElement(element);
    if (problem !== undefined) return { ok: false, problem };
  }
  return { ok: true, elements, attributes };
}

/** Pairs from the primary key to the end of the path; found from the end, as qualifiers follow it. */
function pairsOf(segments: readonly string[]): readonly Element[] | undefined {
  const pairs: Element[] = [];
  for (let at = segments.length - 2; at >= 0 && pairs.length < PAIRS_MAX; at -= 2) {
    const ai = segments[at] ?? "";
    const value = percentDecode(segments[at + 1] ?? "");
    if (value === undefined || findAi(ai) === undefined) return undefined;
    pairs.unshift({ ai, value });
    if (PRIMARY_KEYS.has(ai)) return pairs;
  }
  return undefined;
}

function attributesOf(query: string): readonly Element[] {
  const attributes: Element[] = [];
  for (const pair of query.split(/[&;]/, 32)) {
    const [ai = "", raw = ""] = pair.split("=", 2);
    const value = percentDecode(raw.replaceAll("+", " "));
    if (isDigits(ai) && findAi(ai) !== undefined && value !== undefined)
      attributes.push({ ai, value });
  }
  return attributes;
}

function checkElement({ ai, value }: Element): Problem | undefined {
  const rule = findAi(ai);
  return rule && checkValue(rule, value, 0, value.length);
}
