/** Files of keys that a disk has damaged: what is begun anew, what is not, and what a person is told. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openAuthority } from "../../src/io/authority.ts";
import { makeKey } from "../../src/io/certificates.ts";
import { openIdentity } from "../../src/io/identity.ts";
import { openSigningKey, readSigningKey } from "../../src/io/signing-key.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openTlsTwin } from "../support/tls-twin.ts";

const KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/;
const DAMAGE: readonly (readonly [string, (text: string) => string])[] = [
  ["empty", () => ""],
  ["cut off", (text) => text.slice(0, text.length / 2)],
  ["other bytes within", (text) => text.replaceAll(/-\n\w{8}/g, "-\nAAAAAAAA")],
];
const OTHER_KEY = [
  "with another key in it",
  (text: string) => text.replace(KEY, makeKey()),
] as const;

describe.each(DAMAGE)("%s", (_what, damage) => {
  test("what a gateway would ask a certificate with is made anew", () => {
    const folder = temporaryFolder();
    const before = openIdentity(folder).draftKey();
    spoil(join(folder, "next-key.pem"), damage);
    const after = openIdentity(folder).draftKey();
    expect(after).toMatch(KEY);
    expect(after).not.toBe(before);
    expect(openIdentity(folder).draftKey()).toBe(after);
  });

  test("what a program signs with is set aside, and another is made", () => {
    const folder = temporaryFolder();
    openSigningKey(folder, fail);
    const path = join(folder, "signing-key.pem");
    spoil(path, damage);
    const spoilt = readFileSync(path, "utf8");
    expect(() => readSigningKey(folder)).toThrow(`KEY_DAMAGED: ${path}`);

    const told: string[] = [];
    const { publicKey } = openSigningKey(folder, (aside) => void told.push(aside.path));

    expect(told.map((aside) => readFileSync(aside, "utf8"))).toEqual([spoilt]);
    expect(openSigningKey(folder, fail).publicKey).toEqual(publicKey);
  });
});

describe.each([...DAMAGE, OTHER_KEY])("%s", (_what, damage) => {
  test("a gateway's certificate is told by its name, for as long as it is not enrolled anew", async () => {
    const twin = await openTlsTwin();
    const { key, certificate, authority } = (await twin.enrol("gw-a")).read() ?? {};
    const folder = temporaryFolder();
    writeFileSync(join(folder, "identity.pem"), damage(`${key}${certificate}${authority}`));
    expect(() => openIdentity(folder).read()).toThrow(/KEY_DAMAGED: .*identity.pem/);
  });

  test("the authority is not replaced, and its door's certificate is", async () => {
    const folder = temporaryFolder();
    const authority = await openAuthority(folder, "a twin");
    await authority.doorKeys([], Date.now());
    spoil(join(folder, "door.pem"), damage);
    const { certificate } = await authority.doorKeys([], Date.now());
    expect(readFileSync(join(folder, "door.pem"), "utf8")).toContain(certificate);

    spoil(join(folder, "authority.pem"), damage);
    const spoilt = readFileSync(join(folder, "authority.pem"), "utf8");
    await expect(openAuthority(folder, "a twin")).rejects.toMatchObject({ code: "KEY_DAMAGED" });
    expect(readFileSync(join(folder, "authority.pem"), "utf8")).toBe(spoilt);
    expect(readdirSync(folder).sort()).toEqual(["authority.pem", "door.pem"]);
  });
});

function spoil(path: string, damage: (text: string) => string): void {
  writeFileSync(path, damage(readFileSync(path, "utf8")));
}

function fail(): never {
  throw new Error("it was not damaged");
}
