/** A new configuration for a gateway that runs, while people scan. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";

vi.setConfig({ testTimeout: 120_000 });

test("scans before, during and after a reload all arrive once, and only what changed is opened anew", async () => {
  const site = await startSite();
  site.configure(scanner("steady"), scanner("leaves"), scanner("changes"));
  const gateway = await site.start();
  for (const name of ["steady", "leaves", "changes"]) await site.open(name);
  const sent: string[] = [];
  let scanning = true;
  const hands = (async () => {
    for (let n = 0; scanning; n++) {
      sent.push(`]C0STEADY${n}`);
      await site.pty("steady").write(`${sent.at(-1)}\r`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();

  site.plug("joins");
  site.configure(
    scanner("steady"),
    `${scanner("changes")}, framing: { kind: delimiter, delimiter: lf }`,
    scanner("joins"),
  );
  process.kill(gateway.pid, "SIGHUP");

  await until("the new scanner is read", async () => (await site.states())["joins"] === "open");
  await until("the changed one is read again", async () => {
    return (await site.states())["changes"] === "open";
  });
  await site.pty("joins").write("]C0JOINS\r");
  // With the framing of before this would be one scan and noise.
  await site.pty("changes").write("]C0A\rB\n");
  scanning = false;
  await hands;
  const { scanners, config, status } = await site.status();
  expect(scanners.map(({ id }: Scanner) => id)).toEqual(["steady", "changes", "joins"]);
  const figures = await site.figures();
  for (const [name, opens] of Object.entries({ steady: 1, leaves: 1, changes: 2, joins: 1 }))
    expect(figures).toMatch(new RegExp(`scanner_opens_total\\{scanner="${name}".*\\} ${opens}\n`));
  expect(config).toMatchObject({ problems: [], waits: [] });
  expect(status).toBe("degraded");
  await until("all is on disk", async () => {
    const [scans] = (await site.status()).lanes;
    return scans.lastSeq === sent.length + 2;
  });
  expect(await gateway.stop()).toBe(0);
  const kept = await site.scans();
  expect(kept.filter((text) => text.startsWith("]C0STEADY"))).toEqual(sent);
  expect(kept).toContain("]C0JOINS");
  expect(kept).toContain("]C0A\rB");
  // A state that lasted for less than a second may go untold, the last one never.
  expect((await site.told("leaves")).at(-1)).toBe("absent");
});

test("a wrong file changes nothing, and says so in the journal, the health and the figures until it is right", async () => {
  const site = await startSite();
  site.configure(scanner("desk"));
  const gateway = await site.start();
  await site.open("desk");

  writeFileSync(site.file, "version: 1\ngateway: gw-test\nscaners: []\nlog: loud\n");
  process.kill(gateway.pid, "SIGHUP");

  await until("it is told", async () => (await site.status()).config.problems.length === 2);
  const { reasons, scanners } = await site.status();
  expect(reasons).toContainEqual({
    what: "config-refused",
    detail: `${site.file}:3: scaners: unknown key "scaners"; did you mean "scanners"?`,
  });
  expect(scanners).toMatchObject([{ id: "desk", state: "open", opens: 1 }]);
  expect(gateway.log()).toContain("config-refused");
  expect(await site.figures()).toMatch(/racktrace_gateway_config_good\S* 0\n/);
  await site.pty("desk").write("]C0STILL\r");
  await until("it is still read", async () => (await site.status()).scanners[0].scans === 1);

  site.configure(scanner("desk"), "", "log: warn");
  process.kill(gateway.pid, "SIGHUP");

  await until("it is taken", async () => (await site.status()).config.problems.length === 0);
  expect((await site.status()).reasons).toContainEqual({
    what: "config-waits",
    detail: "log: the new value comes into use when the gateway is started again",
  });
  expect(await site.figures()).toMatch(/config_reloads_total\{outcome="taken".*\} 1/);
});

test("what messages of devices mean changes while they stay connected, and none is lost", async () => {
  const site = await startSite();
  site.configure("sensors: []");
  const gateway = await site.start();
  const device = mqtt.connect(String(gateway.address["mqtt"]), { reconnectPeriod: 0 });
  let connects = 0;
  device.on("connect", () => {
    connects += 1;
  });
  const say = (value: number) => device.publishAsync("hall/t", String(value), { qos: 1 });
  await say(1);

  site.configure("sensors: []", MAPPING);
  process.kill(gateway.pid, "SIGHUP");
  await until("it is taken", async () => (await site.figures()).includes('outcome="taken"'));
  await until("it means something", async () => {
    await say(2);
    return (await site.status()).readings.length > 0;
  });
  await device.endAsync();

  expect(connects).toBe(1);
  expect((await site.status()).readings).toMatchObject([
    { device: "hall", property: "temperature", value: 2, unit: "Cel" },
  ]);
  expect(await site.figures()).toMatch(/mqtt_messages_total\{outcome="refused".*\} 0\n/);
});

test("what waits for the next start is told until then, however often the file is read again", async () => {
  const site = await startSite();
  site.configure("sensors: []");
  const gateway = await site.start();
  const waits = async () => (await site.status()).config.waits;
  const reload = async (times: number) => {
    process.kill(gateway.pid, "SIGHUP");
    await until("it is taken", async () =>
      new RegExp(`config_reloads_total\\{outcome="taken".*\\} ${times}\n`).test(
        await site.figures(),
      ),
    );
  };

  site.configure("sensors: []", SPARKPLUG);
  await reload(1);
  expect(await waits()).toEqual(["mqtt.decoders (sparkplug)"]);
  await reload(2);
  expect(await waits()).toEqual(["mqtt.decoders (sparkplug)"]);
  site.configure("sensors: []");
  await reload(3);
  expect(await waits()).toEqual([]);
});

test("with --watch a changed file is taken by itself", async () => {
  const site = await startSite();
  site.configure(scanner("desk"));
  await site.start("--watch");
  await site.open("desk");

  site.configure(scanner("desk"), scanner("more"));

  await until("it is taken", async () => (await site.status()).scanners.length === 2, {
    timeoutMs: 30_000,
  });
});

const MAPPING =
  "mqtt: { port: 0, mappings: [{ topic: +/t, device: '{1}', payload: number, readings: [{ property: temperature, unit: Cel }] }] }";

const SPARKPLUG = "mqtt: { port: 0, decoders: [{ decoder: sparkplug }] }";

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Named = any;
type Scanner = { readonly id: string; readonly state: string; readonly opens: number };

function scanner(name: string): string {
  return `id: ${name}, path: FOLDER/${name}`;
}

async function startSite() {
  const folder = temporaryFolder();
  const data = join(folder, "data");
  const file = join(folder, "gateway.yaml");
  const ptys = new Map<string, ReturnType<typeof openPty>>();
  let gateway: Program;
  const ask = (path: string) => fetch(`${gateway.address["http"]}${path}`);
  const status = async (): Promise<Named> => (await ask("/status.json")).json();
  const states = async (): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries((await status()).scanners.map(({ id, state }: Scanner) => [id, state]));

  const site = {
    file,
    status,
    states,
    figures: async () => (await ask("/metrics")).text(),
    configure(...scanners: readonly string[]) {
      const rest = scanners.filter((one) => !one.startsWith("id:"));
      const lines = scanners.filter((one) => one.startsWith("id:"));
      const broker = rest.some((one) => one.startsWith("mqtt:")) ? "" : "mqtt: { port: 0 }";
      const text = `version: 1
gateway: gw-test
data: ${data}
http: { port: 0 }
${broker}
twin: { url: "mqtt://127.0.0.1:9" }
${rest.join("\n")}
scanners: [${lines.map((line) => `{ ${line} }`).join(", ")}]
`;
      writeFileSync(file, text.replaceAll("FOLDER", folder));
    },
    async start(...words: readonly string[]) {
      gateway = await startProgram(["gateway", "--config", file, ...words], data);
      onTestFinished(() => gateway.kill());
      return gateway;
    },
    plug(name: string) {
      const pty = openPty();
      ptys.set(name, pty);
      plugIn(join(folder, name), pty);
    },
    async open(name: string) {
      site.plug(name);
      await until(`${name} is read`, async () => (await states())[name] === "open");
    },
    pty: (name: string) => ptys.get(name) as ReturnType<typeof openPty>,
    /** As they were told, in order. */
    async told(device: string): Promise<readonly string[]> {
      const { stdout } = await run(["outbox", "export", "--lane", "telemetry", "--data", data]);
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      return events
        .filter((event) => event.device === device && event.state)
        .map(({ state }) => state);
    },
    async scans(): Promise<readonly string[]> {
      const { stdout } = await run(["outbox", "export", "--lane", "scan", "--data", data]);
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ raw }) => Buffer.from(raw, "base64").toString("latin1"));
    },
  };
  return site;
}
