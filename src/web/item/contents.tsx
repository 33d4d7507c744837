/** What is directly in a thing, a page of it at a time. */
import { useEffect, useState } from "preact/hooks";
import { contents } from "../api.ts";
import { useAnswer, useLast, useNews, useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import type { LiveEvent } from "../live-event.ts";
import { CertaintyIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { Refused, Unreachable } from "../parts/notice.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import type { Axes } from "../route.ts";
import { certaintyWord, countWord } from "../words.ts";

const FIRST = 60;
const STEP = 240;
/** What the twin answers at most. */
const MOST = 1_000;

export function Contents({
  id,
  axes,
  title = words.item.contents,
}: {
  readonly id: string;
  readonly axes: Axes;
  readonly title?: string;
}) {
  const { at, asKnownAt } = axes;
  const [limit, setLimit] = useState(FIRST);
  const asked = useAnswer(`contents ${id} ${at} ${asKnownAt}`, (signal) =>
    contents(id, axes, limit, signal),
  );
  const now = useNow(60_000);
  const value = useLast(asked.value);
  const { again } = asked;
  useEffect(() => {
    if (limit > FIRST) again();
  }, [limit, again]);
  useNews((news) => {
    if (asKnownAt === undefined && (news.kind === "gap" || news.events.some(touches))) again();
  });

  /** Something came in, or what was in here is somewhere else or gone. */
  function touches(event: LiveEvent): boolean {
    if ((event.kind !== "moved" && event.kind !== "correction") || value === undefined)
      return false;
    const { where } = event;
    return where.path[0]?.key === value.key || value.children.some(({ key }) => key === where.key);
  }

  if (asked.refused) return <Refused refusal={asked.refused} title={words.item.contentsUnknown} />;
  if (value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  if (value.children.length === 0) return null;
  return (
    <section class="card" aria-labelledby="contents">
      <h2 id="contents">
        {title}{" "}
        <span class="count">
          {countWord(value.children.length)}
          {value.more ? "+" : ""}
        </span>
      </h2>
      <ul class="contents">
        {value.children.map((child) => (
          <li key={child.key}>
            <ThingLink thing={child} axes={axes} />
            <span class="soft">
              {child.since !== null && <Instant at={child.since} now={now} />}
            </span>
            <span title={certaintyWord(child.certainty).word}>
              <CertaintyIcon certainty={child.certainty} />
              <span class="visually-hidden">{certaintyWord(child.certainty).word}</span>
            </span>
          </li>
        ))}
      </ul>
      {value.more && limit === MOST && <p class="soft">{words.item.contentsMore}</p>}
      {value.more && limit < MOST && (
        <button type="button" class="button" onClick={() => setLimit(Math.min(MOST, limit + STEP))}>
          {words.item.showMore}
        </button>
      )}
    </section>
  );
}
