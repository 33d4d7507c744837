/**
 * Which twin a question goes to: --twin, else RACKTRACE_TWIN, else the one that `demo` left under
 * this folder, else the usual address on this machine. And the one way to ask it.
 *
 * As whom: --token, else RACKTRACE_TOKEN, else the token in the data folder of a twin that listens at
 * just this address and whose folder may be read here. That one never goes anywhere else.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { Fault } from "../kernel/fault.ts";
import { LOCAL_TOKEN_FILE } from "./twin-files.ts";

const DEMO = ".racktrace/twin/address.json";
/** Where the packaged twin keeps its data. */
const INSTALLED = "/var/lib/racktrace/twin/address.json";
const USUAL = "http://127.0.0.1:8780";
const ANSWER_MS_MAX = 30_000;

export type TwinOptions = { readonly twin?: string; readonly token?: string };

export type Twin = {
  readonly url: string;
  /** Looked up at each request: a twin that starts again has another one for this machine. */
  headers(): Readonly<Record<string, string>>;
};

export function defineTwin(command: Command): Command {
  return command
    .option("--twin <URL>", "the twin to ask")
    .option("--token <TOKEN>", "who asks; better in RACKTRACE_TOKEN, where no list shows it");
}

export function twinOf({ twin, token: flag }: TwinOptions): Twin {
  const given = twin ?? process.env["RACKTRACE_TWIN"] ?? addressIn(DEMO) ?? USUAL;
  const url = given.replace(/\/+$/, "");
  return {
    url,
    headers() {
      const token = flag ?? process.env["RACKTRACE_TOKEN"] ?? localToken(url);
      return token === undefined ? {} : { authorization: `Bearer ${token}` };
    },
  };
}

function localToken(url: string): string | undefined {
  for (const file of [DEMO, INSTALLED])
    if (addressIn(file) === url) return textIn(join(dirname(file), LOCAL_TOKEN_FILE))?.trim();
  return undefined;
}

function addressIn(file: string): string | undefined {
  try {
    const { http } = JSON.parse(textIn(file) ?? "") as { http?: unknown };
    return typeof http === "string" ? http : undefined;
  } catch {
    // No twin here, or one that is just starting: the usual address is as good a guess.
    return undefined;
  }
}

function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Another user's, or nobody's: the twin says what is missing.
    return undefined;
  }
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  /** The twin's own words. */
  | { readonly ok: false; readonly detail: string; readonly next: string };

/** Throws Fault TWIN_UNREACHABLE. */
export async function askTwin<T>(
  { url, headers }: Twin,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<Answer<T>> {
  const given = Object.entries(parameters).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  const question = `${url}/api/v1/${path}?${new URLSearchParams(given)}`;
  return answerOf<T>(question, { headers: headers(), signal: AbortSignal.timeout(ANSWER_MS_MAX) });
}

/** States something; with a key, said again it is recorded once. Throws Fault TWIN_UNREACHABLE. */
export function tellTwin<T>(
  { url, headers }: Twin,
  path: string,
  said: object,
  key?: string,
): Promise<Answer<T>> {
  return answerOf<T>(`${url}/api/v1/${path}`, {
    method: "POST",
    headers: {
      ...headers(),
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
  const why = detail ?? `${url} answered ${response.status}`;
  return { ok: false, detail: why, next: (response.status === 401 ? AS_WHOM : next) ?? "" };
}

const AS_WHOM =
  "Set RACKTRACE_TOKEN to a token (racktrace token add, on the twin's machine), or run this as a user who may read the twin's data folder.";

/** Coming back later would not help. */
export async function refusedBy(response: Response): Promise<Fault> {
  const { detail } = ((await response.json().catch(() => undefined)) ?? {}) as { detail?: string };
  return new Fault("NOT_ALLOWED", detail ?? `the twin answered ${response.status}`);
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
