/** The serial adapter on real ttys. */
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLine } from "../../src/io/line.ts";
import { openSerial } from "../../src/io/serial.ts";
import type { ByteLine, SerialSettings } from "../../src/ports.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openPty } from "../support/pty.ts";
import { openCable } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

const XON = Uint8Array.of(0x11);
const XOFF = Uint8Array.of(0x13);

test("bytes arrive as they were sent, all 256 values", async () => {
  const pty = openPty();
  const line = await openSerial(at(pty.path));
  const sent = Uint8Array.from({ length: 256 }, (_, value) => value);

  const heard = gather(line);
  await pty.write(sent);
  await until("all bytes arrive", () => heard.bytes().length >= 256);

  expect(heard.bytes()).toEqual([...sent]);
  await line.close();
});

test("while nobody reads, bytes wait in the tty and none is lost", async () => {
  const pty = openPty();
  const line = await openSerial(at(pty.path));
  const chunks = line.read()[Symbol.asyncIterator]();
  const sent = "0123456789".repeat(20_000);

  const written = pty.write(sent);
  let text = "";
  while (text.length < sent.length) {
    const { value } = await chunks.next();
    text += String.fromCharCode(...value);
    expect(value.length).toBeLessThanOrEqual(4096);
  }
  await written;

  expect(text).toBe(sent);
  await line.close();
});

test("an unplugged line ends, and with it the descriptor, at any moment", async () => {
  const before = descriptors();
  for (let round = 0; round < 50; round++) {
    const pty = openPty();
    const line = await openSerial(at(pty.path));
    const heard = gather(line);
    await pty.write("HALF");
    if (round % 3 === 0) await until("bytes arrive", () => heard.bytes().length === 4);
    if (round % 3 === 1) await Promise.resolve();
    pty.hangup();
    await heard.ended;
  }
  expect(descriptors()).toBe(before);
});

test("a line that was hung up before anyone read it ends instead of asking for ever", async () => {
  const pty = openPty();
  const line = await openSerial(at(pty.path));
  pty.hangup();

  await gather(line).ended;
});

test("closing ends the reader, and is not an error when done twice", async () => {
  const pty = openPty();
  const line = await openSerial(at(pty.path));
  const heard = gather(line);

  await line.close();
  await line.close();

  await heard.ended;
});

test("what is written reaches the other side of the line", async () => {
  const pty = openPty();
  const line = await openSerial(at(pty.path));

  await expect(line.write(Uint8Array.of(6))).resolves.toBeUndefined();
  await line.close();
});

test.each([
  ["none", "-crtscts", "-ixon -ixoff"],
  ["hardware", "crtscts", "-ixon -ixoff"],
  ["software", "-crtscts", "ixon ixoff"],
] as const)("flow control %s is set up on the line", async (flowControl, hardware, software) => {
  const pty = openPty();
  const line = await openSerial({ ...at(pty.path), flowControl });
  const set = execFileSync("stty", ["-a", "-F", pty.path], { encoding: "utf8" }).split(/[\s;]+/);
  expect(set).toEqual(expect.arrayContaining([hardware, ...software.split(" ")]));
  await line.close();
});

test("what the other side is slow to take arrives whole and in order", async () => {
  const tty = openCable();
  const line = await openSerial(at(tty.path));
  const sent = Array.from({ length: 40 }, (_, n) => `${n}:${"x".repeat(1_000)};`);

  const written = Promise.all(sent.map((text) => line.write(Buffer.from(text))));
  let heard = "";
  await until("all bytes arrive", () => {
    heard += Buffer.from(tty.take()).toString();
    return heard.length >= sent.join("").length;
  });
  await written;

  expect(heard).toBe(sent.join(""));
  await line.close();
});

test("what the other side does not take holds up nothing that it sends, and leaves when it is taken", async () => {
  const tty = openCable();
  const line = await openSerial({ ...at(tty.path), flowControl: "software" });
  const heard = gather(line);
  // What is read behind it says that it has been obeyed.
  await tty.write(Buffer.concat([XOFF, Buffer.from("a")]));
  await until("the line is read", () => heard.bytes().length === 1);

  let isSaid = false;
  const said = line.write(Buffer.from("say")).then(() => {
    isSaid = true;
  });
  for (let n = 2; n <= 50; n++) {
    await tty.write(Buffer.from("a"));
    await until("the line is read on", () => heard.bytes().length === n);
  }
  expect([isSaid, tty.take().length]).toEqual([false, 0]);

  await tty.write(XON);
  await said;
  expect(Buffer.from(tty.take()).toString()).toBe("say");
  await line.close();
});

test("a line that takes nothing can be closed, and what was not taken is refused", async () => {
  const tty = openCable();
  const line = await openSerial({ ...at(tty.path), flowControl: "software" });
  const heard = gather(line);
  await tty.write(Buffer.concat([XOFF, Buffer.from("a")]));
  await until("the line is read", () => heard.bytes().length === 1);
  const said = expect(line.write(Buffer.from("say"))).rejects.toMatchObject({
    code: "SERIAL_LOST",
  });
  await line.close();
  await said;
  await heard.ended;
});

test("of what a device does not take some thousand words wait, and the rest is refused at once", async () => {
  const tty = openCable();
  const line = await openLine({ ...at(tty.path), flowControl: "software" });
  const heard = gather(line);
  await tty.write(Buffer.concat([XOFF, Buffer.from("a")]));
  await until("the line is read", () => heard.bytes().length === 1);

  let refused = 0;
  const said = Array.from({ length: 3_000 }, () =>
    line.write(Buffer.from("w")).catch(() => {
      refused += 1;
    }),
  );
  await until("the rest is refused", () => refused > 0);
  await tty.write(XON);
  await Promise.all(said);
  expect(tty.take().length + refused).toBe(said.length);
  await line.write(Buffer.from("say"));
  await line.close();
});

test("a port that cannot be opened says why", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "file");
  writeFileSync(file, "");
  const pty = openPty();
  const first = await openSerial(at(pty.path));

  await expect(openSerial(at(join(folder, "none")))).rejects.toMatchObject({
    code: "SERIAL_LOST",
    message: expect.stringContaining("none is absent"),
  });
  await expect(openSerial(at(pty.path))).rejects.toMatchObject({
    code: "SERIAL_LOST",
    message: expect.stringContaining("is busy"),
  });
  await expect(openSerial(at(file))).rejects.toMatchObject({
    code: "SERIAL_LOST",
    message: expect.stringContaining("is not a serial port"),
  });
  await first.close();
});

function at(path: string): SerialSettings {
  return { path, baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 };
}

function gather(line: ByteLine) {
  const bytes: number[] = [];
  const ended = (async () => {
    for await (const chunk of line.read()) bytes.push(...chunk);
  })();
  return { bytes: () => bytes, ended };
}

/** Open terminals only: timers and pools come and go beside them. */
function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
