/**
 * Icons, drawn for 16 × 16 with one line width. They always stand beside a word, so they are hidden
 * from screen readers.
 */
import type { Certainty, Kind } from "../twin-api.ts";

/** Things that have no key of their own are drawn too. */
type Drawn = Kind | "document" | "gateway" | "scanner" | "sensor";

const SHAPES: Readonly<Record<Drawn, string>> = {
  page: "M4 1.75h5.5L12.25 4.5v9.75H4zM9.25 2v2.75H12M6 7.5h4M6 10h4",
  document: "M2.75 3.75h6v10.5h-6zM5 3.5V1.75h8.25v10.5H9M11 5.5H9M11 8H9",
  envelope: "M1.75 3.75h12.5v8.5H1.75zM2 4l6 4.75L14 4",
  folder: "M1.75 12.75V3.25h4.5l1.5 2h6.5v7.5z",
  box: "M2.25 5 8 2l5.75 3v6.25L8 14.25l-5.75-3zM2.5 5.25 8 8l5.5-2.75M8 8v6",
  shelf:
    "M1.75 12.25h12.5M3 14.25v-2M13 14.25v-2M3.75 12V4.5h2V12M7.25 12V3h2v9M10.5 12l1.25-7.25 1.75.25L12.5 12",
  desk: "M1.5 5.25h13M2.75 5.5v8M13.25 5.5v8M8.5 5.5v4.25h4.5",
  rack: "M2.75 1.75v12.5M13.25 1.75v12.5M2.75 4h10.5M2.75 8h10.5M2.75 12h10.5",
  room: "M2.25 13.75V2.25h11.5v11.5M1 13.75h4.5M10.5 13.75H15M5.5 13.75V7.5h5v6.25M9 10.75v.5",
  site: "M1.75 14.25V6.5L8 2.25l6.25 4.25v7.75M4.75 14.25V8.5h6.5v5.75M4.75 11.25h6.5",
  person:
    "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.75 14c.4-2.5 2.5-4 5.25-4s4.85 1.5 5.25 4",
  party:
    "M1.75 13.75V5.5h4.5v8.250M6.25 13.750V2.250h8v11.500M1 13.750h14M3.500 8h1M3.500 10.750h1M9 5.250h2.500M9 8h2.500M9 10.750h2.500",
  carrier:
    "M1.25 11.5V3.75h8v7.75M9.25 6h3l2.5 2.75v2.75H13M6 11.5h4M4.5 13a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM11.5 13a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  gateway:
    "M2 9.25h12v4H2zM4.5 11.25h.1M7 11.25h.1M8 9V6.75M5.75 4.75a3.2 3.2 0 0 1 4.5 0M4 2.9a5.7 5.7 0 0 1 8 0",
  scanner:
    "M2 5V2.5h2.5M11.5 2.5H14V5M14 11v2.5h-2.5M4.5 13.5H2V11M4.75 5.5v5M7 5.5v5M9 5.5v5M11.25 5.5v5",
  sensor: "M6.25 9V3.25a1.75 1.75 0 0 1 3.5 0V9a3 3 0 1 1-3.5 0zM8 5.5v5",
  other:
    "M8 14.25A6.25 6.25 0 1 0 8 1.75a6.25 6.25 0 0 0 0 12.5zM6.2 6.2c.2-2.4 3.8-2.2 3.6 0C9.7 7.5 8 7.6 8 9.200M8 11.500v.100",
};

export function KindIcon({ kind }: { readonly kind: string }) {
  return <Line shape={SHAPES[kind as Drawn] ?? SHAPES.other} />;
}

/** Certainty by form as well as by colour: full, ring with a core, broken ring, split, empty. */
export function CertaintyIcon({ certainty }: { readonly certainty: Certainty }) {
  return (
    <svg class={`mark mark-${certainty}`} viewBox="0 0 12 12" aria-hidden="true">
      {certainty === "observed" && <circle cx="6" cy="6" r="4.5" class="full" />}
      {certainty === "inferred" && (
        <>
          <circle cx="6" cy="6" r="4.5" />
          <circle cx="6" cy="6" r="1.75" class="full" />
        </>
      )}
      {certainty === "presumed" && <circle cx="6" cy="6" r="4.5" stroke-dasharray="2.2 1.6" />}
      {certainty === "conflicted" && (
        <>
          <circle cx="6" cy="6" r="4.5" />
          <path d="M6 1.5a4.5 4.5 0 0 0 0 9z" class="full" />
        </>
      )}
      {certainty === "unknown" && <circle cx="6" cy="6" r="4.5" />}
    </svg>
  );
}

const SIGNS = {
  find: "M7 11.750a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.500zM10.5 10.5 14 14",
  pause: "M5.25 3v10M10.75 3v10",
  play: "M4.5 2.75 12.75 8 4.5 13.250z",
  copy: "M5.75 5.750h7.500v7.500h-7.500zM3.5 10.250H2.750v-7.500h7.500v.750",
  done: "M2.75 8.5 6.25 12l7-8",
  back: "M9.75 3 4.75 8l5 5",
  forward: "M6.25 3l5 5-5 5",
  alert: "M8 1.75 14.75 13.750H1.250zM8 6v4M8 11.900v.1",
  arrow: "M2 8h11.500M9.5 4l4 4-4 4",
  undo: "M6 2.750 2.750 6 6 9.250M3 6h6.250a4 4 0 0 1 0 8H6",
  plus: "M8 3.250v9.500M3.250 8h9.500",
  close: "M4 4l8 8M12 4l-8 8",
  minus: "M3.250 8h9.500",
  ring: "M8 13.250a5.250 5.250 0 1 0 0-10.500 5.250 5.250 0 0 0 0 10.500z",
  label: "M2 2.750h6.250L14 8.500l-5.500 5.500L2.750 8.250zM5.250 5.750h.1",
  map: "M2 2.750h5v5H2zM9 2.750h5v5H9zM2 9.750h5v3.500H2zM9 9.750h5v3.500H9z",
  more: "M3.500 8h.1M8 8h.1M12.500 8h.1",
  gates: "M3.500 7.250h9v6.500h-9zM5.250 7V5a2.750 2.750 0 0 1 5.500 0v2",
  opened: "M3.500 7.250h9v6.500h-9zM5.250 7V5a2.750 2.750 0 0 1 5.300-1",
  count: "M2.500 4l1.250 1.250L6 2.750M2.500 11l1.250 1.250L6 9.750M8 4.250h5.500M8 11.250h5.500",
  live: "M1.5 8.500h3L6.500 3.250l3 9.500 1.750-4.250h3.250",
} as const;

export function Sign({ name }: { readonly name: keyof typeof SIGNS }) {
  return <Line shape={SIGNS[name]} />;
}

function Line({ shape }: { readonly shape: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={shape} />
    </svg>
  );
}
