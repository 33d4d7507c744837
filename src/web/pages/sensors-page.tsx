/** The series that sensors report, and one of them as a chart. */
import { useEffect } from "preact/hooks";
import { type Series, series } from "../api.ts";
import { useAnswer, useNews } from "../ask.ts";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { Chart } from "../sensors/chart.tsx";
import { RANGES, type Range, rangeOf } from "../sensors/range.ts";
import { SeriesList } from "../sensors/series-list.tsx";
import { spaced } from "../words.ts";

export function SensorsPage({ query }: { readonly query: URLSearchParams }) {
  const asked = useAnswer("series", series);
  const known = asked.value;
  useNews((news) => {
    const unknown =
      news.kind === "gap" ||
      news.events.some(
        (event) =>
          event.kind === "reading" &&
          !known?.some((one) => one.device === event.device && one.property === event.property),
      );
    if (unknown) asked.again();
  });
  useEffect(() => {
    document.title = "Sensors · racktrace";
  }, []);

  if (asked.refused)
    return <Refused refusal={asked.refused} title="The sensors cannot be shown." />;
  if (known === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;

  const range = rangeOf(query.get("range"));
  const chosen = known.find((one) => isAskedFor(one, query)) ?? known[0];
  return (
    <div class="sensors">
      <h1>Sensors</h1>
      {asked.unreachable && <Unreachable old />}
      {chosen === undefined ? (
        <Notice tone="calm" title="No sensor has reported yet.">
          <p>A series appears here with its first reading.</p>
        </Notice>
      ) : (
        <div class="sensors-body">
          <SeriesList all={known} chosen={chosen} addressOf={(one) => addressOf(one, range)} />
          <section class="card sensor" aria-labelledby="sensor">
            <header>
              <h2 id="sensor">
                {spaced(chosen.property)}{" "}
                <span class="sensor-device soft mono">{chosen.device}</span>
              </h2>
              <nav class="ranges" aria-label="Range">
                {RANGES.map((one) => (
                  <a
                    key={one.name}
                    href={addressOf(chosen, one)}
                    aria-current={one === range ? "true" : undefined}
                  >
                    {one.word}
                  </a>
                ))}
              </nav>
            </header>
            <Chart series={chosen} range={range} />
          </section>
        </div>
      )}
    </div>
  );
}

function addressOf({ gateway, device, property, unit }: Series, { name }: Range): string {
  return `/sensors?${new URLSearchParams({ gateway, device, property, unit, range: name })}`;
}

/** An address need not say all; what it says must fit. */
function isAskedFor(series: Series, query: URLSearchParams): boolean {
  const names = ["gateway", "device", "property", "unit"] as const;
  return (
    query.has("device") &&
    names.every((name) => !query.has(name) || query.get(name) === series[name])
  );
}
