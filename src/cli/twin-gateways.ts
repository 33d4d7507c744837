/**
 * `racktrace twin enrol | gateways | revoke | new-authority`: which gateways the twin lets in. They write to
 * the twin's data folder, beside the twin that runs; it sees what is new within a second.
 */
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { beginNext, finishNext, nextIn } from "../io/authority.ts";
import { createClock } from "../io/clock.ts";
import { secrets } from "../io/secrets.ts";
import { Fault } from "../kernel/fault.ts";
import type { Certificate } from "../store/identities.ts";
import { encodeInvitation } from "../wire/invitation.ts";
import { GATEWAY_NAME } from "../wire/names.ts";
import { asOwner, ownFolder } from "./as-owner.ts";
import { readTwinConfig } from "./twin-config.ts";
import { openGatewayList } from "./twin-door.ts";
import { AUTHORITY_FOLDER, IDENTITIES_FILE } from "./twin-files.ts";

type Options = {
  readonly config?: string;
  readonly data?: string;
  readonly hours: number;
  readonly why: string;
  readonly json?: boolean;
  readonly finish?: boolean;
  readonly leaveBehind?: boolean;
};

const HOUR_MS = 3_600_000;

export function defineGateways(twin: Command): void {
  const sub = (words: string, summary: string) =>
    twin
      .command(words)
      .description(summary)
      .exitOverride()
      .option("--config <FILE>", "the twin's configuration")
      .option("--data <DIR>", "the twin's data folder");

  sub("enrol", "invite a gateway: prints a word that it is enrolled with, once")
    .argument("<NAME>", "the gateway's name, as in its configuration", gatewayName)
    .option("--hours <N>", "how long the invitation is good", hours, 24)
    .action((name: string, _options, self: Command) =>
      enrol(name, self.optsWithGlobals<Options>()),
    );
  sub("gateways", "the certificates of gateways, and which are good")
    .option("--json", "as JSON Lines")
    .action((_options, self: Command) => list(self.optsWithGlobals<Options>()));
  sub("new-authority", "replace the authority that signs for gateways, without a gap")
    .option("--finish", "the old one ends; when each gateway has been renewed")
    .option("--leave-behind", "also when some have not: they are enrolled again")
    .action((_options, self: Command) => replaceAuthority(self.optsWithGlobals<Options>()));
  sub("revoke", "let a gateway in no more; one that is connected is sent away")
    .argument("<NAME>", "the gateway's name", gatewayName)
    .option("--why <TEXT>", "told in the journal when it comes", "revoked by hand")
    .action((name: string, _options, self: Command) =>
      revoke(name, self.optsWithGlobals<Options>()),
    );
}

/** Begins, or tells how far it is, or finishes. */
async function replaceAuthority({ finish, leaveBehind, ...options }: Options): Promise<void> {
  const { authority, identities, folder } = await openThere(options);
  const authorities = join(folder, AUTHORITY_FOLDER);
  try {
    const nowMs = createClock().nowMs();
    const next = nextIn(authorities);
    if (next === undefined) {
      if (finish === true) throw new Fault("CONFIG_INVALID", "no authority is to follow this one");
      const day = new Date(nowMs).toISOString().slice(0, 10);
      await beginNext(authorities, `racktrace twin ${day}`);
      process.stderr.write(
        "Another authority signs from now on. Each gateway hears of it when its certificate is renewed, which\n" +
          "is by itself when a third of its time is over. Ask again how far it is; when all have it: --finish\n",
      );
      return;
    }
    const without = gatewaysWithout(next, identities.certificates(), nowMs);
    if (finish !== true) {
      const names = without.map((name) => `${name}\n`).join("");
      process.stdout.write(names);
      process.stderr.write(
        without.length === 0 ? "All gateways have it: --finish\n" : "These do not have it yet.\n",
      );
      return;
    }
    if (without.length > 0 && leaveBehind !== true)
      throw new Fault(
        "CONFIG_INVALID",
        `${without.join(", ")}: not renewed yet, and would have to be enrolled again (--leave-behind does it all the same)`,
      );
    finishNext(authorities);
    process.stderr.write(
      `The authority ${authority.fingerprint} signs no more. In ten seconds' time its\n` +
        "certificates open nothing, and its invitations lead nowhere. It lies beside the new one as\n" +
        "authority-before.pem: delete it.\n",
    );
  } finally {
    identities.close();
  }
}

/** Those whose certificate in use is not of this authority. */
function gatewaysWithout(
  authority: string,
  certificates: readonly Certificate[],
  nowMs: number,
): readonly string[] {
  const { publicKey } = new X509Certificate(authority);
  const inUse = certificates.filter(
    ({ revokedMs, untilMs, firstUsedMs }) =>
      revokedMs === null && untilMs >= nowMs && firstUsedMs !== null,
  );
  const old = inUse.filter(({ pem }) => !new X509Certificate(pem).verify(publicKey));
  return [...new Set(old.map(({ name }) => name))];
}

async function enrol(name: string, options: Options): Promise<void> {
  const folder = folderOf(options);
  ownFolder(folder);
  const { authority, identities } = await openGatewayList(folder);
  const secret = secrets.mint();
  const madeMs = createClock().nowMs();
  const untilMs = madeMs + options.hours * HOUR_MS;
  identities.invite({ digest: secrets.digest(secret), name, madeMs, untilMs });
  identities.close();
  process.stdout.write(
    `${encodeInvitation({ name, fingerprint: authority.fingerprint, secret })}\n`,
  );
  process.stderr.write(
    `Good once, until ${new Date(untilMs).toISOString()}. On the gateway, as its user:\n` +
      `  racktrace gateway enrol --config /etc/racktrace/gateway.yaml     and paste the line above\n`,
  );
}

async function list(options: Options): Promise<void> {
  const { identities } = await openThere(options);
  const nowMs = createClock().nowMs();
  for (const { pem: _pem, ...certificate } of identities.certificates()) {
    const standing = standingOf(certificate, nowMs);
    const { name, serial } = certificate;
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ ...certificate, standing })}\n`
        : `${name}  ${standing}  ${serial}\n`,
    );
  }
  identities.close();
}

function standingOf(
  { revokedMs, revokedWhy, untilMs, firstUsedMs }: Omit<Certificate, "pem">,
  nowMs: number,
): string {
  const at = (ms: number) => new Date(ms).toISOString();
  if (revokedMs !== null) return `revoked ${at(revokedMs)}: ${revokedWhy}`;
  if (untilMs < nowMs) return `expired ${at(untilMs)}`;
  return firstUsedMs === null ? `not used yet, until ${at(untilMs)}` : `good until ${at(untilMs)}`;
}

async function revoke(name: string, options: Options): Promise<void> {
  const { identities } = await openThere(options);
  const revoked = identities.revoke(name, createClock().nowMs(), options.why);
  identities.close();
  if (revoked === 0)
    throw new Fault("CONFIG_INVALID", `${name} has no certificate or invitation that is good`);
  process.stderr.write(`${name} is not let in any more.\n`);
}

/**
 * Nobody was let in where there is no list: that would be the answer for a box that is let in elsewhere, and
 * an authority that is ended here would go on there. Throws Fault DATA_UNREADABLE.
 */
async function openThere(options: Options) {
  const folder = folderOf(options);
  // First, since whoever may not look into it finds no list there either.
  asOwner(folder);
  if (!existsSync(join(folder, IDENTITIES_FILE)))
    throw new Fault(
      "DATA_UNREADABLE",
      `${folder}: no gateway was ever invited there; name the twin's configuration with --config`,
    );
  return { folder, ...(await openGatewayList(folder)) };
}

function folderOf({ config, data }: Options): string {
  return resolve(readTwinConfig(config, data === undefined ? {} : { data }).data);
}

function gatewayName(text: string): string {
  if (!GATEWAY_NAME.test(text))
    throw new InvalidArgumentError(
      "lower-case letters, digits, dot, dash and underscore; 64 at most",
    );
  return text;
}

function hours(text: string): number {
  const count = Number(text);
  if (!(count > 0 && count <= 720)) throw new InvalidArgumentError("hours, at most 720");
  return count;
}
