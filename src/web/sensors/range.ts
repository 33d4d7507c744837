/** The spans a chart can show. */
export type Range = {
  readonly name: string;
  readonly word: string;
  readonly spanMs: number;
};

const MINUTE_MS = 60_000;

const DEFAULT: Range = { name: "15m", word: "15 min", spanMs: 15 * MINUTE_MS };

export const RANGES: readonly Range[] = [
  DEFAULT,
  { name: "1h", word: "1 h", spanMs: 60 * MINUTE_MS },
  { name: "24h", word: "24 h", spanMs: 24 * 60 * MINUTE_MS },
  { name: "7d", word: "7 d", spanMs: 7 * 24 * 60 * MINUTE_MS },
];

export function rangeOf(name: string | null): Range {
  return RANGES.find((range) => range.name === name) ?? DEFAULT;
}
