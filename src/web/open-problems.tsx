/** Open discrepancies at a glance, by kind, the most severe first. */

import { type Discrepancy, discrepancies } from "./api.ts";
import { useAnswer, useNews, useNow } from "./ask.ts";
import { shownScan } from "./barcode-text.ts";
import { Instant } from "./parts/instant.tsx";
import { Unreachable } from "./parts/notice.tsx";
import { itemAddress } from "./route.ts";
import { isKey, serialOf } from "./thing.ts";
import { countWord, spaced } from "./words.ts";

const SHOWN_MAX = 4;
/** The list of all that is open is a large answer; it need not follow each event. */
const REST_MS = 2_000;
const SEVERITIES = ["error", "warn", "info"];

export function OpenProblems() {
  const ask = (signal: AbortSignal) => discrepancies(undefined, signal);
  const asked = useAnswer("discrepancies", ask, { restMs: REST_MS });
  useNews((news) => {
    if (news.kind === "gap" || news.events.some(({ kind }) => kind === "discrepancy"))
      asked.again();
  });
  if (asked.value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  const open = asked.value.open.filter(({ severity }) => severity !== "info");
  return (
    <section class="card" aria-labelledby="open-problems">
      <h2 id="open-problems">
        Discrepancies <span class="count">{countWord(open.length)}</span>
      </h2>
      {open.length === 0 ? (
        <p class="soft">The model and what was scanned agree.</p>
      ) : (
        <ul class="problems">
          {groupsOf(open).map((group) => (
            <Group key={group[0]?.kind} group={group} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** Discrepancies of one kind: how many, and the latest of them. */
function Group({ group }: { readonly group: readonly Discrepancy[] }) {
  const [first] = group;
  if (first === undefined) return null;
  return (
    <li>
      <i class={`severity severity-${first.severity}`} title={first.severity} />
      <div>
        <strong>{spaced(first.kind)}</strong> <span class="count">{countWord(group.length)}</span>
        <p class="subjects soft">
          {group.slice(0, SHOWN_MAX).map(({ subject, since, reason }) => (
            <span key={`${subject} ${since}`} title={reason}>
              <Subject subject={subject} />{" "}
            </span>
          ))}
          {group.length > SHOWN_MAX && "…"}
        </p>
      </div>
    </li>
  );
}

/** What is open about one thing. */
export function ProblemList({ open }: { readonly open: readonly Discrepancy[] }) {
  const now = useNow(60_000);
  return (
    <ul class="problems">
      {open.map((problem) => (
        <li key={`${problem.kind} ${problem.subject} ${problem.since}`}>
          <i class={`severity severity-${problem.severity}`} title={problem.severity} />
          <div>
            <strong>{spaced(problem.kind)}</strong>{" "}
            <span class="soft">
              since <Instant at={problem.since} now={now} />
            </span>
            <p class="soft">{problem.reason}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What a discrepancy is about, with its address if it has one. */
export function Subject({ subject }: { readonly subject: string }) {
  if (!isKey(subject)) return <span class="mono">{shownScan(subject)}</span>;
  return (
    <a class="mono" href={itemAddress(subject)}>
      {serialOf(subject)}
    </a>
  );
}

/** One group for each kind, the most severe first; within it the latest first. */
function groupsOf(open: readonly Discrepancy[]): readonly (readonly Discrepancy[])[] {
  const groups = Object.values(Object.groupBy(open, ({ kind }) => kind));
  return groups
    .map((group = []) => group.toSorted((a, b) => (a.since > b.since ? -1 : 1)))
    .toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf(group: readonly Discrepancy[]): number {
  return SEVERITIES.indexOf(group[0]?.severity ?? "");
}
