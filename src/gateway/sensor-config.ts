/**
 * Modbus lines and instruments as they are configured, and as they are run: what the text leaves out is
 * taken from profiles, and what does not go together is told. Pure.
 */

import type { DecoderSetting } from "../devices/decoders/convention.ts";
import { PROFILES, type ProfileName } from "../devices/modbus/profiles.ts";
import type { ByteOrder, Register, RegisterType, Table } from "../devices/modbus/registers.ts";
import type { SourceConfig } from "./broker-source.ts";
import type { Problem } from "./config-text.ts";
import type { LineSensorConfig } from "./line-sensor.ts";
import type { ModbusBus, ModbusSlave } from "./modbus-bus.ts";

type LineText = {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
};

/** What fits the schema. */
export type ModbusText = LineText & {
  readonly id: string;
  readonly path: string;
  readonly carrier: "rtu" | "tcp";
  readonly echoes: boolean;
  readonly timeoutMs: number;
  readonly slaves: readonly {
    readonly id: string;
    readonly slave: number;
    readonly everyMs: number;
    readonly timeoutMs?: number;
    readonly countMax?: number;
    readonly profile?: ProfileName;
    readonly order?: ByteOrder;
    readonly registers?: readonly (Omit<Register, "type"> & { readonly type?: RegisterType })[];
  }[];
};

export function completeBus(text: ModbusText): ModbusBus {
  const { id, path, carrier, echoes, baudRate, dataBits, parity, stopBits } = text;
  return {
    id,
    line: { path, carrier, echoes, baudRate, dataBits, parity, stopBits },
    slaves: text.slaves.map((slave): ModbusSlave => {
      const { order, profile, registers = [], timeoutMs = text.timeoutMs, ...rest } = slave;
      const own = registers.map((register): Register => {
        const type = register.type ?? usualType(register.table);
        return { order, ...register, type };
      });
      return { ...rest, timeoutMs, registers: [...(profile ? PROFILES[profile] : []), ...own] };
    }),
  };
}

export type SourceText = Omit<SourceConfig, "clientId"> & { readonly clientId?: string };

/** With Sparkplug's devices behind it, the broker says for us whether their host is there. */
export function completeSource(
  text: SourceText,
  {
    gateway,
    mqtt,
  }: { readonly gateway: string; readonly mqtt: { readonly decoders: readonly DecoderSetting[] } },
): SourceConfig {
  const { clientId = `racktrace-${gateway}-${text.id}` } = text;
  const host = mqtt.decoders.find(({ decoder }) => decoder === "sparkplug")?.host;
  return { ...text, clientId, ...(host !== undefined && { sparkplugHost: host }) };
}

function usualType(table: Table): RegisterType {
  return table === "coil" || table === "discrete" ? "bool" : "int16";
}

type Found = Omit<Problem, "line">;

/** Only of lines that fit the schema. */
export function busProblems(bus: ModbusText, at: number): readonly Found[] {
  const found: Found[] = [];
  const add = (key: readonly (string | number)[], what: string) =>
    found.push({ path: ["modbus", at, ...key], what });
  const isAddress = /^tcp:\/\/[^\s/:]+:\d{1,5}$/.test(bus.path);
  if (bus.carrier === "tcp" && !isAddress)
    add(["path"], `${bus.path} is no address; write tcp://HOST:502 for Modbus TCP`);
  const owners = new Map<number, string>();
  bus.slaves.forEach(
    ({ id, slave, profile, registers = [], everyMs, timeoutMs = bus.timeoutMs }, index) => {
      const key = ["slaves", index];
      const other = owners.get(slave);
      if (other !== undefined) add([...key, "slave"], `slave ${slave} is ${other} already`);
      owners.set(slave, id);
      if (profile === undefined && registers.length === 0)
        add(key, "a profile or registers are missing: what to read");
      if (timeoutMs > everyMs)
        add([...key, "everyMs"], `${everyMs} is less than the time-out, ${timeoutMs}`);
      registers.forEach(({ table, type, bit, scale }, place) => {
        const bits = table === "coil" || table === "discrete";
        if (
          bits &&
          ((type !== undefined && type !== "bool") || bit !== undefined || scale !== undefined)
        )
          add([...key, "registers", place], `a ${table} is one bit: leave type, bit and scale out`);
      });
    },
  );
  return found;
}

export function lineProblems(line: LineSensorConfig, at: number): readonly Found[] {
  const { format, readings } = line;
  const found: Found[] = [];
  const add = (key: readonly (string | number)[], what: string) =>
    found.push({ path: ["lines", at, ...key], what });
  if (format.kind === "pattern") {
    const problem = patternProblem(format.pattern);
    if (problem !== undefined) add(["format", "pattern"], problem);
  }
  readings.forEach(({ field }, index) => {
    const wanted = format.kind === "csv" ? "number" : "string";
    if (typeof field !== wanted)
      add(
        ["readings", index, "field"],
        wanted === "number" ? "a place in the list, from 1" : "the name of a pair or a group",
      );
    else if (format.kind === "pattern" && !format.pattern.includes(`(?<${field}>`))
      add(["readings", index, "field"], `the pattern has no group (?<${field}>...)`);
  });
  return found;
}

function patternProblem(pattern: string): string | undefined {
  try {
    new RegExp(pattern, "u");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Names that two devices share: scanners, lines, slaves and instruments are one company. */
export function nameProblems({
  scanners,
  modbus,
  lines,
  sources,
}: {
  readonly scanners: readonly { readonly id: string; readonly path: string }[];
  readonly modbus: readonly ModbusText[];
  readonly lines: readonly LineSensorConfig[];
  readonly sources: readonly SourceText[];
}): readonly Found[] {
  const names = new Set(scanners.map(({ id }) => id));
  const paths = new Map(scanners.map(({ id, path }) => [path, id]));
  const found: Found[] = [];
  const name = (id: string, path: Found["path"]) => {
    if (names.has(id)) found.push({ path, what: `${id} is the name of another device already` });
    names.add(id);
  };
  const take = (device: string, id: string, path: Found["path"]) => {
    const other = paths.get(device);
    if (other !== undefined) found.push({ path, what: `${device} belongs to ${other} already` });
    paths.set(device, id);
  };
  modbus.forEach(({ id, path, slaves }, at) => {
    name(id, ["modbus", at, "id"]);
    take(path, id, ["modbus", at, "path"]);
    slaves.forEach((slave, index) => {
      name(slave.id, ["modbus", at, "slaves", index, "id"]);
    });
  });
  sources.forEach(({ id }, at) => {
    name(id, ["mqtt", "sources", at, "id"]);
  });
  lines.forEach(({ id, path }, at) => {
    name(id, ["lines", at, "id"]);
    take(path, id, ["lines", at, "path"]);
  });
  return found;
}
