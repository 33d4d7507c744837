/** The series that sensors report, and one of them as a chart, with what is allowed of it. */
import { useEffect, useState } from "preact/hooks";
import { series } from "../api.ts";
import { useAnswer, useNews } from "../ask.ts";
import { every } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import type { RegisterRow } from "../register/fields.ts";
import { RowDialog } from "../register/row-dialog.tsx";
import { Chart } from "../sensors/chart.tsx";
import { RANGES, type Range, rangeOf, rangeWord } from "../sensors/range.ts";
import { SeriesList } from "../sensors/series-list.tsx";
import { useMay } from "../session.ts";
import type { Series } from "../twin-api.ts";
import { propertyWord } from "../words.ts";

export function SensorsPage({ query }: { readonly query: URLSearchParams }) {
  const asked = useAnswer("series", series);
  const known = asked.value;
  useNews((news) => {
    const unknown =
      news.kind === "gap" ||
      news.events.some(
        (event) =>
          event.kind === "alarm" ||
          (event.kind === "reading" &&
            !known?.some((one) => one.device === event.device && one.property === event.property)),
      );
    if (unknown) asked.again();
  });
  useEffect(() => {
    document.title = `${words.sensors.title} · racktrace`;
  }, []);

  if (asked.refused) return <Refused refusal={asked.refused} title={words.sensors.cannot} />;
  if (known === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;

  const range = rangeOf(query.get("range"));
  const chosen = known.find((one) => isAskedFor(one, query)) ?? known[0];
  return (
    <div class="sensors">
      <h1>{words.sensors.title}</h1>
      {asked.unreachable && <Unreachable old />}
      {chosen === undefined ? (
        <Notice tone="calm" title={words.sensors.none}>
          <p>{words.sensors.noneNext}</p>
        </Notice>
      ) : (
        <div class="sensors-body">
          <SeriesList all={known} chosen={chosen} addressOf={(one) => addressOf(one, range)} />
          <section class="card sensor" aria-labelledby="sensor">
            <header>
              <h2 id="sensor">
                {propertyWord(chosen.property)}{" "}
                <span class="sensor-device soft mono">{chosen.device}</span>
              </h2>
              <nav class="ranges" aria-label={words.sensors.range}>
                {RANGES.map((one) => (
                  <a
                    key={one.name}
                    href={addressOf(chosen, one)}
                    aria-current={one === range ? "true" : undefined}
                  >
                    {rangeWord(one)}
                  </a>
                ))}
              </nav>
            </header>
            <Chart series={chosen} range={range} />
            <RangeSetting key={seriesName(chosen)} series={chosen} again={asked.again} />
          </section>
        </div>
      )}
    </div>
  );
}

const ASK_AGAIN_MS = 300;
const COLUMNS = ["gateway", "device", "property", "low", "high", "unit"] as const;

/** What is allowed, for those who may say it: the row of master data, in place. */
function RangeSetting({ series: one, again }: { readonly series: Series; again: () => void }) {
  const [editing, edit] = useAsked<RegisterRow>();
  const [said, setSaid] = useState<RegisterRow>();
  const mayChange = useMay("archivist");
  const { gateway, device, property, unit, range } = one;
  const row = {
    ...{ gateway, device, property, unit },
    ...{ low: limitCell(range?.low), high: limitCell(range?.high) },
  };
  // Shown is what the twin compares with, and not what was typed.
  const awaited =
    said !== undefined &&
    [said["low"], said["high"]].some(
      (cell, n) => numberIn(cell) !== ([range?.low, range?.high][n] ?? null),
    );
  useEffect(() => (awaited ? every(ASK_AGAIN_MS, again) : undefined), [awaited, again]);
  if (!mayChange) return null;
  return (
    <p class="work-tools">
      <button type="button" class="button" onClick={() => edit(row)}>
        {words.sensors.setRange}
      </button>
      <span role="status">
        {said !== undefined && (awaited ? words.register.savedSoon : words.register.saved)}
      </span>
      {editing !== undefined && (
        <RowDialog
          key={editing.key}
          list="ranges"
          columns={COLUMNS}
          row={editing.about}
          onSaved={(saved) => {
            setSaid(saved.said);
            editing.leave();
          }}
          onClose={editing.leave}
        />
      )}
    </p>
  );
}

function limitCell(limit: number | null | undefined): string {
  return limit === null || limit === undefined ? "" : String(limit);
}

function numberIn(cell: string | undefined): number | null {
  return cell === undefined || cell.trim() === "" ? null : Number(cell.replace(",", "."));
}

function seriesName({ gateway, device, property, unit }: Series): string {
  return `${gateway} ${device} ${property} ${unit}`;
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
