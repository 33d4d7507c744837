/**
 * Element strings to pairs of AI and value: as a scanner sends them, with the separator GS where
 * FNC1 stood, and as people write them, with brackets. Both give the same pairs or the same problem.
 *
 * A separator behind a value of predefined length and one at the very end are harmless and common.
 */
import {
  type ApplicationIdentifier,
  aiAt,
  checkValue,
  findAi,
  type Problem,
} from "./application-identifiers.ts";

export type Element = { readonly ai: string; readonly value: string };
export type Elements =
  | {
      readonly ok: true;
      /** Among these is the key, if there is one. */
      readonly elements: readonly Element[];
      /** These cannot be the key, whatever they are. */
      readonly attributes: readonly Element[];
    }
  | { readonly ok: false; readonly problem: Problem };

export const GS = "\u001d";

export const NONE: readonly Element[] = [];

export function parseElements(data: string): Elements {
  if (data.length === 0) return refused("empty", undefined, "GS1 symbol without data");
  const elements: Element[] = [];
  let at = 0;
  while (at < data.length) {
    const rule = aiAt(data, at);
    if (rule === undefined) return refused("ai", undefined, noSuchAi(data.slice(at, at + 4)));
    const from = at + rule.ai.length;
    const separator = data.indexOf(GS, from);
    const limit = separator === -1 ? data.length : separator;
    const to = rule.predefined === undefined ? limit : Math.min(limit, from + rule.predefined);
    const problem = add(elements, rule, data, from, to);
    if (problem !== undefined) return { ok: false, problem };
    at = to === separator ? to + 1 : to;
  }
  return { ok: true, elements, attributes: NONE };
}

/** `(253)9521234000013N00001P01`; a bracket inside a value is written `\(`. */
export function parseBracketed(text: string): Elements {
  const elements: Element[] = [];
  let at = 0;
  while (at < text.length) {
    const close = text.indexOf(")", at);
    if (text[at] !== "(" || close === -1 || close - at > 5)
      return refused("form", undefined, `"(AI)" expected at ${at + 1}`);
    const ai = text.slice(at + 1, close);
    const rule = findAi(ai);
    if (rule === undefined) return refused("ai", undefined, noSuchAi(ai));
    let value = "";
    at = close + 1;
    while (at < text.length && text[at] !== "(") {
      if (text[at] === "\\" && text[at + 1] === "(") at += 1;
      value += text[at];
      at += 1;
    }
    const problem = add(elements, rule, value, 0, value.length);
    if (problem !== undefined) return { ok: false, problem };
  }
  if (elements.length === 0) return refused("empty", undefined, "no element");
  return { ok: true, elements, attributes: NONE };
}

function add(
  elements: Element[],
  rule: ApplicationIdentifier,
  data: string,
  from: number,
  to: number,
): Problem | undefined {
  const problem = checkValue(rule, data, from, to);
  if (problem !== undefined) return problem;
  const { ai } = rule;
  const value = data.slice(from, to);
  for (const element of elements) {
    if (element.ai !== ai) continue;
    if (element.value === value) return undefined;
    return { check: "content", ai, why: `AI (${ai}) ${rule.title}: two different values` };
  }
  elements.push({ ai, value });
  return undefined;
}

function refused(check: Problem["check"], ai: string | undefined, why: string): Elements {
  return { ok: false, problem: { check, ai, why } };
}

function noSuchAi(start: string): string {
  return `no GS1 Application Identifier begins ${JSON.stringify(start)}`;
}
