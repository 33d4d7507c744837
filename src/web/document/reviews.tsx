/** What people did on a belief that has changed since: reminders, processes, gates. */
import { useAnswer, useNews, useNow } from "../ask.ts";
import { reviews } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import { addressOf } from "../route.ts";
import type { Review } from "../twin-api.ts";

/** The list is worked out anew each time. */
const REST_MS = 3_000;

export function Reviews() {
  const { value, again } = useAnswer("reviews", reviews, { restMs: REST_MS });
  const now = useNow(60_000);
  useNews((news) => {
    const touched = ["correction", "statement"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  if (value === undefined || value.reviews.length === 0) return null;
  return (
    <section class="card reviews" aria-labelledby="reviews">
      <h2 id="reviews">
        {words.documents.review} <span class="count">{value.reviews.length}</span>
      </h2>
      <p class="soft">{words.documents.reviewWhat}</p>
      <ul>
        {value.reviews.map((one) => (
          <li key={`${one.kind} ${one.about} ${one.time} ${one.by}`}>
            <b>{words.documents.reviewKinds[one.kind]}</b>
            {one.kind === "reminder" ? (
              <a class="mono" href={addressOf("/documents", { id: one.about })}>
                {one.about}
              </a>
            ) : (
              <span class="mono">{one.about}</span>
            )}
            {one.time !== null && <Instant at={one.time} now={now} />}
            <span>{one.by}</span>
            <span class="soft">
              {words.documents.reviewed(wordOf(one, one.believed), wordOf(one, one.now))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Of a document its debt, of a gate whether it was open. */
function wordOf({ kind }: Review, status: string): string {
  const { status: debts, gateStates } = words.documents;
  const known: Readonly<Record<string, string>> = kind === "reminder" ? debts : gateStates;
  return (known[status] ?? status).toLowerCase();
}
