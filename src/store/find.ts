/**
 * What the one search box asks at every keystroke: things by any form of their id, by the beginning of
 * a serial, of a carrier's number or of a name, documents by their number, and what is nearly so.
 */
import type { Answers } from "./answers.ts";
import type { Known, Places } from "./places.ts";
import type { Trackings } from "./trackings.ts";

export type FindDeps = {
  readonly answers: Answers;
  readonly places: Places;
  readonly trackings: Trackings;
};

const NEAR_MAX = 5;
const DOCUMENTS_MAX = 5;

export function openFind({ answers, places, trackings }: FindDeps) {
  /** What fits exactly comes first. */
  return (q: string, limit: number) => {
    const text = q.trim();
    const exact = answers.search(q, limit).results;
    const tracked = trackings.tracked(text, limit).filter(isNotIn(exact));
    const called = places.called(text, limit).filter(isNotIn([...exact, ...tracked]));
    const results = [...exact, ...tracked, ...called].slice(0, limit);
    const documents = places.documents(text, Math.min(limit, DOCUMENTS_MAX));
    const near =
      results.length + documents.length > 0 ? [] : places.near(text, Math.min(limit, NEAR_MAX));
    return { results, documents, near };
  };
}

export type Find = ReturnType<typeof openFind>;

function isNotIn(others: readonly Known[]) {
  const keys = new Set(others.map(({ key }) => key));
  return ({ key }: Known) => !keys.has(key);
}
