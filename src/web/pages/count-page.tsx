/**
 * A count of a place while it is scanned: seen, not yet, unexpected; and what the last one came to.
 * Nothing is called missing here: that is for the twin to say, when the count has ended.
 */
import { useEffect, useMemo, useState } from "preact/hooks";
import { idOf, where } from "../api.ts";
import { useAnswer, useLast, useNews, useNow } from "../ask.ts";
import { Awaited } from "../count/awaited.tsx";
import { CountEntry } from "../count/entry.tsx";
import { expectedIn } from "../count/expected.ts";
import { tallyOf } from "../count/tally.ts";
import { words } from "../language/spoken.ts";
import { Fill } from "../map/fill.tsx";
import { Sign } from "../parts/icon.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import { counted } from "../places.ts";
import { itemAddress, LATEST } from "../route.ts";
import type { PhoneHolder } from "../scan/entry.tsx";
import { type ScanStore, useScans } from "../scan-store.ts";
import { nameOf, serialOf } from "../thing.ts";
import type { Thing } from "../twin-api.ts";
import { instantWord } from "../when.ts";
import { countWord, thingWord } from "../words.ts";

const SHOWN_MAX = 300;

export function CountPage({
  query,
  scans,
  phone,
}: {
  readonly query: URLSearchParams;
  readonly scans: ScanStore;
  readonly phone: PhoneHolder;
}) {
  const key = query.get("id") ?? undefined;
  useEffect(() => {
    document.title = `${words.count.title} · racktrace`;
  }, []);
  if (key !== undefined)
    return <Counting key={key} address={key} id={idOf(key)} scans={scans} phone={phone} />;
  return (
    <div class="work">
      <h1>{words.count.title}</h1>
      <Notice tone="calm" title={words.count.choose}>
        <p>{words.count.chooseNext}</p>
        <a href="/map">{words.map.title}</a>
      </Notice>
    </div>
  );
}

function Counting({
  address,
  id,
  scans: store,
  phone,
}: {
  readonly address: string;
  readonly id: string;
  readonly scans: ScanStore;
  readonly phone: PhoneHolder;
}) {
  const now = useNow(10_000);
  const place = useAnswer(`where ${id}`, (signal) => where(id, LATEST, signal));
  const scans = useScans(store);
  const key = place.value?.key ?? "";
  const { begun, ended, left: abandoned } = tallyOf(key, new Set(), scans);
  // What is expected is what was there when the count began: it must not shrink while one scans.
  const expected = useAnswer(`expected ${id} ${begun}`, (signal) => expectedIn(id, begun, signal));
  const known = useLast(expected.value);
  const things = known ?? [];
  const keys = useMemo(() => new Set(things.map((thing) => thing.key)), [things]);
  const { seen, unexpected } = tallyOf(key, keys, scans);
  const [names, setNames] = useState<readonly string[]>([]);
  const isWaiting = (thing: Thing) => names.includes(serialOf(thing.key)) && !seen.has(thing.key);
  const waiting = things.filter(isWaiting);
  const count = { phone, of: place.value?.key ?? address, seen: seen.size, onWaiting: setNames };

  if (place.refused) return <Refused refusal={place.refused} title={words.count.cannot} />;
  if (place.value === undefined)
    return place.unreachable ? (
      <div class="work counting">
        <Unreachable old={false} />
        <CountEntry {...count} place={undefined} />
      </div>
    ) : null;
  const left = things.filter((thing) => !seen.has(thing.key) && !waiting.includes(thing));
  const counts = seen.size + waiting.length;
  return (
    <div class="work counting">
      <header>
        <p class="soft">{words.count.title}</p>
        <h1>
          <a href={itemAddress(key)}>{thingWord(place.value)}</a>
        </h1>
      </header>
      <CountEntry
        {...count}
        place={{ label: place.value.elementString, name: nameOf(place.value) }}
      />
      {abandoned && <Notice tone="calm" title={words.count.stopped} />}
      {known === undefined || (begun === undefined && waiting.length === 0) ? (
        <Notice tone="calm" title={words.count.how} />
      ) : ended || abandoned ? null : (
        <section class="card" aria-labelledby="progress">
          <h2 id="progress" class="count-progress" aria-live="polite">
            {words.count.progress(counts, things.length)}
          </h2>
          <Fill
            holds={counts}
            most={Math.max(1, things.length)}
            changed={begun ?? null}
            now={now}
          />
          <p class="soft count-since">
            {begun !== undefined && `${words.count.since(instantWord(begun, now))}. `}
            {words.count.provisional}
          </p>
          <div class="count-lists">
            <List title={words.count.left} things={left} look="left" />
            <List title={words.count.unexpected} things={unexpected} look="unexpected" />
            <List title={words.count.notSaved} things={waiting} look="waiting" />
            <List
              title={words.count.found}
              things={things.filter((thing) => seen.has(thing.key))}
              look="found"
            />
          </div>
        </section>
      )}
      <Last id={id} />
    </div>
  );
}

const MARKS = { left: "ring", waiting: "pause", unexpected: "alert", found: "done" } as const;

function List({
  title,
  things,
  look,
  of,
}: {
  readonly title: string;
  /** What else it is called for, where two lists have one title. */
  readonly of?: string;
  readonly things: readonly Thing[];
  readonly look: keyof typeof MARKS;
}) {
  if (things.length === 0) return null;
  return (
    <section aria-label={of === undefined ? title : `${of}: ${title}`} class={`count-${look}`}>
      <h3>
        {title} <span class="count">{countWord(things.length)}</span>
      </h3>
      <ul>
        {things.slice(0, SHOWN_MAX).map((thing) => (
          <li key={thing.key}>
            <Sign name={MARKS[look]} />
            <ThingLink thing={thing} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Last({ id }: { readonly id: string }) {
  const { value, again } = useAnswer(`counted ${id}`, (signal) => counted(id, signal));
  useNews((news) => {
    const touched = ["discrepancy", "seen", "moved", "statement", "correction", "scan"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  if (value === undefined) return null;
  const { last } = value;
  const missing = new Set(last?.missing.map(({ key }) => key));
  return (
    <section class="card" aria-labelledby="last-count">
      <h2 id="last-count">{words.count.last}</h2>
      {last === null ? (
        <p class="soft">{words.count.never}</p>
      ) : (
        <>
          <p>
            {words.count.result(last.found, last.expected)}{" "}
            {last.missing.length === 0 && words.count.allFound}
          </p>
          <div class="count-lists">
            <List
              title={words.count.missing}
              things={last.missing}
              look="unexpected"
              of={words.count.last}
            />
            <List
              title={words.count.unexpected}
              things={last.unexpected}
              look="unexpected"
              of={words.count.last}
            />
          </div>
        </>
      )}
      <Awaited id={id} missing={missing} position={value.position} />
    </section>
  );
}
