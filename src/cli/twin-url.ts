/**
 * Which twin a question goes to: --twin, else RACKTRACE_TWIN, else the one that `demo` left under
 * this folder, else the usual address on this machine. And the one way to ask it.
 */
import { readFileSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";

const DEMO = ".racktrace/twin/address.json";
const USUAL = "http://127.0.0.1:8780";
const ANSWER_MS_MAX = 30_000;

export function twinUrl(flag: string | undefined): string {
  const url = flag ?? process.env["RACKTRACE_TWIN"] ?? demoUrl() ?? USUAL;
  return url.replace(/\/+$/, "");
}

function demoUrl(): string | undefined {
  try {
    const { http } = JSON.parse(readFileSync(DEMO, "utf8")) as { http?: unknown };
    return typeof http === "string" ? http : undefined;
  } catch {
    // No demo here, or one that is just starting: the usual address is as good a guess.
    return undefined;
  }
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  /** The twin's own words. */
  | { readonly ok: false; readonly detail: string; readonly next: string };

/** Throws Fault TWIN_UNREACHABLE. */
export async function askTwin<T>(
  twin: string,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<Answer<T>> {
  const given = Object.entries(parameters).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  const url = `${twin}/api/v1/${path}?${new URLSearchParams(given)}`;
  return answerOf<T>(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
}

/** States something; with a key, said again it is recorded once. Throws Fault TWIN_UNREACHABLE. */
export function tellTwin<T>(
  twin: string,
  path: string,
  said: object,
  key: string | undefined,
): Promise<Answer<T>> {
  return answerOf<T>(`${twin}/api/v1/${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body: JSON.stringify(said),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
}

async function answerOf<T>(url: string, request: RequestInit): Promise<Answer<T>> {
  const response = await reach(url, request);
  const body = await readBody(response, url);
  if (response.ok) return { ok: true, value: body as T };
  const { detail, next } = (body ?? {}) as { detail?: string; next?: string };
  return { ok: false, detail: detail ?? `${url} answered ${response.status}`, next: next ?? "" };
}

export async function reach(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

async function readBody(response: Response, url: string): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

function unreachable(url: string, cause: unknown): Fault {
  const inner = (cause as { cause?: { message?: string } }).cause?.message;
  const where = URL.canParse(url) ? new URL(url).origin : `${url} is no address (http://HOST:PORT)`;
  const detail = `${where}: ${inner ?? (cause as Error).message}`;
  return new Fault("TWIN_UNREACHABLE", detail, { cause });
}
