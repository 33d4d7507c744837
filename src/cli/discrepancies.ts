/** `racktrace discrepancies`: where model and world differ, or did, and how it was settled. */
import { type Command, Option } from "commander";
import {
  defineListQuestion,
  type Evidence,
  evidenceText,
  instantOf,
  type ListOptions,
  printList,
  timeText,
} from "./question.ts";

type Discrepancy = {
  readonly kind: string;
  readonly severity: string;
  readonly subject: string;
  readonly since: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  readonly acknowledged: { readonly by: string; readonly reason: string } | null;
  readonly resolved: {
    readonly by: string;
    readonly reason: string;
    readonly person: string | null;
    readonly time: string | null;
  } | null;
};

type Options = ListOptions & {
  readonly status?: string;
  readonly kind?: string;
  readonly severity?: string;
  readonly subject?: string;
  readonly place?: string;
  readonly before?: string;
  readonly assignee?: string;
};

export function define(command: Command): void {
  defineListQuestion(command)
    .addOption(
      new Option("--status <STATUS>", "which").choices(["open", "resolved", "all"]).default("open"),
    )
    .option("--kind <KIND>", "such as missing_item")
    .addOption(new Option("--severity <SEVERITY>", "only these").choices(["info", "warn", "error"]))
    .option("--subject <ID>", "about this thing, in any barcode form, or text")
    .option("--place <ID>", "about what is in this place, or was last")
    .option("--before <TIME>", "open since before then", instantOf)
    .option("--assignee <PERSON>", "that this person sees to")
    .action((options: Options) => {
      const { status, kind, severity, subject, place, before, assignee, ...rest } = options;
      const filters = { status, kind, severity, subject, place, before, assignee };
      return printList<Discrepancy>("discrepancies", ["open", "resolved"], filters, rest, show);
    });
}

function show(one: Discrepancy): string {
  const { kind, severity, subject, since, reason, evidence, acknowledged, resolved } = one;
  return [
    `${severity.padEnd(5)}  ${kind}  ${subject}`,
    `       since ${timeText(since)}: ${reason}`,
    ...(evidence.length > 0 ? [`       evidence ${evidenceText(evidence)}`] : []),
    ...(acknowledged === null
      ? []
      : [`       noted by ${acknowledged.by}: ${acknowledged.reason}`]),
    ...(resolved === null
      ? []
      : [
          `       resolved by ${resolved.person ?? resolved.by} ${timeText(resolved.time)}: ${resolved.reason}`,
        ]),
  ].join("\n");
}
