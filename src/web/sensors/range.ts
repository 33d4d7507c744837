/** The spans a chart can show. */
import { words } from "../language/spoken.ts";

export type Range = {
  readonly name: string;
  readonly spanMs: number;
};

const MINUTE_MS = 60_000;

const DEFAULT: Range = { name: "15m", spanMs: 15 * MINUTE_MS };

export const RANGES: readonly Range[] = [
  DEFAULT,
  { name: "1h", spanMs: 60 * MINUTE_MS },
  { name: "24h", spanMs: 24 * 60 * MINUTE_MS },
  { name: "7d", spanMs: 7 * 24 * 60 * MINUTE_MS },
];

export function rangeWord({ name }: Range): string {
  return words.sensors.ranges[name] ?? name;
}

export function rangeOf(name: string | null): Range {
  return RANGES.find((range) => range.name === name) ?? DEFAULT;
}
