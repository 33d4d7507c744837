/** The twin's authority is replaced while gateways come and go: the real door, the real commands, real renewals. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { openAuthority } from "../../src/io/authority.ts";
import { enrolAt } from "../../src/io/enrolment.ts";
import { type IdentityStore, openIdentity } from "../../src/io/identity.ts";
import { createMqttLink } from "../../src/io/mqtt-link.ts";
import { decodeInvitation } from "../../src/wire/invitation.ts";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { DAY_MS, openTlsTwin, type TlsTwin, WAITS } from "../support/tls-twin.ts";

test("the authority is replaced without a gap: each gateway knows the next one before the first one goes", async () => {
  const twin = await openTlsTwin();
  twin.setClock(-150 * DAY_MS);
  const [early, late] = [await twin.enrol("gw-early"), await twin.enrol("gw-late")];
  twin.setClock(0);
  const first = early.read();
  await visit(twin, "gw-late", late, "a clock that is behind asks for nothing");
  expect(await command(twin, "--finish")).toMatchObject({ status: 1 });

  expect(await command(twin)).toMatchObject({ status: 0 });
  await lookAgain(twin);

  // It is renewed: its certificate is of the next authority, and it knows both.
  await visit(twin, "gw-early", early);
  const renewed = early.read();
  expect(renewed?.certificate).not.toBe(first?.certificate);
  expect(renewed?.authority.match(/BEGIN/g)).toHaveLength(2);
  await visit(twin, "gw-early", early);
  // Who is enrolled meanwhile pins the first one, as the door shows it, and is of the next, too.
  const fresh = await twin.enrol("gw-fresh");
  expect(fresh.read()?.authority.match(/BEGIN/g)).toHaveLength(2);
  await visit(twin, "gw-fresh", fresh);

  const waiting = await command(twin);
  expect([waiting.status, waiting.stdout]).toEqual([0, "gw-late\n"]);
  const refused = await command(twin, "--finish");
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("gw-late") });
  await visit(twin, "gw-late", late);
  await visit(twin, "gw-late", late);
  expect((await command(twin)).stdout).toBe("");

  expect(await command(twin, "--finish")).toMatchObject({ status: 0 });
  await lookAgain(twin);

  for (const [name, store] of [
    ["gw-early", early],
    ["gw-late", late],
    ["gw-fresh", fresh],
  ] as const)
    await visit(twin, name, store);
  // What the first one signed opens nothing, and invitations that pin it lead nowhere.
  const old = keep(first);
  await expect(visit(twin, "gw-early", old)).rejects.toMatchObject({ code: "TWIN_STRANGE" });
  const { key, certificate: cert } = first ?? {};
  const careless = {
    key,
    cert,
    clientId: "gw-early",
    reconnectPeriod: 0,
    rejectUnauthorized: false,
  };
  await expect(
    mqtt.connectAsync(twin.url, careless as mqtt.IClientOptions, false),
  ).rejects.toMatchObject({ code: 5 });
  await expect(enrolWith(twin, twin.invite("gw-x"))).rejects.toMatchObject({
    code: "TWIN_STRANGE",
  });
  const now = await openAuthority(join(twin.folder, "authority"), "");
  expect(new X509Certificate(now.certificate).subject).toMatch(
    /^CN=racktrace twin \d{4}-\d\d-\d\d$/,
  );
  expect(now.fingerprint).not.toBe(twin.authority.fingerprint);
  expect(existsSync(join(twin.folder, "authority/authority-next.pem"))).toBe(false);
}, 300_000);

test("once the first authority is gone, the next renewal forgets it", async () => {
  const twin = await openTlsTwin();
  twin.setClock(-150 * DAY_MS);
  await command(twin);
  const store = await twin.enrol("gw-a");
  expect(store.read()?.authority.match(/BEGIN/g)).toHaveLength(2);
  twin.setClock(0);
  // It was never there, so nobody is left behind.
  expect(await command(twin, "--finish")).toMatchObject({ status: 0 });
  await lookAgain(twin);
  await visit(twin, "gw-a", store);
  const { authority = "" } = store.read() ?? {};
  expect(authority.match(/BEGIN/g)).toHaveLength(1);
  expect(authority).not.toContain(twin.authority.certificate.trim());
  await visit(twin, "gw-a", store);
}, 200_000);

test("an authority that is gone is not made anew beside the list of those whom it let in", async () => {
  const twin = await openTlsTwin();
  await visit(twin, "gw-a", await twin.enrol("gw-a"));
  const path = join(twin.folder, "authority/authority.pem");
  rmSync(path);
  const invited = await run(["twin", "enrol", "gw-b", "--data", twin.folder]);
  expect(invited).toMatchObject({ status: 1, stdout: "" });
  expect(invited.stderr).toMatch(/^KEY_DAMAGED: .*authority.pem is gone/);
  expect(existsSync(path)).toBe(false);
  // Whoever has no copy says so.
  for (const part of ["", "-wal", "-shm"]) rmSync(twin.identitiesPath + part, { force: true });
  expect(await run(["twin", "enrol", "gw-a", "--data", twin.folder])).toMatchObject({ status: 0 });
}, 60_000);

test("whoever came by the first authority is sent away when it goes, and who is just coming by it", async () => {
  const twin = await openTlsTwin();
  const { key, certificate: cert } = (await twin.enrol("gw-a")).read() ?? {};
  const copied = { key, cert, rejectUnauthorized: false };
  const asked = { ...copied, clientId: "gw-a", reconnectPeriod: 0 } as mqtt.IClientOptions;
  const client = await mqtt.connectAsync(twin.url, asked, false);
  const isSentAway = new Promise<void>((resolve) => client.once("close", () => resolve()));

  await command(twin);
  await lookAgain(twin);
  expect(client.connected).toBe(true);
  expect(await command(twin, "--finish", "--leave-behind")).toMatchObject({ status: 0 });
  const coming = connectTls({ ...copied, port: twin.port } as ConnectionOptions);
  await once(coming, "secureConnect");
  const isTurnedAway = once(coming.resume(), "close");
  await lookAgain(twin);

  await Promise.all([isSentAway, isTurnedAway]);
  // It would have gone by itself.
  expect(twin.broker.turnedAway().late).toBe(0);
}, 60_000);

/** Comes and goes; one whose certificate is old enough is renewed meanwhile. */
async function visit(twin: TlsTwin, gateway: string, store: IdentityStore, behind?: string) {
  const asked: string[] = [];
  const journal = {
    note: (what: string) => void asked.push(what),
    warn: (what: string, details?: object) => void asked.push(`${what} ${JSON.stringify(details)}`),
    error() {},
  };
  const before = store.read();
  const nowMs = () => (behind === undefined ? Date.now() : (before?.fromMs ?? 0));
  const link = createMqttLink({
    ...{ url: twin.url, gateway, connectMs: 5_000, keepaliveMs: 15_000 },
    identity: { store, journal, nowMs, quality: () => "synced" },
  });
  const session = await link.connect(new AbortController().signal);
  const isOld = before !== undefined && nowMs() - before.fromMs > 121 * DAY_MS;
  if (isOld) for await (const _message of session.receive());
  else await session.close();
  expect(asked).toEqual(isOld ? ["certificate-renewed"] : []);
}

/** As the twin that runs does every ten seconds. */
async function lookAgain({ broker, authority }: TlsTwin): Promise<void> {
  broker.renewKeys(await authority.doorKeys([], Date.now()));
}

function command(twin: TlsTwin, ...words: string[]) {
  return run(["twin", "new-authority", "--data", twin.folder, ...words]);
}

function keep(identity: ReturnType<IdentityStore["read"]>): IdentityStore {
  return { ...openIdentity(temporaryFolder()), read: () => identity };
}

async function enrolWith(twin: TlsTwin, text: string): Promise<void> {
  const invitation = decodeInvitation(text);
  if (invitation === undefined) throw new Error("no invitation");
  await enrolAt(twin.url, invitation, openIdentity(temporaryFolder()), WAITS);
}
