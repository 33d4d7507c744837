/**
 * Polls the slaves of one Modbus line, for as long as the gateway runs: opens the line, asks whose turn
 * it is, and opens it again when it is gone.
 *
 * All decisions of time are in the schedule, which keeps a dead slave from holding up its neighbours.
 * The line and each slave have a state of their own, so that a silent bus and a silent slave are told
 * apart.
 */
import { planReads, type Read, wordsOf } from "../devices/modbus/plan.ts";
import { READ_CODES, type Register, readRegister } from "../devices/modbus/registers.ts";
import { createSchedule, type Schedule } from "../devices/modbus/schedule.ts";
import type { Reading } from "../devices/mqtt-mapping/mapping.ts";
import type { Chance, Clock, ModbusLine, ModbusMaster, ModbusReply, OpenModbus } from "../ports.ts";
import type { DeviceState } from "./device-state.ts";
import type { Serve } from "./directives.ts";
import { keepOpen, REOPEN } from "./keep-open.ts";
import { createModbusWrites, type ModbusWrites } from "./modbus-writes.ts";
import type { Appears } from "./plug.ts";
import type { Telemetry } from "./telemetry.ts";

export type ModbusSlave = {
  readonly id: string;
  readonly slave: number;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly registers: readonly Register[];
  /** Some devices send no more than so many registers at once. */
  readonly countMax?: number | undefined;
};

export type ModbusBus = {
  readonly id: string;
  readonly line: ModbusLine;
  readonly slaves: readonly ModbusSlave[];
};

export type BusDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly open: OpenModbus;
  readonly appears: Appears;
  readonly telemetry: Telemetry;
  /** Of the line, by the bus's id, and of each slave by its own. */
  readonly stateOf: (id: string) => DeviceState;
  readonly record: BusRecord;
  /** Makes a slave able to do what the twin wants. */
  readonly serve: Serve;
};

/** What happened, for the figures. */
export type BusRecord = {
  asked(device: string, outcome: "answered" | "silent" | "exception"): void;
};

export type BusOptions = {
  readonly bus: ModbusBus;
  readonly pauseMsMax: number;
  readonly forceMs: number;
  readonly patienceMsMin: number;
};

export const BUS_DEFAULTS: Omit<BusOptions, "bus"> = {
  pauseMsMax: 60_000,
  forceMs: 600_000,
  patienceMsMin: 50,
};

type Polled = ModbusSlave & { readonly reads: readonly Read[] };

/** Returns when `stop` is aborted. */
export async function runBus(deps: BusDeps, options: BusOptions, stop: AbortSignal): Promise<void> {
  const { clock, stateOf } = deps;
  const { bus } = options;
  const slaves: readonly Polled[] = bus.slaves.map((slave) => {
    return { ...slave, reads: planReads(slave.registers, slave.countMax) };
  });
  const schedule = createSchedule(
    slaves.map(({ everyMs, timeoutMs }) => ({ periodMs: everyMs, timeoutMs })),
    options,
    clock.monotonicMs(),
  );
  const writes = createModbusWrites();
  const released = slaves.map((slave) => deps.serve(slave.id, writes.actOf(slave)));
  await keepOpen(
    {
      clock,
      chance: deps.chance,
      state: stateOf(bus.id),
      open: () => deps.open(bus.line, stop),
      use: (master) => poll({ ...deps, master, schedule, slaves, writes }, stop),
      close: (master) => master.close(),
      appears: deps.appears,
    },
    { path: bus.line.path, ...REOPEN },
    stop,
  );
  for (const release of released) release();
}

type Polling = BusDeps & {
  readonly master: ModbusMaster;
  readonly schedule: Schedule;
  readonly slaves: readonly Polled[];
  readonly writes: ModbusWrites;
};

/** Returns when the line is gone, and why. */
async function poll(
  { master, schedule, slaves, writes, clock, ...deps }: Polling,
  stop: AbortSignal,
): Promise<string> {
  const over = new AbortController();
  void master.gone.then(() => over.abort());
  const stopped = () => over.abort();
  stop.addEventListener("abort", stopped, { once: true });
  let pause = new AbortController();
  const wake = () => pause.abort();
  over.signal.addEventListener("abort", wake, { once: true });
  writes.whenPut(wake);

  while (!stop.aborted && !over.signal.aborted) {
    if (writes.waits()) {
      const write = await writes.take();
      if (stop.aborted || over.signal.aborted) write?.giveBack();
      else write?.settle(await write.work(master));
      continue;
    }
    const turn = schedule.next(clock.monotonicMs());
    const slave = turn.kind === "ask" ? slaves[turn.slave] : undefined;
    if (turn.kind === "wait") {
      pause = new AbortController();
      await clock.sleep(turn.ms, pause.signal);
    } else if (slave !== undefined) {
      const { timeoutMs } = turn;
      const outcome = await askSlave({ ...deps, clock, master }, { ...slave, timeoutMs });
      // A slave is not to blame for a line that went.
      if (over.signal.aborted) break;
      const nowMs = clock.monotonicMs();
      if (outcome === "silent") schedule.silent(turn.slave, nowMs);
      else schedule.answered(turn.slave, nowMs);
    }
  }
  stop.removeEventListener("abort", stopped);
  return stop.aborted ? "" : await master.gone;
}

async function askSlave(
  { master, telemetry, stateOf, record }: BusDeps & { readonly master: ModbusMaster },
  { id, slave, timeoutMs, reads }: Polled,
): Promise<"answered" | "silent"> {
  const state = stateOf(id);
  const readings: Reading[] = [];
  let refused: string | undefined;
  for (const read of reads) {
    const { table, address, count } = read;
    const reply = await master.read({ slave, code: READ_CODES[table], address, count }, timeoutMs);
    record.asked(id, reply.ok ? "answered" : reply.why);
    if (reply.ok) readings.push(...readingsOf(read, reply.data));
    else if (isAway(reply)) {
      // Whatever else it would be asked now costs a time-out each.
      telemetry.tell(id, readings);
      state.become("silent", `slave ${slave}: ${reply.detail}`);
      return "silent";
    } else refused ??= `slave ${slave}, ${table} ${address}: ${reply.detail}`;
  }
  telemetry.tell(id, readings);
  if (refused === undefined) state.become("open", "");
  else state.become("faulted", refused);
  return "answered";
}

/** A bridge to another bus says for its slave that it does not answer (exceptions 10 and 11). */
function isAway(reply: Exclude<ModbusReply, { ok: true }>): boolean {
  return reply.why === "silent" || reply.code === 10 || reply.code === 11;
}

function readingsOf(read: Read, data: readonly number[]): readonly Reading[] {
  return read.registers.flatMap((register) => {
    const value = readRegister(register, wordsOf(read, register, data));
    const { property, unit } = register;
    return value === undefined ? [] : [{ property, value, unit }];
  });
}
