/** The shape of a series' last hour, without axes. Asks only while it is on the screen. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Bucket, type Series, seriesData } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { every, nowMs } from "../clock.ts";

const SPAN_MS = 3_600_000;
const POINTS = 60;
const REFRESH_MS = 30_000;
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
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return "";
  const startMs = Date.parse(first.time);
  const spanMs = Math.max(1, Date.parse(last.time) - startMs);
  const low = Math.min(...buckets.map(({ mean }) => mean));
  const high = Math.max(...buckets.map(({ mean }) => mean));
  const scale = high > low ? (HEIGHT - 4) / (high - low) : 0;
  const points = buckets.map(({ time, mean }) => {
    const x = ((Date.parse(time) - startMs) / spanMs) * WIDTH;
    const y = scale === 0 ? HEIGHT / 2 : HEIGHT - 2 - (mean - low) * scale;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
