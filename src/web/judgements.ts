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
  );

export const documents = (question: Question<"documents">, pages: number, signal: AbortSignal) =>
  askPages<Reply<"documents">>(
    (cursor) => ask("documents", { ...question, cursor }, signal),
    (all, more) => ({ ...more, documents: [...all.documents, ...more.documents] }),
    pages,
  );

export const why = (id: string, question: Omit<Question<"why">, "id">, signal: AbortSignal) =>
  ask("why", { id, ...question }, signal);

async function askPages<T extends { readonly next: string | null }>(
  askOne: (cursor: string | undefined) => Promise<Answer<T>>,
  join: (all: T, more: T) => T,
  pages: number,
): Promise<Answer<T>> {
  let all = await askOne(undefined);
  for (let page = 1; page < pages && all.kind === "ok"; page++) {
    if (all.value.next === null) break;
    const more = await askOne(all.value.next);
    if (more.kind !== "ok") return more;
    all = { kind: "ok", value: join(all.value, more.value) };
  }
  return all;
}
