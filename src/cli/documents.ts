/** `racktrace documents`: documents, where their pages are, and whether they are owed. */
import { type Command, Option } from "commander";
import {
  defineListQuestion,
  type ListOptions,
  type Named,
  pathText,
  printList,
  timeText,
} from "./question.ts";

type Document = {
  readonly id: string;
  readonly class: string;
  readonly level: string;
  readonly wholeness: string;
  readonly status: string;
  readonly obligations: readonly {
    readonly status: string;
    readonly issued: string | null;
    readonly due: string | null;
    readonly cleared: string | null;
  }[];
  readonly received: { readonly time: string | null; readonly by: string } | null;
  readonly pages: readonly (Named & {
    readonly path: readonly Named[];
    readonly certainty: string;
  })[];
};

type Options = ListOptions & { readonly class?: string; readonly status?: string };

const STATUSES = ["debt", "overdue", "cleared", "none", "partial"];

export function define(command: Command): void {
  defineListQuestion(command)
    .argument("[ID]", "number of a document, or any barcode form of one of its pages")
    .option("--class <CLASS>", "documents of this class")
    .addOption(new Option("--status <STATUS>", "only these").choices(STATUSES))
    .action((id: string | undefined, { class: kind, status, ...options }: Options) =>
      printList<Document>("documents", "documents", { id, class: kind, status }, options, show),
    );
}

function show(document: Document): string {
  const { id, class: kind, level, wholeness, status, received, obligations, pages } = document;
  const head = [
    id,
    kind,
    level,
    level === "none" ? "" : wholeness,
    status === "none" ? "" : status,
  ];
  return [
    head.filter((word) => word !== "").join("  "),
    ...obligations.map(
      (one) =>
        `  ${one.status}: issued ${timeText(one.issued)}, due ${timeText(one.due)}` +
        (one.cleared === null ? "" : `, cleared ${timeText(one.cleared)}`),
    ),
    ...(received === null ? [] : [`  received ${timeText(received.time)} by ${received.by}`]),
    ...pages.map(
      ({ elementString, path, certainty }) =>
        `  ${elementString}  ${path.length > 0 ? pathText(path) : "not known where"}, ${certainty}`,
    ),
  ].join("\n");
}
