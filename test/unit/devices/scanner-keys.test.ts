/** Key events as the kernel hands them out, recorded by hand from linux/input-event-codes.h. */
import { expect, test } from "vitest";
import { createKeysDeframer } from "../../../src/devices/scanners/keys.ts";

const SHIFT = 42;
const CTRL = 29;
const CAPS = 58;
const ENTER = 28;

test("keys become the characters of a US keyboard, and Enter ends the scan", () => {
  const typed = [
    // ]C1
    ...tap(27),
    ...held(SHIFT, tap(46)),
    ...tap(2),
    // a-Z_
    ...tap(30),
    ...tap(12),
    ...held(SHIFT, tap(44)),
    ...held(SHIFT, tap(12)),
    ...tap(ENTER),
  ];
  expect(scansOf(typed)).toEqual(["]C1a-Z_"]);
});

test("Ctrl+] is the separator GS", () => {
  expect(scansOf([...tap(2), ...held(CTRL, tap(27)), ...tap(3), ...tap(ENTER)])).toEqual([
    "1\x1d2",
  ]);
});

test("Caps Lock turns letters and nothing else", () => {
  const typed = [...tap(CAPS), ...tap(30), ...tap(2), ...held(SHIFT, tap(30)), ...tap(ENTER)];
  expect(scansOf(typed)).toEqual(["A1a"]);
});

test("events that are cut anywhere by the reader are put together", () => {
  const all = Buffer.concat([...tap(30), ...tap(ENTER)]);
  const deframer = createKeysDeframer(64);
  const cuts = [...all].flatMap((byte) => deframer.push(Uint8Array.of(byte)));
  expect(cuts).toEqual([{ kind: "frame", frame: Uint8Array.of(0x61) }]);
});

test("a key that stands for no character is counted as noise", () => {
  const deframer = createKeysDeframer(64);
  expect(deframer.push(Buffer.concat(tap(59)))).toEqual([{ kind: "noise", bytes: 1, why: "keys" }]);
});

test("a scan that the plug cut short is noise", () => {
  const deframer = createKeysDeframer(64);
  deframer.push(Buffer.concat([...tap(30), ...tap(31)]));
  expect(deframer.close()).toEqual([{ kind: "noise", bytes: 2, why: "cut-short" }]);
});

test("a scan from which the kernel lost keys is noise up to its Enter, and the next is read", () => {
  const deframer = createKeysDeframer(64);
  const dropped = event(0, 3, 0);
  const cuts = deframer.push(
    Buffer.concat([
      ...[...tap(30), ...tap(31), event(1, SHIFT, 1), dropped, event(0, 0, 0)],
      ...[...tap(32), ...tap(ENTER), ...tap(33), ...tap(ENTER)],
    ]),
  );
  expect(cuts).toEqual([
    { kind: "noise", bytes: 3, why: "cut-short" },
    { kind: "frame", frame: Uint8Array.of(0x66) },
  ]);
});

test("a scan from which the kernel lost keys and that the plug cut short is noise, once", () => {
  const deframer = createKeysDeframer(64);
  deframer.push(Buffer.concat([...tap(30), event(0, 3, 0), ...tap(31)]));
  expect(deframer.close()).toEqual([{ kind: "noise", bytes: 2, why: "cut-short" }]);
});

function scansOf(events: readonly Buffer[]): string[] {
  return createKeysDeframer(64)
    .push(Buffer.concat(events))
    .flatMap((cut) => (cut.kind === "frame" ? [Buffer.from(cut.frame).toString("latin1")] : []));
}

/** Press, scan code and report, release: what one key gives. */
function tap(code: number): Buffer[] {
  return [
    event(4, 4, 0x70004),
    event(1, code, 1),
    event(0, 0, 0),
    event(1, code, 0),
    event(0, 0, 0),
  ];
}

function held(modifier: number, taps: readonly Buffer[]): Buffer[] {
  return [event(1, modifier, 1), event(0, 0, 0), ...taps, event(1, modifier, 0), event(0, 0, 0)];
}

function event(type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeBigInt64LE(1_700_000_000n, 0);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}
