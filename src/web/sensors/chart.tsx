/** One series over a chosen span: chart, what is under the pointer, and the whole in words. */
import { useEffect, useRef, useState } from "preact/hooks";
import { seriesData } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { every, nowMs } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import type { Bucket, Series } from "../twin-api.ts";
import { instantWord } from "../when.ts";
import { allowedWord, propertyWord, valueWord } from "../words.ts";
import { columnsOf } from "./columns.ts";
import type { Plot } from "./plot.ts";
import { type Range, rangeWord } from "./range.ts";

const POINTS = 360;

export function Chart({ series, range }: { readonly series: Series; readonly range: Range }) {
  const { device, property, unit, range: allowed } = series;
  const box = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot>();
  const [pointed, setPointed] = useState<number>();
  const dark = useDark();
  const asked = useAnswer(`data ${device} ${property} ${range.name}`, (signal) => {
    const to = nowMs();
    const span = { from: isoOf(to - range.spanMs), to: isoOf(to), points: POINTS };
    return seriesData(series, span, signal);
  });
  const { value, again } = asked;

  useEffect(() => every(refreshMs(range), again), [range, again]);

  useEffect(() => {
    let opened: Plot | undefined;
    let gone = false;
    void import("./plot.ts").then(({ openPlot }) => {
      if (gone || box.current === null) return;
      opened = openPlot(box.current, unit, setPointed);
      setPlot(opened);
    });
    return () => {
      gone = true;
      opened?.close();
      setPlot(undefined);
    };
    // `dark` is asked for by name: the plot reads its colours once, when it is opened.
  }, [unit, dark]);

  useEffect(() => {
    if (plot === undefined) return;
    const toMs = nowMs();
    const span = { fromMs: toMs - range.spanMs, toMs };
    plot.draw(columnsOf(value?.buckets ?? []), span, allowed);
  }, [plot, value, range, allowed?.low, allowed?.high]);

  const buckets = value?.buckets ?? [];
  const limits =
    allowed === null ? "" : `; ${words.sensors.allowed(allowedWord(allowed, unit, property))}`;
  const summary = summaryOf(buckets, series) + limits;
  const bucket = buckets.find(({ time }) => Date.parse(time) === pointed);
  return (
    <div class="chart">
      {asked.unreachable && <Unreachable old={value !== undefined} />}
      {asked.refused && <Refused refusal={asked.refused} title={words.sensors.cannotSeries} />}
      <p class="chart-readout" aria-hidden="true">
        {bucket === undefined ? summary : bucketWords(bucket, series)}
      </p>
      <div
        class="chart-box"
        ref={box}
        role="img"
        aria-label={words.sensors.chart(propertyWord(property), device, rangeWord(range), summary)}
      />
      {value !== undefined && buckets.length === 0 && (
        <Notice tone="calm" title={words.sensors.noReadingIn(rangeWord(range))} />
      )}
    </div>
  );
}

function summaryOf(buckets: readonly Bucket[], { unit, property }: Series): string {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (count === 0) return words.sensors.noReading;
  const sum = buckets.reduce((total, bucket) => total + bucket.mean * bucket.count, 0);
  const shown = (value: number) => valueWord(value, unit, property);
  const low = shown(Math.min(...buckets.map(({ min }) => min)));
  const high = shown(Math.max(...buckets.map(({ max }) => max)));
  return words.sensors.summary(low, high, shown(sum / count), words.sensors.readings(count));
}

function bucketWords({ time, min, mean, max, count }: Bucket, { unit, property }: Series): string {
  const shown = (value: number) => valueWord(value, unit, property);
  const span =
    count === 1 ? shown(mean) : words.sensors.bucket(shown(mean), shown(min), shown(max));
  return `${instantWord(time, nowMs())}  ${span}`;
}

/** As often as a new point can appear, within reason. */
function refreshMs(range: Range): number {
  return Math.min(30_000, Math.max(2_000, range.spanMs / POINTS));
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function useDark(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const follow = () => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, [query]);
  return dark;
}
