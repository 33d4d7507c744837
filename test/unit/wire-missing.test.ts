/** Fields that a sender left out: in proto3 they are their type's nothing, and no reason to stumble. */
import { expect, test } from "vitest";
import { decodeDirectives, decodeEvent } from "../../src/wire/codec.ts";

test("a directive without its text is read as one with an empty text", () => {
  // Field 1 (directive), length 3: field 1 (id), length 1, "x".
  const bytes = Uint8Array.of(0x0a, 3, 0x0a, 1, 0x78);
  expect(decodeDirectives(bytes)).toEqual([
    { id: "x", device: "", kind: "", json: "", remainingMs: 0 },
  ]);
});

test("an event whose statement says nothing is read as one with an empty text", () => {
  // Field 12 (statement) of no bytes.
  const { body } = decodeEvent(Uint8Array.of(0x62, 0));
  expect(body).toEqual({ kind: "statement", statement: "", json: "" });
});

test("an event whose scan holds nothing is a scan of no bytes", () => {
  // Field 10 (scan) of no bytes.
  const { body } = decodeEvent(Uint8Array.of(0x52, 0));
  expect(body).toMatchObject({ kind: "scan", raw: new Uint8Array(0) });
});
