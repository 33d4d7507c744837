/** What the MQTT library remembers of the packets that it wrote. */
import { createRequire } from "node:module";
import { Aedes } from "aedes";
import { writeToStream } from "mqtt-packet";
import { expect, onTestFinished, test, vi } from "vitest";
import { boundPacketMemory } from "../../src/io/mqtt-packet-memory.ts";

/** Its own bytes: each of them is what the library keeps of this length. */
function lengthBytesOf(payload: number): Buffer {
  const pieces: (Buffer | string)[] = [];
  const stream = { write: (piece: Buffer | string) => pieces.push(piece) > 0 };
  writeToStream(
    {
      ...{ cmd: "publish", topic: "t", payload: Buffer.alloc(payload) },
      ...{ qos: 0, dup: false, retain: false },
    },
    stream as unknown as NodeJS.WritableStream,
  );
  return pieces[1] as Buffer;
}

test("packets of all lengths, sent between other work, hold a few pieces of memory and not one each", () => {
  boundPacketMemory();
  const held = new Set<ArrayBufferLike>();
  for (let payload = 1; payload < 16_000; payload += 5) {
    // Others are cut out of the same piece of memory, and gone at once.
    Buffer.allocUnsafe(4_000);
    held.add(lengthBytesOf(payload).buffer);
  }
  expect(held.size).toBeLessThan(32);
});

const quiet = { note: () => undefined, warn: () => undefined, error: () => undefined };

test.each([
  [
    "the line to the twin",
    async () => {
      const { createMqttLink } = await import("../../src/io/mqtt-link.ts");
      const url = "mqtt://127.0.0.1:1";
      createMqttLink({ url, gateway: "gw-1", connectMs: 1_000, keepaliveMs: 1_000 });
    },
  ],
  [
    "the door that both brokers stand behind",
    async () => {
      const { openMqttDoor } = await import("../../src/io/mqtt-door.ts");
      const { GUARD } = await import("../../src/io/mqtt-guard.ts");
      const broker = await Aedes.createBroker();
      const connection = {
        ...{ bytesMax: 65_536, unreadBytesMax: 65_536 },
        ...{ packetsPerSecond: 1_000, bytesPerSecond: 65_536 },
      };
      const options = { host: "127.0.0.1", port: 0, guard: GUARD, connection, audience: "nobody" };
      const door = await openMqttDoor({ broker, journal: quiet }, options);
      onTestFinished(() => {
        door.close();
        broker.close();
      });
    },
  ],
])("%s bounds it before it writes", async (_what, open) => {
  // As in a process that has not bounded it yet.
  vi.resetModules();
  writeToStream.cacheNumbers = true;
  await open();
  expect(writeToStream.cacheNumbers).toBe(false);
});

test("both brokers and the line to the twin write by the same copy of the library", () => {
  const own = createRequire(import.meta.url);
  const copies = ["mqtt", "aedes"].map((user) =>
    createRequire(own.resolve(user)).resolve("mqtt-packet"),
  );
  expect(new Set([...copies, own.resolve("mqtt-packet")]).size).toBe(1);
});
