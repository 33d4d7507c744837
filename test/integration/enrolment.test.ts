/** How a gateway comes to its certificate, keeps it, and loses it: real TLS, real MQTT, real files. */
import { X509Certificate } from "node:crypto";
import fs, { readlinkSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { connect, isIP } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { DOOR_NAME } from "../../src/io/authority.ts";
import { makeKey, makeRequest } from "../../src/io/certificates.ts";
import { enrolAt } from "../../src/io/enrolment.ts";
import { type IdentityStore, openIdentity } from "../../src/io/identity.ts";
import { probeBroker } from "../../src/io/machine/address-probe.ts";
import { createMqttLink } from "../../src/io/mqtt-link.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { ClockQuality } from "../../src/ports.ts";
import { decodeInvitation, type InvitationText } from "../../src/wire/invitation.ts";
import { temporaryFolder } from "../support/folder.ts";
import { makeSigner } from "../support/signer.ts";
import { DAY_MS, openTlsTwin, type TlsTwin, WAITS } from "../support/tls-twin.ts";
import { until } from "../support/until.ts";

describe("an invitation", () => {
  test("makes a gateway known: its key never leaves, and its files are its own", async () => {
    const twin = await openTlsTwin();
    const folder = temporaryFolder();
    const store = openIdentity(folder);

    const identity = await enrolAt(twin.url, read(twin.invite("gw-a")), store, WAITS);

    expect(statSync(join(folder, "identity.pem")).mode & 0o777).toBe(0o600);
    expect(identity.untilMs - Date.now()).toBeGreaterThan(364 * DAY_MS);
    const link = linkOf(twin, "gw-a", store);
    const session = await link.connect(new AbortController().signal);
    await session.send("hello", Buffer.from("here"));
    await session.close();
    expect(twin.taken).toEqual(["gw-a hello here"]);
    expect(twin.journal.join()).toContain('certificate-issued {"gateway":"gw-a","on":"enrol"');
  });

  test("is good once: another key is refused, and the same one gets what it was given", async () => {
    const twin = await openTlsTwin();
    const invitation = read(twin.invite("gw-a"));
    const store = openIdentity(temporaryFolder());
    const draft = store.draftKey();
    const first = await enrolAt(twin.url, invitation, store, WAITS);
    await expect(
      enrolAt(twin.url, invitation, openIdentity(temporaryFolder()), WAITS),
    ).rejects.toMatchObject({
      code: "INVITATION_REFUSED",
      detail: "this invitation has been used",
    });

    const again = await enrolAt(
      twin.url,
      invitation,
      { ...store, draftKey: () => draft, become: (certificate) => ({ ...first, certificate }) },
      WAITS,
    );
    expect(again.certificate).toBe(first.certificate);
    expect(twin.identities.certificates()).toHaveLength(1);
  });

  test("that was used changes nothing of the key that the gateway signs with, asked with again", async () => {
    const twin = await openTlsTwin();
    const [invitation, box] = [read(twin.invite("gw-a")), draftOf()];
    const key = makeSigner().publicKey;
    await enrolAt(twin.url, invitation, box, { ...WAITS, signingKey: key });
    for (const signs of [WAITS, { ...WAITS, signingKey: makeSigner().publicKey }])
      await enrolAt(twin.url, invitation, box, signs);
    expect(twin.identities.signingKeys("gw-a")).toEqual([Buffer.from(key).toString("base64")]);
  });

  test.each<[string, (twin: TlsTwin) => Promise<void>]>([
    ["was revoked", (twin) => revokeElsewhere(twin, "gw-a")],
    ["another box has taken the place of", async () => {}],
  ])("is worth nothing again to a box that %s", async (_what, end) => {
    const twin = await openTlsTwin();
    const [invitation, box] = [read(twin.invite("gw-a")), draftOf()];
    await enrolAt(twin.url, invitation, box, { ...WAITS, signingKey: makeSigner().publicKey });
    await end(twin);
    const [successor, key] = [openIdentity(temporaryFolder()), makeSigner().publicKey];
    const signs = { ...WAITS, signingKey: key };
    await enrolAt(twin.url, read(twin.invite("gw-a")), successor, signs);
    await comeWith(twin, successor, "gw-a");

    await expect(
      enrolAt(twin.url, invitation, box, { ...WAITS, signingKey: makeSigner().publicKey }),
    ).rejects.toMatchObject({ code: "INVITATION_REFUSED" });
    await told(twin, /turned-away.*this invitation has been used/);
    expect(twin.identities.signingKeys("gw-a")).toEqual([Buffer.from(key).toString("base64")]);
  });

  test.each<[string, (twin: TlsTwin) => InvitationText, string]>([
    [
      "of another name",
      (twin) => ({ ...read(twin.invite("gw-a")), name: "gw-b" }),
      "this invitation is for gw-a",
    ],
    ["that is over", (twin) => read(twin.invite("gw-a", -1)), "this invitation was good until"],
    [
      "that nobody made",
      (twin) => ({ ...read(twin.invite("gw-a")), secret: "x".repeat(43) }),
      "no such invitation",
    ],
    [
      "for a name that is taken by the twin itself",
      (twin) => read(twin.invite("twin")),
      "no name for a gateway",
    ],
  ])("%s is refused, and the journal says why", async (_what, make, why) => {
    const twin = await openTlsTwin();
    const store = openIdentity(temporaryFolder());
    await expect(enrolAt(twin.url, make(twin), store, WAITS)).rejects.toMatchObject({
      code: "INVITATION_REFUSED",
    });
    await told(twin, why);
    expect(store.read()).toBeUndefined();
  });

  test("is shown to no twin but the one that made it", async () => {
    const [ours, impostor] = [await openTlsTwin(), await openTlsTwin()];
    const store = openIdentity(temporaryFolder());
    await expect(
      enrolAt(impostor.url, read(ours.invite("gw-a")), store, WAITS),
    ).rejects.toMatchObject({ code: "TWIN_STRANGE" });
    expect(impostor.journal).toEqual([]);
  });
});

describe("a certificate", () => {
  test("is renewed when a third of it is over, without a hand and without a gap", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-150 * DAY_MS);
    const store = await twin.enrol("gw-a");
    twin.setClock(0);
    const old = store.read();

    const session = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    for await (const _message of session.receive());

    const renewed = store.read();
    expect(renewed?.untilMs).toBeGreaterThan((old?.untilMs ?? 0) + 100 * DAY_MS);
    expect(renewed?.key).not.toBe(old?.key);
    const next = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    onTestFinished(() => next.close());
    expect(twin.identities.certificates().map(({ revokedWhy }) => revokedWhy)).toEqual([
      "another one took its place",
      null,
    ]);
  });

  test("that is to be renewed lets its gateway send while there is no room for the next key", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-150 * DAY_MS);
    const store = await twin.enrol("gw-a");
    twin.setClock(0);
    const draftKey = () => {
      throw new Fault("DATA_UNREADABLE", "next-key.pem: no space left on device");
    };
    const told: string[] = [];
    const link = linkOf(twin, "gw-a", { ...store, draftKey }, "synced", told);
    const session = await link.connect(new AbortController().signal);
    await session.send("hello", Buffer.from("here"));
    await session.close();
    expect(twin.taken).toEqual(["gw-a hello here"]);
    expect(told.join()).toMatch(/certificate-not-renewed.*no space left/);
  });

  test("and its key are on stable storage before they are used", async () => {
    const twin = await openTlsTwin();
    const folder = temporaryFolder();
    const done: string[] = [];
    for (const what of ["renameSync", "fsyncSync"] as const) {
      const real = fs[what] as (...values: unknown[]) => void;
      vi.spyOn(fs, what).mockImplementation((...values: unknown[]) => {
        real(...values);
        const [to] = what === "renameSync" ? values.slice(1) : values;
        done.push(typeof to === "number" ? readlinkSync(`/proc/self/fd/${to}`) : String(to));
      });
    }
    syncBuiltinESMExports();
    onTestFinished(() => {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    });
    await enrolAt(twin.url, read(twin.invite("gw-a")), openIdentity(folder), WAITS);
    const files = ["next-key.pem", "identity.pem"].map((name) => join(folder, name));
    expect(done).toEqual(files.flatMap((file) => [`${file}.new`, file, folder]));
  });

  test("that was revoked ends the connection it was shown on, and opens no other", async () => {
    const twin = await openTlsTwin();
    const store = await twin.enrol("gw-a");
    const session = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    const ended = (async () => {
      for await (const _message of session.receive());
    })();
    // By another process, as the command does it.
    await revokeElsewhere(twin, "gw-a");
    await ended;
    await told(twin, /gateway-sent-away.*gw-a.*stolen from the van/);
    await expect(
      linkOf(twin, "gw-a", store).connect(new AbortController().signal),
    ).rejects.toMatchObject({ code: "TWIN_REFUSED" });
    await told(twin, /turned-away.*gw-a.*stolen from the van/);
  });

  test("that was revoked is not renewed, though the box that shows it is still there", async () => {
    const twin = await openTlsTwin();
    const { renew } = await oldGateway(twin);
    await revokeElsewhere(twin, "gw-a");
    expect(await renew()).toMatch(/^refused: .*stolen from the van/);
    expect(good(twin)).toEqual([]);
  });

  test("that another box has taken the place of is not renewed, before that one was ever here", async () => {
    const twin = await openTlsTwin();
    const { renew } = await oldGateway(twin);
    const successor = await twin.enrol("gw-a");
    expect(await renew()).toBe("refused: there is a newer certificate of gw-a");
    await comeWith(twin, successor, "gw-a");
    expect(good(twin)).toEqual([successor.read()?.certificate]);
  });

  test("ends when another box's is shown, though the twin's clock was put back in between", async () => {
    const twin = await openTlsTwin();
    twin.setClock(DAY_MS);
    const old = await twin.enrol("gw-a");
    await comeWith(twin, old, "gw-a");
    twin.setClock(0);
    const successor = await twin.enrol("gw-a");
    await comeWith(twin, successor, "gw-a");
    expect(good(twin)).toEqual([successor.read()?.certificate]);
    await expect(comeWith(twin, old, "gw-a")).rejects.toMatchObject({ code: 5 });
  });

  test("is renewed once for a key, again with the same answer, and not for a new key each time", async () => {
    const twin = await openTlsTwin();
    const { renew } = await oldGateway(twin);
    const [key, another] = [makeKey(), makeKey()];
    const first = await renew(key);
    expect(await renew(key)).toBe(first);
    expect(await renew(another)).toMatch(/^refused: .*a moment ago/);
    twin.setClock(3_600_000);
    expect(await renew(another)).toMatch(/^-----BEGIN/);
    expect(good(twin)).toHaveLength(2);
  });

  test("that was asked for with another invitation, and got lost, comes to its key by the next renewal", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-150 * DAY_MS);
    const store = await twin.enrol("gw-a");
    const become = () => {
      throw new Error("killed while the answer was under way");
    };
    const invitation = read(twin.invite("gw-a"));
    await expect(enrolAt(twin.url, invitation, { ...store, become }, WAITS)).rejects.toThrow();
    twin.setClock(0);
    const client = await comeWith(twin, store, "gw-a");
    expect(await renewal(client)).toBe("refused: there is a newer certificate of gw-a");

    const session = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    for await (const _message of session.receive());

    const newest = twin.identities.certificates().at(-1);
    expect(store.read()?.certificate).toBe(newest?.pem);
    await comeWith(twin, store, "gw-a");
    expect(good(twin)).toEqual([newest?.pem]);
  });

  test("is not renewed while it is new", async () => {
    const twin = await openTlsTwin();
    const { renew } = await oldGateway(twin, 10);
    expect(await renew()).toMatch(/^refused: its certificate is new/);
    expect(good(twin)).toHaveLength(1);
  });

  test("of one gateway lets nobody in under another's name", async () => {
    const twin = await openTlsTwin();
    const store = await twin.enrol("gw-a");
    await expect(
      linkOf(twin, "gw-b", store).connect(new AbortController().signal),
    ).rejects.toMatchObject({ code: "TWIN_REFUSED" });
    await told(twin, "its certificate is of gw-a");
  });

  test("of another authority is refused by name", async () => {
    const [twin, other] = [await openTlsTwin(), await openTlsTwin()];
    const store = await other.enrol("gw-a");
    await expect(comeWith(twin, store, "gw-a")).rejects.toMatchObject({ code: 5 });
    await told(twin, "not of this authority");
  });

  test("that nobody has in the list is refused, though the authority signed it", async () => {
    const twin = await openTlsTwin();
    const key = makeKey();
    const span = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };
    const signed = await twin.authority.sign(await makeRequest(key, "gw-a"), {
      name: "gw-a",
      ...span,
    });
    if (!signed.ok) throw new Error(signed.why);
    await expect(comeAs(twin, { key, cert: signed.certificate }, "gw-a")).rejects.toMatchObject({
      code: 5,
    });
    await told(twin, "not in the twin's list");
  });

  test("that has expired is refused", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-400 * DAY_MS);
    const store = await twin.enrol("gw-a");
    twin.setClock(0);
    await expect(comeWith(twin, store, "gw-a")).rejects.toMatchObject({ code: 5 });
    await told(twin, "its certificate has expired");
  });

  test("that was given out by a clock that went ahead is good when the clock is set right", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-150 * DAY_MS);
    const store = await twin.enrol("gw-a");
    twin.setClock(100 * DAY_MS);
    const session = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    for await (const _message of session.receive());
    const newcomer = await twin.enrol("gw-b");

    twin.setClock(0);

    expect(Math.min(...[store, newcomer].map((one) => one.read()?.fromMs ?? 0))).toBeGreaterThan(
      Date.now(),
    );
    await comeWith(twin, store, "gw-a");
    await comeWith(twin, newcomer, "gw-b");
  });

  test("of a time to come is refused where it is of another authority, or not one for clients", async () => {
    const [twin, other] = [await openTlsTwin(), await openTlsTwin()];
    const toCome = Date.now() + 100 * DAY_MS;
    const door = await twin.authority.doorKeys(["192.0.2.7"], toCome);
    other.setClock(100 * DAY_MS);
    const { key, certificate } = (await other.enrol("gw-a")).read() ?? {};
    for (const keys of [pick(door.key, door.certificate), pick(key, certificate)])
      await expect(comeAs(twin, keys, "gw-a")).rejects.toMatchObject({ code: 5 });
    await told(twin, "not valid yet");
  });

  test("of the door opens nothing: it is not one for clients", async () => {
    const twin = await openTlsTwin();
    const { key, certificate } = await twin.authority.doorKeys([], Date.now());
    await expect(comeAs(twin, { key, cert: certificate }, "gw-a")).rejects.toMatchObject({
      code: 5,
    });
  });

  test("that is shown for the first time while the disk is full is let in when there is room", async () => {
    const twin = await openTlsTwin();
    const store = await twin.enrol("gw-a");
    vi.spyOn(twin.identities, "used").mockImplementationOnce(() => {
      throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
    });
    await expect(comeWith(twin, store, "gw-a")).rejects.toMatchObject({ code: 3 });
    await told(twin, /gateway-not-greeted.*gw-a.*disk is full/);
    await comeWith(twin, store, "gw-a");
    expect(twin.identities.certificates()[0]?.firstUsedMs).not.toBeNull();
  });

  test("is needed: without one there is nothing but to enrol", async () => {
    const twin = await openTlsTwin();
    await expect(comeAs(twin, {}, "gw-a")).rejects.toMatchObject({ code: 5 });
    await told(twin, "it must be enrolled first");
  });

  test("is not asked for again from a session that was kept: there are no tickets", async () => {
    const twin = await openTlsTwin();
    const store = await twin.enrol("gw-a");
    const { key, certificate: cert } = store.read() ?? {};
    const socket = connectTls({
      port: twin.port,
      host: "127.0.0.1",
      ...pick(key, cert),
      rejectUnauthorized: false,
    });
    let tickets = 0;
    socket.on("session", () => tickets++);
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.write(
      Buffer.from([
        0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 4, 0x67, 0x77, 0x2d, 0x61,
      ]),
    );
    await new Promise((resolve) => socket.once("data", resolve));
    expect(socket.getProtocol()).toBe("TLSv1.3");
    const session = socket.getSession();
    socket.destroy();
    const again = connectTls({
      port: twin.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ...(session && { session }),
    });
    await new Promise((resolve) => again.once("secureConnect", resolve));
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  });
});

test("the door takes another name or address, as when its machine was renamed, and keeps its authority", async () => {
  const { authority } = await openTlsTwin();
  for (const name of ["twin.example", "192.0.2.7", "2001:db8::7"]) {
    const { certificate } = await authority.doorKeys([name], Date.now());
    const door = new X509Certificate(certificate);
    expect(isIP(name) === 0 ? door.checkHost(name) : door.checkIP(name)).toBe(name);
    expect(door.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect((await authority.doorKeys([name], Date.now())).certificate).toBe(certificate);
  }
});

describe("a gateway", () => {
  test("goes to no twin but its own", async () => {
    const [ours, impostor] = [await openTlsTwin(), await openTlsTwin()];
    const store = await ours.enrol("gw-a");
    for (const quality of ["synced", "unsynced"] as const)
      await expect(
        linkOf(impostor, "gw-a", store, quality).connect(new AbortController().signal),
      ).rejects.toMatchObject({ code: "TWIN_STRANGE" });
  });

  test("whose clock nobody has set believes no date, and no other authority either", async () => {
    const old = { doorMadeMs: Date.now() - 800 * DAY_MS };
    const [ours, impostor] = [await openTlsTwin(old), await openTlsTwin(old)];
    const store = await ours.enrol("gw-a");
    const come = (twin: TlsTwin, quality: ClockQuality) =>
      linkOf(twin, "gw-a", store, quality).connect(new AbortController().signal);

    await expect(come(ours, "synced")).rejects.toMatchObject({ code: "TWIN_STRANGE" });
    await expect(come(impostor, "unsynced")).rejects.toMatchObject({ code: "TWIN_STRANGE" });
    const session = await come(ours, "unsynced");
    await session.close();
  });

  test("that is not enrolled is told so", async () => {
    const twin = await openTlsTwin();
    const link = linkOf(twin, "gw-a", openIdentity(temporaryFolder()));
    await expect(link.connect(new AbortController().signal)).rejects.toMatchObject({
      code: "NOT_ENROLLED",
    });
  });

  test("that looks for what is wrong (doctor) comes with its own certificate, and finds all well", async () => {
    const twin = await openTlsTwin();
    const { key, certificate: cert, authority: ca } = (await twin.enrol("gw-a")).read() ?? {};
    const asked = { url: twin.url, clientId: "gw-a", waitMs: 5_000 };
    expect(await probeBroker(asked)).toMatchObject({ kind: "certificate" });
    if (key === undefined || cert === undefined || ca === undefined) throw new Error("no identity");
    const keys = { key, cert, ca, servername: DOOR_NAME };
    expect(await probeBroker({ ...asked, keys })).toEqual({ kind: "ok" });
  });

  test("asks before TLS 1.2 in vain", async () => {
    const twin = await openTlsTwin();
    const socket = connectTls({
      port: twin.port,
      host: "127.0.0.1",
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "DEFAULT@SECLEVEL=0",
      rejectUnauthorized: false,
    });
    await expect(
      new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject)),
    ).rejects.toThrow();
    await until("it is counted", () => twin.broker.turnedAway().tls === 1);
  });
});

describe("a stranger at the TLS door", () => {
  test("has five seconds for all of it, handshake included, and twenty neighbours", async () => {
    const twin = await openTlsTwin();
    const store = await twin.enrol("gw-a");
    const session = await linkOf(twin, "gw-a", store).connect(new AbortController().signal);
    const idle = Array.from({ length: 25 }, () => {
      const socket = connect(twin.port, "127.0.0.1").on("error", () => {});
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    await until("five are gone", () => idle.filter(({ closed }) => closed).length === 5);
    const secured = connectTls({ port: twin.port, host: "127.0.0.1", rejectUnauthorized: false });
    secured.on("error", () => {});
    await until("all are gone", () => idle.every(({ closed }) => closed) && secured.closed);
    const { crowded, late } = twin.broker.turnedAway();
    expect(crowded + late).toBe(26);
    // Who is known hears nothing of it.
    await session.send("hello", Buffer.from("here"));
    await session.close();
  });

  test("that speaks no TLS is let go and counted", async () => {
    const twin = await openTlsTwin();
    const socket = connect(twin.port, "127.0.0.1").on("error", () => {});
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await until("it is gone", () => socket.closed);
    expect(twin.broker.turnedAway().tls).toBe(1);
  });
});

/** A box that asks with the same key each time, as one whose answer was lost does. */
function draftOf(): IdentityStore {
  const folder = temporaryFolder();
  const store = openIdentity(folder);
  const draft = store.draftKey();
  return {
    ...store,
    draftKey() {
      writeFileSync(join(folder, "next-key.pem"), draft, { mode: 0o600 });
      return draft;
    },
  };
}

/** CONNACK leaves before the journal is written. */
function told(twin: TlsTwin, what: string | RegExp): Promise<void> {
  const fits = (line: string) => (typeof what === "string" ? line.includes(what) : what.test(line));
  return until(`the journal tells: ${what}`, () => twin.journal.some(fits));
}

function read(text: string): InvitationText {
  const invitation = decodeInvitation(text);
  if (invitation === undefined) throw new Error(`no invitation: ${text}`);
  return invitation;
}

function linkOf(
  twin: TlsTwin,
  gateway: string,
  store: IdentityStore,
  quality: ClockQuality = "synced",
  told: string[] = [],
) {
  const tell = (what: string, details?: object) =>
    void told.push(`${what} ${JSON.stringify(details)}`);
  const journal = { note: tell, warn: tell, error: tell };
  return createMqttLink({
    ...{ url: twin.url, gateway, connectMs: 5_000, keepaliveMs: 15_000 },
    identity: { store, journal, nowMs: () => Date.now(), quality: () => quality },
  });
}

function comeWith(twin: TlsTwin, store: IdentityStore, clientId: string) {
  const { key, certificate } = store.read() ?? {};
  return comeAs(twin, pick(key, certificate), clientId);
}

function pick(key: string | undefined, cert: string | undefined) {
  if (key === undefined || cert === undefined) throw new Error("it is not enrolled");
  return { key, cert };
}

/** One whose certificate is so old, connected, that asks for the next as often as it likes. */
async function oldGateway(twin: TlsTwin, days = 150) {
  twin.setClock(-days * DAY_MS);
  const store = await twin.enrol("gw-a");
  twin.setClock(0);
  const client = await comeWith(twin, store, "gw-a");
  return { renew: (key?: string) => renewal(client, key) };
}

/** What the twin answers when a certificate for this key is asked for. */
async function renewal(client: mqtt.MqttClient, key = makeKey()): Promise<string> {
  await client.subscribeAsync("racktrace/v1/gw-a/certificate");
  const answer = new Promise<string>((resolve) =>
    client.once("message", (_topic, payload) => resolve(payload.toString())),
  );
  const request = await makeRequest(key, "gw-a");
  await client.publishAsync("racktrace/v1/gw-a/renew", request, { qos: 1 });
  return answer;
}

function good(twin: TlsTwin): readonly string[] {
  const standing = twin.identities.certificates().filter(({ revokedMs }) => revokedMs === null);
  return standing.map(({ pem }) => pem);
}

async function comeAs(twin: TlsTwin, keys: { key?: string; cert?: string }, clientId: string) {
  const client = await mqtt.connectAsync(
    twin.url,
    {
      ...keys,
      clientId,
      reconnectPeriod: 0,
      rejectUnauthorized: false,
    },
    false,
  );
  onTestFinished(() => client.endAsync(true));
  return client;
}

async function revokeElsewhere(twin: TlsTwin, name: string) {
  const { openIdentities } = await import("../../src/store/identities.ts");
  const path = twin.identitiesPath;
  const list = openIdentities(path);
  list.revoke(name, Date.now(), "stolen from the van");
  list.close();
}
