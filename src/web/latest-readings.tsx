/** The last value of each series at a glance, those outside of their ranges first, kept up by the live events. */

import { series } from "./api.ts";
import { useAnswer, useNews, useNow } from "./ask.ts";
import { words } from "./language/spoken.ts";
import { useLatest } from "./latest.ts";
import { Outside } from "./sensors/outside.tsx";
import { agoWord } from "./when.ts";
import { propertyWord, valueWord } from "./words.ts";

const SHOWN_MAX = 10;

export function LatestReadings() {
  const asked = useAnswer("series", series);
  const latest = useLatest();
  const now = useNow(5_000);
  useNews((news) => {
    if (news.kind === "gap" || news.events.some(({ kind }) => kind === "alarm")) asked.again();
  });
  if (asked.value === undefined || asked.value.length === 0) return null;
  const alarms = asked.value.filter(({ alarm }) => alarm !== null);
  const shown = [...alarms, ...asked.value.filter(({ alarm }) => alarm === null)];
  return (
    <section class="card" aria-labelledby="latest-readings">
      <h2 id="latest-readings">
        <a href="/sensors">{words.sensors.title}</a> <span class="count">{asked.value.length}</span>{" "}
        {alarms.length > 0 && (
          <span class="outside">{words.sensors.outsideCount(alarms.length)}</span>
        )}
      </h2>
      <ul class="readings">
        {shown
          .slice(0, SHOWN_MAX)
          .map(({ gateway, device, property, unit, last: known, alarm }) => {
            const last = latest(device, property) ?? known;
            return (
              <li key={`${gateway} ${device} ${property} ${unit}`}>
                <a
                  href={`/sensors?device=${encodeURIComponent(device)}&property=${encodeURIComponent(property)}`}
                  title={last === null ? words.live.noReading : agoWord(last.time, now)}
                >
                  <span class="readings-name">
                    {device} <span class="soft">{propertyWord(property).toLowerCase()}</span>
                    {alarm !== null && <Outside alarm={alarm} />}
                  </span>
                  <b class="readings-value">
                    {last === null ? "–" : valueWord(last.value, unit, property)}
                  </b>
                </a>
              </li>
            );
          })}
      </ul>
    </section>
  );
}
