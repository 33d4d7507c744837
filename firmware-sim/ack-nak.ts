/**
 * Scanners with an ACK/NAK handshake of characters: Zebra standard RS-232 and Olivetti, Honeywell and
 * Metrologic, Datalogic.
 *
 * Sources: Zebra PRG, host types (a NAK has the data sent again, three times in all; when no answer comes
 * in time there is no other try, and an error tone); MS9540 guide ("Enable 5 Retries on ACK/NAK Time
 * Out"; BEL is three beeps and the end of it, CAN a silent end); Datalogic PRG (the characters are
 * settings; retries by count; afterwards host commands: B good-read tone, F not on file, 01h forced tone).
 */
import {
  type AnsweredScanner,
  createExpectation,
  type DeviceLine,
  listen,
  type Outcome,
} from "./answered.ts";

export type AckNakOptions = {
  readonly prefix: string;
  readonly suffix: string;
  readonly ack: number;
  readonly nak: number;
  readonly timeoutMs: number;
  /** How often it sends in all when it is told NAK, and when it is told nothing. */
  readonly sendsOnNak: number;
  readonly sendsOnSilence: number;
  /** It knows BEL and CAN. */
  readonly bell: boolean;
  /** Characters that sound when it waits for nothing. */
  readonly commands: Readonly<Record<number, string>>;
  /**
   * Zebra software handshaking "ENQ" and "ACK/NAK with ENQ": it sends when the host has invited it, and
   * gives up when that does not come within the time-out; a repetition needs no other invitation.
   */
  readonly enquiry?: boolean;
  /** False with "ENQ" alone: nobody answers what it sends. */
  readonly answered?: boolean;
};

const CR_LF = { prefix: "", suffix: "\r\n", ack: 0x06, nak: 0x15 } as const;

/** As they ship, with the handshake switched on. */
export const FAMILIES = {
  "zebra-stx-etx": {
    ...CR_LF,
    prefix: "\x02",
    suffix: "\x03",
    timeoutMs: 2_000,
    sendsOnNak: 3,
    sendsOnSilence: 1,
    bell: false,
    commands: {},
  },
  "honeywell-ack-nak": {
    ...CR_LF,
    suffix: "\r",
    timeoutMs: 2_000,
    sendsOnNak: 6,
    sendsOnSilence: 6,
    bell: true,
    commands: {},
  },
  "datalogic-ack-nak": {
    ...CR_LF,
    timeoutMs: 2_000,
    sendsOnNak: 4,
    sendsOnSilence: 4,
    bell: false,
    commands: { 1: "forced", 66: "good", 70: "not on file" },
  },
} as const satisfies Record<string, AckNakOptions>;

const BEL = 0x07;
const CAN = 0x18;
const ENQ = 0x05;

export function createAckNakScanner(line: DeviceLine, options: AckNakOptions): AnsweredScanner {
  const { prefix, suffix, ack, nak, bell, commands } = options;
  const tones: string[] = [];
  const answer = createExpectation<"ack" | "nak">();
  const invitation = createExpectation<"enq">();
  let lose = 0;

  const stop = listen(line, (bytes) => {
    for (const byte of bytes) hear(byte);
  });

  function hear(byte: number): void {
    if (options.enquiry === true && byte === ENQ) {
      invitation.say("enq");
      return;
    }
    const answers = byte === ack || byte === nak || (bell && (byte === BEL || byte === CAN));
    if (answers && lose > 0) lose -= 1;
    else if (byte === nak) answer.say("nak");
    else if (answers) {
      if (answer.say("ack") && byte !== CAN) sound(byte);
    } else if (commands[byte] !== undefined) tones.push(commands[byte]);
  }

  function sound(byte: number): void {
    if (bell && byte === BEL) tones.push("beep", "beep", "beep");
    else tones.push("good");
  }

  return {
    tones,
    lamp: () => false,
    loseAnswers(count) {
      lose = count;
    },
    async scan(text): Promise<Outcome> {
      const frame = Buffer.from(`${prefix}${text}${suffix}`, "latin1");
      let sent = 0;
      if (options.enquiry === true && (await invitation.within(options.timeoutMs)) === undefined) {
        tones.push("error");
        return { how: "error", sent };
      }
      if (options.answered === false) {
        await line.write(frame);
        return { how: "acknowledged", sent: 1 };
      }
      for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
        const said = answer.within(options.timeoutMs);
        await line.write(frame);
        sent += 1;
        const how = await said;
        if (how === "ack") return { how: "acknowledged", sent };
        const sends = how === "nak" ? options.sendsOnNak : options.sendsOnSilence;
        left = sends - sent;
      }
      tones.push("error");
      return { how: "error", sent };
    },
    close: stop,
  };
}
