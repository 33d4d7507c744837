/**
 * Writes to the slaves of a Modbus line, between two polls: the line has one master, and one request at
 * a time. A write waits for the line to be open, and for no longer than its time.
 */
import type { ModbusMaster, ModbusReply } from "../ports.ts";
import type { Act, Acted } from "./directives.ts";
import { createWaitingActs, type TakenAct } from "./waiting-acts.ts";

export type ModbusWrites = {
  /** What the slave is asked to do. */
  actOf(slave: { readonly slave: number; readonly timeoutMs: number }): Act;
  waits(): boolean;
  /** The next that waits. Undefined: it is not to be done. */
  take(): Promise<TakenAct<Write> | undefined>;
  /** Called when one has come. */
  whenPut(wake: () => void): void;
};

export type Write = (master: ModbusMaster) => Promise<Acted>;

const LATE: Acted = { outcome: "failed", reason: "its time was over before the line was free" };

export function createModbusWrites(): ModbusWrites {
  const waiting = createWaitingActs<Write>(LATE);

  return {
    actOf:
      ({ slave, timeoutMs }) =>
      async ({ kind, what }, over, begin) => {
        const { table, address, values } = what;
        if (kind !== "write" || !isWrite(table, address, values))
          return {
            outcome: "failed",
            reason: 'a Modbus slave takes "write" with table (coil or holding), address and values',
          };
        const asked = {
          slave,
          table: table as "coil" | "holding",
          address: address as number,
          values: values as number[],
        };
        const write: Write = async (master) => actedBy(await master.write(asked, timeoutMs));
        return waiting.put(write, over, begin);
      },
    waits: waiting.waits,
    take: waiting.take,
    whenPut: waiting.whenPut,
  };
}

function actedBy(reply: ModbusReply): Acted {
  if (reply.ok) return { outcome: "done", reason: "" };
  // It may have heard the request and lost its voice.
  return { outcome: reply.why === "exception" ? "failed" : "uncertain", reason: reply.detail };
}

function isWrite(table: unknown, address: unknown, values: unknown): boolean {
  const fits = (word: unknown) =>
    Number.isInteger(word) && Number(word) >= 0 && Number(word) <= 65_535;
  return (
    (table === "coil" || table === "holding") &&
    fits(address) &&
    Array.isArray(values) &&
    values.length > 0 &&
    values.length <= 100 &&
    values.every(fits)
  );
}
