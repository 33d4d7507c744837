/**
 * The archive as a plan: site, room, rack, shelf, a level at a time, with how full each is and how
 * fresh that is. `find` names a thing: the map opens at its room and shows where it lies.
 */
import { useEffect } from "preact/hooks";
import { idOf, where } from "../api.ts";
import { useAnswer, useLast, useNews } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { Cells, type Found, isPlace, Loose } from "../map/cells.tsx";
import { KindIcon, Sign } from "../parts/icon.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { placeMap, sites } from "../places.ts";
import { addressOf, itemAddress, LATEST } from "../route.ts";
import { hasName, nameOf } from "../thing.ts";
import type { Thing } from "../twin-api.ts";
import { kindWord } from "../words.ts";

const REST_MS = 2_000;
const NOTHING: Found = new Set();

export function MapPage({ query }: { readonly query: URLSearchParams }) {
  const find = query.get("find") ?? undefined;
  const asked = query.get("id") ?? undefined;
  const sought = useAnswer(find === undefined ? undefined : `where ${find}`, (signal) =>
    where(idOf(find ?? ""), LATEST, signal),
  );
  const path = sought.value?.path ?? [];
  const all = useAnswer(asked === undefined && find === undefined ? "sites" : undefined, sites);
  const room = path.find(({ kind }) => kind === "room") ?? path.at(-1);
  const only = all.value?.sites.length === 1 ? all.value.sites[0] : undefined;
  const shown = asked ?? room?.key ?? only?.key;
  useEffect(() => {
    document.title = `${words.map.title} · racktrace`;
  }, []);

  const found: Found =
    sought.value === undefined
      ? NOTHING
      : new Set([sought.value.key, ...path.map(({ key }) => key)]);
  return (
    <div class="map">
      <h1 class={shown === undefined ? undefined : "visually-hidden"}>{words.map.title}</h1>
      {sought.refused && <Refused refusal={sought.refused} title={words.find.notFound} />}
      {all.unreachable && <Unreachable old={false} />}
      {shown !== undefined ? (
        <Level id={idOf(shown)} found={found} sought={sought.value} />
      ) : (
        all.value !== undefined && <Sites sites={all.value.sites} />
      )}
    </div>
  );
}

function Sites({ sites: known }: { readonly sites: readonly Thing[] }) {
  if (known.length === 0)
    return (
      <Notice tone="calm" title={words.map.none}>
        <p>{words.map.noneNext}</p>
        <a href={addressOf("/register", { list: "places" })}>{words.map.register}</a>
      </Notice>
    );
  return (
    <ul class="cells">
      {known.map((site) => (
        <li key={site.key}>
          <a class="cell" href={addressOf("/map", { id: site.key })}>
            <span class="cell-name">
              <KindIcon kind="site" />
              <b>{nameOf(site)}</b>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Level({
  id,
  found,
  sought,
}: {
  readonly id: string;
  readonly found: Found;
  readonly sought: Thing | undefined;
}) {
  const asked = useAnswer(`map ${id}`, (signal) => placeMap(id, signal), { restMs: REST_MS });
  const shown = useLast(asked.value);
  const { again } = asked;
  useNews((news) => {
    const touched =
      news.kind === "gap" ||
      news.events.some(
        (event) => event.kind === "moved" && event.where.path.some(({ key }) => key === shown?.key),
      );
    if (touched) again();
  });
  if (asked.refused) return <Refused refusal={asked.refused} title={words.map.cannot} />;
  if (shown === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  const places = shown.cells.filter(isPlace);
  const loose = shown.cells.filter((cell) => !isPlace(cell));
  const amongPlaces = places.length > 0;
  return (
    <>
      {asked.unreachable && <Unreachable old />}
      <header class="map-head">
        <nav class="map-path" aria-label={words.item.fromSite}>
          {shown.path.toReversed().map((above) => (
            <a key={above.key} href={addressOf("/map", { id: above.key })}>
              {nameOf(above)}
            </a>
          ))}
        </nav>
        <h2 class={hasName(shown) ? undefined : "mono"}>
          <a href={itemAddress(shown.key)}>
            <span class="soft map-kind">{kindWord(shown.kind)}</span> {nameOf(shown)}
          </a>
        </h2>
        {sought !== undefined && (
          <p class="map-sought">
            <Sign name="find" />
            <a href={itemAddress(sought.key)}>
              {kindWord(sought.kind)} <b class="mono">{nameOf(sought)}</b>
            </a>
          </p>
        )}
      </header>
      {shown.cells.length === 0 ? (
        <Notice tone="calm" title={words.map.empty} />
      ) : (
        <>
          <Cells cells={amongPlaces ? places : shown.cells} found={found} />
          {amongPlaces && loose.length > 0 && <Loose cells={loose} found={found} />}
          {shown.more && <p class="soft">{words.map.looseMore}</p>}
          <p class="soft map-legend">{words.map.legend}</p>
        </>
      )}
    </>
  );
}
