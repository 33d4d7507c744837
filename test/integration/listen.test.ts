/** What a line says is shown, kept, and played back as it was. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";
import { openPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

vi.setConfig({ testTimeout: 120_000 });

const ROOT = new URL("../..", import.meta.url).pathname;
const SCANS = ["]C12539521234000013N00001P01", "]C0plain", "]d2414952123400100\u001d254R1"];

test("a recording of a line, played back to a gateway, gives the scans of the line", async () => {
  const folder = temporaryFolder();
  const recording = join(folder, "line.jsonl");
  const pty = openPty();
  const listening = start("src/cli/main.ts", "listen", pty.path, "--record", recording);
  await until("it listens", () => listening.errors().includes("listening"));
  for (const scan of SCANS) {
    // Cut where a tty may cut it.
    await pty.write(scan.slice(0, 7));
    await until("the first half is kept", () => kept(recording).includes(hex(scan.slice(0, 7))));
    await pty.write(`${scan.slice(7)}\r`);
    await until("it is shown", () => listening.output().includes(`= ${scan.slice(0, 3)}`));
  }
  listening.child.kill("SIGINT");
  expect(await listening.ended).toBe(0);
  expect(listening.output()).toContain("(253)9521234000013N00001P01");
  expect(listening.output()).toMatch(/5d 43 31 32 35 33 39\s+\]C12539\n/);

  const data = join(folder, "data");
  const port = join(folder, "replayed");
  const replaying = start("firmware-sim/main.ts", "replay", recording, "--port", port);
  await until("the tty is there", () => existsSync(port));
  const words = ["--name", "gw", "--scanner", `desk=${port}`, "--mqtt", "127.0.0.1:0"];
  const gateway = await startProgram(
    ["gateway", "--data", data, "--http", "127.0.0.1:0", ...words],
    data,
  );
  onTestFinished(() => gateway.kill());
  expect(await replaying.ended).toBe(0);
  await gateway.stop();

  const { stdout } = await run(["outbox", "export", "--lane", "scan", "--data", data]);
  const scans = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(scans.map(({ raw }) => Buffer.from(raw, "base64").toString("latin1"))).toEqual(SCANS);
});

test("a recording keeps the pace of the line", async () => {
  const folder = temporaryFolder();
  const recording = join(folder, "line.jsonl");
  const chunk = (t: number, text: string, direction = "in") =>
    JSON.stringify({ t, direction, bytes: hex(text) });
  writeFileSync(
    recording,
    `${chunk(0, "a\r")}\n${chunk(700, "\u0006", "out")}\n${chunk(1500, "b\r")}\n`,
  );
  const port = join(folder, "replayed");
  const replaying = start("firmware-sim/main.ts", "replay", recording, "--port", port);
  await until("the tty is there", () => existsSync(port));

  const listening = start("src/cli/main.ts", "listen", port, "--json");

  expect(await replaying.ended).toBe(0);
  // The cable is pulled at the end of the recording, and it says so.
  expect(await listening.ended).toBe(1);
  const told = listening
    .output()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const scans = told.filter(({ kind }) => kind === "scan");
  expect(scans.map(({ text }) => text)).toEqual(["a", "b"]);
  // The first may be read late where much else is done.
  expect(scans[1].t - scans[0].t).toBeGreaterThan(700);
  expect(JSON.parse(replaying.output().trim().split("\n").at(-1) ?? "")).toMatchObject({
    done: true,
    chunks: 2,
    lost: 0,
  });
});

test("a port that somebody holds is told with who, and a recording that is wrong with its line", async () => {
  const folder = temporaryFolder();
  const pty = openPty();
  const first = start("src/cli/main.ts", "listen", pty.path);
  await until("it listens", () => first.errors().includes("listening"));

  const second = await run(["listen", pty.path]);

  expect(second.status).toBe(1);
  expect(second.stderr).toContain(`(pid ${first.child.pid})`);

  const recording = join(folder, "wrong.jsonl");
  writeFileSync(recording, '{"t":0,"direction":"in","bytes":"0d"}\n{"t":5,"direction":"in"}\n');
  const replaying = start("firmware-sim/main.ts", "replay", recording);
  expect(await replaying.ended).toBe(1);
  expect(replaying.errors()).toContain("wrong.jsonl:2: wanted");
});

type Started = {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  readonly ended: Promise<number | null>;
};

function start(program: string, ...words: readonly string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, program), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, output: () => output, errors: () => errors, ended };
}

function kept(recording: string): string {
  return existsSync(recording) ? readFileSync(recording, "utf8") : "";
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}
