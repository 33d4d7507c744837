/**
 * `racktrace device`: which devices the gateway's broker lets in. They write to the gateway's data folder,
 * beside the gateway that runs; it sees what is new within a second.
 */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { grantProblem } from "../devices/mqtt-mapping/topic.ts";
import { makeKey, makeRequest } from "../io/certificates.ts";
import { createClock } from "../io/clock.ts";
import { secrets } from "../io/secrets.ts";
import { Fault } from "../kernel/fault.ts";
import { ownFolder } from "./as-owner.ts";
import { openDeviceAuthority, openKnownDevices } from "./device-door.ts";
import { loadGatewayConfig } from "./gateway-config.ts";

type Options = {
  readonly config?: string;
  readonly data?: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly clientId?: string;
  readonly certificate?: boolean;
  readonly json?: boolean;
};

const DAY_MS = 86_400_000;
/** Nobody renews a sensor's certificate by itself. */
const CERTIFICATE_DAYS = 3_650;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function define(command: Command): void {
  const sub = (words: string, summary: string) =>
    command
      .command(words)
      .description(summary)
      .exitOverride()
      .option("--config <FILE>", "the gateway's configuration")
      .option("--data <DIR>", "the gateway's data folder, where there is no configuration");

  sub("add", "let a device in: makes its password, or its certificate, and prints it once")
    .argument("<NAME>", "its user name", deviceName)
    .requiredOption("--publish <FILTER...>", "topics that are its own", grants, [])
    .option("--subscribe <FILTER...>", "topics by which it is told something", grants, [])
    .option("--client-id <ID>", "its MQTT client id; the name if not said")
    .option("--certificate", "a key and a certificate instead of a password (PEM)")
    .action(add);
  sub("list", "the devices that are let in, and their topics")
    .option("--json", "as JSON Lines")
    .action(list);
  sub("remove", "let a device in no more; one that is connected is sent away")
    .argument("<NAME>", "its user name", deviceName)
    .action(remove);
  sub("authority", "the certificate by which devices know the broker (PEM)").action(
    async (options: Options) => {
      const { certificate } = await openDeviceAuthority(folderOf(options));
      process.stdout.write(certificate);
    },
  );
}

async function add(name: string, options: Options): Promise<void> {
  const { publish, subscribe, clientId = name, certificate } = options;
  if (publish.length === 0)
    throw new Fault("CONFIG_INVALID", "say with --publish which topics are its own");
  const folder = folderOf(options);
  const madeMs = createClock().nowMs();
  const account = { name, clientId, publish, subscribe, madeMs };
  const accounts = openKnownDevices(folder);
  try {
    if (certificate === true) {
      const key = makeKey();
      const authority = await openDeviceAuthority(folder);
      const span = { fromMs: madeMs - DAY_MS, untilMs: madeMs + CERTIFICATE_DAYS * DAY_MS };
      const signed = await authority.sign(await makeRequest(key, name), { name, ...span });
      if (!signed.ok) throw new Fault("CONFIG_INVALID", signed.why);
      accounts.put({ ...account, hardened: null, serial: signed.serial });
      process.stdout.write(`${key}${signed.certificate}${authority.certificate}`);
      process.stderr.write(
        "Its key, its certificate and the broker's authority; not shown again.\n",
      );
    } else {
      const password = secrets.mint();
      accounts.put({ ...account, hardened: await secrets.harden(password), serial: null });
      process.stdout.write(`${password}\n`);
      process.stderr.write(`The password of ${name}, client id ${clientId}; not shown again.\n`);
    }
  } finally {
    accounts.close();
  }
}

function list(options: Options): void {
  const accounts = openKnownDevices(folderOf(options));
  for (const { hardened, ...account } of accounts.all()) {
    const by = hardened === null ? "certificate" : "password";
    const { name, clientId, publish, subscribe } = account;
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ ...account, by })}\n`
        : `${name}  ${by}  client id ${clientId}  says ${publish.join(" ")}  hears ${subscribe.join(" ") || "-"}\n`,
    );
  }
  accounts.close();
}

function remove(name: string, options: Options): void {
  const accounts = openKnownDevices(folderOf(options));
  const removed = accounts.remove(name);
  accounts.close();
  if (!removed) throw new Fault("CONFIG_INVALID", `there is no device ${name}`);
  process.stderr.write(`${name} is not let in any more.\n`);
}

function folderOf({ config, data }: Options): string {
  const flags = { ...(data !== undefined && { data }) };
  const named = config === undefined ? { ...flags, gateway: "gw" } : flags;
  const folder = resolve(loadGatewayConfig(config, named).data);
  ownFolder(folder);
  return folder;
}

function deviceName(text: string): string {
  if (!NAME.test(text))
    throw new InvalidArgumentError("letters, digits, dot, dash and underscore; 64 at most");
  return text;
}

function grants(text: string, before: readonly string[] = []): readonly string[] {
  const problem = grantProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return [...before, text];
}
