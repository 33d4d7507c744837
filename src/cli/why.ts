/** `racktrace why`: why the answer about a thing changed between two moments of knowledge. */
import type { Command } from "commander";
import {
  askEach,
  type Evidence,
  evidenceText,
  heading,
  instantOf,
  type Named,
  pathText,
  type QuestionOptions,
  timeText,
} from "./question.ts";
import { defineTwin } from "./twin-url.ts";

type Place = {
  readonly path: readonly Named[];
  readonly state: string;
  readonly certainty: string;
};

type Why = Named & {
  readonly changed: boolean;
  readonly before: Place;
  readonly after: Place;
  readonly reasons: readonly {
    readonly change: string;
    readonly thing: Named;
    readonly parent: Named | null;
    readonly action: string;
    readonly knownFrom: string | null;
    readonly evidence: Evidence;
    readonly voided: { readonly reason: string } | null;
  }[];
};

type Options = QuestionOptions & { readonly asKnownAt1: string; readonly asKnownAt2?: string };

export function define(command: Command): void {
  defineTwin(command)
    .argument("<ID...>", "any barcode form; - reads one a line from standard input, as JSON lines")
    .option("--at <TIME>", "the moment asked about; ISO 8601", instantOf)
    .requiredOption("--as-known-at-1 <TIME>", "with what was known then", instantOf)
    .option("--as-known-at-2 <TIME>", "and with what was known then; now, if not said", instantOf)
    .option("--json", "one JSON object a line")
    .action((ids: string[], { asKnownAt1, asKnownAt2, ...options }: Options) =>
      askEach<Why>("why", ids, options, show, { asKnownAt1, asKnownAt2 }),
    );
}

function show(why: Why): string {
  return [
    heading(why),
    `  before         ${placeText(why.before)}`,
    `  after          ${why.changed ? placeText(why.after) : "the same"}`,
    ...why.reasons.map(({ change, thing, parent, action, knownFrom, evidence, voided }) => {
      const place = parent === null ? "nowhere known" : heading(parent);
      const void_ = voided === null ? "" : ` (void: ${voided.reason})`;
      return [
        `  ${change.padEnd(9)}      ${heading(thing)}: ${action}, in ${place}${void_}`,
        `                 heard ${timeText(knownFrom)}; ${evidenceText([evidence])}`,
      ].join("\n");
    }),
  ].join("\n");
}

function placeText({ path, state, certainty }: Place): string {
  return `${path.length > 0 ? pathText(path) : state}, ${certainty}`;
}
