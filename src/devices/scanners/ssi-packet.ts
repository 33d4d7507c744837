/**
 * Packets of the Simple Serial Interface of Zebra/Symbol scanners.
 *
 *   length | opcode | source | status | data … | checksum high | checksum low
 *
 * `length` counts everything but the checksum; the checksum is the two's complement of the sum of all
 * before it, 16 bits. Status bit 0: sent before. Bit 1: more packets of this message follow.
 *
 * Source: Zebra SSI Programmer's Guide 72E-40451; Symbol SE955 integration guide, chapter 10.
 */
export const OPCODE = {
  CMD_ACK: 0xd0,
  CMD_NAK: 0xd1,
  BEEP: 0xe6,
  LED_ON: 0xe7,
  LED_OFF: 0xe8,
  DECODE_DATA: 0xf3,
  EVENT: 0xf6,
} as const;

/** Why a packet is refused (CMD_NAK). */
export const CAUSE = { RESEND: 1, BAD_CONTEXT: 2, DENIED: 6 } as const;

/** Beep codes of BEEP. */
export const BEEP = { ONE_SHORT_HIGH: 0x00, TWO_SHORT_LOW: 0x06, THREE_LONG_LOW: 0x11 } as const;

/** The lamp that LED_ON and LED_OFF mean, by their bit. */
export const ONE_LAMP = 0x01;

/**
 * A single NUL wakes a scanner that saves power, and says nothing to one that is awake. What follows sooner
 * than 10 ms may be lost, and a second later it may sleep again. With hardware flow control it is not needed.
 *
 * Source: Symbol SE-923 integration guide, WAKEUP; Mindeo FS580 asks for 15 ms.
 */
export const WAKEUP = { bytes: Uint8Array.of(0), waitMs: 25 } as const;

export const DECODER = 0;
const HOST = 4;
const SENT_BEFORE = 1;
const MORE_FOLLOWS = 2;
export const HEAD_BYTES = 4;
export const CHECKSUM_BYTES = 2;

export type SsiPacket = {
  readonly opcode: number;
  readonly again: boolean;
  readonly more: boolean;
  readonly data: Uint8Array;
};

export function encodeSsi(opcode: number, data: readonly number[] = [], again = false): Uint8Array {
  const body = [HEAD_BYTES + data.length, opcode, HOST, again ? SENT_BEFORE : 0, ...data];
  const sum = checksum(body);
  return Uint8Array.of(...body, sum >> 8, sum & 0xff);
}

/** `bytes` is a whole packet whose checksum was found right. */
export function decodeSsi(bytes: Uint8Array): SsiPacket {
  const [, opcode = 0, , status = 0] = bytes;
  return {
    opcode,
    again: (status & SENT_BEFORE) !== 0,
    more: (status & MORE_FOLLOWS) !== 0,
    data: bytes.subarray(HEAD_BYTES, bytes.length - CHECKSUM_BYTES),
  };
}

export function checksum(body: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum += body[at] as number;
  return -sum & 0xffff;
}
