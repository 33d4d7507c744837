/** The rules of the house, over the whole source and over small pieces that break one each. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findings, readTable } from "./house.ts";

const root = new URL("../../", import.meta.url);

test("src and firmware-sim keep the rules of the house", () => {
  const paths = ["src", "firmware-sim"].flatMap(sourcesIn);
  expect(paths.length).toBeGreaterThan(20);
  const table = readTable();
  const broken = paths.flatMap((path) =>
    findings(path, readFileSync(new URL(path, root), "utf8"), table),
  );
  expect(broken.join("\n")).toBe("");
});

test("the table of src/README.md names each folder of src", () => {
  const entries = readdirSync(new URL("src", root), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const table = readTable();
  expect(folders.filter((folder) => !table.has(folder))).toEqual([]);
  expect(table.get("cli")).toContain("twin");
  expect(table.get("cli")).not.toContain("web");
});

describe("who may import whom", () => {
  test.each([
    ["src/reconcile/fold.ts", `import { readFileSync } from "node:fs";`],
    ["src/reconcile/fold.ts", `import fc from "fast-check";`],
    ["src/reconcile/fold.ts", `export { openDatabase } from "../store/database.ts";`],
    ["src/gateway/run.ts", `import { runTwin } from "../twin/run.ts";`],
    ["src/gateway/run.ts", `const twin = await import("../twin/run.ts");`],
    ["src/gateway/run.ts", `type Twin = import("../twin/run.ts").Twin;`],
    ["src/gateway/run.ts", `import { createClock } from "../io/clock.ts";`],
    ["src/twin/run.ts", `import { createDeframer } from "../devices/framing/deframe.ts";`],
    ["src/kernel/assert.ts", `import type { Clock } from "../ports.ts";`],
    ["src/ports.ts", `import type { Event } from "./wire/codec.ts";`],
    ["src/web/feed.ts", `import { decodeTyped } from "../barcode/decode.ts";`],
    ["src/cli/demo.ts", `import { feed } from "../web/feed.ts";`],
    ["src/cli/sim.ts", `import { world } from "../../firmware-sim/world.ts";`],
    ["src/twin/run.ts", `import { until } from "../../test/support/until";`],
    ["src/utils/text.ts", `import { x } from "./x.ts";`],
    ["firmware-sim/scanner.ts", `import { textOf } from "../src/barcode/text.ts";`],
    ["src/twin/admit.ts", `import protobuf from "protobufjs";`],
    ["src/twin/query.ts", `import Sqlite from "better-sqlite3";`],
    ["src/gateway/uplink.ts", `import mqtt from "mqtt";`],
  ])("%s may not: %s", (path, source) => {
    expect(findings(path, source)).toHaveLength(1);
    expect(findings(path, source)[0]).toContain(`${path}:1 `);
  });

  test.each([
    ["src/reconcile/fold.ts", `import { parseKey } from "../barcode/key.ts";`],
    ["src/gateway/run.ts", `import { openOutbox } from "../store/outbox.ts";`],
    ["src/store/outbox.ts", `import type { Committed } from "../ports.ts";`],
    ["src/cli/twin.ts", `import { runTwin } from "../twin/run.ts";`],
    ["src/io/journal.ts", `import { pino } from "pino";`],
    ["src/wire/codec.ts", `import protobuf from "protobufjs";`],
    ["firmware-sim/scanner.ts", `import mqtt from "mqtt";`],
  ])("%s may: %s", (path, source) => {
    expect(findings(path, source)).toEqual([]);
  });
});

describe("words with one home", () => {
  test.each([
    ["src/twin/ingest.ts", "const at = Date.now();"],
    ["src/twin/ingest.ts", "const at = new Date();"],
    ["src/twin/ingest.ts", "const at = performance.now();"],
    ["src/gateway/uplink.ts", "setTimeout(() => {}, 10);"],
    ["src/gateway/uplink.ts", "const wait = setInterval;"],
    ["src/gateway/uplink.ts", "const jitter = Math.random();"],
    ["src/io/clock.ts", "const home = process.env;"],
    ["src/store/outbox.ts", "process.exit(1);"],
    ["src/cli/demo.ts", `console.log("ready");`],
    ["src/web/main.ts", `console.error("lost");`],
    ["src/web/feed.ts", "setTimeout(() => {}, 10);"],
    ["src/twin/query.ts", "const rows = store.prepare(`SELECT 1`);"],
    ["src/twin/query.ts", `db.exec("VACUUM");`],
    ["src/twin/query.ts", `store.pragma("wal_checkpoint");`],
    ["src/gateway/intake.ts", "const proof = { firstSeq: 1 } as Committed;"],
    ["src/gateway/intake.ts", "const proof = {} as unknown as Committed;"],
  ])("%s may not say: %s", (path, source) => {
    expect(findings(path, source)).toHaveLength(1);
    expect(findings(path, source)[0]).toContain(`${path}:1 uses `);
  });

  test.each([
    ["src/io/clock.ts", "const at = Date.now(); setTimeout(() => {}, 1); Math.random();"],
    ["src/cli/gateway.ts", "process.exitCode = 1;"],
    ["src/io/outbox-worker.ts", "process.exit(0);"],
    ["src/store/outbox.ts", `const proof = db.prepare("SELECT 1").get() as Committed;`],
    ["src/barcode/label.ts", "const match = PATTERN.exec(text);"],
    ["src/twin/ingest.ts", "const at = new Date(takenInAtMs); // not Date.now()"],
    ["src/twin/ingest.ts", `const why = "setTimeout and console.log are words in a text";`],
    ["src/twin/ingest.ts", "const told = { process: 1 }.process; type T = { console: string };"],
    ["src/web/clock.ts", "setTimeout(() => {}, Math.random());"],
  ])("%s may say: %s", (path, source) => {
    expect(findings(path, source)).toEqual([]);
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes("node_modules"))
    .map((name) => `${folder}/${name}`);
}
