/** The gateway as a program: what an operator starts, breaks and stops. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, type Program, startProgram } from "../support/programs.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

// Real processes on a machine that others use too.
vi.setConfig({ testTimeout: 90_000 });

test("scans and readings of real devices reach the twin, and the outbox empties", async () => {
  const site = await createSite();
  const twin = await site.twin();
  const pty = openPty();
  plugIn(site.ttyPath, pty);
  const gateway = await site.gateway();
  await until("the line is open", async () => (await health(gateway)).scanners[0].state === "open");

  await pty.write("]C1(not a real element string)\r");
  const device = mqtt.connect(String(gateway.address["mqtt"]), { reconnectPeriod: 0 });
  await device.publishAsync("dc1/shelf-7/climate", '{"temperature":21.5}', { qos: 1 });
  await device.publishAsync("no/mapping", "x", { qos: 1 });
  await device.endAsync();

  await until("all of it is acknowledged by the twin", async () => {
    const { lanes } = await health(gateway);
    return lanes.every((lane: Lane) => lane.waiting === 0 && lane.lastSeq > 0);
  });
  expect(await health(gateway)).toMatchObject({ status: "ok", reasons: [] });
  const [known] = await ask(`${twin.address["http"]}/api/v1/gateways`, twin.headers);
  expect(known).toMatchObject({ gateway: "gw-test", connected: true });
  expect(known.lanes.map(({ lane }: Lane) => lane).sort()).toEqual(["scan", "telemetry"]);

  const figures = await text(`${gateway.address["http"]}/metrics`);
  for (const line of [
    'scans_total{scanner="desk"} 1',
    'mqtt_messages_total{outcome="quarantined"} 1',
    'commit_duration_seconds_count{lane="scan"} 1',
    'outbox_waiting_events{lane="scan"} 0',
    "uplink_connected{} 1",
  ])
    expect(figures).toContain(`racktrace_gateway_${line}`);
  expect(figures).toContain("process_resident_memory_bytes");

  await until(
    "the twin's word on the scan is there for whoever stands beside the gateway",
    async () => {
      const { scans, link } = JSON.parse(await text(`${gateway.address["http"]}/status.json`));
      return link.connected && scans[0].fate === "unknown" && scans[0].why !== "";
    },
  );

  const [entry] = jsonLines(site.outbox("quarantine", "--json"));
  expect(entry).toMatchObject({ source: expect.stringContaining("no/mapping"), bytes: "eA==" });
  expect(await gateway.stop()).toBe(0);
});

test("without twin and scanner the gateway runs, says what is missing, and shows what waits", async () => {
  const site = await createSite();
  const gateway = await site.gateway();
  await until("it says what is missing", async () => (await health(gateway)).reasons.length === 2);
  const { status, reasons } = await health(gateway);
  expect(status).toBe("degraded");
  expect(reasons).toEqual([
    { what: "twin-away", detail: expect.stringMatching(/^LINK_LOST: .*ECONNREFUSED/) },
    { what: "port-absent", detail: expect.stringMatching(/^desk: SERIAL_LOST: .* is absent/) },
  ]);

  const pty = openPty();
  plugIn(site.ttyPath, pty);
  await until("the line is open", async () => (await health(gateway)).scanners[0].state === "open");
  await pty.write(Buffer.from("]d2010\x1d\xff\r\nSECOND\r\n", "latin1"));
  await until("both scans wait", async () => (await health(gateway)).lanes[0].waiting === 2);

  expect(site.outbox("count").stdout).toMatch(/^scan +2 +\d+ +1-2 +0$/m);
  const exported = jsonLines(site.outbox("export", "--lane", "scan"));
  expect(exported).toMatchObject([
    { lane: "scan", seq: 1, device: "desk", kind: "scan", aim: "]d2", framing: "delimiter" },
    { seq: 2, raw: Buffer.from("SECOND").toString("base64") },
  ]);
  expect(Buffer.from(exported[0].raw, "base64").toString("latin1")).toBe("]d2010\x1d\xff");
  expect(site.outbox("list", "--limit", "1", "--lane", "scan").stdout).toMatch(
    /^scan 1 {2}\S+Z {2}desk {2}\]d2010\\x1d\\xff\n$/,
  );

  expect(await gateway.stop()).toBe(0);
  expect(existsSync(join(site.data, "address.json"))).toBe(false);
  const file = join(site.folder, "export.jsonl");
  site.outbox("export", "--out", file);
  expect(readFileSync(file, "utf8").trim().split("\n").length).toBeGreaterThanOrEqual(2);
  expect(site.outbox("export", "--out", file)).toMatchObject({ status: 1 });
});

test("what waited while the twin was away is sent once it is there, and at a stop what was just read", async () => {
  const site = await createSite();
  const pty = openPty();
  plugIn(site.ttyPath, pty);
  const gateway = await site.gateway();
  await until("the line is open", async () => (await health(gateway)).scanners[0].state === "open");
  await pty.write("EARLY\r");
  await until("it waits", async () => (await health(gateway)).lanes[0].waiting === 1);

  const twin = await site.twin();
  await until("the twin has it", async () => (await throughOf(twin)) === 1, { timeoutMs: 40_000 });
  await pty.write("LATE-1\rLATE-2\r");
  await until("they are on disk", async () => (await health(gateway)).lanes[0].lastSeq === 3);
  expect(await gateway.stop()).toBe(0);

  expect(await throughOf(twin)).toBe(3);
  expect(site.outbox("count", "--json").stdout).toContain('"waiting":0');
});

test("after SIGKILL the next gateway starts at once on the same folder, and goes on counting", async () => {
  const site = await createSite();
  const pty = openPty();
  plugIn(site.ttyPath, pty);
  const first = await site.gateway();
  await until("the line is open", async () => (await health(first)).scanners[0].state === "open");
  await pty.write("A\rB\r");
  await until("both wait", async () => (await health(first)).lanes[0].waiting === 2);
  await first.kill();

  const second = await site.gateway();
  const { boot, lanes } = await health(second);
  expect(boot).toBe(2);
  expect(lanes[0]).toMatchObject({ waiting: 2, lastSeq: 2 });
});

test("a second gateway on the same folder is refused, and the first goes on", async () => {
  const site = await createSite();
  const gateway = await site.gateway();

  const second = site.run("gateway", "--config", site.config);

  expect(second.status).toBe(1);
  expect(second.stderr).toContain("DATA_IN_USE");
  expect((await health(gateway)).status).toBe("degraded");
});

test("a configuration with mistakes names all of them and starts nothing", async () => {
  const site = await createSite();
  writeFileSync(site.config, "version: 1\ngateway: gw\nscaners: []\nhttp: { port: yes }\n");

  const { status, stderr } = site.run("gateway", "--config", site.config, "--data", site.data);

  expect(status).toBe(1);
  expect(stderr).toContain("CONFIG_INVALID");
  expect(stderr).toContain(`${site.config}:3: scaners: unknown key "scaners"; did you mean`);
  expect(stderr).toContain(`${site.config}:4: http.port: must be an integer, is "yes"`);
  expect(existsSync(site.data)).toBe(false);
});

test("a configuration that cannot be read, and flags that make none, say so", async () => {
  const site = await createSite();

  expect(site.run("gateway", "--config", "/none.yaml").stderr).toContain("CONFIG_UNREADABLE");
  expect(site.run("gateway", "--data", site.data).stderr).toMatch(/"gateway" is missing/);
  expect(site.run("gateway", "--mqtt", "nowhere").status).toBe(2);
  expect(site.run("gateway", "--scanner", "desk").stderr).toContain("write ID=PATH");
});

test("--check prints the configuration as it would be used", async () => {
  const site = await createSite();

  const { status, stdout } = site.run(
    ...["gateway", "--name", "gw-9", "--scanner", "a=/dev/a,b=/dev/b", "--scanner", "c=/dev/c"],
    ...["--http", "127.0.0.2:9", "--check"],
  );

  expect(status).toBe(0);
  expect(stdout).toContain("gateway: gw-9");
  expect(stdout.match(/baudRate: 9600/g)).toHaveLength(3);
  expect(stdout).toContain("port: 9\n");
});

test("two scanners that are one device under two names are a mistake of the configuration", async () => {
  const site = await createSite();
  const pty = openPty();
  const [a, b] = [join(site.folder, "by-id"), join(site.folder, "by-path")];
  symlinkSync(pty.path, a);
  symlinkSync(pty.path, b);

  const { status, stderr } = site.run(
    "gateway",
    "--name",
    "gw",
    "--scanner",
    `a=${a},b=${b}`,
    "--check",
  );

  expect(status).toBe(1);
  expect(stderr).toContain(`scanners[1].path: ${b} is ${pty.path}, which a reads already as ${a}`);
});

test.each(["http", "mqtt"])(
  "a taken %s port is named with the key that configures it",
  async (key) => {
    const site = await createSite();
    const port = await taken();

    const { status, stderr } = site.run(
      "gateway",
      "--config",
      site.config,
      `--${key}`,
      `127.0.0.1:${port}`,
    );

    expect(status).toBe(1);
    expect(stderr).toContain(`PORT_TAKEN: 127.0.0.1:${port}`);
    expect(stderr).toContain(`${key}.port`);
  },
);

test("a data folder that cannot be used is named", async () => {
  const site = await createSite();
  const file = join(site.folder, "a-file");
  writeFileSync(file, "");

  const { status, stderr } = site.run(
    "gateway",
    "--config",
    site.config,
    "--data",
    join(file, "data"),
  );

  expect(status).toBe(1);
  expect(stderr).toContain("DATA_UNREADABLE");
  expect(site.run("outbox", "count", "--data", join(site.folder, "none")).stderr).toContain(
    "DATA_UNREADABLE",
  );
});

test("the gateway serves its page and what machines ask for, and refuses the rest", async () => {
  const gateway = await (await createSite()).gateway();
  const http = String(gateway.address["http"]);

  expect((await fetch(`${http}/`)).headers.get("content-type")).toContain("html");
  expect((await fetch(`${http}/constructor`)).status).toBe(404);
  expect((await fetch(`${http}/index.html`)).status).toBe(404);
  expect((await fetch(`${http}/healthz`, { method: "POST", body: "x" })).status).toBe(405);
  expect((await fetch(`${http}/healthz?x=1`)).headers.get("content-type")).toContain("json");
});

type Lane = { readonly lane: string; readonly waiting: number; readonly lastSeq: number };

async function createSite() {
  const folder = temporaryFolder();
  const config = join(folder, "gateway.yaml");
  const data = join(folder, "gateway");
  const ttyPath = join(folder, "ports", "desk");
  mkdirSync(join(folder, "ports"));
  const twinPort = await freePort();
  writeFileSync(config, configOf({ data, ttyPath, twinPort }));

  async function start(words: readonly string[], folder: string): Promise<Program> {
    const program = await startProgram(words, folder);
    onTestFinished(() => program.kill());
    return program;
  }

  const run = (...words: string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...words], {
      encoding: "utf8",
      timeout: 25_000,
      cwd: folder,
    });

  return {
    folder,
    config,
    data,
    ttyPath,
    run,
    outbox: (command: string, ...words: string[]) =>
      run("outbox", command, "--data", data, ...words),
    gateway: () => start(["gateway", "--config", config], data),
    async twin() {
      const twinData = join(folder, "twin");
      const broker = `127.0.0.1:${twinPort}`;
      const words = ["twin", "--data", twinData, "--broker", broker, "--http", "127.0.0.1:0"];
      return start(words, twinData);
    },
  };
}

function configOf(site: { data: string; ttyPath: string; twinPort: number }): string {
  const { data, ttyPath, twinPort } = site;
  return `
version: 1
gateway: gw-test
data: ${data}
http: { port: 0 }
twin: { url: "mqtt://127.0.0.1:${twinPort}" }
mqtt:
  port: 0
  mappings:
    - topic: dc1/+/climate
      device: "{1}"
      payload: json
      readings: [{ pointer: /temperature, property: temperature, unit: Cel }]
scanners:
  - { id: desk, path: ${ttyPath} }
`;
}

// biome-ignore lint/suspicious/noExplicitAny: the test says what it expects of the answer
async function ask(url: string, headers: Program["headers"] = {}): Promise<any> {
  return (await fetch(url, { headers })).json();
}

/** Without the label that is the same on each line. */
async function text(url: string): Promise<string> {
  return (await (await fetch(url)).text()).replaceAll(/,?gateway="gw-test",?/g, "");
}

const health = (gateway: Program) => ask(`${gateway.address["http"]}/healthz`);

async function throughOf(twin: Program): Promise<number> {
  const [known] = await ask(`${twin.address["http"]}/api/v1/gateways`, twin.headers);
  return known?.lanes.find(({ lane }: Lane) => lane === "scan")?.through ?? 0;
}

// biome-ignore lint/suspicious/noExplicitAny: the test says what it expects of the lines
function jsonLines({ stdout }: { readonly stdout: string }): any[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function taken(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}
