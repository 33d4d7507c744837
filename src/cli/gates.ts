/** `racktrace gates`: what has to be where before a process may run, whether it is, and what ran. */
import { type Command, Option } from "commander";
import { defineListQuestion, type ListOptions, printList, timeText } from "./question.ts";

type Gate = {
  readonly name: string;
  readonly entity: string;
  readonly target: string;
  readonly status: string;
  readonly since: string | null;
  readonly deadline: string | null;
  readonly cause: readonly { readonly kind: string; readonly reason: string }[];
  readonly executions: readonly {
    readonly process: string;
    readonly time: string | null;
    readonly by: string;
    readonly believed: string;
    readonly now: string;
  }[];
};

type Options = ListOptions & { readonly status?: string };

export function define(command: Command): void {
  defineListQuestion(command)
    .argument("[NAME]", "one gate")
    .addOption(new Option("--status <STATUS>", "only these").choices(["blocked", "open"]))
    .action((name: string | undefined, { status, ...options }: Options) =>
      printList<Gate>("gates", "gates", { name, status }, options, show),
    );
}

function show(gate: Gate): string {
  const { name, entity, target, status, since, deadline, cause, executions } = gate;
  return [
    `${status.padEnd(7)}  ${name}  ${entity} to be in ${target}`,
    `         since ${timeText(since)}, deadline ${timeText(deadline)}`,
    ...cause.map(({ kind, reason }) => `         ${kind}: ${reason}`),
    ...executions.map(
      (ran) =>
        `         ran ${ran.process}${ran.by && ` (${ran.by})`} ${timeText(ran.time)}` +
        `: believed ${ran.believed}, was ${ran.now}`,
    ),
  ].join("\n");
}
