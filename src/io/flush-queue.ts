/**
 * Work for the outbox's writer, gathered into flushes: one fills while another is written. Buffers
 * come back and are used again; what has not come back is what is held in memory, and is bounded.
 */
import { assert } from "../kernel/assert.ts";
import type { Lane, Put } from "../ports.ts";
import { createPacker, type Packer } from "../store/outbox-packing.ts";

const FLUSH_BYTES = 512 * 1024;
const FLUSH_EVENTS = 4096;
/** Devices' sockets stop being read long before this is reached. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
const SPARE_BUFFERS = 4;

export type Flush = {
  readonly packer: Packer;
  /** In the order of the answers. */
  readonly answers: ((put: Put) => void)[];
  readonly releases: { readonly lane: Lane; readonly through: number }[];
  readonly released: (() => void)[];
  readonly lanes: Set<Lane>;
  events: number;
};

export type FlushQueue = {
  isFull(): boolean;
  /** The flush in which `pack` found room; a new one has room for `bytes` at least. */
  add(bytes: number, pack: (packer: Packer) => boolean): Flush;
  /** Events of the oldest flush. */
  nextEvents(): number;
  /** The oldest flush; an empty one when nothing waits. Its buffer is to be given back. */
  take(): Flush;
  giveBack(buffer: ArrayBuffer): void;
};

export function createFlushQueue(): FlushQueue {
  const spare: ArrayBuffer[] = [];
  const full: Flush[] = [];
  let heldBytes = 0;
  let filling = begin(FLUSH_BYTES);

  function begin(bytes: number): Flush {
    const buffer = (bytes === FLUSH_BYTES ? spare.pop() : undefined) ?? new ArrayBuffer(bytes);
    heldBytes += bytes;
    const packer = createPacker(buffer);
    return { packer, answers: [], releases: [], released: [], lanes: new Set(), events: 0 };
  }

  const giveBack = (buffer: ArrayBuffer): void => {
    heldBytes -= buffer.byteLength;
    if (buffer.byteLength === FLUSH_BYTES && spare.length < SPARE_BUFFERS) spare.push(buffer);
  };

  return {
    isFull: () => heldBytes > HELD_BYTES_MAX,
    nextEvents: () => (full[0] ?? filling).events,
    add(bytes, pack) {
      if (filling.events < FLUSH_EVENTS && pack(filling.packer)) return filling;
      if (filling.packer.used() > 0) full.push(filling);
      else giveBack(filling.packer.buffer);
      filling = begin(Math.max(FLUSH_BYTES, bytes));
      assert(pack(filling.packer), "a buffer made for it has room");
      return filling;
    },
    take() {
      const oldest = full.shift();
      if (oldest !== undefined) return oldest;
      const taken = filling;
      filling = begin(FLUSH_BYTES);
      return taken;
    },
    giveBack,
  };
}
