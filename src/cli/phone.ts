/** `racktrace phone`: browsers that scan, and what to do when one is lost. */
import type { Command } from "commander";
import { printList, timeText } from "./question.ts";
import { defineTwin, type TwinOptions, tellTwin, twinOf } from "./twin-url.ts";
import { print } from "./user.ts";

type Options = TwinOptions & { readonly json?: boolean };

type Phone = {
  readonly gateway: string;
  readonly label: string;
  readonly site: string;
  readonly enrolledAt: string;
  readonly revokedAt: string | null;
};

export function define(command: Command): void {
  const sub = (words: string, summary: string) =>
    defineTwin(command.command(words).description(summary).exitOverride());

  sub("list", "the phones, the newest first, revoked ones among them")
    .option("--limit <N>", "at most so many", "100")
    .option("--json", "one JSON object a line")
    .action((options: Options & { readonly limit: string }) =>
      printList<Phone>("phones", "phones", {}, options, shown),
    );

  sub("revoke <NAME>", "nothing is taken in from it any more; its scans stay on it")
    .option("--json", "as JSON")
    .action((name: string, options: Options) => change(name, true, options));

  sub("allow <NAME>", "it may send its scans again")
    .option("--json", "as JSON")
    .action((name: string, options: Options) => change(name, false, options));
}

async function change(gateway: string, revoked: boolean, { json, ...to }: Options): Promise<void> {
  print(await tellTwin<Phone>(twinOf(to), "phones/changes", { gateway, revoked }), json, shown);
}

function shown({ gateway, label, site, enrolledAt, revokedAt }: Phone): string {
  const state = revokedAt === null ? "" : `revoked ${timeText(revokedAt)}`;
  const words = [gateway, label, site, `enrolled ${timeText(enrolledAt)}`, state];
  return words.filter((word) => word !== "").join("  ");
}
