/**
 * All series with their last value and the shape of their last minutes, those outside of their ranges
 * first; choosing one opens its chart.
 */
import { useState } from "preact/hooks";
import { useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { useLatest } from "../latest.ts";
import type { Series } from "../twin-api.ts";
import { agoWord } from "../when.ts";
import { propertyWord, valueWord } from "../words.ts";
import { Outside } from "./outside.tsx";
import { Sparkline } from "./sparkline.tsx";

const SHOWN_MAX = 60;
const FILTER_FROM = 12;

export function SeriesList({
  all,
  chosen,
  addressOf,
}: {
  readonly all: readonly Series[];
  readonly chosen: Series | undefined;
  readonly addressOf: (series: Series) => string;
}) {
  const [filter, setFilter] = useState("");
  const [limit, setLimit] = useState(SHOWN_MAX);
  const latest = useLatest();
  const now = useNow(1_000);
  const parts = filter.toLowerCase().split(/\s+/);
  const graveFirst = all.toSorted((a, b) => Number(b.alarm !== null) - Number(a.alarm !== null));
  const fitting = graveFirst.filter(({ device, property, gateway }) => {
    const text = `${device} ${property} ${gateway}`.toLowerCase();
    return parts.every((part) => text.includes(part));
  });
  return (
    <nav class="series" aria-label={words.sensors.series}>
      {all.length >= FILTER_FROM && (
        <input
          class="field"
          type="text"
          aria-label={words.sensors.filter}
          placeholder={words.sensors.filterCount(all.length)}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      <ul>
        {fitting.slice(0, limit).map((one) => {
          const last = latest(one.device, one.property) ?? one.last;
          return (
            <li key={`${one.gateway} ${one.device} ${one.property} ${one.unit}`}>
              <a
                href={addressOf(one)}
                aria-current={one === chosen ? "true" : undefined}
                title={words.sensors.byGateway(one.gateway)}
              >
                <span class="series-name">
                  {propertyWord(one.property)} <span class="soft mono">{one.device}</span>
                  {one.alarm !== null && <Outside alarm={one.alarm} />}
                </span>
                <Sparkline series={one} />
                <span class="series-value">
                  <b>{last === null ? "–" : valueWord(last.value, one.unit, one.property)}</b>
                  <span class="soft">{last === null ? "" : agoWord(last.time, now)}</span>
                </span>
              </a>
            </li>
          );
        })}
      </ul>
      {fitting.length === 0 && <p class="soft">{words.sensors.noneFits}</p>}
      {fitting.length > limit && (
        <button type="button" class="button" onClick={() => setLimit(limit + SHOWN_MAX)}>
          {words.sensors.showMore}
        </button>
      )}
    </nav>
  );
}
