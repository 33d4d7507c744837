/** `racktrace token`: by what programs ask the twin. A token is printed once, when it is made. */
import { type Command, InvalidArgumentError } from "commander";
import { askTwin, defineTwin, type TwinOptions, tellTwin, twinOf } from "./twin-url.ts";
import { given, print, roleOption } from "./user.ts";

type Options = TwinOptions & { readonly json?: boolean };

type Token = {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly ends: string;
  readonly lastUsed: string | null;
  readonly token?: string;
};

export function define(command: Command): void {
  const sub = (words: string, summary: string) =>
    defineTwin(command.command(words).description(summary).exitOverride()).option(
      "--json",
      "as JSON",
    );

  sub("add <NAME>", "a new token, printed once: to standard output, and nothing else there")
    .addOption(roleOption().makeOptionMandatory())
    .option("--days <N>", "how long it is good for; a year if not said", daysOf)
    .action(
      async (
        name: string,
        { role, days, json, ...to }: Options & { readonly role: string; readonly days?: number },
      ) => {
        const made = await tellTwin<Token>(twinOf(to), "tokens", given({ name, role, days }));
        print(made, json, ({ token = "" }) => token);
      },
    );

  sub("list", "the tokens, revoked and expired ones among them").action(
    async ({ json, ...to }: Options) => {
      const answer = await askTwin<{ tokens: readonly Token[] }>(twinOf(to), "tokens", {});
      print(answer, json, ({ tokens }) => tokens.map(shown).join("\n") || "none");
    },
  );

  sub("revoke <NAME>", "it is good for nothing from now on").action(
    async (name: string, { json, ...to }: Options) => {
      const answer = await tellTwin<{ name: string }>(twinOf(to), "tokens/revocations", { name });
      print(answer, json, () => `${name} is revoked`);
    },
  );
}

function shown({ name, role, state, ends, lastUsed }: Token): string {
  const used = lastUsed === null ? "never used" : `last used ${lastUsed.slice(0, 16)}Z`;
  const until = state === "valid" ? `until ${ends.slice(0, 10)}` : state;
  return `${name.padEnd(20)}  ${role.padEnd(14)}  ${until}  ${used}`;
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!Number.isSafeInteger(days) || days < 1) throw new InvalidArgumentError("write whole days");
  return days;
}
