/** Profiles in the configuration: what they fill in, and what does not go with them. */
import { expect, test } from "vitest";
import { problemText, readGatewayConfig } from "../../../src/gateway/config.ts";

test.each([
  ["zebra", { framing: { kind: "gap", gapMs: 50 } }, undefined],
  [
    "zebra-stx-etx",
    { dataBits: 7, parity: "even", stopBits: 1, framing: { kind: "stx-etx" } },
    {
      ...{ style: "ack-nak", ack: 6, nak: 21, warning: undefined, timeoutMs: 2_000, verdictMs: 0 },
    },
  ],
  [
    "zebra-ssi",
    { dataBits: 8, parity: "none", framing: { kind: "ssi" } },
    { style: "ssi", timeoutMs: 2_000, verdictMs: 400 },
  ],
  ["honeywell", { framing: { kind: "delimiter", delimiter: "any" } }, undefined],
  [
    "honeywell-ack-nak",
    { framing: { kind: "delimiter", delimiter: "any" } },
    {
      ...{ style: "ack-nak", ack: 6, nak: 21, warning: undefined, timeoutMs: 2_000, verdictMs: 0 },
    },
  ],
  [
    "honeywell-host-ack",
    { framing: { kind: "delimiter", delimiter: "any" } },
    { style: "host-ack", timeoutMs: 10_000, verdictMs: 400 },
  ],
  ["datalogic", { framing: { kind: "delimiter", delimiter: "any" } }, undefined],
  [
    "datalogic-ack-nak",
    { framing: { kind: "delimiter", delimiter: "any" } },
    {
      style: "ack-nak",
      ack: 6,
      nak: 21,
      warning: { character: 0x46, when: "after" },
      timeoutMs: 2_000,
      verdictMs: 400,
    },
  ],
  ["hid", { framing: { kind: "keys" } }, undefined],
])("%s has its line, its framing and its way of being answered", (profile, line, answer) => {
  const scanner = scannerOf(`profile: ${profile}`);
  expect(scanner).toMatchObject({ baudRate: 9600, ...line });
  expect(scanner?.answer).toEqual(answer);
});

test("what is configured replaces what the profile says", () => {
  const scanner = scannerOf(
    "profile: datalogic-ack-nak, baudRate: 115200, parity: odd, framing: { kind: delimiter, delimiter: crlf }, answer: { ack: 36, nak: 64, warning: 7, timeoutMs: 5000, verdictMs: 900 }",
  );
  expect(scanner).toMatchObject({
    baudRate: 115_200,
    parity: "odd",
    framing: { kind: "delimiter", delimiter: "crlf" },
    answer: {
      ack: 36,
      nak: 64,
      warning: { character: 7, when: "after" },
      timeoutMs: 5_000,
      verdictMs: 900,
    },
  });
});

test("BEL in place of the acknowledgement makes it wait for the twin", () => {
  expect(scannerOf("profile: honeywell-ack-nak, answer: { warning: 7 }")?.answer).toMatchObject({
    warning: { character: 7, when: "instead" },
    verdictMs: 400,
  });
});

test.each([
  ["path: udp://x:1", /udp:\/\/x:1 is no address; write tcp:\/\/HOST:PORT/],
  ["path: tcp://x", /tcp:\/\/x is no address/],
  ["path: tcp://x:4001, profile: hid", /a keyboard is read on this machine/],
  ["profile: zebra-ssi, framing: { kind: gap, gapMs: 20 }", /zebra-ssi frames its scans itself/],
  ["profile: zebra-ssi, beep: 7", /zebra-ssi sounds its tone by its answer/],
  ["profile: hid, beep: 7", /a keyboard hears nothing/],
  ["profile: zebra, answer: { ack: 6 }", /zebra waits for no answer/],
  ["profile: zebra-ssi, answer: { ack: 7 }", /zebra-ssi is not answered with characters of choice/],
  ["profile: zebra-ssi, answer: { verdictMs: 1500 }", /more than half of timeoutMs, 2000/],
  ["profile: honeywell-ack-nak, answer: { nak: 6 }", /ack and nak are the same character/],
  ["profile: zebra-sssi", /did you mean zebra-ssi\?/],
])("what does not go together is told: %s", (words, told) => {
  expect(problemsOf(words)).toEqual([expect.stringMatching(told)]);
});

function scannerOf(words: string) {
  const read = configOf(words);
  expect(read.ok, JSON.stringify(read)).toBe(true);
  return read.ok ? read.config.scanners[0] : undefined;
}

function problemsOf(words: string): string[] {
  const read = configOf(words);
  return read.ok ? [] : read.problems.map((problem) => problemText("f", problem));
}

function configOf(words: string) {
  const path = words.includes("path:") ? "" : "path: /dev/ttyS0, ";
  return readGatewayConfig(`version: 1\ngateway: gw\nscanners: [{ id: a, ${path}${words} }]\n`);
}
