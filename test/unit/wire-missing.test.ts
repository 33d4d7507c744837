/** Fields that a sender left out: in proto3 they are their type's nothing, and no reason to stumble. */
import { expect, test } from "vitest";
import { decodeDirectives } from "../../src/wire/codec.ts";

test("a directive without its text is read as one with an empty text", () => {
  // Field 1 (directive), length 3: field 1 (id), length 1, "x".
  const bytes = Uint8Array.of(0x0a, 3, 0x0a, 1, 0x78);
  expect(decodeDirectives(bytes)).toEqual([
    { id: "x", device: "", kind: "", json: "", remainingMs: 0 },
  ]);
});
