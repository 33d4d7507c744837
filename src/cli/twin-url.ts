/**
 * Which twin a question goes to: --twin, else RACKTRACE_TWIN, else the one that `demo` left under
 * this folder, else the usual address on this machine. And the one way to ask it.
 *
 * As whom: --token, else RACKTRACE_TOKEN, else the token in the data folder of a twin that listens at
 * just this address and whose folder may be read here. That one never goes anywhere else.
 *
 * Anybody may have put files into the current folder, or into what was unpacked there. Where a token is
 * brought along nothing there says where it goes; and no question leaves this machine because of them.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Fault } from "../kernel/fault.ts";
import { isLoopback } from "../kernel/loopback.ts";
import { LOCAL_TOKEN_FILE } from "./twin-files.ts";

/** Where `demo` keeps the data of its twin. */
const HERE = ".racktrace/twin";
/** Where the packaged twin keeps its data. */
const INSTALLED = "/var/lib/racktrace/twin";
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
  const brought = flag ?? process.env["RACKTRACE_TOKEN"];
  // Else it is no part of a header, and who complains of that shows it.
  if (brought !== undefined && !/^[\x20-\x7e]*$/.test(brought.trim()))
    throw new Fault("NOT_ALLOWED", "the token is not one line of plain letters and digits");
  const here = brought === undefined ? addressIn(HERE) : undefined;
  const given = twin ?? process.env["RACKTRACE_TWIN"] ?? here ?? USUAL;
  const url = given.replace(/\/+$/, "");
  return {
    url,
    headers() {
      const token = brought ?? localToken(url);
      return token === undefined ? {} : { authorization: `Bearer ${token}` };
    },
  };
}

function localToken(url: string): string | undefined {
  for (const folder of [HERE, INSTALLED])
    if (addressIn(folder) === url) return textIn(folder, LOCAL_TOKEN_FILE)?.trim();
  return undefined;
}

function addressIn(folder: string): string | undefined {
  try {
    const { http } = JSON.parse(textIn(folder, "address.json") ?? "") as { http?: unknown };
    if (typeof http !== "string") return undefined;
    return folder !== HERE || isLoopback(new URL(http).hostname) ? http : undefined;
  } catch {
    // No twin here, or one that is just starting: the usual address is as good a guess.
    return undefined;
  }
}

function textIn(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  try {
    return folder === HERE ? ownText(path) : readFileSync(path, "utf8");
  } catch {
    // Another user's, or nobody's: the twin says what is missing.
    return undefined;
  }
}

/** Throws on a link, which may lead to a secret that is told to whoever wrote the address beside it. */
function ownText(path: string): string | undefined {
  const opened = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return fstatSync(opened).uid === process.getuid?.() ? readFileSync(opened, "utf8") : undefined;
  } finally {
    closeSync(opened);
  }
}

/** The twin's own words. */
export type Refused = { readonly ok: false; readonly detail: string; readonly next: string };

export type Answer<T> = { readonly ok: true; readonly value: T } | Refused;

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
  const isAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  const where = isAddress ? new URL(url).origin : `${url} is no address (http://HOST:PORT)`;
  const detail = `${where}: ${inner ?? (cause as Error).message}`;
  return new Fault("TWIN_UNREACHABLE", detail, { cause });
}
