/** Scans and typed identifiers against stories of the domain and the public conformance file. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Decoded, decodeScan, decodeTyped } from "../../src/barcode/decode.ts";

const conformance = new URL("../conformance/reconcile-cases.json", import.meta.url);

describe("the world of the conformance file", () => {
  const { entities } = JSON.parse(readFileSync(conformance, "utf8")) as {
    entities: Record<string, { kind: string; barcode: string; key: string }>;
  };

  test("every label in it decodes to a key of its class", () => {
    const classes = Object.values(entities).map(({ barcode }) => classOf(decodeScan(barcode)));
    expect(classes).toHaveLength(35);
    expect(classes).toEqual(Object.values(entities).map(({ key }) => key.toLowerCase()));
  });

  test("no two of its things share a key", () => {
    const keys = Object.values(entities).map(({ barcode }) => keyOf(decodeScan(barcode)));
    expect(new Set(keys).size).toBe(35);
  });
});

test("the EPC URN, the Digital Link and the scan of one thing give one key", () => {
  const key = "253/4012345000092PO-4711";
  expect(keyOf(decodeTyped("urn:epc:id:gdti:4012345.00009.PO-4711"))).toBe(key);
  expect(keyOf(decodeTyped("https://id.gs1.org/253/4012345000092PO-4711"))).toBe(key);
  expect(keyOf(decodeScan("]d22534012345000092PO-4711"))).toBe(key);
});

function keyOf(decoded: ReturnType<typeof decodeTyped>): string {
  return decoded.kind === "key" ? decoded.key : JSON.stringify(decoded);
}

function classOf(decoded: Decoded): string {
  return decoded.kind === "key" ? decoded.class : JSON.stringify(decoded);
}
