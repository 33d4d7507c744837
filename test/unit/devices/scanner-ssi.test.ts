/** SSI against packets of the makers' manuals, and the rules of its conversation. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createConversation } from "../../../src/devices/scanners/conversation.ts";
import { createSsiDeframer } from "../../../src/devices/scanners/ssi-deframer.ts";
import { checksum, encodeSsi } from "../../../src/devices/scanners/ssi-packet.ts";

const SSI = { style: "ssi", timeoutMs: 2_000, verdictMs: 400, frameBytesMax: 512 } as const;

test("the checksum is the one of the DS457 manual", () => {
  expect(checksum(hex("0a 80 04 00 00 06 20 00 00 ff"))).toBe(0xfe4d);
});

test("an acknowledgement is the packet that is widely known", () => {
  expect(Buffer.from(encodeSsi(0xd0)).toString("hex")).toBe("04d00400ff28");
});

test("however the line chops and dirties the stream, every packet comes out once, in order", () => {
  const packet = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((data) => decoder(0xf3, [...data]));
  const noise = fc.uint8Array({ maxLength: 5 }).map((bytes) => bytes.map((byte) => byte & 3));
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, packet), { maxLength: 8 }), sizes, (sent, cutAt) => {
      const stream = sent.flatMap(([before, bytes]) => [...before, ...bytes]);
      const deframer = createSsiDeframer();
      const cuts = [];
      for (let at = 0, n = 0; at < stream.length; n++) {
        const size = cutAt[n % cutAt.length] ?? 1;
        cuts.push(...deframer.push(Uint8Array.from(stream.slice(at, at + size))));
        at += size;
      }
      const frames = cuts.flatMap((cut) => (cut.kind === "frame" ? [[...cut.frame]] : []));
      expect(frames).toEqual(sent.map(([, bytes]) => [...bytes]));
    }),
  );
});

test("a packet with a flipped bit is no packet, and the one behind it is read when the line is silent", () => {
  const good = decoder(0xf3, [3, 0x41]);
  const bad = Uint8Array.from(good).map((byte, at) => (at === 0 ? byte | 0x40 : byte));
  const deframer = createSsiDeframer();

  expect(deframer.push(Uint8Array.of(...bad, ...good))).toEqual([]);
  expect(deframer.quiet()).toEqual([
    { kind: "noise", bytes: bad.length, why: "outside" },
    { kind: "frame", frame: good },
  ]);
  expect(deframer.push(bad)).toEqual([]);
  expect(deframer.quiet()).toEqual([{ kind: "noise", bytes: bad.length, why: "checksum" }]);
});

test("a scan is acknowledged when it is on disk, and the tone follows the twin's word", () => {
  const scanner = talk();
  expect(scanner.hear(decoder(0xf3, [3, 0x41]))).toEqual(["keep 1"]);
  expect(scanner.stored(1)).toEqual(["04d00400ff28"]);
  // BEEP 11h: three long low beeps; LED_ON waits for the scanner's answer to it.
  expect(scanner.judged(1, "discrepancy")).toEqual([hexOf(host(0xe6, [0x11]))]);
  expect(scanner.hear(decoder(0xd0))).toEqual([hexOf(host(0xe7, [1]))]);
  expect(scanner.hear(decoder(0xd0))).toEqual([]);

  scanner.hear(decoder(0xf3, [3, 0x42]));
  scanner.stored(2);
  expect(scanner.judged(2, "accepted")).toEqual([hexOf(host(0xe6, [0x00]))]);
  expect(scanner.hear(decoder(0xd0))).toEqual([hexOf(host(0xe8, [1]))]);
});

test("without the twin's word the scanner sounds good when the time for it is over", () => {
  const scanner = talk();
  scanner.hear(decoder(0xf3, [3, 0x41]));
  scanner.stored(1, 10);
  expect(scanner.due(409)).toEqual([]);
  expect(scanner.due(410)).toEqual([hexOf(host(0xe6, [0x00]))]);
});

test("the resend bit marks the same scan; without it, or with another scan before, it is a new one", () => {
  const scan = decoder(0xf3, [3, 0x41]);
  const resent = decoder(0xf3, [3, 0x41], 1);
  const scanner = talk();
  scanner.hear(scan);
  scanner.stored(1);
  expect(scanner.hear(resent, 2_000)).toEqual(["repeated", "again 2"]);
  expect(scanner.stored(2, 2_001)[0]).toBe("04d00400ff28");
  expect(scanner.hear(scan, 4_000)).toEqual(["keep 3"]);
  scanner.stored(3, 4_001);
  // What was lost on the line the first time: marked, and nowhere on disk.
  expect(scanner.hear(decoder(0xf3, [3, 0x42], 1), 6_000)).toEqual(["keep 4"]);
  scanner.stored(4, 6_001);
  expect(scanner.hear(resent, 8_000)).toEqual(["keep 5"]);
});

test("what cannot be kept is asked for again, so that the scanner repeats it or sounds its error", () => {
  const scanner = talk();
  scanner.hear(decoder(0xf3, [3, 0x41]));
  expect(scanner.refused(1)).toEqual([hexOf(host(0xd1, [1]))]);
});

test("noise is asked for again, an event is acknowledged, an unknown word is refused", () => {
  const scanner = talk();
  expect(scanner.noise()).toEqual([hexOf(host(0xd1, [1]))]);
  expect(scanner.hear(decoder(0xf6, [0x02]))).toEqual([hexOf(host(0xd0))]);
  expect(scanner.hear(decoder(0x99))).toEqual([hexOf(host(0xd1, [2]))]);
});

describe("a scan in several packets", () => {
  const [ACK, DENIED] = [hexOf(host(0xd0)), hexOf(host(0xd1, [6]))];
  const part = (text: string, status = 2) =>
    decoder(0xf3, [0x1c, ...Buffer.from(text, "latin1")], status);

  test("is one scan, kept when its last packet is there", () => {
    const scanner = talk();
    expect(scanner.hear(part("253952"))).toEqual([ACK]);
    expect(scanner.hear(part("123400"))).toEqual([ACK]);
    expect(scanner.hear(part("0013", 0))).toEqual(["keep 1"]);
    expect(scanner.frame()).toBe("\x1c2539521234000013");
    expect(scanner.stored(1)).toEqual([ACK]);
  });

  test("whose packet comes again, since its answer was lost, has it once", () => {
    const scanner = talk();
    scanner.hear(part("AA"));
    expect(scanner.hear(part("AA", 3))).toEqual([ACK]);
    // The same bytes without the mark are the next packet.
    scanner.hear(part("AA"));
    scanner.hear(part("B", 0));
    expect(scanner.frame()).toBe("\x1cAAAAB");
    scanner.stored(1);
    expect(scanner.hear(part("B", 1), 2_000)).toEqual(["repeated", "again 2"]);
    expect(scanner.frame()).toBe("\x1cAAAAB");
  });

  test("whose end was refused is whole when its end comes again", () => {
    const scanner = talk();
    scanner.hear(part("AA"));
    scanner.hear(part("B", 0));
    expect(scanner.refused(1)).toEqual([hexOf(host(0xd1, [1]))]);
    expect(scanner.hear(part("B", 1), 10)).toEqual(["keep 2"]);
    expect(scanner.frame()).toBe("\x1cAAB");
  });

  test("that is longer than the configuration allows is denied, and so is its rest", () => {
    const scanner = talk();
    for (let at = 0; at < 2; at++) expect(scanner.hear(part("x".repeat(240)))).toEqual([ACK]);
    expect(scanner.hear(part("y".repeat(240)))).toEqual([DENIED]);
    expect(scanner.hear(part("y".repeat(240), 3))).toEqual([DENIED]);
    expect(scanner.hear(decoder(0xf3, [3, 0x41]))).toEqual(["keep 1"]);
    expect(scanner.frame()).toBe("\x03A");
  });

  test("is never joined to another: of another symbol, behind damage, or after a break of the line", () => {
    const other = talk();
    other.hear(part("AA"));
    expect(other.hear(decoder(0xf3, [3, 0x41]))).toEqual([DENIED]);

    const damaged = talk();
    damaged.hear(part("AA"));
    damaged.noise();
    expect(damaged.hear(decoder(0xf3, [0x1c, 0x42]))).toEqual(["keep 1"]);
    expect(damaged.frame()).toBe("\x1cB");
    const mended = talk();
    mended.hear(part("AA"));
    mended.noise();
    expect(mended.hear(part("B", 1))).toEqual(["keep 1"]);
    expect(mended.frame()).toBe("\x1cAAB");

    const broken = talk();
    broken.hear(part("AA"));
    broken.cut();
    expect(broken.hear(part("B", 1), 100)).toEqual([DENIED]);
    expect(broken.hear(part("C", 0), 200)).toEqual(["keep 1"]);
    expect(broken.frame()).toBe("\x1cC");
  });

  test("that its operator gave up is not the beginning of the next", () => {
    const scanner = talk();
    scanner.hear(part("AA"));
    expect(scanner.hear(part("B", 0), 9_000)).toEqual(["keep 1"]);
    expect(scanner.frame()).toBe("\x1cB");
  });
});

describe("an order of the twin", () => {
  const order = { opcode: 0xe6, data: [0x02] };

  test("is done when the scanner says so, and sent again only when it did not arrive", () => {
    const scanner = talk();
    expect(scanner.order(1, order)).toEqual([hexOf(host(0xe6, [0x02]))]);
    expect(scanner.free()).toBe(false);
    expect(scanner.hear(decoder(0xd1, [1]))).toEqual([hexOf(host(0xe6, [0x02], 1))]);
    expect(scanner.hear(decoder(0xd0))).toEqual(["done 1"]);
    expect(scanner.free()).toBe(true);
    expect(scanner.order(2, order)).toHaveLength(1);
    expect(scanner.hear(decoder(0xd1, [6]))).toEqual(["refused 2"]);
  });

  test("that nobody answers may have been done, and is not sent twice", () => {
    const scanner = talk();
    scanner.order(1, order);
    expect(scanner.due(1_999)).toEqual([]);
    expect(scanner.due(2_000)).toEqual(["silent 1"]);
    scanner.order(2, order);
    expect(scanner.cut()).toEqual(["silent 2"]);
  });
});

test("a command without an answer is sent once more, marked, and then given up", () => {
  const scanner = talk();
  scanner.hear(decoder(0xf3, [3, 0x41]));
  scanner.stored(1);
  scanner.judged(1, "accepted", 10);
  expect(scanner.due(2_010)).toEqual([hexOf(host(0xe6, [0x00], 1))]);
  expect(scanner.due(4_010)).toEqual([]);
  expect(scanner.due(9_000)).toEqual([]);
});

function talk() {
  const conversation = createConversation(SSI);
  let frame = "";
  const play = (input: Parameters<typeof conversation.step>[0]) =>
    conversation.step(input).map((effect) => {
      if (effect.kind === "keep") frame = Buffer.from(effect.frame).toString("latin1");
      if (effect.kind === "write") return hexOf(effect.bytes);
      if (effect.kind === "keep") return `${effect.again ? "again" : "keep"} ${effect.number}`;
      return effect.kind === "obeyed" ? `${effect.how} ${effect.number}` : effect.what;
    });
  return {
    hear: (frame: Uint8Array, atMs = 0) =>
      play({ kind: "cut-out", cut: { kind: "frame", frame }, atMs }),
    noise: () =>
      play({ kind: "cut-out", cut: { kind: "noise", bytes: 3, why: "checksum" }, atMs: 0 }),
    stored: (number: number, atMs = 0) =>
      play({ kind: "stored", number, commit: { firstSeq: 1, lastSeq: 1 }, atMs }),
    refused: (number: number) => play({ kind: "refused", number, atMs: 0 }),
    judged: (number: number, verdict: "accepted" | "discrepancy", atMs = 0) =>
      play({ kind: "verdict", number, verdict, atMs }),
    due: (atMs: number) => play({ kind: "due", atMs }),
    cut: () => play({ kind: "cut", atMs: 50 }),
    order: (number: number, { opcode, data }: { opcode: number; data: readonly number[] }) =>
      play({ kind: "order", number, opcode, data, atMs: 0 }),
    free: conversation.isFree,
    /** What was kept last. */
    frame: () => frame,
  };
}

/** Written from the manual and not from src: 0 is the decoder, 4 the host. */
const decoder = (opcode: number, data: readonly number[] = [], status = 0) =>
  packet([opcode, 0, status, ...data]);
const host = (opcode: number, data: readonly number[] = [], status = 0) =>
  packet([opcode, 4, status, ...data]);

function packet(body: readonly number[]): Uint8Array {
  const all = [body.length + 1, ...body];
  const sum = 0x10000 - all.reduce((total, byte) => total + byte, 0);
  return Uint8Array.of(...all, sum >> 8, sum & 0xff);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.split(" "), (pair) => Number.parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
