/** Open discrepancies at a glance, by kind, the most severe first. */
import { useAnswer, useNews } from "./ask.ts";
import { discrepancies } from "./judgements.ts";
import { words } from "./language/spoken.ts";
import { Unreachable } from "./parts/notice.tsx";
import { SeverityMark } from "./parts/severity.tsx";
import { Subject } from "./parts/subject.tsx";
import { addressOf } from "./route.ts";
import type { Discrepancy } from "./twin-api.ts";
import { countWord, discrepancyWord } from "./words.ts";

const SHOWN_MAX = 4;
const LIMIT = 200;
/** The list of all that is open is a large answer; it need not follow each event. */
const REST_MS = 5_000;
const SEVERITIES = ["error", "warn", "info"];

export function OpenProblems() {
  const asked = useAnswer("discrepancies", (signal) => discrepancies({ limit: LIMIT }, 1, signal), {
    restMs: REST_MS,
  });
  useNews((news) => {
    const touched = ["discrepancy", "statement", "moved", "seen", "correction"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind)))
      asked.again();
  });
  if (asked.value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  const { open, next } = asked.value;
  return (
    <section class="card" aria-labelledby="open-problems">
      <h2 id="open-problems">
        <a href="/discrepancies">{words.discrepancies.title}</a>{" "}
        <span class="count">
          {countWord(open.length)}
          {next !== null && "+"}
        </span>
      </h2>
      {open.length === 0 ? (
        <p class="soft">{words.discrepancies.none}</p>
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
      <SeverityMark severity={first.severity} />
      <div>
        <a href={addressOf("/discrepancies", { kind: first.kind })}>
          <strong>{discrepancyWord(first.kind).word}</strong>{" "}
          <span class="count">{countWord(group.length)}</span>
        </a>
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
