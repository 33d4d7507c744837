/**
 * How this page talks with the twin: questions by GET, statements by POST.
 *
 * A refusal is an answer: the twin says what is wrong and what to do, and the page shows both. Only
 * an aborted question throws (AbortError), because nobody waits for it any more.
 */
import { learnTwinTime } from "./clock.ts";
import { words } from "./language/spoken.ts";
import type { TwinApi } from "./twin-api.ts";

const ROOT = "/api/v1/";
/** Happens when the twin does not know who asks; whoever shows the login listens. */
export const NOBODY = "racktrace:nobody";
/** Happens when somebody has logged in. */
export const ENTERED = "racktrace:entered";

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** The twin says no, why, and what to do next. */
  | Refusal
  /** No answer of the twin arrived. */
  | { readonly kind: "unreachable" };

export type Refusal = {
  readonly kind: "refused";
  readonly status: number;
  /** What it is in a few words, the same for each of its kind. */
  readonly title: string;
  readonly detail: string;
  readonly next: string;
};

type Route = keyof TwinApi;
/** What can be asked, by its path. */
export type Askable = Route extends infer R
  ? R extends `GET ${infer Path}`
    ? Path
    : never
  : never;
/** What can be stated, by its path. */
export type Tellable = {
  [R in Route]: TwinApi[R] extends { readonly body: object }
    ? R extends `POST ${infer Path}`
      ? Path
      : never
    : never;
}[Route];

export type Question<P extends Askable> = TwinApi[`GET ${P}`] extends {
  readonly query: infer Query;
}
  ? Query
  : Readonly<Record<never, never>>;
export type Reply<P extends Askable> = TwinApi[`GET ${P}`]["answer"];
export type Body<P extends Tellable> = TwinApi[`POST ${P}`] extends { readonly body: infer Said }
  ? Said
  : never;

export function ask<P extends Askable>(
  path: P,
  question: Question<P>,
  signal: AbortSignal,
): Promise<Answer<Reply<P>>> {
  const headers = { accept: "application/json" };
  return call(path + queryOf(question), { signal, headers });
}

/**
 * Sent again with the same key, a statement is recorded once. Nobody aborts one: whoever leaves the
 * page meant what they said.
 */
export function tell<P extends Tellable>(
  path: P,
  statement: Body<P>,
  key?: string,
): Promise<Answer<TwinApi[`POST ${P}`]["answer"]>> {
  return call(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body: JSON.stringify(statement),
  });
}

/** A file that is made of what is asked. */
export function fileOf<P extends Tellable>(path: P, asked: Body<P>): Promise<Answer<Blob>> {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(asked) };
  return call(path, request, (response) => response.blob());
}

async function call<T>(
  path: string,
  request: RequestInit,
  read: (response: Response) => Promise<unknown> = (response) => response.json(),
): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, request);
    learnTwinTime(response.headers.get("date"));
    const body: unknown = response.ok ? await read(response) : await response.json();
    if (response.status === 401) dispatchEvent(new Event(NOBODY));
    if (response.ok) return { kind: "ok", value: body as T };
    return refusal(response.status, body);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    return { kind: "unreachable" };
  }
}

function queryOf(parameters: unknown): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {}))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}

function refusal(status: number, body: unknown): Refusal {
  const problem = (body ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof problem[name] === "string" ? problem[name] : "");
  return {
    kind: "refused",
    status,
    title: text("title"),
    detail: text("detail") || text("title") || words.twin.answered(status),
    next: text("next"),
  };
}
