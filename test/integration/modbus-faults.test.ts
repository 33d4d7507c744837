/**
 * What can go wrong between a Modbus master and a slave, over a real tty and a real socket. In each case
 * the fault is told apart, no value is made up, and the next request to the same slave is answered.
 */
import { describe, expect, test } from "vitest";
import { type Asked, exception, type Spoilt, summed } from "../../firmware-sim/modbus-slave.ts";
import { openBus, openMaster } from "../support/modbus.ts";

const TIMEOUT_MS = 250;
const GOOD = [305, 546];
const READ = { slave: 1, code: 4, address: 1, count: 2 };

type Fault = readonly [name: string, spoil: (asked: Asked) => Spoilt, outcome: string];

const exceptions: readonly Fault[] = Array.from({ length: 11 }, (_, at) => [
  `exception ${at + 1}`,
  (asked) => atOnce(reframed(asked, exception(asked.slave, asked.code, at + 1))),
  `exception ${at + 1}`,
]);

/** Of both carriers: `reframed` puts the header or the CRC around what a slave says. */
const common: readonly Fault[] = [
  ...exceptions,
  ["no answer", () => [], "heard nothing"],
  [
    "an answer in time, at the last moment",
    ({ answer }) => [{ afterMs: 120, bytes: answer }],
    "good",
  ],
  ["an answer too late", ({ answer }) => [{ afterMs: 400, bytes: answer }], "heard nothing"],
  ["an answer in two pieces", ({ answer }) => pieces(answer, [4]), "good"],
  [
    "an answer byte by byte",
    ({ answer }) => pieces(answer, [...answer.keys()].slice(1), 1),
    "good",
  ],
  ["half an answer", ({ answer }) => atOnce(answer.slice(0, -3)), "cut short"],
  ["two bytes of an answer", ({ answer }) => atOnce(answer.slice(0, 2)), "heard"],
  [
    "another slave's answer",
    (asked) => atOnce(reframed(asked, readReply({ slave: 2 }))),
    "another slave",
  ],
  [
    "another slave's exception",
    (asked) => atOnce(reframed(asked, exception(2, 4, 2))),
    "another slave",
  ],
  [
    "the answer to another function",
    (asked) => atOnce(reframed(asked, readReply({ code: 3 }))),
    "another function",
  ],
  [
    "an answer with a register less",
    (asked) => atOnce(reframed(asked, readReply({ words: [305] }))),
    "another size",
  ],
  [
    "an answer with a register more",
    (asked) => atOnce(reframed(asked, readReply({ words: [305, 546, 7] }))),
    "another size",
  ],
  [
    "an exception that nobody has defined",
    (asked) => atOnce(reframed(asked, exception(1, 4, 99))),
    "exception 99",
  ],
];

const onSerialLines: readonly Fault[] = [
  ["a flipped bit in a value", ({ answer }) => atOnce(flipped(answer, 4)), "bad CRC"],
  ["a flipped bit in the CRC", ({ answer }) => atOnce(flipped(answer, -1)), "bad CRC"],
  ["a CRC of swapped bytes", ({ answer }) => atOnce(swapped(answer)), "bad CRC"],
  ["a flipped bit in the slave's address", ({ answer }) => atOnce(flipped(answer, 0)), "heard"],
  ["a flipped bit in the function", ({ answer }) => atOnce(flipped(answer, 1)), "heard"],
  ["a flipped bit in the length", ({ answer }) => atOnce(flipped(answer, 2)), "heard"],
  [
    "noise instead of an answer",
    () => atOnce(Uint8Array.of(0xfe, 0x00, 0x7f, 0x33, 0x80, 0x12)),
    "noise",
  ],
  [
    "noise before the answer",
    ({ answer }) => atOnce(Uint8Array.of(0xff, 0x00, 0x12, ...answer)),
    "good",
  ],
  [
    "noise that looks like the beginning of an answer",
    ({ answer }) => atOnce(Uint8Array.of(1, 4, 4, ...answer)),
    "good",
  ],
  [
    "noise that looks like an exception",
    ({ answer }) => atOnce(Uint8Array.of(1, 0x84, 2, ...answer)),
    "good",
  ],
  [
    "noise after the answer",
    ({ answer }) => atOnce(Uint8Array.of(...answer, 0xff, 0x01, 0x04)),
    "good",
  ],
  [
    "the request's echo, then the answer",
    ({ request, answer }) => [
      { afterMs: 0, bytes: request },
      { afterMs: 5, bytes: answer },
    ],
    "good",
  ],
  [
    "the request's echo and the answer at once",
    ({ request, answer }) => atOnce(Uint8Array.of(...request, ...answer)),
    "good",
  ],
  ["the request's echo alone", ({ request }) => atOnce(request), "heard"],
  ["the answer twice", ({ answer }) => atOnce(Uint8Array.of(...answer, ...answer)), "good"],
  [
    "the late answer of another slave, then its own",
    ({ answer }) => atOnce(Uint8Array.of(...summed(readReply({ slave: 2 })), ...answer)),
    "good",
  ],
  [
    "half of another slave's answer, then its own",
    ({ answer }) =>
      atOnce(Uint8Array.of(...summed(readReply({ slave: 2 })).slice(0, 6), ...answer)),
    "good",
  ],
  ["a line that babbles", () => atOnce(new Uint8Array(2_000).fill(0x55)), "noise"],
];

const onSockets: readonly Fault[] = [
  [
    "an answer to an earlier request",
    ({ answer }) => atOnce(numbered(answer, 0x7777)),
    "heard nothing",
  ],
  [
    "an answer to an earlier request, then its own",
    ({ answer }) => atOnce(Uint8Array.of(...numbered(answer, 0x7777), ...answer)),
    "good",
  ],
  [
    "thousands of answers to earlier requests, then its own",
    ({ answer }) => {
      const earlier = new Array(10_000).fill([0x77, 0x77, 0, 0, 0, 2, 1, 4]).flat();
      return atOnce(Uint8Array.from([...earlier, ...answer]));
    },
    "good",
  ],
  ["another protocol's number", ({ answer }) => atOnce(patched(answer, 2, 9)), "not Modbus TCP"],
  [
    "a length of zero",
    ({ answer }) => atOnce(patched(patched(answer, 4, 0), 5, 0)),
    "not Modbus TCP",
  ],
  [
    "a length of 65535",
    ({ answer }) => atOnce(patched(patched(answer, 4, 255), 5, 255)),
    "not Modbus TCP",
  ],
  [
    "HTTP",
    () => atOnce(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")),
    "not Modbus TCP",
  ],
];

const cases = [
  ...[...common, ...onSerialLines].map((fault) => ["rtu", ...fault] as const),
  ...[...common, ...onSockets].map((fault) => ["tcp", ...fault] as const),
];

test("there are cases enough", () => {
  expect(cases.length).toBeGreaterThanOrEqual(40);
});

describe("on a line", () => {
  test.each(cases)("%s: %s", async (carrier, _name, spoil, outcome) => {
    let spoilt = 0;
    const line = await openBus(carrier, {
      slaves: new Map([[1, { inputs: { 1: 305, 2: 546 } }]]),
      spoil: (asked) => {
        spoilt += 1;
        return spoilt === 1 ? spoil(asked) : undefined;
      },
    });
    const master = await openMaster(line);

    const first = await master.read(READ, TIMEOUT_MS);
    if (outcome === "good") expect(first).toEqual({ ok: true, data: GOOD });
    else if (outcome.startsWith("exception"))
      expect(first).toMatchObject({ ok: false, why: "exception", code: Number(outcome.slice(10)) });
    else {
      expect(first).toMatchObject({ ok: false, why: "silent" });
      expect(JSON.stringify(first)).toContain(outcome);
    }

    const next = await (await goesOn(master, line, outcome)).read(READ, 5_000);
    expect(next).toEqual({ ok: true, data: GOOD });
  });
});

test("a line that is unplugged in the middle of a request says so, and answers no more", async () => {
  const line = await openBus("tcp", { slaves: new Map([[1, {}]]), spoil: () => [] });
  const master = await openMaster(line);
  const asked = master.read(READ, 5_000);
  await master.close();
  expect(await asked).toMatchObject({ ok: false, why: "silent" });
  expect(await master.gone).toBe("closed");
  expect(await master.read(READ, 100)).toMatchObject({ ok: false, detail: "the line is closed" });
});

test.each(["rtu", "tcp"] as const)(
  "coils, discrete inputs, holding and input registers come over %s",
  async (carrier) => {
    const slave = {
      coils: { 0: true, 1: false, 2: true, 3: true, 4: false, 5: false, 6: true, 7: true, 8: true },
      discretes: { 5: true },
      holdings: { 100: 65_535 },
      inputs: { 7: 1 },
    };
    const master = await openMaster(await openBus(carrier, { slaves: new Map([[17, slave]]) }));
    const read = async (code: number, address: number, count: number) => {
      const reply = await master.read({ slave: 17, code, address, count }, 1_000);
      return reply.ok ? reply.data : reply.detail;
    };
    expect(await read(1, 0, 9)).toEqual([1, 0, 1, 1, 0, 0, 1, 1, 1]);
    expect(await read(2, 5, 1)).toEqual([1]);
    expect(await read(3, 100, 1)).toEqual([65_535]);
    expect(await read(4, 7, 1)).toEqual([1]);
    expect(await read(4, 8, 1)).toContain("exception 2");
  },
);

test.each([
  ["rtu", false],
  ["rtu", true],
  ["tcp", false],
] as const)(
  "a register is written over %s, and an adapter that echoes (%s) does not confirm it by itself",
  async (carrier, echoes) => {
    const holdings: Record<number, number> = { 100: 1 };
    const line = await openBus(
      carrier,
      {
        slaves: new Map([[1, { holdings }]]),
        spoil: ({ request, answer }) =>
          atOnce(echoes ? Uint8Array.of(...request, ...answer) : answer),
      },
      echoes,
    );
    const master = await openMaster(line);
    expect(
      await master.write({ slave: 1, table: "holding", address: 100, values: [77] }, 1_000),
    ).toEqual({ ok: true, data: [] });
    expect(holdings[100]).toBe(77);
    expect(
      await master.write({ slave: 1, table: "holding", address: 9, values: [1] }, 1_000),
    ).toMatchObject({ why: "exception", code: 2 });
  },
);

type Write = { readonly table: "coil" | "holding"; readonly values: readonly number[] };

/** One of each function that writes: 6, 16, 5 and 15. */
const writes: readonly Write[] = [
  { table: "holding", values: [77] },
  { table: "holding", values: [77, 78] },
  { table: "coil", values: [1] },
  { table: "coil", values: [1, 0, 1] },
];

const writeFaults = [
  ["the late reply to a write elsewhere", 3, "good"],
  ["the late reply to a write of something else", 5, "good"],
  ["a reply that repeats another address", 3, "heard a reply to another write"],
  ["a reply that repeats another value or quantity", 5, "heard a reply to another write"],
] as const;

const writeCases = (["rtu", "tcp"] as const).flatMap((carrier) =>
  writes.flatMap((write) =>
    writeFaults.map(([name, at, outcome]) => {
      return { carrier, ...write, name, at, outcome };
    }),
  ),
);

test.each(writeCases)(
  "$carrier: a write of $table $values and $name",
  async ({ carrier, table, values, at, outcome }) => {
    let spoilt = 0;
    const line = await openBus(carrier, {
      slaves: new Map([[1, { holdings: { 100: 1, 101: 1 }, coils: { 100: false } }]]),
      spoil: ({ request }) => {
        spoilt += 1;
        const isTcp = carrier === "tcp";
        const head = isTcp ? Uint8Array.of(...request.slice(0, 5), 6) : new Uint8Array(0);
        const own = request.slice(head.length, head.length + 6);
        const framed = (pdu: Uint8Array) => (isTcp ? Uint8Array.of(...head, ...pdu) : summed(pdu));
        const strange = framed(flipped(own, at));
        if (spoilt > 1) return atOnce(framed(own));
        return atOnce(outcome === "good" ? Uint8Array.of(...strange, ...framed(own)) : strange);
      },
    });
    const master = await openMaster(line);
    const write = () => master.write({ slave: 1, table, address: 100, values }, TIMEOUT_MS);
    const done = { ok: true, data: [] };

    expect(await write()).toEqual(
      outcome === "good" ? done : { ok: false, why: "silent", detail: outcome },
    );
    expect(await write()).toEqual(done);
  },
);

/** The same master, unless its stream is out of step: then whoever runs it opens the line anew. */
async function goesOn(
  master: Awaited<ReturnType<typeof openMaster>>,
  line: Parameters<typeof openMaster>[0],
  outcome: string,
) {
  const broken = line.carrier === "tcp" && /cut short|not Modbus/.test(outcome);
  const gone = await Promise.race([master.gone, Promise.resolve(undefined)]);
  if (broken) expect(gone).toContain("sent");
  return gone === undefined ? master : openMaster(line);
}

function readReply({
  slave = 1,
  code = 4,
  words = GOOD,
}: {
  slave?: number;
  code?: number;
  words?: readonly number[];
}) {
  const bytes = words.flatMap((word) => [word >> 8, word & 0xff]);
  return Uint8Array.of(slave, code, bytes.length, ...bytes);
}

/** What a slave says, as the carrier of this request has it. */
function reframed({ request, answer }: Asked, pdu: Uint8Array): Uint8Array {
  const isTcp = answer[2] === 0 && answer[3] === 0 && answer[4] === 0 && request.length === 12;
  return isTcp
    ? Uint8Array.of(request[0] ?? 0, request[1] ?? 0, 0, 0, 0, pdu.length, ...pdu)
    : summed(pdu);
}

function atOnce(bytes: Uint8Array): Spoilt {
  return [{ afterMs: 0, bytes }];
}

function pieces(bytes: Uint8Array, cuts: readonly number[], gapMs = 10): Spoilt {
  return [0, ...cuts].map((from, at) => {
    return { afterMs: at === 0 ? 0 : gapMs, bytes: bytes.slice(from, cuts[at] ?? bytes.length) };
  });
}

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return bytes.with(at < 0 ? bytes.length + at : at, value);
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return patched(bytes, at, (bytes.at(at) ?? 0) ^ 0x10);
}

function swapped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...bytes.slice(0, -2), bytes.at(-1) ?? 0, bytes.at(-2) ?? 0);
}

function numbered(answer: Uint8Array, number: number): Uint8Array {
  return patched(patched(answer, 0, number >> 8), 1, number & 0xff);
}
