/** The golden vectors of test/vectors/barcode.txt, each as a test of its own. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeScan, decodeTyped, type ScannerProfile } from "../../src/barcode/decode.ts";

const file = new URL("../vectors/barcode.txt", import.meta.url);
const vectors = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => /^(\w+)(?:\[(.*?)\])? (.*?) +-> (.*)$/.exec(line) ?? [line]);

test.each(vectors)("%s", (_line, source, settings, input = "", outcome = "") => {
  const bytes = unescaped(input);
  const decoded =
    source === "typed"
      ? decodeTyped(new TextDecoder().decode(bytes))
      : decodeScan(bytes, profileOf(settings ?? ""));
  expect(told(decoded)).toBe(new TextDecoder().decode(unescaped(outcome)));
});

test("a scan given as text means what its bytes mean", () => {
  for (const [, source, settings, input = ""] of vectors) {
    const bytes = unescaped(input);
    if (source !== "scan" || bytes.some((byte) => byte >= 0x80)) continue;
    const profile = profileOf(settings ?? "");
    const text = new TextDecoder().decode(bytes);
    expect(decodeScan(text, profile)).toEqual(decodeScan(bytes, profile));
  }
});

test("each misread and each unknown says why, and keeps the text", () => {
  for (const [, source, settings, input = ""] of vectors) {
    if (source !== "scan") continue;
    const decoded = decodeScan(unescaped(input), profileOf(settings ?? ""));
    if (decoded.kind !== "misread" && decoded.kind !== "unknown") continue;
    expect(decoded.why).not.toBe("");
    if (decoded.kind === "misread" && decoded.ai !== undefined && decoded.ai !== "01")
      expect(decoded.why).toContain(`AI (${decoded.ai})`);
    expect(input.endsWith(decoded.text.slice(-3)) || /\\/.test(input)).toBe(true);
  }
});

/** The outcome in the words of the vector file. */
function told(decoded: ReturnType<typeof decodeTyped>): string {
  switch (decoded.kind) {
    case "key": {
      const attributes = decoded.attributes.map(({ ai, value }) => `+${ai}=${value}`);
      return ["key", decoded.class, decoded.key, ...attributes].join(" ");
    }
    case "alias": {
      const carriers = decoded.carriers.map((carrier) => `?${carrier}`);
      return ["alias", decoded.scheme, decoded.value, ...carriers].join(" ");
    }
    case "command": {
      const { kind, command, symbology, ...rest } = decoded;
      return [kind, command, ...Object.values(rest)].join(" ");
    }
    case "misread":
      return ["misread", decoded.check, ...(decoded.ai === undefined ? [] : [decoded.ai])].join(
        " ",
      );
    case "unknown":
      return "unknown";
    case "serial":
      return `serial ${decoded.serial}`;
  }
}

function profileOf(settings: string): Partial<ScannerProfile> {
  const pairs = settings.split(" ").filter((word) => word !== "");
  const profile = pairs.map((pair) => {
    const at = pair.indexOf("=");
    const value = pair.slice(at + 1);
    return [pair.slice(0, at), pair.startsWith("aim") ? value === "yes" : value];
  });
  return Object.fromEntries(profile) as Partial<ScannerProfile>;
}

/** \xHH is a byte, \s a blank; everything else is UTF-8. */
function unescaped(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("\\x", at)) {
      bytes.push(Number.parseInt(text.slice(at + 2, at + 4), 16));
      at += 4;
    } else if (text.startsWith("\\s", at)) {
      bytes.push(0x20);
      at += 2;
    } else {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      bytes.push(...new TextEncoder().encode(character));
      at += character.length;
    }
  }
  return Uint8Array.from(bytes);
}
