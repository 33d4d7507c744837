/**
 * A twin whose disk was lost and that was restored from a copy, as deploy/runbook.md says: it asks for what
 * came after the copy, and gets what the gateway still holds. Real programs, scans from a tty, and a list of
 * what was scanned that is kept here.
 */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import mqtt from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { openSite } from "../gate/site.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

/** As long as a name may be: fewer readings fill the disk. */
const DEVICE = "many-".padEnd(120, "x");
/** At least, of an event of the wire with its share of a row. */
const READING_BYTES = 50 + DEVICE.length;

test("what came after the copy is sent again, each event once and in order", {
  timeout: 120_000,
}, async () => {
  const site = await open();
  await site.scan(1, 20);
  await site.copy();
  await site.scan(21, 60);
  await site.restore();
  await site.scan(61, 65);
  await site.drained();

  expect(await site.scans()).toEqual(labels(1, 65));
  expect(await site.missing("scan")).toMatchObject({ events: 0, ranges: [], next: "" });
  expect(await site.discrepancies()).toEqual([]);
});

test("what the gateway has no more is a hole that is named, and the rest is sent again", {
  timeout: 120_000,
}, async () => {
  const site = await open();
  await site.scan(1, 20);
  await site.copy();
  await site.scan(21, 60);
  await site.spendTheDisk();
  await site.scan(61, 65);
  await site.restore();
  await site.scan(66, 70);
  await site.drained();

  expect(await site.scans()).toEqual([...labels(1, 20), ...labels(61, 70)]);
  expect(await site.missing("scan")).toMatchObject({
    events: 40,
    ranges: [{ firstSeq: expect.any(Number), lastSeq: expect.any(Number) }],
    next: expect.stringContaining("sequence_gap"),
  });
  expect(await site.discrepancies()).toMatchObject([
    { kind: "sequence_gap", subject: "gw-gate", reason: expect.stringContaining("missing before") },
  ]);
});

async function open() {
  const folder = temporaryFolder();
  const pty = openPty();
  const site = await openSite({
    folder,
    scanners: [{ path: pty.path, kind: "plain" }],
    // The least there is, so that a test can spend it.
    gateway: { outbox: { bytesMax: 1_048_576, telemetryBytesMax: 524_288 } },
  });
  onTestFinished(() => site.close());
  await site.start("twin");
  await site.start("gateway");
  await until("the scanner's line is open", async () =>
    (await site.health()).scanners.every(({ state }) => state === "open"),
  );
  const evidence = join(site.data.twin, "evidence.db");
  const copy = join(folder, "copy.db");

  async function ask<T>(path: string): Promise<T> {
    const response = await fetch(`${site.twinHttp}/api/v1/${path}`, { headers: site.headers() });
    return (await response.json()) as T;
  }
  const scans = async () => {
    const found: string[] = [];
    for (let after = 0, more = true; more; ) {
      const { events, next } = await ask<Events>(`events?after=${after}&limit=5000`);
      found.push(...events.flatMap(({ scan }) => (scan ? [scan.text.slice(3)] : [])));
      more = next > after;
      after = next;
    }
    return found;
  };

  return {
    scans,
    drained: () => site.drained(),
    async scan(first: number, last: number) {
      for (const label of labels(first, last)) await pty.write(`]d2${label}\r`);
      const [newest] = labels(last, last);
      await until("the twin has the last of them", async () =>
        (await scans()).includes(newest as string),
      );
    },
    /** As an operator makes one while the twin runs. */
    async copy() {
      const db = new Sqlite(evidence, { readonly: true });
      await db.backup(copy);
      db.close();
    },
    /** The disk is gone, and the copy is put where the evidence was. */
    async restore() {
      await site.kill("twin");
      for (const name of ["evidence.db", "twin.db"])
        for (const part of ["", "-wal", "-shm"])
          rmSync(join(site.data.twin, name + part), { force: true });
      copyFileSync(copy, evidence);
      await site.start("twin");
    },
    /** Readings until there is no room for what the twin has already. */
    async spendTheDisk() {
      await site.kill("twin");
      const device = mqtt.connect(site.mqttUrl, { clientId: "many" });
      const readings = Math.ceil(600_000 / READING_BYTES);
      for (let n = 0; n < readings; n += 500)
        await Promise.all(
          Array.from({ length: 500 }, (_, at) =>
            device.publishAsync(`load/${DEVICE}/count`, String(n + at), { qos: 1 }),
          ),
        );
      await device.endAsync();
      await site.start("twin");
      await site.drained();
    },
    async missing(lane: string) {
      const gateways = await ask<readonly { lanes: readonly Lane[] }[]>("gateways");
      return gateways.flatMap(({ lanes }) => lanes).find((one) => one.lane === lane)?.missing;
    },
    async discrepancies() {
      return (await ask<{ open: readonly { kind: string }[] }>("discrepancies")).open.filter(
        ({ kind }) => kind === "sequence_gap",
      );
    },
  };
}

type Events = {
  readonly events: readonly { readonly scan?: { readonly text: string } }[];
  readonly next: number;
};
type Lane = { readonly lane: string; readonly missing: unknown };

function labels(first: number, last: number): readonly string[] {
  return Array.from(
    { length: last - first + 1 },
    (_, n) => `2539521234000013A${String(first + n).padStart(7, "0")}`,
  );
}
