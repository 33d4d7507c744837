/**
 * The cells of a place as they stand beside one another. A rack shows its own shelves, as one sees it
 * from the front; it asks for them when it comes into view.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { idOf } from "../api.ts";
import { useAnswer, useNews, useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { KindIcon, Sign } from "../parts/icon.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import { placeMap } from "../places.ts";
import { addressOf, itemAddress } from "../route.ts";
import { hasName, nameOf } from "../thing.ts";
import type { Cell } from "../twin-api.ts";
import { agoWord } from "../when.ts";
import { kindWord, nameSaysKind } from "../words.ts";
import { Fill } from "./fill.tsx";

/** Where a found thing lies: the keys of everything that it is in, and its own. */
export type Found = ReadonlySet<string>;

const PLACES = new Set(["site", "room", "rack", "shelf", "desk"]);
const REST_MS = 2_000;

/** Things among places: one by one where they stand on a shelf, and by name only in a room. */
export function Loose({
  cells,
  found,
}: {
  readonly cells: readonly Cell[];
  readonly found: Found;
}) {
  const here = cells.some(({ key }) => found.has(key));
  return (
    <details class="loose" open={here}>
      <summary>{words.map.loose(cells.length)}</summary>
      <ul>
        {cells.map((cell) => (
          <li key={cell.key} class={found.has(cell.key) ? "loose-found" : undefined}>
            <ThingLink thing={cell} />
            {found.has(cell.key) && <span class="cell-here">{words.map.here}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}

export function isPlace({ kind }: Cell): boolean {
  return PLACES.has(kind);
}

export function Cells({
  cells,
  found,
}: {
  readonly cells: readonly Cell[];
  readonly found: Found;
}) {
  const racks = cells.filter(({ kind }) => kind === "rack");
  const others = cells.filter(({ kind }) => kind !== "rack");
  const most = Math.max(1, ...others.map(({ holds }) => holds));
  return (
    <>
      {racks.length > 0 && (
        <ul class="cells cells-racks">
          {racks.map((rack) => (
            <Rack key={rack.key} rack={rack} found={found} />
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul class="cells">
          {others.map((cell) => (
            <li key={cell.key}>
              <CellLink cell={cell} most={most} found={found} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Rack({ rack, found }: { readonly rack: Cell; readonly found: Found }) {
  const box = useRef<HTMLLIElement>(null);
  const here = found.has(rack.key);
  const [seen, setVisible] = useState(false);
  const visible = seen || here;
  useEffect(() => {
    if (here) box.current?.scrollIntoView({ block: "center", inline: "center" });
  }, [here]);
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) setVisible(true);
    });
    if (box.current !== null) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);

  const id = idOf(rack.key);
  const question = visible ? `map ${id}` : undefined;
  const asked = useAnswer(question, (signal) => placeMap(id, signal), { restMs: REST_MS });
  const { value, again } = asked;
  useNews((news) => {
    const shelves = new Set(value?.cells.map(({ key }) => key));
    const touched =
      news.kind === "gap" ||
      news.events.some(
        (event) => event.kind === "moved" && event.where.path.some(({ key }) => shelves.has(key)),
      );
    if (touched) again();
  });
  const cells = value?.cells ?? [];
  const most = Math.max(1, ...cells.map(({ holds }) => holds));
  return (
    <li class={here ? "rack rack-found" : "rack"} ref={box}>
      <a class="rack-name" href={addressOf("/map", { id: rack.key })}>
        <KindIcon kind={rack.kind} />
        <Name cell={rack} />
      </a>
      <ul>
        {cells.map((shelf) => (
          <li key={shelf.key}>
            <CellLink cell={shelf} most={most} found={found} />
          </li>
        ))}
        {value !== undefined && cells.length === 0 && (
          <li class="cell-empty soft">{words.map.empty}</li>
        )}
      </ul>
    </li>
  );
}

/** A place leads further down the map; what is no place leads to its own page. */
function CellLink({
  cell,
  most,
  found,
}: {
  readonly cell: Cell;
  readonly most: number;
  readonly found: Found;
}) {
  const now = useNow(30_000);
  const { kind, key, holds, more, changed } = cell;
  const here = found.has(key);
  const address = PLACES.has(kind) ? addressOf("/map", { id: key }) : itemAddress(key);
  return (
    <a class={here ? "cell cell-found" : "cell"} href={address}>
      <span class="cell-name">
        <KindIcon kind={kind} />
        <Name cell={cell} />
        {here && (
          <span class="cell-here">
            <Sign name="find" />
            {words.map.here}
          </span>
        )}
      </span>
      {kind !== "page" && <Fill holds={holds} most={most} changed={changed} now={now} />}
      <span class="cell-facts soft">
        {kind !== "page" && `${holds === 0 ? words.map.empty : words.map.holds(holds, more)}, `}
        {changed === null ? words.map.untouched : words.map.touched(agoWord(changed, now))}
      </span>
    </a>
  );
}

function Name({ cell }: { readonly cell: Cell }) {
  return (
    <>
      {!nameSaysKind(cell) && <span class="visually-hidden">{kindWord(cell.kind)} </span>}
      <b class={hasName(cell) ? undefined : "mono"}>{nameOf(cell)}</b>
    </>
  );
}
