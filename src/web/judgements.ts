/** Questions about what the twin thinks of the world: discrepancies, documents, why an answer changed. */
import { type Answer, ask, type Question, type Reply } from "./http.ts";

export const reviews = (signal: AbortSignal) => ask("reviews", {}, signal);

export const gates = (status: "blocked" | "open" | undefined, signal: AbortSignal) =>
  ask("gates", { status }, signal);

/** `pages`: so many pages of the list, as one. */
export const discrepancies = (
  question: Question<"discrepancies">,
  pages: number,
  signal: AbortSignal,
) =>
  askPages<Reply<"discrepancies">>(
    (cursor) => ask("discrepancies", { ...question, cursor }, signal),
    (all, more) => ({
      ...more,
      open: [...all.open, ...more.open],
      resolved: [...all.resolved, ...more.resolved],
    }),
    pages,
    ({ open, resolved }) => open.length + resolved.length === 0,
  );

export const documents = (question: Question<"documents">, pages: number, signal: AbortSignal) =>
  askPages<Reply<"documents">>(
    (cursor) => ask("documents", { ...question, cursor }, signal),
    (all, more) => ({ ...more, documents: [...all.documents, ...more.documents] }),
    pages,
    ({ documents: found }) => found.length === 0,
  );

export const why = (id: string, question: Omit<Question<"why">, "id">, signal: AbortSignal) =>
  ask("why", { id, ...question }, signal);

/** What is rare among many costs the twin several pages; so many of them are asked for at once. */
const EMPTY_MAX = 10;

async function askPages<T extends { readonly next: string | null }>(
  askOne: (cursor: string | undefined) => Promise<Answer<T>>,
  join: (all: T, more: T) => T,
  pages: number,
  isEmpty: (all: T) => boolean,
): Promise<Answer<T>> {
  let all = await askOne(undefined);
  for (let page = 1; all.kind === "ok" && all.value.next !== null; page++) {
    if (page >= pages && !(isEmpty(all.value) && page < EMPTY_MAX)) break;
    const more = await askOne(all.value.next);
    if (more.kind !== "ok") return more;
    all = { kind: "ok", value: join(all.value, more.value) };
  }
  return all;
}
