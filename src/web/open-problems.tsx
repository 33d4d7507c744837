/** Open discrepancies at a glance, the most severe and oldest first. */

import { type Discrepancy, discrepancies } from "./api.ts";
import { useAnswer, useNews, useNow } from "./ask.ts";
import { shownBarcode } from "./barcode-text.ts";
import { Instant } from "./parts/instant.tsx";
import { Unreachable } from "./parts/notice.tsx";
import { itemAddress } from "./route.ts";
import { isKey, serialOf } from "./thing.ts";
import { countWord, spaced } from "./words.ts";

const SHOWN_MAX = 8;
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
  const open = asked.value.open.filter(({ severity }) => severity !== "info").toSorted(bySeverity);
  return (
    <section class="card" aria-labelledby="open-problems">
      <h2 id="open-problems">
        Discrepancies <span class="count">{countWord(open.length)}</span>
      </h2>
      {open.length === 0 ? (
        <p class="soft">The model and what was scanned agree.</p>
      ) : (
        <ProblemList open={open.slice(0, SHOWN_MAX)} linked />
      )}
      {open.length > SHOWN_MAX && <p class="soft">and {countWord(open.length - SHOWN_MAX)} more</p>}
    </section>
  );
}

export function ProblemList({
  open,
  linked,
}: {
  readonly open: readonly Discrepancy[];
  readonly linked: boolean;
}) {
  const now = useNow(60_000);
  return (
    <ul class="problems">
      {open.map((problem) => (
        <li key={`${problem.kind} ${problem.subject} ${problem.since}`}>
          <i class={`severity severity-${problem.severity}`} title={problem.severity} />
          <div>
            <strong>{spaced(problem.kind)}</strong>{" "}
            {linked && <Subject subject={problem.subject} />}
            <p class="soft">
              {problem.reason} <Instant at={problem.since} now={now} />
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What a discrepancy is about, with its address if it has one. */
export function Subject({ subject }: { readonly subject: string }) {
  if (!isKey(subject)) return <span class="mono">{shownBarcode(subject)}</span>;
  return (
    <a class="mono" href={itemAddress(subject)}>
      {serialOf(subject)}
    </a>
  );
}

function bySeverity(a: Discrepancy, b: Discrepancy): number {
  const order = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  return order !== 0 ? order : a.since < b.since ? -1 : 1;
}
