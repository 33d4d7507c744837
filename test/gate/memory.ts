/** What a program takes and holds. */
import { existsSync, readFileSync } from "node:fs";

/** What the allocator keeps is in it too: it says what a machine must have, and nothing of leaks. */
export function rssMbOf(pid: number): number {
  if (!existsSync(`/proc/${pid}/status`)) return 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** Looks at its /metrics. What was used between two collections is in it too; see `keptMb`. */
export async function heapMbOf(
  http: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`${http}/metrics`, { headers })).text();
  const of = (name: string) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
  const bytes = of("nodejs_heap_size_used_bytes") + of("nodejs_external_memory_bytes");
  return bytes / 1024 / 1024;
}

/** Between two collections the heap saws: so few looks may all have met its high side. */
const LOOKS_MIN = 100;

/**
 * How much more is held in the last quarter of the looks than in the second: the least of each. Not a
 * number when the looks are too few to say.
 */
export function keptMb(looks: readonly number[]): number {
  if (looks.length < LOOKS_MIN) return Number.NaN;
  const least = (quarter: number) =>
    Math.min(...looks.slice((quarter * looks.length) / 4, ((quarter + 1) * looks.length) / 4));
  return least(3) - least(1);
}
