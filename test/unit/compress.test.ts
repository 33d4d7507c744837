/** Batches are compressed by the hundred a second while a backlog drains: none may leave anything behind. */
import { randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compress, decompress } from "../../src/wire/compress.ts";

describe("a compressed batch", () => {
  test.each([0, 1, 300, 16_000, 16_384, 262_144, 1_048_576])(
    "of %i bytes that no frame makes smaller unpacks to what went in",
    (size) => {
      const bytes = randomBytes(size);
      const frame = compress(bytes);
      expect(zstdDecompressSync(frame).equals(bytes)).toBe(true);
      expect(frame.buffer.byteLength).toBe(frame.length);
      expect(bytes.equals(decompress(frame, 2 * size + 1))).toBe(true);
    },
  );

  test("that is many times as large as its frame is unpacked whole, and not beyond what is allowed", () => {
    const bytes = Buffer.alloc(1_000_000, "again ");
    const frame = compress(bytes);
    expect(frame.length).toBeLessThan(bytes.length / 100);
    expect(bytes.equals(decompress(frame, bytes.length))).toBe(true);
    expect(() => decompress(frame, bytes.length - 1)).toThrow(/larger/);
    expect(() => decompress(bytes, bytes.length)).toThrow();
  });

  test("leaves nothing behind that only a collection of everything would free", () => {
    const bytes = Buffer.from("the same reading of the same device, again\n".repeat(25));
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 1_000; n++) decompress(compress(bytes), bytes.length);
    expect((process.memoryUsage().arrayBuffers - before) / 1_000).toBeLessThan(2_048);
  });
});
