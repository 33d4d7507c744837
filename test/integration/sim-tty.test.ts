/** The simulator's ttys, read with the library that gateways use. */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { createSleep } from "../../firmware-sim/pace.ts";
import { createPlanner } from "../../firmware-sim/plan.ts";
import { readScenario } from "../../firmware-sim/scenario.ts";
import { openTty } from "../../firmware-sim/tty.ts";
import { createWorld } from "../../firmware-sim/world.ts";
import { temporaryFolder } from "../support/folder.ts";
import { readPorts, startSimulator } from "../support/simulator.ts";
import { until } from "../support/until.ts";

test("a tty delivers every byte as it was sent, and what the reader writes does not come back", async () => {
  const tty = plugged(temporaryFolder());
  const heard: number[] = [];
  const port = await open(tty.path, (bytes) => heard.push(...bytes));
  await until("the tty knows that it is read", () => tty.openSinceMs() !== undefined);
  const every = Uint8Array.from({ length: 256 }, (_, value) => value);

  port.write("\u0006ACK\r\n");
  await tty.write(every);
  await tty.write(every.toReversed());

  await until("all bytes arrived", () => heard.length >= 512);
  expect(heard).toEqual([...every, ...every.toReversed()]);
});

test("the line is raw before anybody sets it up", async () => {
  const tty = plugged(temporaryFolder());
  const reader = openSync(tty.path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  const label = Buffer.from("\u0000\u0003\u0004\u0011\u0013\u001c\u007f\u00ff]C1\r\n\r", "latin1");

  await tty.write(label);

  const heard: number[] = [];
  await until("the label arrived", () => heard.push(...readNow(reader)) >= label.length);
  expect(heard).toEqual([...label]);
});

test("a tty knows whether anybody has it open", async () => {
  const tty = plugged(temporaryFolder());
  expect(tty.openSinceMs()).toBeUndefined();

  const port = await open(tty.path, () => {});
  expect(tty.openSinceMs()).toBeDefined();

  await new Promise((resolve) => port.close(resolve));
  expect(tty.openSinceMs()).toBeUndefined();
});

test("a port takes the name of one that was left behind, and of nothing else", () => {
  const folder = temporaryFolder();
  const path = join(folder, "scn");
  writeFileSync(path, "somebody's");
  expect(() => plugged(folder)).toThrow(`${path} is there already`);
  expect(readFileSync(path, "utf8")).toBe("somebody's");

  rmSync(path);
  const left = plugged(folder);
  const taken = plugged(folder);
  left.close();
  expect(readdirSync(folder)).toEqual(["scn"]);
  taken.close();
  expect(readdirSync(folder)).toEqual([]);
});

test("a pulled cable takes the port and its name away, and a plugged one brings the name back", async () => {
  const folder = temporaryFolder();
  const tty = plugged(folder);
  const stop = new AbortController();
  const heard: string[] = [];
  const scanners = [{ id: "scn", path: tty.path }];
  const reading = readPorts(scanners, stop.signal, (_, bytes) => {
    heard.push(new TextDecoder().decode(bytes));
  });
  for (let pull = 1; pull <= 20; pull++) {
    await until("the port is read", () => tty.openSinceMs() !== undefined);
    await tty.write(new TextEncoder().encode("]d2253952"));
    tty.unplug();
    expect(readdirSync(folder)).toEqual([]);
    tty.plug();
  }
  await until("the port is read again", () => tty.openSinceMs() !== undefined);
  await tty.write(new TextEncoder().encode("whole\r"));

  await until("the next label arrived", () => heard.join("").endsWith("whole\r"));
  stop.abort();
  await reading;
});

test("without faults the scanners' bytes are the planned labels and nothing else", async () => {
  const folder = temporaryFolder();
  const scenario = join(folder, "calm.yaml");
  const busy = new URL("../../firmware-sim/scenarios/busy-archive.yaml", import.meta.url);
  const day = parse(readFileSync(busy, "utf8"));
  // Nobody answers here, so each scanner is a plain one.
  const plain = day.scanners.map((scanner: { suffix?: string }) => ({
    ...scanner,
    profile: "plain",
    suffix: scanner.suffix ?? "cr",
  }));
  writeFileSync(scenario, stringify({ ...day, scanners: plain, upsets: {} }));
  const heard = new Map<string, string>();
  const simulator = startSimulator([
    ...["--scenario", scenario, "--pages", "40", "--seed", "9", "--speed", "1000"],
    ...["--ports", join(folder, "ports"), "--truth", join(folder, "truth.jsonl")],
  ]);
  const ports = await simulator.ready;
  for (const { id, path } of ports)
    await open(path, (bytes) => heard.set(id, (heard.get(id) ?? "") + bytes.toString("latin1")));
  await simulator.done;

  const { scanners } = parse(readFileSync(scenario, "utf8"));
  for (const { id, suffix } of scanners) expect(heard.get(id) ?? "", id).toBe(planned(id, suffix));

  function planned(scanner: string, suffix: keyof typeof AROUND): string {
    const [start, end] = AROUND[suffix];
    return jobs(scenario, 40, 9)
      .filter((job) => job.scanner === scanner)
      .flatMap(({ acts }) => acts)
      .map(({ label }) => `${start}${label.aim}${label.element.replaceAll(/[()]/g, "")}${end}`)
      .join("");
  }
});

const AROUND = {
  cr: ["", "\r"],
  lf: ["", "\n"],
  crlf: ["", "\r\n"],
  "stx-etx": ["\u0002", "\u0003"],
} as const;

function jobs(path: string, pages: number, seed: number) {
  const scenario = readScenario(path, pages);
  return createPlanner({ world: createWorld(scenario, seed), seed }, scenario).day(1);
}

function plugged(folder: string) {
  const sleep = createSleep(new AbortController().signal);
  const tty = openTty({ nowMs: Date.now, sleep }, folder, "scn");
  onTestFinished(() => tty.close());
  return tty;
}

function readNow(reader: number): Uint8Array {
  const buffer = new Uint8Array(64);
  try {
    return buffer.subarray(0, readSync(reader, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return new Uint8Array(0);
    throw error;
  }
}

async function open(path: string, onBytes: (bytes: Buffer) => void): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  port.on("data", onBytes);
  await new Promise<void>((resolve, reject) =>
    port.open((error) => (error ? reject(error) : resolve())),
  );
  onTestFinished(() => new Promise<void>((resolve) => port.close(() => resolve())));
  return port;
}
