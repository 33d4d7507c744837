/**
 * A scanner that plays keyboard: the key events that Linux hands out for what it types, US layout.
 *
 * Source: linux/input.h (struct input_event on 64-bit kernels), linux/input-event-codes.h.
 */
const EV_SYN = 0;
const EV_KEY = 1;
const EV_MSC = 4;
const MSC_SCAN = 4;
const LEFT_CTRL = 29;
const LEFT_SHIFT = 42;
const ENTER = 28;

const KEYS = new Map<string, number>([
  ["-", 12],
  ["[", 26],
  ["]", 27],
  [".", 52],
  ["/", 53],
  [" ", 57],
]);
for (const [first, row] of [
  [2, "1234567890"],
  [16, "qwertyuiop"],
  [30, "asdfghjkl"],
  [44, "zxcvbnm"],
] as const)
  [...row].forEach((key, at) => {
    KEYS.set(key, first + at);
  });

const SHIFTED: Readonly<Record<string, string>> = {
  ")": "0",
  "(": "9",
  "%": "5",
  "&": "7",
  "*": "8",
};

/** All events of a scan, Enter included. */
export function typed(text: string): Uint8Array {
  return Buffer.concat([...[...text].flatMap(keystroke), ...press(ENTER)]);
}

function keystroke(character: string): Buffer[] {
  if (character === "\x1d") return held(LEFT_CTRL, press(code("]")));
  const plain = SHIFTED[character] ?? character.toLowerCase();
  const strokes = press(code(plain));
  return plain === character ? strokes : held(LEFT_SHIFT, strokes);
}

function code(key: string): number {
  const found = KEYS.get(key);
  if (found === undefined) throw new Error(`no key types ${JSON.stringify(key)}`);
  return found;
}

function press(key: number): Buffer[] {
  return [
    ...[event(EV_MSC, MSC_SCAN, 0x70000 + key), event(EV_KEY, key, 1), event(EV_SYN, 0, 0)],
    ...[event(EV_MSC, MSC_SCAN, 0x70000 + key), event(EV_KEY, key, 0), event(EV_SYN, 0, 0)],
  ];
}

function held(modifier: number, strokes: readonly Buffer[]): Buffer[] {
  return [
    ...[event(EV_KEY, modifier, 1), event(EV_SYN, 0, 0), ...strokes],
    ...[event(EV_KEY, modifier, 0), event(EV_SYN, 0, 0)],
  ];
}

function event(type: number, key: number, value: number): Buffer {
  const bytes = Buffer.alloc(24);
  const ms = Date.now();
  bytes.writeBigInt64LE(BigInt(Math.floor(ms / 1_000)), 0);
  bytes.writeBigInt64LE(BigInt((ms % 1_000) * 1_000), 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(key, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}
