/** The doctor and what may be wrong with a gateway's box: each fault is a real one, made by the test. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RunningStatus } from "../../src/cli/doctor/running.ts";
import { createClock } from "../../src/io/clock.ts";
import { lockFolder } from "../../src/store/folder-lock.ts";
import {
  certify,
  createPatient,
  holdOpen,
  listen,
  listenTls,
  type Patient,
} from "../support/patient.ts";
import { freePort, startProgram } from "../support/programs.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";
import { hasProgram, wanted } from "../support/wanted.ts";

vi.setConfig({ testTimeout: 120_000 });

const PORT = 81;
const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const isRoot = wanted(
  "what the doctor says to a user who may do little",
  process.getuid?.() === 0,
  "Run it as root, or in a container.",
);
const mayMount = wanted(
  "what the doctor says of disks that are full or read-only",
  isRoot && spawnSync("unshare", ["-m", "true"]).status === 0,
  "Run it as root, where mounting is allowed.",
);
const hasOpenssl = wanted(
  "what the doctor says of certificates",
  hasProgram("openssl", "version"),
  "apt-get install openssl",
);

type Seed = (patient: Patient) => unknown;
type Fault = readonly [fault: string, code: string, about: string, seed: Seed];

const mute = () => undefined;
const scanner = (path: string, more = "") => `[{ id: desk, path: "${path}"${more} }]`;
const twin = (url: string) => `{ url: "${url}" }`;

const FAULTS: readonly Fault[] = [
  [
    "a cable that is out",
    "device-absent",
    "scanner desk",
    (p) => {
      p.keys["scanners"] = scanner("/dev/serial/by-id-none/usb-Other-if00");
    },
  ],
  [
    "a name that is misspelt",
    "device-misnamed",
    "scanner desk",
    (p) => {
      p.keys["scanners"] = scanner(join(p.folder, "usb-Zebra_DS8187_S12-if00"));
    },
  ],
  [
    "an unplugged scanner beside another of its make, which is configured too",
    "device-absent",
    "scanner dock",
    (p) => {
      const desk = join(p.folder, "usb-Zebra_DS8178_S12-if00");
      const dock = join(p.folder, "usb-Zebra_DS8178_S13-if00");
      p.keys["scanners"] = `[{ id: desk, path: ${desk} }, { id: dock, path: ${dock} }]`;
    },
  ],
  [
    "an unplugged scanner beside a port that every machine has",
    "device-absent",
    "scanner desk",
    (p) => {
      p.keys["scanners"] = scanner("/dev/ttyUSB7");
    },
  ],
  [
    "an unplugged scanner beside a file of a similar name",
    "device-absent",
    "scanner desk",
    (p) => {
      writeFileSync(join(p.folder, "dusk"), "");
      p.keys["scanners"] = scanner(join(p.folder, "desk"));
    },
  ],
  [
    "a file where a device should be",
    "not-a-device",
    "scanner desk",
    (p) => {
      writeFileSync(join(p.folder, "ttyACM0"), "");
      p.keys["scanners"] = scanner(join(p.folder, "ttyACM0"));
    },
  ],
  [
    "ModemManager without the device rule",
    "modem-manager",
    "ModemManager",
    (p) => {
      p.machine.process(417, ["/usr/sbin/ModemManager"]);
    },
  ],
  ["brltty", "brltty", "brltty", (p) => p.machine.process(418, ["/sbin/brltty", "-E"])],
  [
    "a device server that is off",
    "refused",
    "scanner desk",
    async (p) => {
      p.keys["scanners"] = scanner(`tcp://127.0.0.1:${await freePort()}`);
    },
  ],
  [
    "an HTTP port that is taken",
    "port-taken",
    "http address 127.0.0.1:PORT",
    async (p) => {
      p.keys["http"] = `{ port: ${await listen(mute)} }`;
    },
  ],
  [
    "an MQTT port that is taken",
    "port-taken",
    "mqtt address 127.0.0.1:PORT",
    async (p) => {
      p.keys["mqtt"] = `{ port: ${await listen(mute)} }`;
    },
  ],
  [
    "an address of another machine",
    "no-such-address",
    "http address 192.0.2.1:0",
    (p) => {
      const token = join(p.folder, "token");
      writeFileSync(token, `${"t".repeat(40)}\n`, { mode: 0o600 });
      p.keys["http"] = `{ host: 192.0.2.1, port: 0, tokenFile: ${token} }`;
    },
  ],
  [
    "a twin that is not started",
    "refused",
    "twin",
    async (p) => {
      p.keys["twin"] = twin(`mqtt://127.0.0.1:${await freePort()}`);
    },
  ],
  [
    "a twin whose name nobody knows",
    "unknown-host",
    "twin",
    (p) => {
      p.keys["twin"] = twin("mqtt://twin.invalid:1884");
    },
  ],
  [
    "the twin's page in place of its broker",
    "other-protocol",
    "twin",
    async (p) => {
      const port = await listen(() => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
      p.keys["twin"] = twin(`mqtt://127.0.0.1:${port}`);
    },
  ],
  [
    "a port that says nothing",
    "mute",
    "twin",
    async (p) => {
      p.keys["twin"] = twin(`mqtt://127.0.0.1:${await listen(mute)}`);
    },
  ],
  [
    "a twin that does not take this gateway",
    "not-welcome",
    "twin",
    async (p) => {
      const port = await listen(() => Uint8Array.of(0x20, 2, 0, 5));
      p.keys["twin"] = twin(`mqtt://127.0.0.1:${port}`);
    },
  ],
  [
    "a broker of somebody else with another password",
    "not-welcome",
    "broker hall",
    async (p) => {
      const port = await listen(() => Uint8Array.of(0x20, 2, 0, 4));
      source(p, `mqtt://127.0.0.1:${port}`);
    },
  ],
  [
    "a broker of somebody else that is off",
    "refused",
    "broker hall",
    async (p) => source(p, `mqtt://127.0.0.1:${await freePort()}`),
  ],
  [
    "a broker of somebody else whose name nobody knows",
    "unknown-host",
    "broker hall",
    (p) => source(p, "mqtt://broker.invalid:1883"),
  ],
  [
    "a broker of somebody else that wants no TLS",
    "other-protocol",
    "broker hall",
    async (p) => {
      // What is no MQTT to it ends the connection, as brokers do.
      const broker = createServer((socket) => socket.once("data", () => socket.destroy()));
      onTestFinished(() => void broker.close());
      await new Promise<void>((resolve) => {
        broker.listen(0, "127.0.0.1", resolve);
      });
      source(p, `mqtts://127.0.0.1:${(broker.address() as { port: number }).port}`);
    },
  ],
  [
    "an instrument behind a device server that is off",
    "refused",
    "instrument hall",
    async (p) => instrument(p, `tcp://127.0.0.1:${await freePort()}`),
  ],
  [
    "an instrument behind a device server whose name nobody knows",
    "unknown-host",
    "instrument hall",
    (p) => instrument(p, "tcp://moxa.invalid:4001"),
  ],
  [
    "an instrument whose cable is out",
    "device-absent",
    "instrument hall",
    (p) => instrument(p, "/dev/serial/by-id-none/usb-Vaisala-if00"),
  ],
  [
    "a Modbus line behind a device server that is off",
    "refused",
    "Modbus line bus",
    async (p) => {
      p.keys["modbus"] =
        `[{ id: bus, path: "tcp://127.0.0.1:${await freePort()}", carrier: tcp, slaves: [{ id: pump, slave: 1, profile: sht20 }] }]`;
    },
  ],
  [
    "a password file that is not there",
    "password-absent",
    "broker hall",
    async (p) => {
      source(p, `mqtt://127.0.0.1:${await listen(() => Uint8Array.of(0x20, 2, 0, 0))}`);
      rmSync(join(p.folder, "password"));
    },
  ],
  [
    "a password that everybody may read",
    "password-open-to-all",
    "broker hall",
    async (p) => {
      source(p, `mqtt://127.0.0.1:${await listen(() => Uint8Array.of(0x20, 2, 0, 0))}`);
      chmodSync(join(p.folder, "password"), 0o644);
    },
  ],
  [
    "a clock without a battery",
    "clock-not-set",
    "clock",
    (p) => {
      p.clock = { ...createClock(() => "unsynced"), nowMs: () => Date.UTC(2019, 0, 1) };
    },
  ],
  [
    "a clock that is not the twin's",
    "clock-differs",
    "clock",
    async (p) => {
      await pretendGateway(p, { clock: { quality: "unknown", twinOffsetS: -93 } });
    },
  ],
  [
    "a clock that nobody keeps",
    "clock-unkept",
    "clock",
    (p) => {
      rmSync(join(p.machine.root, "proc/7"), { recursive: true });
    },
  ],
  [
    "data in memory",
    "disk-in-memory",
    "data folder",
    (p) => {
      p.data = mkdtempSync("/dev/shm/racktrace-");
      onTestFinished(() => rmSync(p.data, { recursive: true }));
    },
  ],
  [
    "a gateway that holds the folder and does not answer",
    "folder-held",
    "data folder",
    (p) => {
      onTestFinished(lockFolder(p.data).release);
    },
  ],
  [
    "an outbox that is damaged",
    "outbox-store-corrupt",
    "outbox in",
    (p) => {
      writeFileSync(join(p.data, "outbox.db"), "not a database at all".repeat(500));
    },
  ],
  [
    "an outbox of a later release",
    "outbox-store-newer",
    "outbox in",
    (p) => {
      const db = new Sqlite(join(p.data, "outbox.db"));
      db.pragma("user_version = 99");
      db.close();
    },
  ],
  [
    "a damaged outbox that was set aside",
    "outbox-set-aside",
    "outbox in",
    (p) => {
      writeFileSync(join(p.data, "outbox.db.corrupt-20261122T101112Z"), "");
    },
  ],
];

test("nothing is found when all is well, and the exit status says so", async () => {
  const patient = await createPatient();

  expect(await patient.look()).toEqual([]);

  const { status, stdout } = await doctor(patient);
  expect([status, stdout]).toEqual([0, "All is well.\n"]);
});

test.each(FAULTS)("%s: %s", async (_fault, code, about, seed) => {
  const patient = await createPatient();
  await seed(patient);

  const found = await patient.look();

  expect(found.map((one) => one.code)).toEqual([code]);
  expect(found[0]?.about.replace(/:\d{4,}$/, ":PORT")).toContain(about);
  for (const words of [found[0]?.what, found[0]?.cause, found[0]?.next])
    expect(words?.length).toBeGreaterThan(5);
});

test("who holds a device or a port is named with its process", async () => {
  const patient = await createPatient();
  const child = await holdOpen(patient.tty);
  patient.root = "/";
  patient.keys["http"] = `{ port: ${await listen(() => undefined)} }`;

  const found = await patient.look();

  const wordsOf = (code: string) => JSON.stringify(found.find((one) => one.code === code));
  expect(wordsOf("device-held")).toContain(`sleep 600 (pid ${child.pid})`);
  expect(wordsOf("port-taken")).toContain(`(pid ${process.pid})`);
});

test("a password that was written on Windows is greeted with as the gateway does", async () => {
  const patient = await createPatient();
  const heard: Buffer[] = [];
  const port = await listen((bytes) => {
    heard.push(bytes);
    return Uint8Array.of(0x20, 2, 0, 0);
  });
  source(patient, `mqtt://127.0.0.1:${port}`);
  writeFileSync(join(patient.folder, "password"), "secret\r\n");

  expect(await patient.look()).toEqual([]);

  // CONNECT ends with the password and its length before it [MQTT 3.1.1, 3.1.3.5].
  expect(heard[0]?.subarray(-8).toString("latin1")).toBe("\0\x06secret");
});

test("a misspelt device is told with the name that was meant", async () => {
  const patient = await createPatient();
  patient.keys["scanners"] = scanner(join(patient.folder, "usb-Zebra_DS8178_S21-if00"));

  const [found] = await patient.look();

  expect(found?.next).toBe(`write path: ${patient.folder}/usb-Zebra_DS8178_S12-if00`);
});

test.skipIf(!hasOpenssl).each([
  [
    "that has expired",
    "localhost",
    { from: "20200101000000Z", to: "20210101000000Z" },
    true,
    "expired",
  ],
  [
    "of another name",
    "other.example",
    { from: "20200101000000Z", to: "20490101000000Z" },
    true,
    "another name",
  ],
  [
    "that is not valid yet",
    "localhost",
    { from: "20480101000000Z", to: "20490101000000Z" },
    true,
    "not valid yet",
  ],
  [
    "of nobody we trust",
    "localhost",
    { from: "20200101000000Z", to: "20490101000000Z" },
    false,
    "nobody whom",
  ],
])("a certificate %s is told as that", async (_how, name, days, trusted, cause) => {
  const patient = await createPatient();
  const pem = certify(name, days);
  const before = getCACertificates("default");
  if (trusted) setDefaultCACertificates([...before, pem.authority]);
  onTestFinished(() => setDefaultCACertificates(before));
  const port = await listenTls(pem, () => Uint8Array.of(0x20, 2, 0, 0));
  const well = patient.keys["twin"] ?? "";
  patient.keys["twin"] = twin(`mqtts://localhost:${port}`);

  const found = await patient.look();

  expect(found).toMatchObject([{ code: "certificate", about: "twin" }]);
  expect(found[0]?.cause).toContain(cause);

  // The same of a broker that devices publish to.
  patient.keys["twin"] = well;
  source(patient, `mqtts://localhost:${port}`);
  const [other] = await patient.look();
  expect(other).toMatchObject({ code: "certificate", about: "broker hall" });
  expect(other?.cause).toContain(cause);
});

test("a wrong, missing or double configuration is told before anything else is looked at", async () => {
  const patient = await createPatient();
  patient.keys["scaners"] = "[]";
  const wrong = await doctor(patient, "--json");
  expect(wrong.status).toBe(1);
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    code: "config-wrong",
    what: expect.stringContaining('did you mean "scanners"?'),
  });

  delete patient.keys["scaners"];
  symlinkSync(patient.tty, join(patient.folder, "by-path"));
  patient.keys["lines"] =
    `[{ id: hall, path: ${patient.folder}/by-path, format: { kind: pairs }, readings: [{ field: T, property: t, unit: Cel }] }]`;
  expect((await doctor(patient)).stdout).toContain("which desk reads already as");

  renameSync(patient.file(), join(patient.folder, "elsewhere.yaml"));
  const absent = await run("doctor", "--config", join(patient.folder, "gateway.yaml"));
  expect(absent.stdout).toContain("the path is wrong, or the file was not made");
});

test.skipIf(!isRoot)(
  "what this user may not do is told: device, folder, lock, outbox, port",
  async () => {
    const patient = await createPatient();
    chmodSync(patient.tty, 0o600);
    patient.keys["http"] = `{ port: ${PORT} }`;
    writeFileSync(join(patient.data, "lock"), "", { mode: 0o600 });
    const file = patient.file();

    const asNobody = () =>
      run("doctor", "--config", file, "--json", "--root", patient.root, NOBODY);
    const found = codes((await asNobody()).stdout);

    expect(found).toContain("device-not-permitted scanner desk");
    if (PORT < unprivilegedPorts())
      expect(found).toContain(`port-not-permitted http address 127.0.0.1:${PORT}`);
    expect(found).toContain(`folder-not-writable data folder ${patient.data}`);
    expect(found).toContain(`folder-not-ours data folder ${patient.data}`);

    chownSync(patient.data, NOBODY.uid, NOBODY.uid);
    chmodSync(file, 0o600);
    expect(codes((await asNobody()).stdout)).toEqual(["config-unreadable configuration"]);
  },
);

test.skipIf(!mayMount).each([
  ["a full disk", "mount -t tmpfs -o size=64k none DATA; cat /dev/zero > DATA/x", "disk-full"],
  ["a disk that is nearly full", "mount -t tmpfs -o size=30m none DATA", "disk-nearly-full"],
  [
    "a disk that is read-only",
    "mount --bind DATA DATA; mount -o remount,ro,bind DATA",
    "disk-read-only",
  ],
])("%s is told", async (_fault, mount, code) => {
  const patient = await createPatient();
  const words = ["doctor", "--config", patient.file(), "--json", "--root", patient.root];
  const script = `${mount.replaceAll("DATA", patient.data)} 2>/dev/null; exec "$0" "$@"`;
  const child = spawn("unshare", ["-m", "sh", "-c", script, process.execPath, MAIN, ...words]);

  const found = codes(await text(child.stdout));

  expect(found).toContain(`${code} data folder ${patient.data}`);
});

test("noise on a line and a refused configuration are read from the gateway that runs", async () => {
  const patient = await createPatient();
  const path = join(patient.folder, "noisy");
  patient.keys["scanners"] = `[{ id: desk, path: ${path}, frameBytesMax: 64 }]`;
  patient.root = "/";
  const gateway = await startProgram(["gateway", "--config", patient.file()], patient.data);
  onTestFinished(() => gateway.kill());
  const pty = openPty();
  plugIn(path, pty);
  const status = async () =>
    (await (await fetch(`${gateway.address["http"]}/status.json`)).json()) as RunningStatus;
  await until("it is read", async () => (await status()).scanners[0]?.state === "open");
  await pty.write("\u00fe".repeat(400));
  patient.keys["log"] = "loud";
  patient.file();
  process.kill(gateway.pid, "SIGHUP");
  await until("both are known", async () => {
    const { scanners, config } = await status();
    return (scanners[0]?.noise["oversize"] ?? 0) > 100 && config.problems.length > 0;
  });
  delete patient.keys["log"];

  const found = await patient.look();

  const told = found.filter(({ code }) => !["device-held", "clock-unkept"].includes(code));
  expect(told.map(({ code, about }) => [code, about])).toEqual([
    ["line-noise", "scanner desk"],
    ["config-refused", "configuration"],
  ]);
  expect(told[0]?.cause).toContain("no end of a scan is seen");
});

function source(patient: Patient, url: string): void {
  const file = join(patient.folder, "password");
  writeFileSync(file, "secret\n", { mode: 0o600 });
  patient.keys["mqtt"] =
    `{ port: 0, sources: [{ id: hall, url: "${url}", topics: ["#"], username: u, passwordFile: ${file} }] }`;
}

function instrument(patient: Patient, path: string): void {
  patient.keys["lines"] =
    `[{ id: hall, path: "${path}", format: { kind: pairs }, readings: [{ field: T, property: t, unit: Cel }] }]`;
}

/** What a gateway would say that runs on this folder. */
async function pretendGateway(patient: Patient, says: object): Promise<void> {
  const status = { scanners: [], reasons: [], config: { problems: [], waits: [] }, ...says };
  const server = createHttpServer((_request, response) => response.end(JSON.stringify(status)));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  mkdirSync(patient.data, { recursive: true });
  const address = { pid: 1, http: `http://127.0.0.1:${port}` };
  writeFileSync(join(patient.data, "address.json"), JSON.stringify(address));
}

/** From here on anybody may listen. */
function unprivilegedPorts(): number {
  return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
}

type User = { readonly uid: number; readonly gid: number };
const NOBODY: User = { uid: 65534, gid: 65534 };

function doctor(patient: Patient, ...words: readonly string[]) {
  return run("doctor", "--config", patient.file(), "--root", patient.root, ...words);
}

async function run(...words: readonly (string | User)[]) {
  const user = words.find((word) => typeof word === "object");
  const argv = words.filter((word) => typeof word === "string");
  const child = spawn(process.execPath, [MAIN, ...argv], { ...user });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, stdout, stderr };
}

function codes(stdout: string): readonly string[] {
  const lines = stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line)).map(({ code, about }) => `${code} ${about}`);
}
