/**
 * `racktrace gateway enrol`: gives this gateway its certificate. The invitation is read from standard
 * input, since what stands in a command line is read by every user of the machine.
 */
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { enrolAt } from "../io/enrolment.ts";
import { IDENTITY_FOLDER, openIdentity } from "../io/identity.ts";
import { openSigningKey } from "../io/signing-key.ts";
import { Fault } from "../kernel/fault.ts";
import { fingerprintOf } from "../wire/chain.ts";
import { decodeInvitation } from "../wire/invitation.ts";
import { asOwner } from "./as-owner.ts";
import { loadGatewayConfig } from "./gateway-config.ts";

type Options = { readonly config?: string; readonly data?: string; readonly twin?: string };

const LIMITS = { connectMs: 10_000, answerMs: 20_000 };

export function defineEnrol(gateway: Command): void {
  gateway
    .command("enrol")
    .description("get a certificate from the twin; the invitation is read from standard input")
    .exitOverride()
    .option("--config <FILE>", "the gateway's configuration")
    .option("--data <DIR>", "the gateway's data folder, where there is no configuration")
    .option("--twin <URL>", "the twin's address for gateways, such as mqtts://twin.example:1884")
    .action((_options, self: Command) => enrol(self.optsWithGlobals<Options>()));
}

async function enrol({ config: file, data, twin }: Options): Promise<void> {
  const invitation = decodeInvitation(await lineOfInput());
  if (invitation === undefined)
    throw new Fault("INVITATION_REFUSED", "this is no invitation, or not all of it");
  const config = loadGatewayConfig(file, {
    ...(data !== undefined && { data }),
    ...(twin !== undefined && { twin: { url: twin } }),
    ...(file === undefined && { gateway: invitation.name }),
  });
  if (config.gateway !== invitation.name)
    throw new Fault(
      "INVITATION_REFUSED",
      `it is for ${invitation.name}, and this gateway is ${config.gateway}`,
    );
  if (!config.twin.url.startsWith("mqtts://"))
    throw new Fault("CONFIG_INVALID", `twin.url is ${config.twin.url}; write mqtts:// for TLS`);
  const folder = resolve(config.data);
  asOwner(folder);
  const store = openIdentity(join(folder, IDENTITY_FOLDER));
  const { publicKey: signingKey } = openSigningKey(folder, ({ path, reason }) =>
    process.stderr.write(`${reason}; it lies as ${path}, and another was made\n`),
  );
  const { untilMs } = await enrolAt(config.twin.url, invitation, store, { ...LIMITS, signingKey });
  process.stderr.write(
    `${config.gateway} is enrolled. Its certificate is good until ${new Date(untilMs).toISOString()}, ` +
      "and is renewed by itself long before.\n" +
      `It signs its events with the key ${fingerprintOf(signingKey)}\n`,
  );
}

async function lineOfInput(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write("Invitation: ");
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) if (line.trim() !== "") return line;
  return "";
}
