/** The work queue: where model and world differ, why, what to do, and what was settled by whom. */
import { useEffect, useState } from "preact/hooks";
import { idOf } from "../api.ts";
import { useAnswer, useLast, useNews } from "../ask.ts";
import { nowMs } from "../clock.ts";
import { useDeeds } from "../deeds.ts";
import { DiscrepancyList } from "../discrepancy/discrepancy-list.tsx";
import { AGES, Filters } from "../discrepancy/filters.tsx";
import { discrepancies } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { Choices } from "../parts/choices.tsx";
import { DeedList } from "../parts/deed-list.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { addressOf, go } from "../route.ts";
import { discrepancyWord } from "../words.ts";

const LIMIT = 50;
/** A busy warehouse finds many in a second; a person reads a few. */
const REST_MS = 500;
const STATUSES = ["open", "resolved"] as const;
const SEVERITIES = ["", "error", "warn", "info"] as const;

export function DiscrepanciesPage({ query }: { readonly query: URLSearchParams }) {
  const status = query.get("status") === "resolved" ? "resolved" : "open";
  const kind = query.get("kind") ?? "";
  const severity = SEVERITIES.find((one) => one === query.get("severity")) ?? "";
  const [place, assignee] = [query.get("place") ?? "", query.get("assignee") ?? ""];
  const age = AGES.find((one) => one === query.get("age")) ?? "";
  const question = {
    status,
    kind: kind || undefined,
    severity: severity || undefined,
    place: place === "" ? undefined : idOf(place),
    assignee: assignee || undefined,
    // What is open is work: the worst, and what waits longest, before the rest.
    order: status === "open" ? "gravest" : "newest",
  } as const;
  const name = `discrepancies ${status} ${kind} ${severity} ${place} ${age} ${assignee}`;

  const [pages, setPages] = useState({ name, count: 1 });
  const count = pages.name === name ? pages.count : 1;
  const asked = useAnswer(
    name,
    (signal) => discrepancies({ ...question, before: daysAgo(age), limit: LIMIT }, count, signal),
    { restMs: REST_MS },
  );
  const { again } = asked;
  const shown = useLast(asked.value);
  const deeds = useDeeds(asked.value?.position, again);

  useNews((news) => {
    // What settles one may be any scan; that is told as a move or a sighting.
    if (news.kind === "gap" || news.events.some(({ kind: what }) => what !== "reading")) again();
  });
  useEffect(() => {
    if (count > 1) again();
  }, [count, again]);
  useEffect(() => {
    document.title = `${words.discrepancies.title} · racktrace`;
  }, []);

  const show = (next: Readonly<Record<string, string>>) =>
    go(
      addressOf("/discrepancies", { status, kind, severity, place, age, assignee, ...next }),
      "replace",
    );
  const all = (status === "open" ? shown?.open : shown?.resolved) ?? [];
  const filtered = [kind, severity, place, age, assignee].some((one) => one !== "");
  return (
    <div class="work">
      <h1>{words.discrepancies.title}</h1>
      <div class="work-tools">
        <Choices
          label={words.discrepancies.status}
          all={STATUSES.map((one) => ({ value: one, word: words.discrepancies[one] }))}
          chosen={status}
          onChoose={(next) => show({ status: next })}
        />
        <Choices
          label={words.discrepancies.severity}
          all={SEVERITIES.map((one) => ({
            value: one,
            word: one === "" ? words.discrepancies.everySeverity : words.severities[one],
          }))}
          chosen={severity}
          onChoose={(next) => show({ severity: next })}
        />
        <select
          class="field work-kind"
          aria-label={words.discrepancies.kind}
          value={kind}
          onChange={(event) => show({ kind: event.currentTarget.value })}
        >
          <option value="">{words.discrepancies.everyKind}</option>
          {Object.keys(words.discrepancyKinds).map((one) => (
            <option key={one} value={one}>
              {discrepancyWord(one).word}
            </option>
          ))}
        </select>
        <Filters place={place} age={age} assignee={assignee} onShow={show} />
      </div>
      <DeedList deeds={deeds} />
      {asked.unreachable && <Unreachable old={shown !== undefined} />}
      {asked.refused && <Refused refusal={asked.refused} title={words.discrepancies.cannot} />}
      {shown?.next === null && asked.value !== undefined && all.length === 0 && (
        <Notice
          tone="calm"
          title={
            status === "resolved"
              ? words.discrepancies.noneResolved
              : filtered
                ? words.discrepancies.noneFiltered
                : words.discrepancies.none
          }
        />
      )}
      <DiscrepancyList all={all} deeds={deeds} />
      {shown !== undefined && shown.next !== null && (
        <button type="button" class="button" onClick={() => setPages({ name, count: count + 1 })}>
          {words.discrepancies.showMore}
        </button>
      )}
    </div>
  );
}

const DAY_MS = 86_400_000;

function daysAgo(days: string): string | undefined {
  return days === "" ? undefined : new Date(nowMs() - Number(days) * DAY_MS).toISOString();
}
