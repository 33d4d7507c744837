/** The command that proves evidence, and the auditor who has a file and no twin. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createProofFile, openProofFile } from "../../src/cli/proof-file.ts";
import type { Signer } from "../../src/ports.ts";
import type { ProofItem, ProofNumbering } from "../../src/store/proof-source.ts";
import type { SignerRow } from "../../src/store/seals.ts";
import { fingerprintOf, linkThrough, origin, sealed } from "../../src/wire/chain.ts";
import { decodeBatch, encodeBatch, encodeEvent } from "../../src/wire/codec.ts";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openSealedSite } from "../support/sealed-site.ts";
import { makeSigner } from "../support/signer.ts";

test("evidence is proven beside a twin that runs, and exported; an auditor proves the file alone", {
  timeout: 120_000,
}, async () => {
  const site = full();
  const file = join(site.folder, "audit.rte");
  const proven = await run(["verify", "--data", site.folder, "--export", file]);
  expect(proven.stderr).toBe("");
  expect(proven.stdout).toContain("60 events are as they were signed, none is missing");
  expect(proven.status).toBe(0);

  const audited = await run(["verify", "--file", file, "--json"]);
  expect(audited.status).toBe(0);
  const told = JSON.parse(audited.stdout);
  expect(told).toMatchObject({ holds: true, numberings: [{ signed: 60, headSeq: 60 }] });
  expect(told.keys[0].fingerprint).toMatch(/^([0-9a-f]{4} ){9}[0-9a-f]{4}$/);
  expect(proven.stdout).toContain(told.keys[0].fingerprint);
  expect(proven.stdout).toContain("compare each gateway's key by telephone");

  // Carried badly: said before anything is believed.
  const bytes = readFileSync(file);
  writeFileSync(`${file}.cut`, bytes.subarray(0, bytes.length - 100));
  const cut = await run(["verify", "--file", `${file}.cut`]);
  expect(cut.stderr).toContain("FILE_DAMAGED");
  expect(cut.status).toBe(1);

  // Worked on by somebody who made the sum fit again.
  rewrite(file, `${file}.forged`, (item) => {
    if (item.kind !== "segment" || item.firstSeq !== 21) return [item];
    const batch = decodeBatch(item.body);
    const events = batch.events.map((event) => Uint8Array.from(event));
    const event = events[4] as Uint8Array;
    event[event.length - 6] = (event[event.length - 6] ?? 0) ^ 1;
    return [{ ...item, body: encodeBatch({ ...batch, events }) }];
  });
  const forged = await run(["verify", "--file", `${file}.forged`]);
  expect(forged.stdout).toMatch(/^ALTERED {2}gw-1 [0-9a-f]+ 25, 2024-06-03T08:00:25\.000Z/);
  expect(forged.status).toBe(1);
});

test.each([
  ["--gateway", "gw-l"],
  ["--from", "2099-01-01"],
])("where there is nothing of %s %s, nothing is proven", { timeout: 120_000 }, async (...words) => {
  const site = full();
  const file = join(site.folder, "audit.rte");
  const { status, stdout } = await run([
    "verify",
    "--data",
    site.folder,
    "--export",
    file,
    ...words,
  ]);
  expect([status, stdout]).toEqual([1, expect.stringMatching(/^NOTHING WAS PROVEN/)]);
  const audited = await run(["verify", "--file", file, "--json"]);
  expect(audited.status).toBe(1);
  expect(JSON.parse(audited.stdout).holds).toBe(false);
});

test("damaged evidence is said to be that, and whoever looks takes nothing of what is left", {
  timeout: 120_000,
}, async () => {
  const site = full();
  site.tamper((db) => void db.pragma("wal_checkpoint(TRUNCATE)"));
  const folder = temporaryFolder();
  const path = join(folder, "evidence.db");
  const log = `${path}-wal`;
  for (const bytes of [readFileSync(site.evidencePath).fill("?", 4_096), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    writeFileSync(log, "what was acknowledged last");
    const { status, stderr } = await run(["verify", "--data", folder]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^EVIDENCE_CORRUPT.*\n.*backup/)]);
    expect(readFileSync(log, "utf8")).toBe("what was acknowledged last");
  }
});

test("a tail that was cut off without a trace is missed by an earlier export", {
  timeout: 120_000,
}, async () => {
  const site = full();
  const file = join(site.folder, "audit.rte");
  await run(["verify", "--data", site.folder, "--export", file]);
  site.tamper((db) => {
    db.exec("DELETE FROM seal WHERE position > 40");
    db.exec("DELETE FROM segment WHERE first_seq > 40");
    db.exec("UPDATE numbering SET through = 40");
  });
  expect((await run(["verify", "--data", site.folder])).status).toBe(0);
  const later = join(site.folder, "later.rte");
  await run(["verify", "--data", site.folder, "--export", later]);
  // Beside the twin, and by an auditor who has nothing but the two files.
  for (const here of [
    ["--data", site.folder],
    ["--file", later],
  ]) {
    const compared = await run(["verify", ...here, "--since", file]);
    expect(compared.stdout).toMatch(/^REMOVED {2}gw-1 [0-9a-f]+ 41 to 60/);
    expect(compared.status).toBe(1);
  }
});

test.each([
  ["with all that names it", "DELETE FROM segment WHERE numbering = 1"],
  ["and its batches left where nobody reads them", ""],
])(
  "a numbering that was removed %s leaves its places empty",
  {
    timeout: 120_000,
  },
  async (_how, more) => {
    const site = full();
    site.put(10, "telemetry");
    site.sendAll(10, "telemetry");
    site.tamper((db) => {
      db.pragma("foreign_keys = OFF");
      db.exec("DELETE FROM seal WHERE position <= 60");
      db.exec(`${more}; DELETE FROM numbering WHERE id = 1`);
    });
    const { stdout, status } = await run(["verify", "--data", site.folder]);
    expect(stdout).toContain("REMOVED  positions 1 to 60");
    expect(status).toBe(1);
  },
);

test.each(["--export", "--gateway", "--from", "--to", "--data", "--config"])(
  "of an exported file all is proven: %s beside it is refused, and not passed over",
  async (flag) => {
    const { status, stdout, stderr } = await run([
      "verify",
      "--file",
      "audit.rte",
      flag,
      "2026-11-22",
    ]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`cannot be used with option '${flag}`);
  },
);

describe("a file whose maker wants an auditor to read another key than the one that signed", () => {
  const genuine = makeSigner();
  const forger = makeSigner();
  const print = fingerprintOf(genuine.publicKey);
  const said = `gw-1  ${print}  known since 2026-01-01T00:00:00.000Z, by its enrolment\u001b[8m`;
  const row: SignerRow = {
    ...{ id: 1, gateway: "gw-1", key: forger.publicKey, sinceMs: 1 },
    how: "enrolment",
  };

  test("prints the key that signed first on its line, where nothing is out of the way", async () => {
    const { status, stdout } = await audited(forgedBy(forger, [row]));
    expect(status).toBe(0);
    expect(stdout).toContain(`\n${fingerprintOf(forger.publicKey)}  key of gw-1, known since`);
  });

  test.each([
    ["in the name of a gateway", [{ ...row, gateway: said }], { gateway: said }],
    ["in the name of another gateway", [row, { ...row, id: 2, gateway: said }], {}],
    ["as another key of the same number", [row, { ...row, key: genuine.publicKey }], {}],
    ["as the way by which it came to be known", [{ ...row, how: said as "own" }], {}],
    ["in the name of a numbering", [row], { epoch: `e  1-1  1 signed\n${said}` }],
    ["as a lane", [row], { lane: said as "scan" }],
    ["as a number", [row], { lastSeq: said as unknown as number }],
  ])("%s", async (_how, signers, more) => {
    const { status, stdout, stderr } = await audited(forgedBy(forger, signers, more));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^FILE_DAMAGED/);
    expect(stdout).toBe("");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  async function audited(path: string) {
    return run(["verify", "--file", path]);
  }
});

test("a numbering in the twin's files that no gateway can have begun is a finding, and moves no cursor", {
  timeout: 120_000,
}, async () => {
  const site = full();
  site.tamper((db) => void db.prepare("UPDATE numbering SET epoch = ?").run("e  1-60\u001b[2J"));
  const { stdout, status } = await run(["verify", "--data", site.folder]);
  expect(stdout).toMatch(/^ALTERED {2}gw-1 e\\x20\\x201-60\\x1b\[2J 1 to 60: no twin takes/m);
  expect(status).toBe(1);
});

test.each(["--from", "--to"])(
  "an earlier export is compared with all that is here: of a period (%s) whatever was quiet would be missed",
  async (flag) => {
    const { status, stderr } = await run(["verify", "--since", "audit.rte", flag, "2026-11-22"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("cannot be used with option")]);
  },
);

/** One event, signed, and all that stands beside it as its maker wants it. */
function forgedBy(
  signer: Signer,
  signers: readonly SignerRow[],
  more: Partial<Pick<ProofNumbering, "gateway" | "epoch" | "lane" | "lastSeq">> = {},
): string {
  const { gateway, epoch, lane, lastSeq } = {
    ...{ gateway: "gw-1", epoch: "e1", lane: "scan" as const, lastSeq: 1 },
    ...more,
  };
  const event = encodeEvent({
    ...{ boot: 1, gatewayTimeMs: 1, monotonicMs: 1, clock: "synced", sourceTimeMs: undefined },
    ...{ device: "d", body: { kind: "device-state", state: "open", reason: "" } },
  });
  const previous = origin(epoch, 0);
  const head = linkThrough(previous, 1, [event]);
  const times = { boot: 1, sentAtMs: 1, sentMonotonicMs: 1 };
  const batch = sealed(
    { ...times, gateway, epoch, lane: "scan", firstSeq: 1, goneThrough: 0, events: [event] },
    { begins: 0, released: 0, previous, head },
    signer,
  );
  const path = join(temporaryFolder(), "audit.rte");
  const file = createProofFile(path, signers);
  file.begin({ gateway, epoch, lane, firstSeq: 1, lastSeq, chainFrom: 0, before: undefined });
  file.put({
    ...{ kind: "segment", position: 1, takenInAtMs: 1, firstSeq: 1, events: 1, ...times },
    body: encodeBatch(batch),
    seal: { signer: 1, chainFrom: 0, link: head, marks: head.subarray(0, 4) },
  });
  file.finish();
  return path;
}

function full() {
  const site = openSealedSite();
  site.put(60);
  site.hello();
  site.sendAll(10);
  return site;
}

function rewrite(from: string, to: string, how: (item: ProofItem) => readonly ProofItem[]): void {
  const source = openProofFile(from);
  const target = createProofFile(to, source.signers);
  for (const { numbering, items } of source.parts()) {
    target.begin(numbering);
    for (const item of items) for (const one of how(item)) target.put(one);
  }
  target.finish();
  source.close();
}
