/** What a gateway says of its devices, as the twin tells it: real programs, and a cable that is pulled. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";

// Whole programs: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

test("a scanner that is unplugged is absent at the twin, open again once it is back, and a rebuild says the same", async () => {
  const folder = temporaryFolder();
  const cable = join(folder, "desk");
  const twin = await startTwin(join(folder, "twin"));
  const gateway = await startGateway(folder, cable, twin.broker);
  await until("it is not there yet", async () => (await twin.desk())?.state === "absent");
  // A program that is started later would inherit the cable, and nobody could pull it.
  const plugged = openPty();
  plugIn(cable, plugged);
  await until("it is open", async () => (await twin.desk())?.state === "open");
  const { since } = await twin.desk();
  plugged.hangup();
  await until("it is absent", async () => (await twin.desk())?.state === "absent");
  const absent = await twin.desk();
  expect(absent.reason).not.toBe("");
  expect(Date.parse(absent.since)).toBeGreaterThan(Date.parse(since));
  expect(await twin.figures()).toMatch(
    /racktrace_twin_devices\{gateway="gw-test",state="absent"\} 1\n/,
  );

  plugIn(cable, openPty());
  await until("it is open again", async () => (await twin.desk())?.state === "open");
  expect(await twin.live(absent.position - 1)).toEqual(["absent", "open"]);

  await gateway.stop();
  const told = (await twin.gateway()).devices;
  expect(await twin.gateway()).toMatchObject({ connected: false, devices: told });
  await twin.stop();
  const rebuilt = await run(["twin", "rebuild", "--data", join(folder, "twin"), "--json"]);
  expect(rebuilt.status, rebuilt.stdout + rebuilt.stderr).toBe(0);
  const { identical, tables } = JSON.parse(rebuilt.stdout);
  expect(identical).toBe(true);
  expect(tables).toContainEqual({ table: "device_state", rows: 1, different: 0 });
});

async function startTwin(data: string) {
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  const program = await startProgram(["twin", "--data", data, ...anywhere], data);
  onTestFinished(() => program.kill());
  const { headers } = program;
  const http = String(program.address["http"]);
  const gateway = async (): Promise<Named> => {
    const answer = await fetch(`${http}/api/v1/gateways`, { headers });
    return ((await answer.json()) as Named[]).find((one) => one.gateway === "gw-test");
  };
  return {
    broker: String(program.address["broker"]),
    gateway,
    desk: async (): Promise<Named> =>
      (await gateway())?.devices.find(({ device }: Named) => device === "desk"),
    figures: async () => (await fetch(`${http}/metrics`, { headers })).text(),
    /** The states that the live stream tells after a position, until the last is `open`. */
    async live(after: number): Promise<readonly string[]> {
      const stop = new AbortController();
      const asked = { ...headers, "last-event-id": String(after) };
      const stream = await fetch(`${http}/api/v1/live`, { headers: asked, signal: stop.signal });
      const decoder = new TextDecoder();
      let text = "";
      const states = () =>
        [...text.matchAll(/^event: device\ndata: (.*)\n/gm)].map(([, json]) => {
          return JSON.parse(json ?? "").state as string;
        });
      for await (const chunk of stream.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        if (states().at(-1) === "open") break;
      }
      stop.abort();
      return states();
    },
    stop: () => program.stop(),
  };
}

async function startGateway(folder: string, path: string, broker: string) {
  const data = join(folder, "gateway");
  const file = join(folder, "gateway.yaml");
  writeFileSync(
    file,
    `version: 1
gateway: gw-test
data: ${data}
http: { port: 0 }
mqtt: { port: 0 }
twin: { url: "${broker}" }
scanners: [{ id: desk, path: ${path} }]
`,
  );
  const program = await startProgram(["gateway", "--config", file], data);
  onTestFinished(() => program.kill());
  return program;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Named = any;
