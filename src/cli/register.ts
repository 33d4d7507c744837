/**
 * `racktrace register`: master data as lists, and as tables to take away and to bring back; how closely
 * documents are followed in all; and what is kept.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Argument, type Command } from "commander";
import { Fault } from "../kernel/fault.ts";
import { REGISTER_LISTS } from "../store/register.ts";
import { linesForTerminal } from "./for-terminal.ts";
import { defineListQuestion, type ListOptions, printList, refused, timeText } from "./question.ts";
import {
  askTwin,
  defineTwin,
  reach,
  refusedBy,
  type TwinOptions,
  tellTwin,
  twinOf,
} from "./twin-url.ts";
import { print } from "./user.ts";

type Imported = {
  readonly rows: number;
  readonly recorded: number | null;
  readonly problems: readonly { readonly line: number; readonly column: string; what: string }[];
};

export function define(command: Command): void {
  const sub = (name: string, summary: string) =>
    command.command(name).description(summary).exitOverride().addArgument(listArgument());

  defineListQuestion(sub("list", "the rows of a list")).action(
    (list: string, options: ListOptions) =>
      printList<Readonly<Record<string, string>>>("register", "rows", { list }, options, (row) =>
        Object.values(row).join("  "),
      ),
  );

  const plain = (name: string, summary: string) =>
    defineTwin(command.command(name).description(summary).exitOverride()).option(
      "--json",
      "as JSON",
    );

  plain("classes", "how closely documents of each class are followed, and since when").action(
    async ({ json, ...to }: TwinOptions & { readonly json?: boolean }) => {
      const answer = await askTwin<Classes>(twinOf(to), "register/classes", {});
      print(answer, json, ({ classes, others }) => [...classes, others].map(classText).join("\n"));
    },
  );

  plain("retention", "what is kept since when, and what was lost before it came in").action(
    async ({ json, ...to }: TwinOptions & { readonly json?: boolean }) =>
      print(await askTwin<Retention>(twinOf(to), "retention", {}), json, retentionText),
  );

  defineTwin(sub("export", "a list as CSV"))
    .option("--out <FILE>", "write it there instead of to standard output")
    .action(async (list: string, { out, ...to }: TwinOptions & { readonly out?: string }) => {
      const { url, headers } = twinOf(to);
      const asked = `${url}/api/v1/register/table?list=${list}`;
      const response = await reach(asked, { headers: headers() });
      if (!response.ok) throw await refusedBy(response);
      const table = Buffer.from(await response.arrayBuffer());
      if (out === undefined) process.stdout.write(table);
      else save(out, table);
    });

  defineTwin(sub("import", "takes a CSV file in, if no row has a mistake"))
    .argument("<FILE>", "the table; - reads standard input")
    .option("--preview", "say what is wrong, and take nothing in")
    .option("--json", "as JSON")
    .action(async (list: string, file: string, options: ImportOptions) => {
      const { preview, json, ...to } = options;
      const only = preview === true ? { only: "preview" } : {};
      const said = { list, table: textOf(file), ...only };
      const answer = await tellTwin<Imported>(twinOf(to), "register/table", said);
      if (!answer.ok) return refused(answer);
      if (answer.value.problems.length > 0) process.exitCode = 1;
      process.stdout.write(
        `${json === true ? JSON.stringify(answer.value) : linesForTerminal(shown(answer.value))}\n`,
      );
    });
}

type DocumentClass = {
  readonly class: string;
  readonly name: string | null;
  readonly level: string;
  readonly levels: readonly { readonly level: string; readonly from: string | null }[];
};
type Classes = { readonly classes: readonly DocumentClass[]; readonly others: DocumentClass };

type Retention = {
  readonly events: number;
  readonly since: string | null;
  readonly lost: number;
  readonly quarantine: { readonly held: number; readonly evicted: number };
};

function classText({ class: kind, name, level, levels }: DocumentClass): string {
  const called = name === null ? kind : `${kind} (${name})`;
  const since = levels.flatMap((step) =>
    step.from === null ? [] : [`${step.level} for what is issued since ${timeText(step.from)}`],
  );
  return [`${called}  ${level}`, ...since].join("; ");
}

function retentionText({ events, since, lost, quarantine: { held, evicted } }: Retention): string {
  return [
    `${events} events since ${timeText(since)}; none is ever deleted`,
    `${lost} lost at gateways before they came in`,
    `${held} messages not taken in and kept; ${evicted} older ones made room`,
  ].join("\n");
}

type ImportOptions = TwinOptions & { readonly preview?: boolean; readonly json?: boolean };

function listArgument(): Argument {
  return new Argument("<LIST>", "which list").choices([...REGISTER_LISTS]);
}

function shown({ rows, recorded, problems }: Imported): string {
  if (problems.length > 0)
    return problems.map(({ line, column, what }) => `${line}  ${column}  ${what}`).join("\n");
  return recorded === null
    ? `${rows} rows, no mistake; nothing was taken in`
    : `${rows} rows read, ${recorded} of them new`;
}

function save(file: string, table: Uint8Array): void {
  try {
    writeFileSync(file, table);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}
