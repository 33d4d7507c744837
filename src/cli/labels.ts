/**
 * `racktrace labels`: numbers for new labels, sheets as PDF, and label printers. Exit status 1 also
 * where a printer did not take what was sent.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Fault } from "../kernel/fault.ts";
import { SHEET_LANGUAGES } from "../labels/command-words.ts";
import { LABEL_KINDS } from "../twin/label-series.ts";
import { linesForTerminal } from "./for-terminal.ts";
import { refused, timeText } from "./question.ts";
import {
  type Answer,
  askTwin,
  defineTwin,
  type Refused,
  reach,
  type Twin,
  tellTwin,
  twinOf,
} from "./twin-url.ts";

type Common = { readonly twin?: string; readonly token?: string; readonly json?: boolean };

type What = {
  readonly document?: string;
  readonly allocation?: string;
  readonly commands?: boolean;
  readonly language?: string;
  readonly symbol?: string;
};

type Sheet = { readonly format?: string; readonly skip?: number; readonly out?: string };

type Allocation = {
  readonly id: string;
  readonly kind: string;
  readonly document: string | null;
  readonly time: string;
  readonly count: number;
  readonly labels: readonly { readonly elementString: string }[];
};

type Print = {
  readonly printer: string;
  readonly labels: number;
  readonly state: string;
  readonly detail: string;
};

type Choices = {
  readonly kinds: readonly { readonly kind: string; readonly ready: boolean; detail: string }[];
  readonly formats: readonly { readonly id: string; readonly name: string }[];
  readonly printers: readonly { readonly id: string; readonly name: string }[];
};

/** Hundreds of labels take their time. */
const DRAWING_MS_MAX = 120_000;

export function define(command: Command): void {
  const part = (name: string, summary: string) =>
    defineTwin(command.command(name).description(summary).exitOverride()).option(
      "--json",
      "JSON instead of text",
    );
  part("choices", "what can be printed, on which sheets, and at which printers").action(choices);
  defineNew(part("new", "numbers for new labels, never given twice; they are registered"));
  part("list", "labels that were numbered, the newest first")
    .option("--limit <N>", "at most so many", "20")
    .action(list);
  withSheet(withWhat(part("pdf", "a sheet of labels as PDF, in true size")))
    .requiredOption("--out <FILE>", "write it there")
    .action(async (ids: readonly string[], options: Common & What & Sheet) => {
      await writeSheet(twinOf(options), whatOf(ids, options), options);
    });
  withWhat(part("print", "send labels to a printer of the twin's configuration"))
    .requiredOption("--printer <NAME>", "its name in the configuration")
    .option("--copies <N>", "of each label", wholeNumber)
    .option("--key <TEXT>", "idempotency key: said again with it, nothing is printed again")
    .action(print);
}

type New = Common &
  Sheet & {
    readonly count?: number;
    readonly document?: string;
    readonly class?: string;
    readonly parent?: string;
    readonly name?: string;
    readonly key?: string;
    readonly symbol?: string;
  };

function defineNew(command: Command): void {
  withSheet(
    command
      .argument("<KIND>", LABEL_KINDS.join(", "), (kind) => {
        if (LABEL_KINDS.some((one) => one === kind)) return kind;
        throw new InvalidArgumentError(`write one of ${LABEL_KINDS.join(", ")}`);
      })
      .option("--count <N>", "how many", wholeNumber)
      .option("--document <NUMBER>", "the document whose pages they are")
      .option("--class <CLASS>", "of the document: consignment-note, invoice, ...")
      .option("--parent <ID>", "the place that new shelves, racks, desks or rooms are in")
      .option("--name <TEXT>", "what people call it, or who the badge is for")
      .option("--key <TEXT>", "idempotency key: said again with it, the same are given")
      .addOption(symbolOption()),
  )
    .option("--out <FILE>", "write a sheet of them there as PDF")
    .action(async (kind: string, options: New) => {
      const { count, document, class: of, parent, name, key = randomUUID() } = options;
      const asked = { kind, count, document, class: of, parent, name };
      const twin = twinOf(options);
      const given = told(await tellTwin<Allocation>(twin, "labels/allocations", asked, key));
      if (given === undefined) return;
      const ids = given.labels.map(({ elementString }) => elementString);
      line(options.json === true ? JSON.stringify(given) : ids.join("\n"));
      if (options.out === undefined) return;
      await writeSheet(twin, { allocation: given.id, carrier: options.symbol }, options);
    });
}

function withWhat(command: Command): Command {
  return command
    .argument("[ID...]", "any barcode form of the things that labels are for")
    .option("--document <NUMBER>", "a label for each of its pages")
    .option("--allocation <NUMBER>", "labels that were numbered; `labels list` names them")
    .option("--commands", "the command barcodes")
    .addOption(new Option("--language <CODE>", "beside commands").choices(SHEET_LANGUAGES))
    .addOption(symbolOption());
}

function symbolOption(): Option {
  return new Option("--symbol <NAME>", "GS1 DataMatrix or GS1-128").choices([
    "datamatrix",
    "gs1-128",
  ]);
}

function withSheet(command: Command): Command {
  return command
    .option("--format <NAME>", "the sheet; `labels choices` names them")
    .option("--skip <N>", "places of the first sheet that are used up", wholeNumber);
}

function whatOf(ids: readonly string[], { symbol, commands, ...what }: What): object {
  const { document, allocation, language } = what;
  return {
    ...(ids.length > 0 && { ids }),
    ...(commands === true && { commands: [] }),
    ...{ document, allocation, language, carrier: symbol },
  };
}

async function writeSheet(
  twin: Twin,
  what: object,
  { format, skip, out = "", json }: Sheet & Pick<Common, "json">,
): Promise<void> {
  const response = await reach(`${twin.url}/api/v1/labels/sheets`, {
    method: "POST",
    headers: { ...twin.headers(), "content-type": "application/json" },
    body: JSON.stringify({ ...what, format, skip }),
    signal: AbortSignal.timeout(DRAWING_MS_MAX),
  });
  if (!response.ok) return refused((await response.json()) as Refused);
  const pdf = Buffer.from(await response.arrayBuffer());
  try {
    writeFileSync(out, pdf);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${out}: ${(cause as Error).message}`, { cause });
  }
  const sheets = Number(response.headers.get("x-sheets"));
  if (json === true) return line(JSON.stringify({ file: out, sheets, bytes: pdf.length }));
  line(`${out}: ${sheets} page${sheets === 1 ? "" : "s"}; print at 100 %`);
}

type Printing = Common &
  What & { readonly printer: string; readonly copies?: number; readonly key?: string };

async function print(ids: readonly string[], options: Printing): Promise<void> {
  const { printer, copies, key = randomUUID(), json } = options;
  const asked = { ...whatOf(ids, options), printer, copies };
  const sent = told(await tellTwin<Print>(twinOf(options), "labels/prints", asked, key));
  if (sent === undefined) return;
  const { labels, state, detail } = sent;
  const text = `${labels} label${labels === 1 ? "" : "s"} to ${printer}: ${state}`;
  line(json === true ? JSON.stringify(sent) : detail === "" ? text : `${text} (${detail})`);
  if (state !== "sent" && state !== "sending") process.exitCode = 1;
}

async function list(options: Common & { readonly limit: string }): Promise<void> {
  const { limit, json } = options;
  type Listed = { readonly allocations: readonly Allocation[] };
  const listed = told(await askTwin<Listed>(twinOf(options), "labels/allocations", { limit }));
  for (const one of listed?.allocations ?? []) {
    const { id, kind, document, time, count, labels } = one;
    const [first] = labels;
    const of = document === null ? "" : ` of ${document}`;
    line(
      json === true
        ? JSON.stringify(one)
        : `${id}  ${timeText(time)}  ${count} ${kind}${of}  from ${first?.elementString}`,
    );
  }
}

async function choices(options: Common): Promise<void> {
  const found = told(await askTwin<Choices>(twinOf(options), "labels/choices", {}));
  if (found === undefined) return;
  if (options.json === true) return line(JSON.stringify(found));
  const { kinds, formats, printers } = found;
  line("kinds");
  for (const { kind, ready, detail } of kinds) line(`  ${kind}${ready ? "" : `: ${detail}`}`);
  line("formats");
  for (const { id, name } of formats) line(`  ${id}  ${name}`);
  line("printers");
  for (const { id, name } of printers) line(`  ${id}  ${name}`);
  if (printers.length === 0) line("  none");
}

function told<T>(answer: Answer<T>): T | undefined {
  if (answer.ok) return answer.value;
  refused(answer);
  return undefined;
}

function line(text: string): void {
  process.stdout.write(`${linesForTerminal(text)}\n`);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError("write a whole number");
  return number;
}
