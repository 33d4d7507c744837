/**
 * A socket as the broker sees it, with what the broker does not do itself:
 *
 * - nothing passes behind the first packet until somebody has said who this is (`known`);
 * - a packet that is too long ends the connection at its header (see mqtt-limit.ts);
 * - who sends faster than allowed is read more slowly, and loses nothing;
 * - who does not read what is sent to it is let go before it fills the memory;
 * - what the broker writes piece by piece leaves in one piece. An acknowledgement is three writes,
 *   and they come by the hundred: the stream's bookkeeping would cost more than decoding a reading.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TurnedAwayWhy } from "./mqtt-guard.ts";
import { createPacketLengths, firstPacketEnd, type PacketLimit } from "./mqtt-limit.ts";

const GATHER_BYTES = 4096;
/** Longer pieces go their own way. */
const PIECE_BYTES = 64;

export type ConnectionLimits = PacketLimit & {
  /** What may wait for a peer that does not read. */
  readonly unreadBytesMax: number;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
};

export type MqttConnection = Duplex & {
  /** Somebody has said who this is: the rest of what it sends may pass. */
  known(): void;
};

/** Ends a connection for a reason that is counted. */
export class TurnedAway extends Error {
  readonly why: TurnedAwayWhy;
  constructor(why: TurnedAwayWhy, message: string) {
    super(message);
    this.why = why;
  }
}

export function openMqttConnection(
  socket: Socket,
  limits: ConnectionLimits,
  onKnown: () => void = () => {},
  /** What was read already. */
  opening: Buffer = Buffer.alloc(0),
): MqttConnection {
  const lengths = createPacketLengths();
  const pace = createPace(limits);
  let limit = limits.firstBytesMax;
  let isKnown = false;
  /** Where the first packet ends, once its header is there, and what came behind it. */
  const head: number[] = [];
  let end: number | undefined;
  let received = 0;
  let behind: Buffer | undefined;
  let full = false;
  let resting: NodeJS.Timeout | undefined;

  const connection = new Duplex({
    read() {
      full = false;
      readOrRest();
    },
    write(chunk: Buffer, _encoding, done) {
      socket.write(chunk, done);
    },
    final(done) {
      gathered.flush(socket);
      socket.end(done);
    },
    destroy(error, done) {
      clearTimeout(resting);
      socket.destroy();
      done(error);
    },
  });
  const gathered = gatherWrites(connection, limits.unreadBytesMax);

  function readOrRest(): void {
    const rest = full || behind !== undefined || resting !== undefined;
    if (rest) socket.pause();
    else socket.resume();
  }

  function pass(chunk: Buffer): void {
    let packets = 0;
    for (const length of lengths(chunk)) {
      if (length > limit) {
        const what = `a packet of ${length} bytes; ${limit} are allowed`;
        connection.destroy(new TurnedAway("too-long", what));
        return;
      }
      limit = limits.bytesMax;
      packets += 1;
    }
    if (!connection.push(chunk)) full = true;
    const restMs = pace(packets, chunk.length);
    if (restMs > 0 && resting === undefined)
      resting = setTimeout(() => {
        resting = undefined;
        readOrRest();
      }, restMs);
    if (full || resting !== undefined) socket.pause();
  }

  function passFirst(chunk: Buffer): void {
    for (const byte of chunk.subarray(0, Math.max(0, 5 - head.length))) head.push(byte);
    end ??= firstPacketEnd(head);
    if (end === undefined || received + chunk.length <= end) {
      received += chunk.length;
      pass(chunk);
      return;
    }
    const cut = Math.max(0, end - received);
    received += cut;
    behind = chunk.subarray(cut);
    if (cut > 0) pass(chunk.subarray(0, cut));
    socket.pause();
  }

  socket.on("data", (chunk: Buffer) => {
    if (isKnown) pass(chunk);
    else if (behind === undefined) passFirst(chunk);
    // A chunk that was under way when the socket was told to rest.
    else behind = Buffer.concat([behind, chunk]);
  });
  if (opening.length > 0) passFirst(opening);
  socket.on("end", () => connection.push(null));
  socket.on("error", (error) => connection.destroy(error));
  socket.on("close", () => connection.destroy());

  return Object.assign(connection, {
    known() {
      if (isKnown) return;
      isKnown = true;
      onKnown();
      const rest = behind;
      behind = undefined;
      if (rest !== undefined && rest.length > 0 && !connection.destroyed) pass(rest);
      readOrRest();
    },
  });
}

/** How long to rest after so much, so that over a second no more passes than allowed. */
function createPace({ packetsPerSecond, bytesPerSecond }: ConnectionLimits) {
  let packetsLeft = packetsPerSecond;
  let bytesLeft = bytesPerSecond;
  let atMs = performance.now();

  return (packets: number, bytes: number): number => {
    packetsLeft -= packets;
    bytesLeft -= bytes;
    if (packetsLeft >= 0 && bytesLeft >= 0) return 0;
    // The clock is asked only by who has used up what the last second brought.
    const nowMs = performance.now();
    const passed = (nowMs - atMs) / 1000;
    atMs = nowMs;
    packetsLeft = Math.min(packetsPerSecond, packetsLeft + passed * packetsPerSecond);
    bytesLeft = Math.min(bytesPerSecond, bytesLeft + passed * bytesPerSecond);
    const wait = Math.max(-packetsLeft / packetsPerSecond, -bytesLeft / bytesPerSecond, 0);
    return Math.ceil(wait * 1000);
  };
}

type Sink = { write(bytes: Buffer): boolean };

/** Small writes are kept until the code that writes has come to rest, or a larger one follows. */
function gatherWrites(connection: Duplex, unreadBytesMax: number): { flush(sink: Sink): void } {
  const write_ = connection.write.bind(connection) as (bytes: Buffer) => boolean;
  const through: Sink = {
    write(bytes) {
      if (connection.writableLength <= unreadBytesMax) return write_(bytes);
      const what = `${connection.writableLength} bytes wait for it; ${unreadBytesMax} are allowed`;
      connection.destroy(new TurnedAway("slow-reader", what));
      return false;
    },
  };
  const gathered = Buffer.allocUnsafe(GATHER_BYTES);
  let used = 0;
  let scheduled = false;

  const flush = (sink: Sink): void => {
    if (used === 0) return;
    const bytes = Buffer.from(gathered.subarray(0, used));
    used = 0;
    sink.write(bytes);
  };

  const flushLater = (): void => {
    scheduled = false;
    if (connection.writable) flush(through);
  };

  // mqtt-packet writes numbers as bytes, and topics as texts.
  const write = (piece: Buffer | string): boolean => {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    if (used + bytes.length > GATHER_BYTES || bytes.length > PIECE_BYTES) flush(through);
    if (bytes.length > PIECE_BYTES) return through.write(bytes);
    for (let at = 0; at < bytes.length; at++) gathered[used++] = bytes[at] as number;
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(flushLater);
    }
    return !connection.writableNeedDrain;
  };

  // mqtt-packet corks a stream that can be corked, once for each packet; this one need not be.
  Object.assign(connection, { write, cork: undefined });
  return { flush };
}
