/**
 * A serial device server: a box with a network socket on one side and a scanner's cable on the other.
 * Raw, or telnet with the COM port option.
 *
 * Source: RFC 854, RFC 2217 (the access server DOes the option, acknowledges each setting with its
 * command plus 100 and the value in use).
 */
import { createServer, type Socket } from "node:net";
import type { DeviceLine } from "./answered.ts";

const IAC = 0xff;

export type DeviceServer = {
  readonly port: number;
  /** The scanner's end. */
  readonly line: DeviceLine;
  /** What the client set up, in order: "baud 9600", "data 7", "parity 3", "stop 1". */
  readonly settings: readonly string[];
  connected(): boolean;
  /** Cuts the connection, as a box that loses its power. */
  cut(): void;
  close(): Promise<void>;
};

export type DeviceServerOptions = {
  readonly kind: "raw" | "rfc2217";
  /** What it says of the COM port option. */
  readonly option?: "do" | "dont";
  /** A baud rate that it uses whatever it is asked for. */
  readonly baudRate?: number;
};

export async function openDeviceServer(options: DeviceServerOptions): Promise<DeviceServer> {
  const settings: string[] = [];
  let client: Socket | undefined;
  let heard: number[] = [];
  const telnet = createTelnetServer(options, settings, (bytes) => client?.write(bytes));

  const server = createServer((socket) => {
    client?.destroy();
    client = socket;
    heard = [];
    telnet.reset();
    socket.on("error", () => {});
    socket.on("close", () => {
      if (client === socket) client = undefined;
    });
    socket.on("data", (chunk) => {
      heard.push(...(options.kind === "raw" ? chunk : telnet.hear(chunk)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));

  return {
    port: (server.address() as { port: number }).port,
    settings,
    line: {
      async write(bytes) {
        if (client === undefined) return false;
        client.write(options.kind === "raw" ? bytes : escaped(bytes));
        return true;
      },
      take() {
        const bytes = Uint8Array.from(heard);
        heard = [];
        return bytes;
      },
    },
    connected: () => client !== undefined,
    cut: () => client?.destroy(),
    close() {
      client?.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function createTelnetServer(
  { option = "do", baudRate }: DeviceServerOptions,
  settings: string[],
  say: (bytes: Uint8Array) => void,
) {
  let held: number[] = [];

  /** One command at the start, if it is whole: its length. */
  function command(): number {
    const [, verb = 0, what = 0] = held;
    if (verb >= 251) {
      if (held.length < 3) return 0;
      if (verb === 251 && what === 44) say(Uint8Array.of(IAC, option === "do" ? 253 : 254, 44));
      return 3;
    }
    if (verb !== 250) return 2;
    const end = held.findIndex((byte, at) => at > 1 && byte === 0xf0 && held[at - 1] === IAC);
    if (end === -1) return 0;
    set(held.slice(2, end - 1));
    return end + 1;
  }

  function set([com, setting = 0, ...value]: readonly number[]): void {
    if (com !== 44) return;
    const number = value.reduce((total, byte) => total * 256 + byte, 0);
    const names = ["", "baud", "data", "parity", "stop", "control"];
    settings.push(`${names[setting]} ${number}`);
    const used =
      setting === 1 && baudRate !== undefined
        ? [24, 16, 8, 0].map((shift) => (baudRate >>> shift) & 0xff)
        : value;
    say(Uint8Array.of(IAC, 250, 44, setting + 100, ...used, IAC, 240));
  }

  return {
    reset() {
      held = [];
    },
    hear(chunk: Uint8Array): number[] {
      held.push(...chunk);
      const data: number[] = [];
      while (held.length > 0) {
        if (held[0] !== IAC) data.push(held.shift() as number);
        else if (held.length < 2) break;
        else if (held[1] === IAC) data.push(...held.splice(0, 2).slice(1));
        else {
          const length = command();
          if (length === 0) break;
          held.splice(0, length);
        }
      }
      return data;
    },
  };
}

function escaped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])));
}
