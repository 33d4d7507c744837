/**
 * A Modbus master on one of our byte lines, by modbus-serial: it makes the requests and reads the
 * replies; finding a reply in what a line delivers is ours (src/devices/modbus/reply.ts).
 *
 * Its own serial port would keep bytes of a late reply for the next request, take an exception of any
 * slave for the one it asked, and open the tty by itself. Here each request begins with an empty ear,
 * and the tty is the one that all our devices are on. The library comes when the first line is opened:
 * a gateway without Modbus does not pay for it.
 */
import { EventEmitter } from "node:events";
import type { ModbusRTU } from "modbus-serial/ModbusRTU.js";
import type {
  ByteLine,
  ModbusExchange,
  ModbusFraming,
  ModbusLine,
  ModbusMaster,
  ModbusRead,
  ModbusReply,
  ModbusWrite,
  OpenLine,
  OpenModbus,
} from "../ports.ts";

/** Bits of a character on the wire, with start, stop and parity. */
const CHARACTER_BITS = 11;
/** 3.5 characters of silence part two frames; above 19,200 baud 1.75 ms (Serial Line 1.02, 2.5.1.1). */
const GAP_CHARACTERS = 3.5;
const GAP_MS_MIN = 2;

export function createModbusOpener({
  openLine,
  framing,
}: {
  readonly openLine: OpenLine;
  readonly framing: ModbusFraming;
}): OpenModbus {
  return async (settings, stop) => {
    const line = await openLine(settings, stop);
    // CommonJS with a default of its own.
    const { default: Library } = (await import("modbus-serial")).default;
    return createMaster(line, settings, { framing, client: (port) => new Library(port) });
  };
}

type Made = {
  readonly framing: ModbusFraming;
  readonly client: (port: EventEmitter) => ModbusRTU;
};

function createMaster(line: ByteLine, settings: ModbusLine, made: Made): ModbusMaster {
  const gapMs = gapOf(settings);
  let ear: ModbusExchange | undefined;
  let transaction = 0;
  let heardMs = Number.NEGATIVE_INFINITY;
  let open = true;
  let ended: (why: string) => void = () => undefined;
  /** Of the requests under way. Waiting for `gone` itself would leave something behind with each request. */
  const cuts = new Set<(fault: Error) => void>();
  const gone = new Promise<string>((resolve) => {
    ended = (why) => {
      open = false;
      resolve(why);
      for (const cut of cuts) cut(new Error(why));
    };
  });

  const port = Object.assign(new EventEmitter(), {
    open: (done: () => void) => done(),
    close: (done: () => void) => done(),
    get isOpen() {
      return open;
    },
    write(request: Buffer) {
      transaction = (transaction + 1) % 65_536;
      ear = made.framing(request, transaction, settings);
      line.write(ear.bytes).catch((fault: Error) => ended(fault.message));
    },
  });
  const client = made.client(port);
  client.open();

  const listen = async (): Promise<void> => {
    for await (const chunk of line.read()) {
      heardMs = performance.now();
      const reply = ear?.push(chunk);
      if (reply === undefined) continue;
      ear = undefined;
      port.emit("data", Buffer.from(reply));
    }
    ended("the line was closed");
  };
  void listen();

  const request = async (
    slave: number,
    timeoutMs: number,
    ask: () => Promise<readonly number[]>,
  ): Promise<ModbusReply> => {
    if (!open) return { ok: false, why: "silent", detail: "the line is closed" };
    await quiet(heardMs + gapMs - performance.now());
    client.setID(slave);
    client.setTimeout(timeoutMs);
    let cut: (fault: Error) => void = () => undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      cut = reject;
      cuts.add(cut);
    });
    try {
      return { ok: true, data: await Promise.race([ask(), closed]) };
    } catch (error) {
      const { modbusCode: code, message } = error as Error & { modbusCode?: number };
      if (code !== undefined) return { ok: false, why: "exception", code, detail: message };
      const instead = ear?.instead();
      if (ear?.broken()) ended(`${settings.path} sent ${instead}`);
      ear = undefined;
      return {
        ok: false,
        why: "silent",
        detail: instead === undefined ? message : `heard ${instead}`,
      };
    } finally {
      cuts.delete(cut);
    }
  };

  return {
    read: (read, timeoutMs) => request(read.slave, timeoutMs, () => ask(client, read)),
    write: (write, timeoutMs) => request(write.slave, timeoutMs, () => tell(client, write)),
    gone,
    async close() {
      ended("closed");
      await line.close();
    },
  };
}

async function ask(client: ModbusRTU, { code, address, count }: ModbusRead): Promise<number[]> {
  switch (code) {
    case 1:
      return bits((await client.readCoils(address, count)).data, count);
    case 2:
      return bits((await client.readDiscreteInputs(address, count)).data, count);
    case 3:
      return (await client.readHoldingRegisters(address, count)).data;
    default:
      return (await client.readInputRegisters(address, count)).data;
  }
}

/** Coils come in bytes, the last one filled up. */
function bits(data: readonly boolean[], count: number): number[] {
  return data.slice(0, count).map(Number);
}

async function tell(client: ModbusRTU, { table, address, values }: ModbusWrite): Promise<number[]> {
  const [first = 0] = values;
  if (table === "coil" && values.length === 1) await client.writeCoil(address, first !== 0);
  else if (table === "coil")
    await client.writeCoils(
      address,
      values.map((value) => value !== 0),
    );
  else if (values.length === 1) await client.writeRegister(address, first);
  else await client.writeRegisters(address, [...values]);
  return [];
}

function gapOf({ carrier, baudRate }: ModbusLine): number {
  if (carrier === "tcp") return 0;
  return Math.max(GAP_MS_MIN, (GAP_CHARACTERS * CHARACTER_BITS * 1000) / baudRate);
}

function quiet(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}
