import { expect, test } from "vitest";
import { createPacketLengths } from "../../src/io/mqtt-limit.ts";

test("however the stream is cut, the length of each packet is told as soon as its header is there", () => {
  const expected = [0, 1, 127, 128, 16_383, 16_384, 70_000, 0];
  const stream = Buffer.concat(expected.map(packet));

  for (const size of [1, 2, 3, 7, 1_000, stream.length]) {
    const lengths = createPacketLengths();
    const found: number[] = [];
    for (let at = 0; at < stream.length; at += size)
      found.push(...lengths(stream.subarray(at, at + size)));
    expect(found).toEqual(expected);
  }
});

test("a packet that claims to be long is known by its header, before its body comes", () => {
  const lengths = createPacketLengths();

  expect(lengths(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f))).toEqual([268_435_455]);
});

/** MQTT 3.1.1, section 2.2: a byte of type and flags, the length in groups of seven bits, the rest. */
function packet(length: number): Buffer {
  const header = [0x32];
  for (let rest = length; header.length === 1 || rest > 0; rest = Math.floor(rest / 128))
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  return Buffer.concat([Uint8Array.from(header), Buffer.alloc(length, 0xff)]);
}
