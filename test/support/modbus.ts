/** Pretended slaves on a real tty and a real socket, and the gateway's own master on the other end. */
import { onTestFinished } from "vitest";
import { type Bus, createSerialBus, openModbusTcp } from "../../firmware-sim/modbus-slave.ts";
import { openSerialCable } from "../../firmware-sim/serial-cable.ts";
import { exchange } from "../../src/devices/modbus/reply.ts";
import { openLine } from "../../src/io/line.ts";
import { createModbusOpener } from "../../src/io/modbus.ts";
import type { ModbusLine } from "../../src/ports.ts";

export type Carrier = "rtu" | "tcp";

export const openModbus = createModbusOpener({ openLine, framing: exchange });

export async function openBus(carrier: Carrier, bus: Bus, echoes = false): Promise<ModbusLine> {
  const serial = { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 } as const;
  if (carrier === "tcp") {
    const server = await openModbusTcp(bus);
    onTestFinished(() => server.close());
    return { ...serial, path: `tcp://127.0.0.1:${server.port}`, carrier, echoes };
  }
  const hear = createSerialBus(bus, (bytes) => cable.send(bytes));
  const cable = openSerialCable(hear);
  onTestFinished(cable.close);
  return { ...serial, path: cable.path, carrier, echoes };
}

export async function openMaster(line: ModbusLine) {
  const master = await openModbus(line);
  onTestFinished(() => master.close());
  return master;
}
