/** Events of which lane and number can be told, and every byte checked. */

export function payload(lane: string, n: number): Buffer {
  const head = Buffer.from(`${lane}:${n}:`);
  // Most are small; some fill pages of their own.
  const size = n % 23 === 0 ? 5_000 + (n % 4_000) : 40 + (n % 160);
  const bytes = Buffer.alloc(Math.max(size, head.length), (n * 31) & 0xff);
  head.copy(bytes);
  return bytes;
}
