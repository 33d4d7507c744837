/**
 * Draws one series with uPlot: the mean as a line in a band from minimum to maximum, and what is allowed
 * as lines with what is beyond them shaded. Loaded when the
 * first chart is shown. Styles are set through the CSSOM, which the page's policy allows.
 */
import uPlot from "uplot";
import type { AllowedRange } from "../twin-api.ts";
import { unitWord } from "../words.ts";
import type { Columns } from "./columns.ts";

export type Plot = {
  draw(
    columns: Columns,
    span: { readonly fromMs: number; readonly toMs: number },
    allowed: AllowedRange | null,
  ): void;
  close(): void;
};

const HEIGHT = 320;
const HEIGHT_NARROW = 220;

/** `onPoint` hears the instant of the bucket under the pointer, or undefined when there is none. */
export function openPlot(
  box: HTMLElement,
  unit: string,
  onPoint: (atMs: number | undefined) => void,
): Plot {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name);
  const axis: uPlot.Axis = {
    stroke: colour("--soft"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  let x: uPlot.Range.MinMax = [0, 1];
  let limits: AllowedRange = { low: null, high: null };
  const plot = new uPlot(
    {
      ...sizeOf(box),
      padding: [12, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => x },
        y: { range: (_, low, high) => rangeOf(low, high, limits) },
      },
      axes: [
        {
          ...axis,
          size: 30,
          values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step)),
        },
        { ...axis, size: 56, values: (_, splits) => splits.map((value) => level(value, unit)) },
      ],
      series: [
        {},
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
        { stroke: colour("--accent"), width: 1.5, points: { show: false } },
      ],
      bands: [{ series: [1, 2], fill: colour("--band") }],
      hooks: {
        drawClear: [
          (drawn) => shade(drawn, limits, { beyond: colour("--beyond"), at: colour("--limit") }),
        ],
        setCursor: [
          ({ cursor, data }) => {
            const seconds = data[0][cursor.idx ?? -1];
            onPoint(seconds === undefined ? undefined : seconds * 1_000);
          },
        ],
      },
    },
    [[], [], [], []],
    box,
  );
  const watch = new ResizeObserver(() => plot.setSize(sizeOf(box)));
  watch.observe(box);

  return {
    draw(columns, { fromMs, toMs }, allowed) {
      limits = allowed ?? { low: null, high: null };
      x = [fromMs / 1_000, toMs / 1_000];
      plot.setData(columns);
    },
    close() {
      watch.disconnect();
      plot.destroy();
    },
  };
}

function sizeOf(box: HTMLElement): { width: number; height: number } {
  const width = box.clientWidth;
  return { width, height: width < 480 ? HEIGHT_NARROW : HEIGHT };
}

/**
 * A steady value stays a calm line in the middle rather than noise from edge to edge. The limits are on the
 * chart, so that one sees how far it is to them.
 */
function rangeOf(min: number | null, max: number | null, limits: AllowedRange): uPlot.Range.MinMax {
  const levels = [min, max, limits.low, limits.high].filter((level) => level !== null);
  if (levels.length === 0) return [0, 1];
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const pad = Math.max((high - low) * 0.1, Math.abs(high) * 0.01, 0.05);
  return [low - pad, high + pad];
}

/** Behind the grid: what is not allowed, from its limit to the edge. */
function shade(
  { ctx, bbox, valToPos }: uPlot,
  { low, high }: AllowedRange,
  colours: { readonly beyond: string; readonly at: string },
): void {
  const { left, top, width, height } = bbox;
  ctx.save();
  for (const [limit, edge] of [
    [low, top + height],
    [high, top],
  ] as const) {
    if (limit === null) continue;
    const at = Math.min(top + height, Math.max(top, valToPos(limit, "y", true)));
    ctx.fillStyle = colours.beyond;
    ctx.fillRect(left, Math.min(at, edge), width, Math.abs(edge - at));
    ctx.strokeStyle = colours.at;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, at);
    ctx.lineTo(left + width, at);
    ctx.stroke();
  }
  ctx.restore();
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function tick(seconds: number, step: number): string {
  const date = new Date(seconds * 1_000);
  if (step < 60) return CLOCK_SECONDS.format(date);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  return midnight ? DAY.format(date) : CLOCK.format(date);
}

function level(value: number, unit: string): string {
  const word = unitWord(unit);
  return `${+value.toPrecision(6)}${word === "" ? "" : word === "%" ? "%" : ` ${word}`}`;
}
