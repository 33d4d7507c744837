/** The command that proves evidence, and the auditor who has a file and no twin. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProofFile, openProofFile } from "../../src/cli/proof-file.ts";
import type { ProofItem } from "../../src/store/proof-source.ts";
import { decodeBatch, encodeBatch } from "../../src/wire/codec.ts";
import { run } from "../support/command.ts";
import { openSealedSite } from "../support/sealed-site.ts";

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
  const compared = await run(["verify", "--data", site.folder, "--since", file]);
  expect(compared.stdout).toMatch(/^REMOVED {2}gw-1 [0-9a-f]+ 41 to 60/);
  expect(compared.status).toBe(1);
});

test("a numbering that was removed with all that names it leaves its places empty", {
  timeout: 120_000,
}, async () => {
  const site = full();
  site.put(10, "telemetry");
  site.sendAll(10, "telemetry");
  site.tamper((db) => {
    db.pragma("foreign_keys = OFF");
    db.exec("DELETE FROM seal WHERE position <= 60");
    db.exec("DELETE FROM segment WHERE numbering = 1");
    db.exec("DELETE FROM numbering WHERE id = 1");
  });
  const { stdout, status } = await run(["verify", "--data", site.folder]);
  expect(stdout).toContain("REMOVED  positions 1 to 60");
  expect(status).toBe(1);
});

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
