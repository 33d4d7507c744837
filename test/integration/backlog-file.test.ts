/**
 * A gateway without a line: what waits there is carried to the twin as a file, and is there once, whatever
 * becomes of the file and however often it is brought.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { OUTBOX_FILE } from "../../src/io/outbox-thread.ts";
import { openSigningKey } from "../../src/io/signing-key.ts";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { connectGateway, scan } from "../support/pretended-gateway.ts";
import { freePort, type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const EVENTS = 3_000;

test("a backlog is exported, imported, and forgotten by the gateway: none is lost, none is doubled", {
  timeout: 240_000,
}, async () => {
  const { folder, gateway, twin, brokerPort } = await startSite();
  await publish(gateway, 0, EVENTS);
  const file = join(folder, "backlog.rtb");
  const words = ["outbox", "export", "--data", join(folder, "gateway"), "--name", "gw"];

  // Beside the running gateway.
  const exported = await run([...words, "--backlog", file]);
  expect(exported.stderr).toContain(`0 scans and ${EVENTS} events of telemetry`);
  expect((await run([...words, "--backlog", file])).stderr).toContain("is there already");
  const configured = ["outbox", "export", "--config", join(folder, "gateway.yaml")];
  const same = await run([...configured, "--backlog", `${file}.same`]);
  expect(same.stderr).toContain(`0 scans and ${EVENTS} events of telemetry`);
  const to = ["--twin", twin.address["http"] ?? ""];

  // Whoever it is, nobody has compared the key yet.
  const stranger = await run(["import", file, ...to]);
  expect(stranger.stderr).toContain("BACKLOG_REFUSED");
  const key = (await run(["gateway", "key", "--data", join(folder, "gateway")])).stdout.trim();
  expect(stranger.stderr).toContain(key);
  const wrong = await run(["import", file, "--key", key.replace(/^./, "x"), ...to]);
  expect(wrong.status).toBe(1);

  // Cut short on the way: what is whole is taken in, and more of it is not.
  const bytes = readFileSync(file);
  writeFileSync(`${file}.cut`, bytes.subarray(0, Math.floor(0.9 * bytes.length)));
  const cut = await run(["import", `${file}.cut`, "--key", key, "--json", ...to]);
  expect(cut.stderr).toContain("FILE_DAMAGED");
  expect(cut.status).toBe(1);
  const { taken } = JSON.parse(cut.stdout);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(EVENTS);

  // Altered on the way: the gateway's signature tells, and nothing of that batch is taken in.
  copyFileSync(file, `${file}.altered`);
  const altered = Buffer.from(bytes);
  const at = Math.floor(0.9 * altered.length);
  altered[at] = (altered[at] ?? 0) ^ 1;
  writeFileSync(`${file}.altered`, altered);
  const refused = await run(["import", `${file}.altered`, ...to]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/signature|cannot be|sum over|not safe|unpack/);

  const imported = await run(["import", file, "--json", ...to]);
  expect(imported.stderr).toBe("");
  expect(JSON.parse(imported.stdout)).toMatchObject({ taken: EVENTS - taken, known: taken });
  const again = await run(["import", file, "--json", ...to]);
  expect(JSON.parse(again.stdout)).toMatchObject({ taken: 0, known: EVENTS });

  // More comes at the gateway, and then the line.
  await publish(gateway, EVENTS, 50);
  expect((await waiting(gateway))["telemetry"]).toBe(EVENTS + 50);
  await gateway.stop();
  const line = await startGateway(folder, `mqtt://127.0.0.1:${brokerPort}`);
  await until("the gateway forgets what the twin has", async () => {
    const { telemetry, scan } = await waiting(line);
    return telemetry === 0 && scan === 0;
  });
  const values = await valuesIn(twin);
  expect(values.length).toBe(EVENTS + 50);
  expect(new Set(values).size).toBe(EVENTS + 50);

  const proven = await run(["verify", "--data", join(folder, "twin"), "--json"]);
  const { holds, keys } = JSON.parse(proven.stdout);
  expect(holds).toBe(true);
  expect(keys).toContainEqual(expect.objectContaining({ fingerprint: key, how: "by-hand" }));
});

test("what was scanned days before the file was made, or brought, is told as of when it was scanned", async () => {
  const folder = temporaryFolder();
  const twin = await startTwin(folder, await freePort());
  // Of a gateway that had been running for a day then, and ran on.
  const dayMs = 86_400_000;
  const scannedMs = Date.now() - 3 * dayMs;
  const times = [0, 1_000].map((ms) => ({
    ...{ gatewayTimeMs: scannedMs + ms, monotonicMs: dayMs + ms },
  }));
  const { file, key } = await exported(
    folder,
    [PAGE, FOLDER].map((code, n) => scan(code, times[n])),
  );

  const to = ["--twin", twin.address["http"] ?? ""];
  const imported = await run(["import", file, "--key", key, ...to]);
  expect(imported.stdout).toContain("2 events taken in");
  const { stdout } = await run(["history", "(253)9521234000013N00001P01", "--json", ...to]);
  const scanned = times.map(({ gatewayTimeMs }) => new Date(gatewayTimeMs).toISOString());
  expect(scanned).toContain(JSON.parse(stdout).moves[0].from);
  expect((await run(["discrepancies", ...to])).stdout).not.toContain("clock");
});

test("what a file has wrong is told to whoever brings it, and not over the line of a gateway of that name", async () => {
  const folder = temporaryFolder();
  const twin = await startTwin(folder, await freePort());
  const { file, key } = await exported(folder, [scan(PAGE)]);
  const bytes = readFileSync(file);
  const at = bytes.indexOf("N00001P01");
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(`${file}.altered`, bytes);
  // The box that took the place of the one with the file.
  const other = await connectGateway(twin.address["broker"] ?? "", "gw");
  onTestFinished(() => other.end());

  const to = ["--key", key, "--twin", twin.address["http"] ?? ""];
  const importAltered = () => run(["import", `${file}.altered`, ...to]);
  expect((await importAltered()).stderr).toContain("signature");
  expect((await run(["import", file, ...to])).stdout).toContain("1 events taken in");
  // Nor is it taken for another event that the gateway sent under that number.
  expect((await importAltered()).stderr).toContain("signature");
  await other.send({ epoch: "its-own", events: [scan(FOLDER)] });
  await other.ack("its-own", ({ through }) => through === 1);
  expect(other.acks.map(({ epoch }) => epoch)).toEqual(["its-own"]);
});

test.each([
  ["in a batch of their own", 2_500],
  ["in the batch that it begins in", 2_000],
])(
  "what is only in a file comes in, also behind events that its gateway declared gone since, %s",
  async (_, through) => {
    const folder = temporaryFolder();
    const twin = await startTwin(folder, await freePort());
    const scans = Array.from({ length: EVENTS }, (_, n) => scan(`]C0${n}`));
    const { file, key, epoch } = await exported(folder, scans);
    // It had its line for a moment, and then its box was lost.
    const gateway = await connectGateway(twin.address["broker"] ?? "", "gw");
    await gateway.send({ epoch, firstSeq: 11, goneThrough: 10, events: scans.slice(10, through) });
    await gateway.ack(epoch, (ack) => ack.through === through);
    await gateway.end();

    const to = ["--key", key, "--json", "--twin", twin.address["http"] ?? ""];
    const imported = await run(["import", file, ...to]);
    expect(imported.status).toBe(1);
    expect(imported.stderr).toContain("they were declared gone");
    expect(JSON.parse(imported.stdout)).toMatchObject({ taken: EVENTS - through });
  },
);

test("a file that was made under another gateway's name is refused: its events would be here twice", async () => {
  const folder = temporaryFolder();
  const twin = await startTwin(folder, await freePort());
  const { file, key, epoch } = await exported(folder, [scan(PAGE), scan(FOLDER)]);
  const gateway = await connectGateway(twin.address["broker"] ?? "", "its-own-name");
  onTestFinished(() => gateway.end());
  await gateway.send({ epoch, events: [scan(PAGE)] });
  await gateway.ack(epoch, ({ through }) => through === 1);

  const imported = await run(["import", file, "--key", key, "--twin", twin.address["http"] ?? ""]);
  expect(imported.stderr).toContain(`${epoch} is of its-own-name`);
  expect(imported.stdout).toBe("");
});

const PAGE = "]d22539521234000013N00001P01";
const FOLDER = "]d2800309521234005001F0001";

/** What waits at a gateway that is not running, in a file. */
async function exported(folder: string, scans: readonly Uint8Array[]) {
  const data = join(folder, "gateway");
  mkdirSync(data);
  openSigningKey(data, ({ reason }) => expect.unreachable(reason));
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const { outbox } = openOutbox({ path: join(data, OUTBOX_FILE), nowMs: Date.now }, limits);
  const events = scans.map((bytes) => ({ bytes, origin: undefined, retransmission: false }));
  outbox.flush([{ kind: "put", lane: "scan", events }]);
  const { epoch } = outbox.state("scan");
  outbox.close("stopped");
  const file = join(folder, "backlog.rtb");
  await run(["outbox", "export", "--data", data, "--name", "gw", "--backlog", file]);
  return { file, epoch, key: (await run(["gateway", "key", "--data", data])).stdout.trim() };
}

async function startSite() {
  const folder = temporaryFolder();
  const brokerPort = await freePort();
  mkdirSync(join(folder, "gateway"));
  const twin = await startTwin(folder, brokerPort);
  // Nobody answers there.
  const gateway = await startGateway(folder, `mqtt://127.0.0.1:${await freePort()}`);
  return { folder, gateway, twin, brokerPort };
}

async function startTwin(folder: string, brokerPort: number): Promise<Program> {
  const data = join(folder, "twin");
  mkdirSync(data);
  const ports = ["--http", "127.0.0.1:0", "--broker", `127.0.0.1:${brokerPort}`];
  const twin = await startProgram(["twin", "--data", data, ...ports], data);
  onTestFinished(() => twin.kill());
  return twin;
}

async function startGateway(folder: string, url: string): Promise<Program> {
  const data = join(folder, "gateway");
  const config = join(folder, "gateway.yaml");
  writeFileSync(
    config,
    `version: 1
gateway: gw
data: ${data}
http: { host: 127.0.0.1, port: 0 }
twin: { url: "${url}" }
mqtt:
  host: 127.0.0.1
  port: 0
  mappings:
    - { topic: load/+/count, device: "{1}", payload: number, readings: [{ property: count, unit: "1" }] }
`,
  );
  const gateway = await startProgram(["gateway", "--config", config], data);
  onTestFinished(() => gateway.kill());
  return gateway;
}

async function publish(gateway: Program, from: number, count: number): Promise<void> {
  const client = await mqtt.connectAsync(gateway.address["mqtt"] ?? "");
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      client.publishAsync("load/a/count", `${from + n}`, { qos: 1 }),
    ),
  );
  await client.endAsync();
}

async function waiting(gateway: Program): Promise<Record<string, number>> {
  const health = await (await fetch(`${gateway.address["http"]}/healthz`)).json();
  const { lanes } = health as { lanes: { lane: string; waiting: number }[] };
  return Object.fromEntries(lanes.map((one) => [one.lane, one.waiting]));
}

async function valuesIn({ address, headers }: Program): Promise<readonly number[]> {
  const values: number[] = [];
  for (let after = 0; ; ) {
    const asked = `${address["http"]}/api/v1/events?after=${after}&limit=5000`;
    const { events, next } = (await (await fetch(asked, { headers })).json()) as {
      events: { readings?: { property: string; value: number }[] }[];
      next: number;
    };
    for (const { readings = [] } of events)
      for (const { property, value } of readings) if (property === "count") values.push(value);
    if (next === after) return values;
    after = next;
  }
}
