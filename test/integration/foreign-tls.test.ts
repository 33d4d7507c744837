/**
 * Clients and a scanner of other makers at the twin's door: mosquitto's with a right, a wrong, an expired
 * and a revoked certificate, and sslscan. Debian has them (mosquitto-clients, sslscan); CI installs them.
 */
import { describe, expect, test } from "vitest";
import { asFiles, DAY_MS, openTlsTwin, runForeign, type TlsTwin } from "../support/tls-twin.ts";
import { until } from "../support/until.ts";
import { hasProgram, wanted } from "../support/wanted.ts";

const hasMosquitto = wanted(
  "the twin's TLS door with clients of another maker",
  hasProgram("mosquitto_pub", "--help"),
  "apt-get install mosquitto-clients",
);
const hasScanner = wanted(
  "the twin's TLS door with a scanner",
  hasProgram("sslscan", "--version"),
  "apt-get install sslscan",
);

describe.skipIf(!hasMosquitto)("mosquitto_pub and mosquitto_sub", () => {
  test("with a right certificate are let in, say what is theirs and hear what is theirs", async () => {
    const twin = await openTlsTwin();
    const files = asFiles(await twin.enrol("gw-a"));
    expect(await publish(twin, files, "gw-a")).toMatchObject({ status: 0 });
    expect(twin.taken).toEqual(["gw-a hello from afar"]);

    const heard = subscribe(twin, files, "gw-a", "racktrace/v1/gw-a/ack");
    const telling = setInterval(() => twin.broker.send("gw-a", "ack", Buffer.from("well")), 100);
    expect(await heard).toMatchObject({ status: 0, said: "well\n" });
    clearInterval(telling);
    const other = await subscribe(twin, files, "gw-a", "racktrace/v1/gw-b/ack");
    expect(other.said).toMatch(/denied|rejected|not authori[sz]ed/i);
    const wild = await subscribe(twin, files, "gw-a", "#");
    expect(wild.said).toMatch(/denied|rejected|not authori[sz]ed/i);
  });

  test("with a certificate of somebody else are refused", async () => {
    const [twin, other] = [await openTlsTwin(), await openTlsTwin()];
    const { cert, key } = asFiles(await other.enrol("gw-a"));
    const { ca } = asFiles(await twin.enrol("gw-b"));
    await refused(twin, { ca, cert, key }, "not of this authority");
  });

  test("with a certificate that has expired are refused", async () => {
    const twin = await openTlsTwin();
    twin.setClock(-400 * DAY_MS);
    const files = asFiles(await twin.enrol("gw-a"));
    twin.setClock(0);
    await refused(twin, files, "its certificate has expired");
  });

  test("with a certificate that was revoked are refused", async () => {
    const twin = await openTlsTwin();
    const files = asFiles(await twin.enrol("gw-a"));
    expect(await publish(twin, files, "gw-a")).toMatchObject({ status: 0 });
    twin.identities.revoke("gw-a", Date.now(), "stolen from the van");
    await refused(twin, files, "stolen from the van");
    expect(twin.taken).toHaveLength(1);
  });

  test("without a certificate, or under another's name, are refused", async () => {
    const twin = await openTlsTwin();
    const files = asFiles(await twin.enrol("gw-a"));
    await refused(twin, { ca: files.ca }, "it must be enrolled first");
    expect((await publish(twin, files, "gw-b")).status).not.toBe(0);
    await told(twin, "its certificate is of gw-a");
  });
});

test.skipIf(!hasScanner)("a TLS scanner finds nothing of medium weight or above", async () => {
  const twin = await openTlsTwin();
  const words = ["--no-colour", "--show-certificate", `127.0.0.1:${twin.port}`];
  const { said } = await runForeign("sslscan", words);
  const found = said.split("\n").map((line) => line.trim());

  for (const old of ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"])
    expect(
      found.find((line) => line.startsWith(old)),
      said,
    ).toMatch(/disabled$/);
  for (const now of ["TLSv1.2", "TLSv1.3"])
    expect(found.find((line) => line.startsWith(now))).toMatch(/enabled$/);
  const ciphers = found.filter((line) => /^(Preferred|Accepted)/.test(line));
  expect(ciphers.length).toBeGreaterThanOrEqual(5);
  for (const cipher of ciphers)
    expect(cipher).toMatch(/TLS_(AES|CHACHA20)|ECDHE-ECDSA-.*(GCM|POLY1305)/);
  expect(ciphers.join()).not.toMatch(/RC4|DES|NULL|EXP|MD5|SHA\b|anon/i);
  expect(said).toMatch(/Session renegotiation not supported/);
  expect(said).not.toMatch(/Compression enabled/i);
  expect(said).not.toMatch(/(?<!not )vulnerable to heartbleed/);
  expect(said).toMatch(/Signature Algorithm: ecdsa-with-SHA256/);
  expect(said).toContain("DNS:door.racktrace.internal");
  process.stdout.write(`sslscan: ${ciphers.length} ciphers, TLS 1.2 and 1.3 only, nothing weak\n`);
});

type Files = { readonly ca: string; readonly cert?: string; readonly key?: string };

function wordsFor({ port }: TlsTwin, { ca, cert, key }: Files, id: string): string[] {
  const mine = cert === undefined || key === undefined ? [] : ["--cert", cert, "--key", key];
  return ["-h", "localhost", "-p", `${port}`, "-i", id, "--cafile", ca, ...mine, "-q", "1"];
}

function publish(twin: TlsTwin, files: Files, id: string) {
  const what = ["-t", `racktrace/v1/${id}/hello`, "-m", "from afar"];
  return runForeign("mosquitto_pub", [...wordsFor(twin, files, id), ...what]);
}

function subscribe(twin: TlsTwin, files: Files, id: string, topic: string) {
  return runForeign("mosquitto_sub", [
    ...wordsFor(twin, files, id),
    "-t",
    topic,
    "-C",
    "1",
    "-W",
    "20",
  ]);
}

async function refused(twin: TlsTwin, files: Files, why: string): Promise<void> {
  const { status, said } = await publish(twin, files, "gw-a");
  expect(status, said).not.toBe(0);
  expect(said).toMatch(/not authori[sz]ed|refused/i);
  await told(twin, why);
}

function told(twin: TlsTwin, why: string): Promise<void> {
  return until(`the journal tells: ${why}`, () => twin.journal.some((line) => line.includes(why)));
}
