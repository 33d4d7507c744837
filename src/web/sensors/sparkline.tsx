/** The shape of a series' last minutes, without axes. Asks only while it is on the screen. */
import { useEffect, useRef, useState } from "preact/hooks";
import { seriesData } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { every, nowMs } from "../clock.ts";
import type { Bucket, Series } from "../twin-api.ts";
import { columnsOf } from "./columns.ts";

const SPAN_MS = 900_000;
const POINTS = 60;
const REFRESH_MS = 15_000;
const WIDTH = 96;
const HEIGHT = 24;

export function Sparkline({ series }: { readonly series: Series }) {
  const box = useRef<SVGSVGElement>(null);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => setVisible(entry?.isIntersecting ?? false));
    if (box.current !== null) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);

  const question = visible ? `spark ${series.device} ${series.property}` : undefined;
  const { value, again } = useAnswer(question, (signal) => {
    const to = nowMs();
    const span = { from: isoOf(to - SPAN_MS), to: isoOf(to), points: POINTS };
    return seriesData(series, span, signal);
  });
  useEffect(() => (visible ? every(REFRESH_MS, again) : undefined), [visible, again]);

  return (
    <svg class="spark" ref={box} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {value !== undefined && <path d={shapeOf(value.buckets)} />}
    </svg>
  );
}

function shapeOf(buckets: readonly Bucket[]): string {
  const [seconds, , , means] = columnsOf(buckets);
  const values = means.filter((mean) => mean !== null);
  const first = seconds[0];
  if (first === undefined) return "";
  const span = Math.max(1, (seconds.at(-1) ?? first) - first);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const scale = high > low ? (HEIGHT - 4) / (high - low) : 0;
  let pen = "M";
  let shape = "";
  for (const [index, at] of seconds.entries()) {
    const mean = means[index] ?? null;
    if (mean === null) {
      pen = "M";
      continue;
    }
    const x = ((at - first) / span) * WIDTH;
    const y = scale === 0 ? HEIGHT / 2 : HEIGHT - 2 - (mean - low) * scale;
    shape += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return shape;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
