/**
 * One thing on both time axes: where it is or was, how certain that is and why, where it has been,
 * what is in it, what is open about it, and the last step of it to take back.
 */
import { useEffect, useState } from "preact/hooks";
import { carrierTrack, history, idOf, where } from "../api.ts";
import { useAnswer, useLast, useNews, useNow } from "../ask.ts";
import { nowMs } from "../clock.ts";
import { useDeeds } from "../deeds.ts";
import { DiscrepancyList } from "../discrepancy/discrepancy-list.tsx";
import type { Refusal } from "../http.ts";
import { CARRIED, CarrierTrack } from "../item/carrier-track.tsx";
import { Contents } from "../item/contents.tsx";
import { DocumentOf } from "../item/document-of.tsx";
import { ItemHead } from "../item/item-head.tsx";
import { Place } from "../item/place.tsx";
import { TimeControl } from "../item/time-control.tsx";
import { Timeline } from "../item/timeline.tsx";
import { Undo } from "../item/undo.tsx";
import { Why } from "../item/why.tsx";
import { discrepancies } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { concerns } from "../live-event.ts";
import { DeedList } from "../parts/deed-list.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import type { Axes } from "../route.ts";
import { serialOf } from "../thing.ts";
import { instantWord } from "../when.ts";
import { thingWord } from "../words.ts";

/** The past has changed while somebody looked: of which moment. */
type Change = { readonly of: string };

/** `address` is the key as it stands in the page's address. */
export function ItemPage({ address, axes }: { readonly address: string; readonly axes: Axes }) {
  const id = idOf(address);
  const { at, asKnownAt } = axes;
  const now = useNow(10_000);
  const [change, setChange] = useState<Change>();
  const [since, setSince] = useState<string>();
  const [began] = useState(() => new Date(nowMs()).toISOString());
  const name = `${id} ${at} ${asKnownAt}`;
  const place = useAnswer(`where ${name}`, (signal) => where(id, axes, signal));
  const past = useAnswer(`history ${id} ${asKnownAt}`, (signal) => history(id, axes, signal));
  const problems = useAnswer(`discrepancies ${name}`, (signal) =>
    discrepancies({ subject: id, at, asKnownAt }, 1, signal),
  );
  const shown = useLast(place.value);
  const pastShown = useLast(past.value);
  const isCarried = shown !== undefined && CARRIED.has(shown.kind);
  const track = useAnswer(isCarried ? `track ${name}` : undefined, (signal) =>
    carrierTrack(id, axes, signal),
  );
  const trackShown = useLast(track.value);
  const askAgain = [place.again, past.again, problems.again, track.again];
  const deeds = useDeeds(place.value?.position, place.again);

  useNews((news) => {
    const key = shown?.key ?? address;
    const containers = new Set(shown?.path.map((container) => container.key));
    const touching =
      news.kind === "gap" ? [] : news.events.filter((event) => concerns(event, key, containers));
    if (news.kind === "events" && touching.length === 0) return;
    for (const again of askAgain) again();
    const corrected = touching.findLast((event) => event.kind === "correction");
    if (corrected !== undefined) setChange({ of: corrected.time });
  });

  const title = shown === undefined ? serialOf(address) : thingWord(shown);
  useEffect(() => {
    document.title = `${title} · racktrace`;
  }, [title]);

  const refused = place.refused;
  if (refused !== undefined && pastShown === undefined)
    return (
      <div class="item-none">
        <header class="item-head">
          <h1 class="mono">{serialOf(address)}</h1>
          <p class="item-forms soft">
            <code>{id}</code>
          </p>
        </header>
        <NotThere refusal={refused} />
      </div>
    );
  if (shown === undefined) return place.unreachable ? <Unreachable old={false} /> : null;

  const open = problems.value?.open ?? [];
  return (
    <article class={at === undefined ? "item" : "item item-past"}>
      {place.unreachable && <Unreachable old />}
      <ItemHead thing={shown} registered={shown.registered} />
      <div class="item-main">
        <DeedList deeds={deeds} />
        {change !== undefined && (
          <Notice tone="warn" title={words.why.corrected(instantWord(change.of, now))}>
            <p>
              <button type="button" class="button" onClick={() => setSince(began)}>
                {words.why.show}
              </button>
            </p>
          </Notice>
        )}
        {refused === undefined ? (
          <Place where={shown} holder={trackShown?.heldBy ?? null} axes={axes} />
        ) : (
          <NotThere refusal={refused} />
        )}
        {open.length > 0 && (
          <section class="card" aria-labelledby="item-problems">
            <h2 id="item-problems">{words.item.problems}</h2>
            <DiscrepancyList all={open} deeds={deeds} about="one" />
          </section>
        )}
        {shown.kind === "page" && shown.registered && <DocumentOf id={id} axes={axes} />}
        <Contents
          id={id}
          axes={axes}
          title={shown.kind === "person" ? words.item.held : words.item.contents}
        />
      </div>
      <div class="item-side">
        {pastShown !== undefined && (
          <>
            <TimeControl history={pastShown} where={place.value} axes={axes} />
            {shown.kind !== "site" && <Timeline history={pastShown} axes={axes} />}
            <CarrierTrack of={shown.key} checkpoints={trackShown?.checkpoints ?? []} />
            {at === undefined && <Undo thing={shown} history={pastShown} deeds={deeds} />}
            <Why
              id={id}
              axes={axes}
              since={since}
              usual={change === undefined && deeds.all.length === 0 ? undefined : began}
              onSince={setSince}
            />
          </>
        )}
      </div>
    </article>
  );
}

function NotThere({ refusal }: { readonly refusal: Refusal }) {
  const title = refusal.status === 404 ? words.find.notFound : words.find.notValid;
  return <Refused refusal={refusal} title={title} />;
}
