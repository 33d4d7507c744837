/** What the MQTT library remembers of the packets that it wrote. */
import { createRequire } from "node:module";
import { writeToStream } from "mqtt-packet";
import { expect, test } from "vitest";
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

test("both brokers and the line to the twin write by the same copy of the library", () => {
  const own = createRequire(import.meta.url);
  const copies = ["mqtt", "aedes"].map((user) =>
    createRequire(own.resolve(user)).resolve("mqtt-packet"),
  );
  expect(new Set([...copies, own.resolve("mqtt-packet")]).size).toBe(1);
});
