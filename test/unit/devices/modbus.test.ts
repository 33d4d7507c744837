import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { crc16, withCrc } from "../../../src/devices/modbus/crc.ts";
import { planReads, wordsOf } from "../../../src/devices/modbus/plan.ts";
import { PROFILES } from "../../../src/devices/modbus/profiles.ts";
import { type Register, readRegister } from "../../../src/devices/modbus/registers.ts";
import { asTcp, listenRtu } from "../../../src/devices/modbus/reply.ts";
import { createSchedule } from "../../../src/devices/modbus/schedule.ts";

describe("frames of test/vectors/modbus-rtu.txt", () => {
  test.each(readVectors())("$request: $reply", ({ request, reply, meaning }) => {
    const asked = bytes(request);
    expect(withCrc(asked.slice(0, -2))).toEqual(asked);
    const heard = listenRtu(asked, false).push(bytes(reply));
    expect(heard).toEqual(bytes(reply));
    for (const line of meaning) expect(tellOf(asked, heard ?? new Uint8Array(0), line)).toBe(line);
  });

  test("the check value of the algorithm", () => {
    expect(crc16(new TextEncoder().encode("123456789"))).toBe(0x4b37);
  });

  test("over TCP the same request has a number and a length, and no CRC", () => {
    expect(hex(asTcp(bytes("11 03 00 6b 00 03 76 87"), 1))).toBe("000100000006" + "1103006b0003");
  });
});

describe("registers", () => {
  test.each([
    ["int16", "abcd", [0xffdd], -35],
    ["uint16", "abcd", [0xffdd], 65_501],
    ["uint16", "badc", [0x3412], 0x1234],
    ["int32", "abcd", [0x1234, 0x5678], 0x12345678],
    ["int32", "cdab", [0x5678, 0x1234], 0x12345678],
    ["int32", "badc", [0x3412, 0x7856], 0x12345678],
    ["int32", "dcba", [0x7856, 0x3412], 0x12345678],
    ["int32", "abcd", [0xffff, 0xfffe], -2],
    ["uint32", "abcd", [0xffff, 0xfffe], 4_294_967_294],
    ["float32", "abcd", [0x41ab, 0x3333], 21.4],
    ["float32", "cdab", [0x3333, 0x41ab], 21.4],
    ["float64", "abcd", [0x4035, 0x6666, 0x6666, 0x6666], 21.4],
    ["int64", "abcd", [0xffff, 0xffff, 0xffff, 0xfffb], -5],
    ["uint64", "dcba", [0x0500, 0, 0, 0], 5],
    ["bool", "abcd", [2], 1],
  ] as const)("%s in the order %s", (type, order, words, value) => {
    expect(readRegister({ ...temperature, type, order, scale: 1 }, words)).toBe(value);
  });

  test("scale and offset leave no crumbs of binary fractions", () => {
    expect(readRegister(temperature, [305])).toBe(30.5);
    expect(readRegister({ ...temperature, scale: 0.01, offset: -40 }, [6_541])).toBe(25.41);
    expect(readRegister({ ...temperature, type: "uint16", scale: 3 }, [7])).toBe(21);
  });

  test("a single bit, and what a device says when it has no value", () => {
    expect(readRegister({ ...temperature, bit: 3, scale: 1 }, [0b1000])).toBe(1);
    expect(readRegister({ ...temperature, bit: 2, scale: 1 }, [0b1000])).toBe(0);
    expect(readRegister({ ...temperature, invalid: [32_767] }, [32_767])).toBeUndefined();
    expect(readRegister({ ...temperature, type: "float32" }, [0x7fc0, 0])).toBeUndefined();
    expect(
      readRegister({ ...temperature, type: "uint64", scale: 1 }, [0xffff, 0, 0, 1]),
    ).toBeUndefined();
  });
});

describe("reads", () => {
  test("neighbours go together; a hole, another table and the protocol's limit part them", () => {
    const at = (table: Register["table"], address: number, type: Register["type"] = "uint16") => {
      return { ...temperature, table, address, type };
    };
    const reads = planReads([
      at("input", 9),
      at("input", 1),
      at("input", 2, "float32"),
      at("holding", 4),
      at("input", 4),
    ]);
    expect(reads.map(({ table, address, count }) => `${table} ${address}+${count}`)).toEqual([
      "holding 4+1",
      "input 1+4",
      "input 9+1",
    ]);
    const many = planReads(Array.from({ length: 130 }, (_, address) => at("input", address)));
    expect(many.map(({ address, count }) => [address, count])).toEqual([
      [0, 125],
      [125, 5],
    ]);
    const few = planReads(
      Array.from({ length: 4 }, (_, address) => at("input", address)),
      3,
    );
    expect(few.map(({ count }) => count)).toEqual([3, 1]);
  });

  test("each register finds its words again", () => {
    const [read] = planReads([temperature, { ...temperature, address: 2, type: "int32" }]);
    expect(read && wordsOf(read, { ...temperature, address: 2, type: "int32" }, [1, 2, 3])).toEqual(
      [2, 3],
    );
  });
});

describe("turns", () => {
  test("ten slaves keep their period while an eleventh is dead, and it is heard of within a minute when it is back", () => {
    const bus = simulate({
      live: 10,
      periodMs: 1_000,
      answerMs: 25,
      timeoutMs: 500,
      backMs: 300_000,
      forMs: 600_000,
    });
    expect(bus.worst).toBeLessThan(0.1);
    expect(bus.backAfterMs).toBeLessThan(61_000);
    expect(bus.asksOfDead).toBeLessThan(30);
  });

  test("where there is never room, the dead one is asked once in ten minutes all the same", () => {
    const bus = simulate({
      live: 40,
      periodMs: 1_000,
      answerMs: 24,
      timeoutMs: 500,
      backMs: 100_000,
      forMs: 1_900_000,
    });
    expect(bus.backAfterMs).toBeLessThan(700_000);
  });

  test("a beat that was missed is not made up for", () => {
    const schedule = createSchedule([{ periodMs: 100, timeoutMs: 50 }], OPTIONS, 0);
    schedule.answered(0, 345);
    expect(schedule.next(345)).toEqual({ kind: "wait", ms: 55 });
  });
});

const OPTIONS = { pauseMsMax: 60_000, forceMs: 600_000, patienceMsMin: 50 };

/** Lives a bus: live slaves, and a last one that is dead until it is back. */
function simulate(world: {
  live: number;
  periodMs: number;
  answerMs: number;
  timeoutMs: number;
  backMs: number;
  forMs: number;
}) {
  const { live, periodMs, answerMs, timeoutMs, backMs, forMs } = world;
  const slaves = Array.from({ length: live + 1 }, () => ({ periodMs, timeoutMs }));
  const schedule = createSchedule(slaves, OPTIONS, 0);
  const last = new Map<number, number>();
  let worst = 0;
  let asksOfDead = 0;
  let backAfterMs = Number.POSITIVE_INFINITY;
  for (let nowMs = 0; nowMs < forMs; ) {
    const turn = schedule.next(nowMs);
    if (turn.kind === "wait") {
      nowMs += turn.ms;
      continue;
    }
    if (turn.slave < live) {
      const before = last.get(turn.slave);
      // The first time-out of a slave that nobody knew to be dead costs what it costs.
      if (before !== undefined && before > 3 * periodMs)
        worst = Math.max(worst, Math.abs(nowMs - before - periodMs) / periodMs);
      last.set(turn.slave, nowMs);
    } else if (nowMs < backMs) asksOfDead += 1;
    else backAfterMs = Math.min(backAfterMs, nowMs - backMs);
    const answers = turn.slave < live || nowMs >= backMs;
    nowMs += answers ? answerMs : turn.timeoutMs;
    if (answers) schedule.answered(turn.slave, nowMs);
    else schedule.silent(turn.slave, nowMs);
  }
  return { worst, asksOfDead, backAfterMs };
}

const temperature: Register = {
  table: "input",
  address: 1,
  type: "int16",
  scale: 0.1,
  property: "temperature",
  unit: "Cel",
};

type Vector = {
  readonly request: string;
  readonly reply: string;
  readonly meaning: readonly string[];
};

function readVectors(): Vector[] {
  const path = new URL("../../vectors/modbus-rtu.txt", import.meta.url);
  const vectors: { request: string; reply: string; meaning: string[] }[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line.startsWith("> ")) vectors.push({ request: line.slice(2), reply: "", meaning: [] });
    const vector = vectors.at(-1);
    if (line.startsWith("< ") && vector !== undefined) vector.reply = line.slice(2);
    if (/^[=!] /.test(line)) vector?.meaning.push(line);
  }
  return vectors;
}

/** What the reply means, in the words of the line that says what it should. */
function tellOf(request: Uint8Array, reply: Uint8Array, line: string): string {
  const view = new DataView(reply.buffer, reply.byteOffset);
  if (line.startsWith("!")) return `! exception ${reply[2]}`;
  const words = Array.from({ length: (reply[2] ?? 0) / 2 }, (_, at) => view.getUint16(3 + 2 * at));
  const first = ((request[2] ?? 0) << 8) | (request[3] ?? 0);
  const [, name = "", word = "", type = ""] = line.split(" ");
  if (name === "sht20") {
    const register = PROFILES.sht20.find(({ property }) => property === word);
    const value = register && readRegister(register, words.slice(register.address - first));
    return `= sht20 ${word} ${value} ${register?.unit}`;
  }
  const register = {
    ...temperature,
    scale: 1,
    address: Number(word),
    type: type as Register["type"],
  };
  return `= ${name} ${word} ${type} ${readRegister(register, words.slice(register.address - first))}`;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}
