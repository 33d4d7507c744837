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
  // A twin that runs on this machine shall not hear of it.
  const alone = ["--http", "127.0.0.1:0", "--twin", "mqtt://127.0.0.1:1"];
  const gateway = await startProgram(["gateway", "--data", data, ...alone, ...words], data);
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

  const second = await run(["listen", pty.path, "--record", join(folder, "line.jsonl")]);

  expect(second.status).toBe(1);
  expect(second.stderr).toContain(`(pid ${first.child.pid})`);
  expect(second.stderr).not.toContain("--record");
  expect(existsSync(join(folder, "line.jsonl"))).toBe(false);

  const recording = join(folder, "wrong.jsonl");
  writeFileSync(recording, '{"t":0,"direction":"in","bytes":"0d"}\n{"t":5,"direction":"in"}\n');
  const replaying = start("firmware-sim/main.ts", "replay", recording);
  expect(await replaying.ended).toBe(1);
  expect(replaying.errors()).toContain("wrong.jsonl:2: wanted");
});

test("of a recording for which the disk had no more room all that was said before is played", async () => {
  const folder = temporaryFolder();
  const recording = join(folder, "line.jsonl");
  const pty = openPty();
  const words = `listen ${pty.path} --record ${recording}`;
  // No file may be larger than a KiB.
  const limited = `ulimit -f 1; exec ${process.execPath} ${join(ROOT, "src/cli/main.ts")} ${words}`;
  const listening = startCommand("bash", "-c", limited);
  await until("it listens", () => listening.errors().includes("listening"));
  await pty.write("kept");
  await until("it is kept", () => kept(recording).includes(hex("kept")));
  await pty.write("not kept".padEnd(2_000));

  expect(await listening.ended).toBe(1);
  expect(listening.errors()).toContain(`STORE_FAILED: ${recording}`);
  const lines = readFileSync(recording, "utf8").split("\n");
  expect(lines.at(-1)).toBe("");
  for (const line of lines.slice(0, -1))
    expect(JSON.parse(line)).toMatchObject({ direction: "in" });

  // Another one ends in the middle of a line: its machine lost its power.
  writeFileSync(recording, `${lines[0]}\n${lines[0]?.slice(0, 20)}`);
  const port = join(folder, "replayed");
  const replayed = await run(["sim", "replay", recording, "--port", port, "--no-wait-for-reader"]);
  expect(replayed.stdout).toContain('"chunks":1');
});

type Started = {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  readonly ended: Promise<number | null>;
};

function start(program: string, ...words: readonly string[]): Started {
  return startCommand(process.execPath, join(ROOT, program), ...words);
}

function startCommand(command: string, ...words: readonly string[]): Started {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
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
