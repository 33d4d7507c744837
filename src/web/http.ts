/**
 * How this page talks with the twin: questions by GET, statements by POST.
 *
 * A refusal is an answer: the twin says what is wrong and what to do, and the page shows both. Only
 * an aborted question throws (AbortError), because nobody waits for it any more.
 */
import { learnTwinTime } from "./clock.ts";
import { words } from "./language/spoken.ts";

const ROOT = "/api/v1/";

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** The twin says no, why, and what to do next. */
  | Refusal
  /** No answer of the twin arrived. */
  | { readonly kind: "unreachable" };

export type Refusal = {
  readonly kind: "refused";
  readonly status: number;
  readonly detail: string;
  readonly next: string;
};

export type Parameters = Readonly<Record<string, string | number | undefined>>;

export function ask<T>(
  path: string,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const headers = { accept: "application/json" };
  return call(path + queryOf(parameters), { signal, headers });
}

/**
 * Sent again with the same key, a statement is recorded once. Nobody aborts one: whoever leaves the
 * page meant what they said.
 */
export function tell<T>(path: string, statement: object, key: string): Promise<Answer<T>> {
  return call(path, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify(statement),
  });
}

async function call<T>(path: string, request: RequestInit): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, request);
    learnTwinTime(response.headers.get("date"));
    const body: unknown = await response.json();
    if (response.ok) return { kind: "ok", value: body as T };
    return refusal(response.status, body);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    return { kind: "unreachable" };
  }
}

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}

function refusal(status: number, body: unknown): Refusal {
  const problem = (body ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof problem[name] === "string" ? problem[name] : "");
  return {
    kind: "refused",
    status,
    detail: text("detail") || text("title") || words.twin.answered(status),
    next: text("next"),
  };
}
