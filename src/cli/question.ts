/** What the commands that ask the twin share: their flags, their ids, and how times and places read. */
import { createInterface } from "node:readline";
import { type Command, InvalidArgumentError } from "commander";
import { linesForTerminal } from "./for-terminal.ts";
import {
  type Answer,
  askTwin,
  defineTwin,
  type Refused,
  type TwinOptions,
  twinOf,
} from "./twin-url.ts";

export type QuestionOptions = TwinOptions & {
  readonly at?: string;
  readonly asKnownAt?: string;
  readonly json?: boolean;
};

export function defineQuestion(command: Command): Command {
  return defineTwin(command)
    .argument("<ID...>", "any barcode form; - reads one a line from standard input, as JSON lines")
    .option(
      "--at <TIME>",
      "as it was then; ISO 8601, local time unless it says otherwise",
      instantOf,
    )
    .option("--as-known-at <TIME>", "with what was known then", instantOf)
    .option("--json", "one JSON object a line");
}

const INSTANT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** Dates of other forms, a 30th of February and whole days in UTC are read all the same by Date.parse. */
export function instantOf(text: string): string {
  const [, day = "", time = "00:00", zone = ""] = INSTANT.exec(text) ?? [];
  const timeMs = Date.parse(`${day}T${time}${zone}`);
  const dayMs = Date.parse(day);
  if (Number.isNaN(timeMs) || new Date(dayMs).toISOString().slice(0, 10) !== day)
    throw new InvalidArgumentError("write a time such as 2026-11-22T08:00");
  return new Date(timeMs).toISOString();
}

/** Questions under way at once when many are asked; answers keep the order of the ids. */
const AT_ONCE = 16;

/** Asks about each id and shows the answers; exit status 1 when any was not found. */
export async function askEach<T>(
  path: string,
  ids: readonly string[],
  options: QuestionOptions,
  show: (value: T) => string,
  more: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const { at, asKnownAt } = options;
  const twin = twinOf(options);
  const streamed = ids.length === 1 && ids[0] === "-";
  const asJson = options.json === true || streamed;
  let group: string[] = [];

  async function flush(): Promise<void> {
    const asked = group;
    group = [];
    const answers = await Promise.all(
      asked.map((id) => askTwin<T>(twin, path, { id, at, asKnownAt, ...more })),
    );
    for (const [index, answer] of answers.entries())
      print(asked[index] ?? "", answer, asJson, streamed, show);
  }

  for await (const id of streamed ? idsOfInput() : ids) {
    group.push(id);
    if (group.length === AT_ONCE) await flush();
  }
  await flush();
}

function print<T>(
  id: string,
  answer: Answer<T>,
  asJson: boolean,
  streamed: boolean,
  show: (value: T) => string,
): void {
  if (answer.ok) {
    const text = asJson ? JSON.stringify(answer.value) : linesForTerminal(show(answer.value));
    process.stdout.write(`${text}\n`);
    return;
  }
  if (!streamed) {
    refused(answer);
    return;
  }
  const { detail, next } = answer;
  process.exitCode = 1;
  // Whoever feeds lines in gets as many lines back.
  process.stdout.write(`${JSON.stringify({ id, problem: detail, next })}\n`);
}

/** In the twin's own words, which may repeat what it was asked, or what somebody else told it. */
export function refused({ detail, next }: Omit<Refused, "ok">): void {
  process.exitCode = 1;
  process.stderr.write(`${linesForTerminal(`${detail}\n${next}`)}\n`);
}

export type ListOptions = QuestionOptions & { readonly limit?: string };

/** Questions without an id: a list, a page at a time until the limit. */
export function defineListQuestion(command: Command): Command {
  return defineTwin(command)
    .option(
      "--at <TIME>",
      "as it was then; ISO 8601, local time unless it says otherwise",
      instantOf,
    )
    .option("--as-known-at <TIME>", "with what was known then", instantOf)
    .option("--limit <N>", "at most so many", limitOf, "100")
    .option("--json", "one JSON object a line");
}

function limitOf(text: string): string {
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new InvalidArgumentError("write a whole number");
  return text;
}

type Listed = Readonly<Record<string, unknown>> & { readonly next?: string | null };

/** `names`: the lists of the answer, in the order in which they are shown. */
export async function printList<T>(
  path: string,
  names: string | readonly string[],
  filters: Readonly<Record<string, string | undefined>>,
  { at, asKnownAt, limit = "100", json, ...to }: ListOptions,
  show: (value: T) => string,
): Promise<void> {
  const twin = twinOf(to);
  let left = Number(limit);
  let none = true;
  let cursor: string | undefined;
  do {
    const asked = { ...filters, at, asKnownAt, ...(cursor === undefined ? {} : { cursor }) };
    const answer = await askTwin<Listed>(twin, path, asked);
    if (!answer.ok) return refused(answer);
    const found = [names].flat().flatMap((name) => (answer.value[name] ?? []) as readonly T[]);
    for (const one of found.slice(0, left)) {
      const text = json === true ? JSON.stringify(one) : linesForTerminal(show(one));
      process.stdout.write(`${text}\n`);
    }
    left -= found.length;
    none &&= found.length === 0;
    cursor = answer.value.next ?? undefined;
  } while (cursor !== undefined && left > 0);
  if (none && json !== true) process.stdout.write("none\n");
}

async function* idsOfInput(): AsyncGenerator<string> {
  for await (const line of createInterface({ input: process.stdin })) {
    const id = line.trim();
    if (id !== "") yield id;
  }
}

export type Named = {
  readonly elementString: string;
  readonly kind: string;
  readonly name: string | null;
};

export type Evidence = { readonly gateway: string; readonly seq: number; readonly time: string };

export function heading({ elementString, kind, name }: Named): string {
  const said = name === null || name === "" ? "" : `  ${name}`;
  return `${elementString}  ${kind}${said}`;
}

/** Outermost last, as the page says it too. */
export function pathText(path: readonly Named[]): string {
  return path
    .map(({ name, elementString }) => (name === null || name === "" ? elementString : name))
    .join(" › ");
}

export function timeText(instant: string | null): string {
  if (instant === null || instant === "") return "not known";
  return `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC`;
}

export function evidenceText(evidence: readonly Evidence[]): string {
  return evidence
    .map(({ gateway, seq, time }) => `${gateway} #${seq} ${timeText(time)}`)
    .join(", ");
}
