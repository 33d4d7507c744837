/**
 * What the vendors' conventions remember from one message to the next, within a limit: any device may make
 * up new topics, and a birth or a description holds thousands of names. What was said longest ago is
 * forgotten first, and one memory that is beyond all bounds at once.
 */
import type { Memory, Recall } from "../devices/decoders/convention.ts";
import { never } from "../kernel/assert.ts";

export type Memories = {
  readonly recall: Recall;
  /** Undefined: it is forgotten. */
  keep(key: string, memory: Memory | undefined): void;
};

const MEMORIES_MAX = 16_384;
const BYTES_MAX = 48 * 1024 * 1024;
const ONE_BYTES_MAX = 16 * 1024 * 1024;
/** About what a metric or an entity takes beside its names. */
const PART_BYTES = 128;

type Kept = { readonly memory: Memory; readonly bytes: number };

export function createMemories(): Memories {
  const kept = new Map<string, Kept>();
  let bytes = 0;

  const forget = (key: string): void => {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };

  return {
    recall: (key) => kept.get(key)?.memory,
    keep(key, memory) {
      const before = kept.get(key);
      forget(key);
      if (memory === undefined) return;
      const own = bytesOf(memory, before);
      if (own > ONE_BYTES_MAX) return;
      kept.set(key, { memory, bytes: own });
      bytes += own;
      for (const oldest of kept.keys()) {
        if (kept.size <= MEMORIES_MAX && bytes <= BYTES_MAX) break;
        forget(oldest);
      }
    },
  };
}

function bytesOf(memory: Memory, before: Kept | undefined): number {
  switch (memory.kind) {
    case "edge-node":
      // Only a birth changes them; what comes between is many messages a second.
      if (before?.memory.kind === "edge-node" && before.memory.metrics === memory.metrics)
        return before.bytes;
      return PART_BYTES + textBytes(memory.devices) + partsBytes(memory.metrics.values());
    case "entities":
      return PART_BYTES + partsBytes(memory.entities);
    case "provisioned":
      return PART_BYTES + textBytes(memory.keys);
    case "sleeper":
      return PART_BYTES;
    default:
      return never(memory);
  }
}

function partsBytes(parts: Iterable<object>): number {
  let bytes = 0;
  for (const part of parts) bytes += PART_BYTES + textBytes(Object.values(part).flat());
  return bytes;
}

/** What is no text takes no room of its own. */
function textBytes(values: readonly unknown[]): number {
  return values.reduce<number>(
    (sum, value) => sum + (typeof value === "string" ? value.length : 0),
    0,
  );
}
