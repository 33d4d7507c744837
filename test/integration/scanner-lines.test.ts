/** Scanners behind serial device servers, and scanners that play keyboard. */
import { spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createAckNakScanner, FAMILIES } from "../../firmware-sim/ack-nak.ts";
import { type DeviceServerOptions, openDeviceServer } from "../../firmware-sim/device-server.ts";
import { createSsiScanner } from "../../firmware-sim/ssi.ts";
import { typed } from "../../firmware-sim/wedge.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openDesk } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

const LABEL = "2539521234000013N00001P01";

test.each([
  ["raw", "tcp"],
  ["rfc2217", "rfc2217"],
] as const)(
  "an SSI scanner behind a %s device server is acknowledged like one on a tty",
  async (kind, scheme) => {
    const server = await open({ kind });
    const desk = await openDesk({
      scanner: "profile: zebra-ssi",
      path: `${scheme}://127.0.0.1:${server.port}`,
    });
    await desk.untilOpen();
    const scanner = createSsiScanner(server.line, { timeoutMs: 2_000, type: 0x0f });
    onTestFinished(scanner.close);

    expect(await scanner.scan(LABEL)).toEqual({ how: "acknowledged", sent: 1 });
    await until("the tone is heard", () => scanner.tones.length === 1);
    expect(await desk.scans()).toEqual([`]C1${LABEL}`]);
  },
);

test("the far port of an RFC 2217 server is set up as the profile says: 7E1 for Olivetti", async () => {
  const server = await open({ kind: "rfc2217" });
  const desk = await openDesk({
    scanner: "profile: zebra-stx-etx, flowControl: software",
    path: `rfc2217://127.0.0.1:${server.port}`,
  });
  await desk.untilOpen();
  expect(server.settings).toEqual(["baud 9600", "data 7", "parity 3", "stop 1", "control 2"]);

  const scanner = createAckNakScanner(server.line, FAMILIES["zebra-stx-etx"]);
  onTestFinished(scanner.close);
  expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
});

test("a byte that telnet uses for itself arrives as it was sent", async () => {
  const server = await open({ kind: "rfc2217" });
  const desk = await openDesk({
    scanner: "profile: generic",
    path: `rfc2217://127.0.0.1:${server.port}`,
  });
  await desk.untilOpen();
  await server.line.write(Uint8Array.of(0x41, 0xff, 0xff, 0xf0, 0x42, 0x0d));
  await until("the scan is kept", async () => (await desk.scans()).length === 1);
  expect(await desk.scans()).toEqual(["A\xff\xff\xf0B"]);
});

test.each<[string, DeviceServerOptions, RegExp]>([
  ["refuses the option", { kind: "rfc2217", option: "dont" }, /RFC 2217 is refused; write tcp/],
  ["has another baud rate", { kind: "rfc2217", baudRate: 19_200 }, /baud rate is 0 0 75 0 there/],
])("a server that %s is faulted, and says why", async (_, options, why) => {
  const server = await open(options);
  const desk = await openDesk({
    scanner: "profile: generic",
    path: `rfc2217://127.0.0.1:${server.port}`,
  });
  await until("it is faulted", () => desk.state().state === "faulted");
  expect(desk.state().reason).toMatch(why);
});

test("a server that loses its power in the middle of a scan splices nothing, and is there again", async () => {
  const server = await open({ kind: "raw" });
  const desk = await openDesk({
    scanner: "profile: generic",
    path: `tcp://127.0.0.1:${server.port}`,
  });
  await desk.untilOpen();
  await until("the server knows", server.connected);
  await server.line.write(Buffer.from("FIRST\rHAL"));
  await until("the scan is kept", async () => (await desk.scans()).length === 1);
  server.cut();
  await until("the cut is seen", () => desk.state().state !== "open", { everyMs: 1 });
  await desk.untilOpen();
  await until("the server knows", server.connected);
  await server.line.write(Buffer.from("F\rNEXT\r"));
  await until("the scans are kept", async () => (await desk.scans()).length === 3);
  expect(await desk.scans()).toEqual(["FIRST", "F", "NEXT"]);
  expect(desk.figures.noise).toEqual({ "cut-short": 3 });
});

test.each([
  ["asks on and takes no answer", Buffer.alloc(60_000, Uint8Array.of(255, 253, 44))],
  ["sends on and is never set up", Buffer.alloc(60_000, "x")],
])("a server that %s is left before it fills the memory", async (why, words) => {
  const server = createServer((socket) => {
    const tell = () => {
      while (socket.writable && socket.write(words));
    };
    socket.on("error", () => undefined).on("drain", tell);
    tell();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const desk = await openDesk({ scanner: "profile: generic", path: `rfc2217://127.0.0.1:${port}` });
  await until("it is faulted", () => desk.state().reason.includes(why));
});

test("a server that is not there is absent, and says so", async () => {
  const server = await openDeviceServer({ kind: "raw" });
  await server.close();
  const desk = await openDesk({
    scanner: "profile: generic",
    path: `tcp://127.0.0.1:${server.port}`,
  });
  await until("it is absent", () => desk.state().state === "absent");
  expect(desk.state().reason).toMatch(/is absent \(.*ECONNREFUSED/);
});

test("a scanner that plays keyboard types its scans, with their separators", async () => {
  const path = join(temporaryFolder(), "event-kbd");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  const desk = await openDesk({ scanner: "profile: hid", path });
  const keys = createWriteStream(path);
  onTestFinished(() => void keys.end());
  await desk.untilOpen();

  keys.write(typed("]C110AB-12\x1d21X7"));
  keys.write(typed(`]d2${LABEL}`));
  await until("the scans are kept", async () => (await desk.scans()).length === 2);
  expect(await desk.scans()).toEqual(["]C110AB-12\x1d21X7", `]d2${LABEL}`]);
});

test("a keyboard that cannot be read, since too many files are open, is a fault and ends nothing", () => {
  const script = `
    import { openSync } from "node:fs";
    import { openKeyboard } from "${new URL("../../src/io/keyboard.ts", import.meta.url)}";
    try {
      for (;;) openSync("/dev/null", "r");
    } catch {}
    await openKeyboard({ path: "/dev/null" }).catch(({ code }) => process.exit(code === "SERIAL_LOST" ? 7 : 8));
  `;
  const node = `ulimit -n 64; exec "$0" --input-type=module-typescript -e "$1"`;
  const { status, stderr } = spawnSync("sh", ["-c", node, process.execPath, script]);
  expect(status, String(stderr)).toBe(7);
});

test("stopping does not wait for a keyboard on which nobody types", async () => {
  const path = join(temporaryFolder(), "event-kbd");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  const desk = await openDesk({ scanner: "profile: hid", path });
  const keys = createWriteStream(path);
  onTestFinished(() => void keys.end());
  await desk.untilOpen();
  await desk.stop();
});

async function open(options: DeviceServerOptions) {
  const server = await openDeviceServer(options);
  onTestFinished(() => server.close());
  return server;
}
