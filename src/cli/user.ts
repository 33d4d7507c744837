/** `racktrace user`: who may log in at the twin, what they may, and how they get in again. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ROLES } from "../twin/routes/app.ts";
import { linesForTerminal } from "./for-terminal.ts";
import { refused } from "./question.ts";
import {
  type Answer,
  askTwin,
  defineTwin,
  type TwinOptions,
  tellTwin,
  twinOf,
} from "./twin-url.ts";

type Options = TwinOptions & { readonly json?: boolean };

type User = {
  readonly name: string;
  readonly person: string;
  readonly role: string;
  readonly disabled: boolean;
  readonly lastLogin: string | null;
  readonly password?: string | null;
};

export function define(command: Command): void {
  const sub = (words: string, summary: string) =>
    defineTwin(command.command(words).description(summary).exitOverride()).option(
      "--json",
      "as JSON",
    );

  sub(
    "add <NAME>",
    "a new user; the password is read from standard input, or made and printed once",
  )
    .addOption(roleOption().makeOptionMandatory())
    .option("--person <NAME>", "as statements name them; the login's name if not said")
    .option("--password-stdin", "read the password from standard input")
    .action(async (name: string, options: Options & AddOptions) => {
      const { role, person, passwordStdin, json, ...to } = options;
      const password = passwordStdin === true ? await lineOfInput() : undefined;
      const added = await tellTwin<User>(
        twinOf(to),
        "users",
        given({ name, role, person, password }),
      );
      print(added, json, shown);
    });

  sub("list", "the users").action(async ({ json, ...to }: Options) => {
    const answer = await askTwin<{ users: readonly User[] }>(twinOf(to), "users", {});
    print(answer, json, ({ users }) => users.map(shown).join("\n"));
  });

  sub("change <NAME>", "another role, or another name in statements")
    .addOption(roleOption())
    .option("--person <NAME>", "as statements name them")
    .action((name: string, { role, person, json, ...to }: Options & Partial<AddOptions>) =>
      change(to, json, given({ name, role, person })),
    );

  sub("disable <NAME>", "may not log in any more; sessions end at once").action(
    (name: string, { json, ...to }: Options) => change(to, json, { name, disabled: true }),
  );

  sub("enable <NAME>", "may log in again").action((name: string, { json, ...to }: Options) =>
    change(to, json, { name, disabled: false }),
  );

  sub("password <NAME>", "a new password, made and printed once; sessions end")
    .option("--password-stdin", "read it from standard input")
    .action(async (name: string, options: Options & { readonly passwordStdin?: boolean }) => {
      const { passwordStdin, json, ...to } = options;
      const password = passwordStdin === true ? await lineOfInput() : undefined;
      const set = await tellTwin<User>(twinOf(to), "users/passwords", given({ name, password }));
      print(set, json, shown);
    });

  sub("link <NAME>", "a link that logs the user in, once, within 15 minutes").action(
    async (name: string, { json, ...to }: Options) => {
      const twin = twinOf(to);
      const made = await tellTwin<{ key: string; ends: string }>(twin, "login/keys", { name });
      print(made, json, ({ key }) => loginLink(twin.url, key));
    },
  );
}

type AddOptions = {
  readonly role: string;
  readonly person?: string;
  readonly passwordStdin?: boolean;
};

/** Behind the # it is never sent to a server, and so never in a log of one. */
export function loginLink(url: string, key: string): string {
  return `${url}/login#${key}`;
}

export function roleOption(): Option {
  return new Option("--role <ROLE>", `what they may: ${ROLES.join(" < ")}`).choices(ROLES);
}

async function change(to: TwinOptions, json: boolean | undefined, said: object): Promise<void> {
  print(await tellTwin<User>(twinOf(to), "users/changes", said), json, shown);
}

function shown({ name, person, role, disabled, lastLogin, password }: User): string {
  const state = disabled ? "disabled" : lastLogin === null ? "never logged in" : "";
  const words = [name.padEnd(20), role.padEnd(14), person === name ? "" : person, state];
  const line = words
    .filter((word) => word !== "")
    .join("  ")
    .trimEnd();
  return typeof password === "string" ? `${line}\npassword: ${password}` : line;
}

/** Leaves out what was not said. */
export function given(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

export function print<T>(
  answer: Answer<T>,
  json: boolean | undefined,
  show: (value: T) => string,
): void {
  if (!answer.ok) {
    refused(answer);
    return;
  }
  const text = json === true ? JSON.stringify(answer.value) : linesForTerminal(show(answer.value));
  process.stdout.write(`${text}\n`);
}

async function lineOfInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "") throw new InvalidArgumentError("standard input holds no password");
  return line;
}
