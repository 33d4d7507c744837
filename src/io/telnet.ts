/**
 * The telnet that a serial device server speaks: RFC 854 with the COM port option of RFC 2217.
 *
 *   client                                    server
 *   IAC WILL COM-PORT, IAC DO|WILL BINARY ──►
 *                                         ◄── IAC DO COM-PORT
 *   IAC SB COM-PORT SET-… value IAC SE    ──►
 *                                         ◄── IAC SB COM-PORT (SET-… + 100) value IAC SE
 *
 * Pure: bytes in, data and what there is to say out.
 */
import type { SerialSettings } from "../ports.ts";

const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SB = 250;
const SE = 240;
const BINARY = 0;
const SUPPRESS_GO_AHEAD = 3;
const COM_PORT = 44;
/** RFC 2217, section 2. The server answers with 100 more. */
const SET = { BAUDRATE: 1, DATASIZE: 2, PARITY: 3, STOPSIZE: 4, CONTROL: 5 } as const;
const ANSWER = 100;
const PARITY = { none: 1, odd: 2, even: 3 } as const;
const FLOW = { none: 1, software: 2, hardware: 3 } as const;
/** An answer of the option has a handful of bytes; a longer one is cut off. */
const OPTION_BYTES_MAX = 64;

export type TelnetHeard = {
  readonly data: Uint8Array;
  /** To be written at once. */
  readonly reply: Uint8Array;
};

export type Telnet = {
  readonly hello: Uint8Array;
  hear(chunk: Uint8Array): TelnetHeard;
  escape(bytes: Uint8Array): Uint8Array;
  /** "ready": the port is set up as asked. "refused" and "other" say why not. */
  state(): "asking" | "ready" | "refused" | { readonly other: string };
};

type Wanted = readonly (readonly [command: number, value: readonly number[], name: string])[];

export function createTelnet(settings: SerialSettings): Telnet {
  const wanted = wantedOf(settings);
  const answered = new Set<number>();
  let refused = false;
  let other: string | undefined;
  let mode: "data" | "iac" | "option" | "sub" | "sub-iac" = "data";
  let verb = 0;
  let sub: number[] = [];

  function answerTo(option: number): readonly number[] {
    if (option === COM_PORT) {
      if (verb === DONT || verb === WONT) refused = true;
      return verb === DO ? wanted.flatMap(([command, value]) => option44(command, value)) : [];
    }
    if (option === BINARY || option === SUPPRESS_GO_AHEAD) return [];
    // Everything else is declined; what is not offered need not be declined again.
    if (verb === DO) return [IAC, WONT, option];
    return verb === WILL ? [IAC, DONT, option] : [];
  }

  function learn([option, command = 0, ...value]: readonly number[]): void {
    if (option !== COM_PORT || command < ANSWER) return;
    const asked = wanted.find(([one]) => one + ANSWER === command);
    if (asked === undefined) return;
    const [, want, name] = asked;
    if (want.every((byte, at) => byte === value[at])) answered.add(command);
    else other ??= `${name} is ${value.join(" ")} there, and not ${want.join(" ")}`;
  }

  function step(byte: number, data: number[], reply: number[]): void {
    switch (mode) {
      case "data":
        if (byte === IAC) mode = "iac";
        else data.push(byte);
        return;
      case "iac":
        mode = "data";
        if (byte === IAC) data.push(IAC);
        else if (byte === SB) [mode, sub] = ["sub", []];
        else if (byte >= WILL) [mode, verb] = ["option", byte];
        return;
      case "option":
        mode = "data";
        reply.push(...answerTo(byte));
        return;
      case "sub":
        if (byte === IAC) mode = "sub-iac";
        else if (sub.length < OPTION_BYTES_MAX) sub.push(byte);
        return;
      case "sub-iac":
        mode = byte === SE ? "data" : "sub";
        if (byte === SE) learn(sub);
        else if (sub.length < OPTION_BYTES_MAX) sub.push(byte);
        return;
    }
  }

  return {
    hello: Uint8Array.of(
      ...[IAC, WILL, COM_PORT, IAC, WILL, BINARY, IAC, DO, BINARY],
      ...[IAC, DO, SUPPRESS_GO_AHEAD],
    ),
    hear(chunk) {
      const data: number[] = [];
      const reply: number[] = [];
      for (const byte of chunk) step(byte, data, reply);
      return { data: Uint8Array.from(data), reply: Uint8Array.from(reply) };
    },
    escape: (bytes) =>
      bytes.includes(IAC)
        ? Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])))
        : bytes,
    state() {
      if (refused) return "refused";
      if (other !== undefined) return { other };
      return answered.size === wanted.length ? "ready" : "asking";
    },
  };
}

function wantedOf(settings: SerialSettings): Wanted {
  const { baudRate, dataBits, parity, stopBits, flowControl = "none" } = settings;
  const baud = [24, 16, 8, 0].map((shift) => (baudRate >>> shift) & 0xff);
  return [
    [SET.BAUDRATE, baud, "baud rate"],
    [SET.DATASIZE, [dataBits], "data size"],
    [SET.PARITY, [PARITY[parity]], "parity"],
    [SET.STOPSIZE, [stopBits], "stop size"],
    [SET.CONTROL, [FLOW[flowControl]], "flow control"],
  ];
}

function option44(command: number, value: readonly number[]): readonly number[] {
  const escaped = value.flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]));
  return [IAC, SB, COM_PORT, command, ...escaped, IAC, SE];
}
