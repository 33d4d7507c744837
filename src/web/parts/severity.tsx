/** How grave a discrepancy is, by form and colour; the word stands beside it for screen readers. */
import type { Severity } from "../twin-api.ts";
import { severityWord } from "../words.ts";

const SHAPES: Readonly<Record<Severity, string>> = {
  error: "M5.5 1.75h5l3.750 3.750v5l-3.750 3.750h-5L1.750 10.500v-5zM8 4.750v4M8 11.100v.1",
  warn: "M8 1.75 14.75 13.750H1.250zM8 6v4M8 11.900v.1",
  info: "M8 14.25A6.25 6.25 0 1 0 8 1.75a6.25 6.25 0 0 0 0 12.5zM8 7.250v4M8 4.800v.1",
};

export function SeverityMark({ severity }: { readonly severity: Severity }) {
  return (
    <span class={`grave grave-${severity}`} title={severityWord(severity)}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[severity] ?? SHAPES.warn} />
      </svg>
      <span class="visually-hidden">{severityWord(severity)}</span>
    </span>
  );
}
