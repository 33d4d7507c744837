/**
 * Readings that came in one message, as many events as the wire needs: an event has a limit there, and one
 * beyond it is never understood at the twin, or stops all that waits behind it. What a message is cut into
 * follows from the message alone, so that the same one is cut alike when it comes again.
 */
import type { Reading } from "../devices/mqtt-mapping/mapping.ts";
import { EVENT_BYTES_MAX } from "../wire/codec.ts";

/** So few always fit: names have at most 256 characters. */
const FEW = 32;
/** Leaves room for what an event says beside its readings. */
const PART_BYTES = (EVENT_BYTES_MAX * 3) / 4;
/** Tags, lengths and the number of a reading; and UTF-8 bytes of a UTF-16 unit. At most. */
const READING_BYTES = 32;
const UNIT_BYTES = 3;

export function partsOf(readings: readonly Reading[]): readonly (readonly Reading[])[] {
  if (readings.length <= FEW) return [readings];
  const parts: Reading[][] = [];
  let room = 0;
  for (const reading of readings) {
    const bytes = READING_BYTES + UNIT_BYTES * (reading.property.length + reading.unit.length);
    if (bytes > room) {
      parts.push([]);
      room = PART_BYTES;
    }
    parts.at(-1)?.push(reading);
    room -= bytes;
  }
  return parts;
}
