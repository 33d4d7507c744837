/**
 * The twin's door for gateways with TLS, in this process: the real authority, list, doorkeeper and broker.
 * Its clock can be put elsewhere, and what it was told is kept.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { type Authority, openAuthority } from "../../src/io/authority.ts";
import { createClock } from "../../src/io/clock.ts";
import { enrolAt } from "../../src/io/enrolment.ts";
import { type GatewayBroker, openGatewayBroker } from "../../src/io/gateway-broker.ts";
import { type IdentityStore, openIdentity } from "../../src/io/identity.ts";
import { secrets } from "../../src/io/secrets.ts";
import { type Identities, openIdentities } from "../../src/store/identities.ts";
import { createDoorkeeper } from "../../src/twin/doorkeeper.ts";
import { encodeInvitation } from "../../src/wire/invitation.ts";
import { temporaryFolder } from "./folder.ts";

export const DAY_MS = 86_400_000;

export type TlsTwin = {
  readonly url: string;
  readonly port: number;
  readonly broker: GatewayBroker;
  readonly authority: Authority;
  readonly identities: Identities;
  readonly identitiesPath: string;
  /** As a twin that runs has it: the commands work on it. */
  readonly folder: string;
  readonly journal: readonly string[];
  readonly taken: readonly string[];
  /** Moves its clock by so much against ours. */
  setClock(offsetMs: number): void;
  invite(name: string, hours?: number): string;
  /** A gateway that has come through the whole enrolment, with its files. */
  enrol(name: string): Promise<IdentityStore>;
};

/** `doorMadeMs`: when the broker's own certificate was made. */
export async function openTlsTwin({ doorMadeMs = Date.now() } = {}): Promise<TlsTwin> {
  const folder = temporaryFolder();
  const journal: string[] = [];
  const taken: string[] = [];
  let offsetMs = 0;
  const clock = { ...createClock(), nowMs: () => Date.now() + offsetMs };
  const authority = await openAuthority(join(folder, "authority"), "racktrace twin");
  const identities = openIdentities(join(folder, "identities.db"));
  onTestFinished(() => identities.close());
  const tell = (what: string, details?: object) =>
    void journal.push(`${what} ${JSON.stringify(details)}`);
  const broker = await openGatewayBroker(
    {
      journal: { note: tell, warn: tell, error: tell },
      async take({ gateway, channel, message }) {
        taken.push(`${gateway} ${channel} ${Buffer.from(message)}`);
      },
      doorkeeper: createDoorkeeper(
        { clock, secrets, identities, sign: authority.sign },
        { certificateDays: 365 },
      ),
    },
    {
      ...{ host: "127.0.0.1", port: 0, reserved: ["twin"] },
      keys: await authority.doorKeys([], doorMadeMs),
    },
  );
  broker.admit();
  onTestFinished(() => broker.close());

  function invite(name: string, hours = 24): string {
    const secret = secrets.mint();
    const madeMs = clock.nowMs();
    const untilMs = madeMs + hours * 3_600_000;
    identities.invite({ digest: secrets.digest(secret), name, madeMs, untilMs });
    return encodeInvitation({ name, fingerprint: authority.fingerprint, secret });
  }

  return {
    url: broker.url,
    port: Number(new URL(broker.url).port),
    broker,
    authority,
    identities,
    identitiesPath: join(folder, "identities.db"),
    folder,
    journal,
    taken,
    setClock(ms) {
      offsetMs = ms;
    },
    invite,
    async enrol(name) {
      const store = openIdentity(temporaryFolder());
      const [, , fingerprint = "", secret = ""] =
        /^rt1\.(.*)\.([^.]+)\.([^.]+)$/.exec(invite(name)) ?? [];
      await enrolAt(broker.url, { name, fingerprint, secret }, store, WAITS);
      return store;
    },
  };
}

export const WAITS = { connectMs: 10_000, answerMs: 10_000 };

/** The files that a client of another maker wants. */
export function asFiles(store: Pick<IdentityStore, "read">): {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
} {
  const folder = temporaryFolder();
  const identity = store.read();
  if (identity === undefined) throw new Error("it is not enrolled");
  const write = (name: string, pem: string) => {
    writeFileSync(join(folder, name), pem, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: write("ca.pem", identity.authority),
    cert: write("cert.pem", identity.certificate),
    key: write("key.pem", identity.key),
  };
}

/** Runs a client of another maker to its end. */
export async function runForeign(command: string, words: readonly string[]) {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, said: stdout + stderr };
}
