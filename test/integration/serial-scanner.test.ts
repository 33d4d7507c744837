/** A supervised scanner on real ttys: what happens between the plug and the outbox. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ScannerConfig } from "../../src/gateway/config.ts";
import { createDeviceState } from "../../src/gateway/device-state.ts";
import {
  SUPERVISE_DEFAULTS,
  type SuperviseOptions,
  superviseScanner,
} from "../../src/gateway/supervise.ts";
import { createVerdicts } from "../../src/gateway/verdicts.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { whenAppears } from "../../src/io/path-watch.ts";
import { openSerial } from "../../src/io/serial.ts";
import type { Journal, Refusal } from "../../src/ports.ts";
import { decodeEvent, type EventBody } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";

test("a scan becomes an event with its bytes, its AIM identifier and its times", async () => {
  const scanner = begin();
  const pty = await scanner.plug();
  const before = Date.now();

  await pty.write(Buffer.from("]C100952\x1d1234\r\n", "latin1"));
  await until("the scan is kept", () => scanner.events().length === 1);

  const [event] = scanner.events();
  expect(event).toMatchObject({
    boot: 1,
    device: "desk",
    sourceTimeMs: undefined,
    body: {
      kind: "scan",
      raw: Buffer.from("]C100952\x1d1234", "latin1"),
      framing: "delimiter",
      aim: "]C1",
      step: undefined,
    },
  });
  expect(event?.gatewayTimeMs).toBeGreaterThanOrEqual(before);
});

test("all that one chunk delivered is one put", async () => {
  const scanner = begin();
  const pty = await scanner.plug();

  await pty.write("A\r\nB\r\nC\r\nD\r\n");
  await until("the scans are kept", () => scanner.scans().length === 4);

  expect(scanner.scans()).toEqual(["A", "B", "C", "D"]);
  expect(scanner.figures.puts).toEqual([4]);
});

test("a plug pulled in the middle of a scan splices nothing, wherever it goes in again", async () => {
  const scanner = begin();
  const first = await scanner.plug();
  await first.write("FIRST\rHAL");
  await until("the first scan is kept", () => scanner.scans().length === 1);
  first.hangup();
  await until("the unplugging is seen", () => scanner.state() !== "open");

  const second = await scanner.plug();
  await second.write("F\rNEXT\r");
  await until("the next scans are kept", () => scanner.scans().length === 3);

  expect(scanner.scans()).toEqual(["FIRST", "F", "NEXT"]);
  expect(scanner.figures.noise).toEqual({ "cut-short": 3 });
});

test("what an adapter says while it is opened is noise, when that is configured", async () => {
  const settleMs = 600;
  const scanner = begin({}, { settleMs });
  const pty = await scanner.plug();
  const openedMs = performance.now();
  await pty.write("AT\r");
  await until("the junk is counted", () => scanner.figures.noise["settling"] === 3);
  await until("the line has settled", () => performance.now() - openedMs > settleMs + 50);

  await pty.write("SCAN\r");
  await until("the scan is kept", () => scanner.scans().length === 1);
  expect(scanner.scans()).toEqual(["SCAN"]);
});

test("a port that is absent at the start is opened as soon as it appears", async () => {
  const scanner = begin({ reopen: { firstMs: 60_000, lastMs: 60_000 } });
  await until("it is told absent", () => scanner.state() === "absent");

  const pty = await scanner.plug();
  await pty.write("HERE\r");

  // By itself it would look again after a minute.
  await until("the scan is kept", () => scanner.scans().length === 1);
});

test("a plug that goes in while its port is found absent is noticed all the same", async () => {
  let pty: ReturnType<typeof openPty> | undefined;
  const scanner = begin(
    { reopen: { firstMs: 60_000, lastMs: 60_000 } },
    {},
    1,
    async (settings) => {
      try {
        return await openSerial(settings);
      } finally {
        if (pty === undefined) {
          pty = openPty();
          plugIn(scanner.path, pty);
        }
      }
    },
  );

  await until("it is open", () => scanner.state() === "open");
});

test("a busy port is told as faulted with its reason, and read once it is free", async () => {
  const pty = openPty();
  const other = await openSerial({ ...CONFIG, path: pty.path });
  const scanner = begin({ reopen: { firstMs: 50, lastMs: 50 } });
  plugIn(scanner.path, pty);
  await until("it is told faulted", () => scanner.state() === "faulted");
  expect(scanner.reason()).toMatch(/SERIAL_LOST: .* is busy/);

  await other.close();
  await until("it is open", () => scanner.state() === "open");
  await pty.write("FREE\r");
  await until("the scan is kept", () => scanner.scans().length === 1);
});

test("a megabyte of noise without an end is counted, and the scan behind it is read", async () => {
  const scanner = begin();
  const pty = await scanner.plug();
  const before = process.memoryUsage().arrayBuffers;

  await pty.write("n".repeat(1024 * 1024));
  await pty.write("\rGOOD\r");
  await until("the scan is kept", () => scanner.scans().length === 1);

  expect(scanner.scans()).toEqual(["GOOD"]);
  expect(scanner.figures.noise).toEqual({ oversize: 1024 * 1024 });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  expect(scanner.told("line-noise").length).toBe(1);
});

test("while the outbox is full nothing is read and nothing is lost; the tty holds the rest", async () => {
  const scanner = begin();
  const pty = await scanner.plug();
  scanner.outbox.refuse("full");
  const sent = Array.from({ length: 4_000 }, (_, n) => `SCAN-${n}`);

  const written = pty.write(sent.map((scan) => `${scan}\r\n`).join(""));
  await until("refusals are seen", () => scanner.figures.refused.length > 3);
  expect(scanner.scans()).toEqual([]);
  scanner.outbox.refuse("busy");
  scanner.outbox.refuse(undefined);
  await written;
  await until("all scans are kept", () => scanner.scans().length === sent.length);

  expect(scanner.scans()).toEqual(sent);
  expect(scanner.told("scans-wait").length).toBe(1);
});

test("stopping while the outbox is full says how many scans were lost", async () => {
  const scanner = begin();
  const pty = await scanner.plug();
  scanner.outbox.refuse("full");
  await pty.write("A\rB\r");
  await until("a refusal is seen", () => scanner.figures.refused.length > 0);

  await scanner.stop();

  expect(scanner.figures.dropped).toBe(2);
  expect(scanner.told("scans-dropped")).toHaveLength(1);
});

test.each([
  ["", false],
  [", pulled out before,", true],
])(
  "scans that wait when their line%s is taken out of the configuration wait on, and hold nothing up",
  async (_when, isPulled) => {
    const scanner = begin();
    const pty = await scanner.plug();
    scanner.outbox.refuse("full");
    const sent = Array.from({ length: 100 }, (_, n) => `SCAN-${n}`);
    await pty.write(sent.map((scan) => `${scan}\r`).join(""));
    await until("a refusal is seen", () => scanner.figures.refused.length > 0);

    if (isPulled) pty.hangup();
    await scanner.leave();
    expect(scanner.figures.dropped).toBe(0);
    scanner.outbox.refuse(undefined);

    await until("they are kept", () => scanner.scans().length >= 64);
    expect(scanner.scans()).toEqual(sent.slice(0, scanner.scans().length));
  },
);

test("silence ends a scan where silence is the framing", async () => {
  // Longer than a busy machine keeps two writes apart.
  const scanner = begin({}, { framing: { kind: "gap", gapMs: 400 } });
  const pty = await scanner.plug();

  await pty.write("ONE");
  await until("the scan is kept", () => scanner.scans().length === 1);
  await pty.write("TW");
  await pty.write("O");
  await until("the scan is kept", () => scanner.scans().length === 2);

  expect(scanner.scans()).toEqual(["ONE", "TWO"]);
});

test("an open line without a byte for long is told as silent, until the next byte", async () => {
  const scanner = begin({ silentMs: 50 });
  const pty = await scanner.plug();
  await until("it is told silent", () => scanner.state() === "silent");

  await pty.write("A\r");
  await until("it is open again", () => scanner.state() === "open");
});

test("plugging in and out a hundred times leaks no descriptor and loses no whole scan", async () => {
  const scanner = begin({ reopen: { firstMs: 20, lastMs: 20 } });
  const warm = await scanner.plug();
  warm.hangup();
  await until("the unplugging is seen", () => scanner.state() === "absent");
  const before = readdirSync("/proc/self/fd").length;

  const sent: string[] = [];
  for (let round = 0; round < 100; round++) {
    const pty = await scanner.plug();
    sent.push(`SCAN-${round}`);
    await pty.write(`SCAN-${round}\rHALF`);
    await until("the scan is kept", () => scanner.scans().length === sent.length);
    pty.hangup();
    await until("the unplugging is seen", () => scanner.state() !== "open", { everyMs: 1 });
  }

  expect(scanner.scans()).toEqual(sent);
  await until(
    "only the watch on the folder may be open",
    () => readdirSync("/proc/self/fd").length <= before + 1,
  );
});

test("a loose plug is told as events now and then, and its last state in the end", async () => {
  const everyMs = 1_000;
  const scanner = begin({ reopen: { firstMs: 10, lastMs: 10 } }, {}, everyMs);
  const beganMs = performance.now();
  for (let round = 0; round < 10; round++) {
    const pty = await scanner.plug();
    if (round < 9) pty.hangup();
    await until("the change is seen", () => (scanner.state() === "open") === (round === 9));
  }
  await scanner.stop();

  // One at once, one for each time that is over, and the last; it changed twenty times, however slowly.
  const told = scanner.stateEvents();
  expect(told.length).toBeLessThanOrEqual(2 + (performance.now() - beganMs) / everyMs);
  expect(told.at(-1)).toMatchObject({ kind: "device-state", state: "open" });
});

const CONFIG: ScannerConfig = {
  id: "desk",
  path: "",
  profile: "generic",
  baudRate: 9600,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  flowControl: "none",
  framing: { kind: "delimiter", delimiter: "any" },
  settleMs: 0,
  frameBytesMax: 64,
  aim: true,
  codeId: "none",
  separator: "",
};

function begin(
  options: Partial<SuperviseOptions> = {},
  config: Partial<ScannerConfig> = {},
  everyMs = 1,
  open = openSerial,
) {
  const path = join(temporaryFolder(), "by-id-desk");
  const clock = createClock();
  const outbox = createPretendedOutbox();
  const { journal, told } = createTold();
  const state = createDeviceState({ clock, journal, outbox }, { device: "desk", everyMs });
  const figures = {
    puts: [] as number[],
    noise: {} as Record<string, number>,
    refused: [] as Refusal[],
    dropped: 0,
  };
  const record = {
    opened() {},
    scans: (count: number) => figures.puts.push(count),
    noise(why: string, bytes: number) {
      figures.noise[why] = (figures.noise[why] ?? 0) + bytes;
    },
    refused: (why: Refusal) => figures.refused.push(why),
    dropped(count: number) {
      figures.dropped += count;
    },
    answered() {},
    noted() {},
  };
  const halt = new AbortController();
  const over = new AbortController();
  const held: Promise<void>[] = [];
  const ended = superviseScanner(
    {
      open,
      appears: whenAppears,
      verdicts: createVerdicts({ journal }),
      acts: { waits: () => false, take: async () => undefined, whenPut() {} },
      unkept: { over: over.signal, hold: (work) => void held.push(work) },
      ...{ clock, chance, journal, outbox, state, record },
    },
    { ...SUPERVISE_DEFAULTS, ...options, scanner: { ...CONFIG, ...config, path } },
    halt.signal,
  );
  const leave = async () => {
    halt.abort();
    await ended;
    await state.close();
  };
  const stop = async () => {
    over.abort();
    await leave();
    await Promise.all(held);
  };
  onTestFinished(stop);
  const events = () => outbox.held("scan").map((bytes) => decodeEvent(bytes));
  return {
    path,
    outbox,
    figures,
    leave,
    stop,
    events,
    told: (what: string) => told.filter((line) => line === what),
    state: () => state.view().state,
    reason: () => state.view().reason,
    stateEvents: (): EventBody[] =>
      outbox.held("telemetry").map((bytes) => decodeEvent(bytes).body),
    scans: () =>
      events().map(({ body }) =>
        body.kind === "scan" ? Buffer.from(body.raw).toString("latin1") : body.kind,
      ),
    async plug() {
      const pty = openPty();
      plugIn(path, pty);
      await until("the line is open", () => state.view().state === "open", { everyMs: 1 });
      return pty;
    },
  };
}

function createTold() {
  const told: string[] = [];
  const tell: Journal["note"] = (what) => told.push(what);
  return { told, journal: { note: tell, warn: tell, error: tell } };
}
