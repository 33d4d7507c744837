/** One thing: where it is or was, how certain that is and why, where it has been, what is in it. */
import { useEffect } from "preact/hooks";
import { discrepancies, history, idOf, type Refusal, where } from "../api.ts";
import { useAnswer, useLast, useNews } from "../ask.ts";
import { Contents } from "../item/contents.tsx";
import { ItemHead } from "../item/item-head.tsx";
import { Place } from "../item/place.tsx";
import { TimeControl } from "../item/time-control.tsx";
import { Timeline } from "../item/timeline.tsx";
import { concerns } from "../live-event.ts";
import { ProblemList } from "../open-problems.tsx";
import { Refused, Unreachable } from "../parts/notice.tsx";
import { nameOf, serialOf } from "../thing.ts";
import { kindWord } from "../words.ts";

/** The list of all that is open is a large answer; it need not follow each event. */
const PROBLEMS_REST_MS = 2_000;

/** `address` is the key as it stands in the page's address. */
export function ItemPage({
  address,
  at,
}: {
  readonly address: string;
  readonly at: string | undefined;
}) {
  const id = idOf(address);
  const place = useAnswer(`where ${id} ${at}`, (signal) => where(id, at, signal));
  const past = useAnswer(`history ${id}`, (signal) => history(id, signal));
  const problems = useAnswer(`discrepancies ${at}`, (signal) => discrepancies(at, signal), {
    restMs: PROBLEMS_REST_MS,
  });
  const shown = useLast(place.value);

  useNews((news) => {
    const key = shown?.key ?? address;
    const containers = new Set(shown?.path.map((container) => container.key));
    const touched =
      news.kind === "gap" || news.events.some((event) => concerns(event, key, containers));
    if (!touched) return;
    if (at === undefined) place.again();
    past.again();
    problems.again();
  });

  const title =
    shown === undefined ? serialOf(address) : `${kindWord(shown.kind)} ${nameOf(shown)}`;
  useEffect(() => {
    document.title = `${title} · racktrace`;
  }, [title]);

  const refused = place.refused;
  if (refused !== undefined && past.value === undefined)
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

  const open = (problems.value?.open ?? []).filter(({ subject }) => subject === shown.key);
  return (
    <article class={at === undefined ? "item" : "item item-past"}>
      {place.unreachable && <Unreachable old />}
      <ItemHead thing={shown} registered={shown.registered} />
      <div class="item-main">
        {refused === undefined ? <Place where={shown} at={at} /> : <NotThere refusal={refused} />}
        {open.length > 0 && (
          <section class="card" aria-labelledby="item-problems">
            <h2 id="item-problems">Discrepancies</h2>
            <ProblemList open={open} />
          </section>
        )}
        <Contents id={id} at={at} />
      </div>
      <div class="item-side">
        {past.value !== undefined && (
          <>
            <TimeControl history={past.value} at={at} />
            {shown.kind !== "site" && <Timeline history={past.value} at={at} />}
          </>
        )}
      </div>
    </article>
  );
}

function NotThere({ refusal }: { readonly refusal: Refusal }) {
  const title = refusal.status === 404 ? "Not found" : "Not a valid barcode";
  return <Refused refusal={refusal} title={title} />;
}
