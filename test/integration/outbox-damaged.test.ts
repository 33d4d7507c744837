/** A gateway that finds its outbox damaged, and the person who sees to what stands aside. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { encodeEvent } from "../../src/wire/codec.ts";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";

test("a damaged outbox stands aside until it is seen to; what can be read of it is salvaged", {
  timeout: 120_000,
}, async () => {
  const data = join(temporaryFolder(), "gateway");
  mkdirSync(data);
  leaveDamaged(data);

  const words = ["gateway", "--data", data, "--name", "gw", "--twin", "mqtt://127.0.0.1:1"];
  const ports = ["--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const gateway = await startProgram([...words, ...ports], data);
  onTestFinished(() => gateway.kill());
  const health = await (await fetch(`${gateway.address["http"]}/healthz`)).json();
  const { reasons } = health as { reasons: { what: string; detail: string }[] };
  const aside = reasons.find(({ what }) => what === "outbox-set-aside");
  expect(aside?.detail).toContain("outbox.db.corrupt-");

  const checked = await run(["outbox", "check", "--data", data]);
  expect(checked.status).toBe(1);
  expect(checked.stdout).toContain("outbox.db is sound");
  expect(checked.stdout).toContain("was set aside");

  // Of two that stand aside nothing is left of the first.
  const lost = join(data, "outbox.db.corrupt-20010101T000000Z");
  writeFileSync(lost, "no database ".repeat(500));
  const found = await run(["outbox", "check", "--file", lost]);
  expect(found).toMatchObject({ status: 1, stdout: `${lost}: file is not a database\n` });
  const salvaged = await run(["outbox", "salvage", "--data", data]);
  expect(salvaged.status).toBe(1);
  expect(salvaged.stderr).toContain(`${lost}: file is not a database: nothing of it can be read\n`);
  expect(salvaged.stderr).toContain("30 events, 1 of them altered, 0 missing");
  const lines = salvaged.stdout.trim().split("\n");
  expect(lines).toHaveLength(30);
  expect(JSON.parse(lines[4] ?? "")).toMatchObject({ lane: "telemetry", seq: 5, device: "d5" });
  await gateway.kill();
});

test("what cannot be read to its end leaves no file, nor half of one: the next try may have the name", async () => {
  const data = temporaryFolder();
  const path = join(data, "outbox.db");
  const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 23 });
  const { outbox } = openOutbox({ path, nowMs: () => 1e12 }, limits);
  const events = Array.from({ length: 1_000 }, (_, n) => ({
    ...{ bytes: Buffer.from(`event ${n} ${"x".repeat(100)}`), origin: undefined },
  }));
  outbox.flush([{ kind: "put", lane: "scan", events }]);
  outbox.close("stopped");
  const bytes = readFileSync(path);
  const page = bytes.indexOf("event 700 ") & ~4095;
  writeFileSync(path, bytes.fill(0, page, page + 4096));

  const file = join(data, "export.jsonl");
  const exported = await run(["outbox", "export", "--data", data, "--out", file]);
  expect(exported.status).toBe(1);
  expect(exported.stderr).toContain("malformed");
  expect(readdirSync(data).filter((name) => name.startsWith("export"))).toEqual([]);
});

/** Thirty readings, one of which is not as it was, in the file of a gateway that met it and ended. */
function leaveDamaged(data: string): void {
  const path = join(data, "outbox.db");
  const file = { path, nowMs: () => 1e12 };
  const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 23 });
  const { outbox } = openOutbox(file, limits);
  const events = Array.from({ length: 30 }, (_, at) => ({
    bytes: encodeEvent({
      ...{ device: `d${at + 1}`, boot: 1, gatewayTimeMs: 1e12 + at, monotonicMs: at },
      ...{ clock: "synced", sourceTimeMs: undefined },
      body: { kind: "sensor", readings: [{ property: "power", value: at, unit: "W" }] },
    }),
    origin: undefined,
  }));
  outbox.flush([{ kind: "put", lane: "telemetry", events }]);
  outbox.close("stopped");
  const bytes = readFileSync(path);
  const at = bytes.indexOf("d17");
  bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const met = openOutbox(file, limits).outbox;
  expect(() => met.peek("telemetry", 1, { events: 99, bytes: 1e6 })).toThrow("was altered");
  met.close("abandoned");
}
