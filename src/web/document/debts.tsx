/** What is owed by customer and account manager, how long it is overdue, and the last reminder. */
import { useAnswer, useNews, useNow } from "../ask.ts";
import { ask } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import { Refused, Unreachable } from "../parts/notice.tsx";
import { addressOf } from "../route.ts";
import type { DebtGroup } from "../twin-api.ts";
import { countWord } from "../words.ts";

/** Summed up anew each time. */
const REST_MS = 3_000;
const AGES = ["notDue", "to30", "to60", "to90", "over90"] as const;

export function Debts() {
  const asked = useAnswer("debts", (signal) => ask("debts", {}, signal), {
    restMs: REST_MS,
  });
  const { value, again } = asked;
  useNews((news) => {
    const touched = ["moved", "correction", "statement"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  const text = words.debts;
  if (asked.refused) return <Refused refusal={asked.refused} title={text.cannot} />;
  if (value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  return (
    <details class="card debts" open>
      <summary>
        <h2>{text.title}</h2>
      </summary>
      {asked.unreachable && <Unreachable old />}
      {value.groups.length === 0 ? <p>{text.none}</p> : <Groups groups={value.groups} />}
      {value.more && <p class="soft">{text.more}</p>}
    </details>
  );
}

function Groups({ groups }: { readonly groups: readonly DebtGroup[] }) {
  const text = words.debts;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys too. */}
      <section class="table-scroll" aria-label={text.title} tabIndex={0}>
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">{words.documents.debtor}</th>
              <th scope="col">{words.documents.responsible}</th>
              <th scope="col">{text.owed}</th>
              {AGES.map((age) => (
                <th key={age} scope="col">
                  {text.ages[age]}
                </th>
              ))}
              <th scope="col">{text.oldest}</th>
              <th scope="col">{text.lastReminder}</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <Row key={`${group.debtor} ${group.responsible}`} group={group} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Row({ group }: { readonly group: DebtGroup }) {
  const now = useNow(60_000);
  const { debtor, responsible, documents, ageing, oldestDue, lastReminder, reminders } = group;
  const { debtorName, responsibleName } = group;
  return (
    <tr>
      <th scope="row">
        {debtor === null ? (
          words.debts.nobody
        ) : (
          <a href={addressOf("/documents", { debtor })} title={debtor}>
            {debtorName ?? debtor}
          </a>
        )}
      </th>
      <td data-label={words.documents.responsible}>
        {responsible === null ? (
          words.debts.nobody
        ) : (
          <a href={addressOf("/documents", { responsible })} title={responsible}>
            {responsibleName ?? responsible}
          </a>
        )}
      </td>
      <td data-label={words.debts.owed}>{countWord(documents)}</td>
      {AGES.map((age) => (
        <td key={age} data-label={words.debts.ages[age]}>
          {ageing[age] === 0 ? "" : countWord(ageing[age])}
        </td>
      ))}
      <td data-label={words.debts.oldest}>
        {oldestDue !== null && <Instant at={oldestDue} now={now} />}
      </td>
      <td data-label={words.debts.lastReminder}>
        {lastReminder === null ? (
          words.debts.never
        ) : (
          <>
            <Instant at={lastReminder} now={now} /> ({countWord(reminders)})
          </>
        )}
      </td>
    </tr>
  );
}
