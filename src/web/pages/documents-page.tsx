/** Documents and debts: what is owed, since when and until when, and which pages are missing. */
import { useEffect, useState } from "preact/hooks";
import { useAnswer, useLast, useNews } from "../ask.ts";
import { useDeeds } from "../deeds.ts";
import { Debts } from "../document/debts.tsx";
import { type DocumentAct, DocumentRow } from "../document/document-row.tsx";
import { Noting } from "../document/noting.tsx";
import { Reviews } from "../document/reviews.tsx";
import { documents } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { Choices } from "../parts/choices.tsx";
import { DeedList } from "../parts/deed-list.tsx";
import { Sign } from "../parts/icon.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { addressOf, go } from "../route.ts";
import type { Document } from "../twin-api.ts";

/** As the documents that are shown name who is asked for. */
function nameIn(shown: readonly Document[], role: "debtor" | "responsible", who: string): string {
  const owed = shown.flatMap(({ obligations }) => obligations).find((one) => one[role] === who);
  return owed?.[`${role}Name`] ?? who;
}

/** A scanner reads a few pages in a second; a person looks once. */
const REST_MS = 700;
const STATUSES = ["all", "debt", "overdue", "partial", "cleared", "none"] as const;

export function DocumentsPage({ query }: { readonly query: URLSearchParams }) {
  const id = query.get("id") ?? undefined;
  const status = STATUSES.find((one) => one === query.get("status")) ?? "all";
  const debtor = query.get("debtor") ?? undefined;
  const responsible = query.get("responsible") ?? undefined;
  const asking = { id, debtor, responsible, status: status === "all" ? undefined : status };
  const name = `documents ${id} ${status} ${debtor} ${responsible}`;

  const [pages, setPages] = useState({ name, count: 1 });
  const count = pages.name === name ? pages.count : 1;
  const asked = useAnswer(name, (signal) => documents(asking, count, signal), { restMs: REST_MS });
  const { again } = asked;
  const shown = useLast(asked.value);
  const deeds = useDeeds(asked.value?.position, again);
  const [noting, note] = useAsked<{ readonly act: DocumentAct; readonly id: string }>();
  useNews((news) => {
    const touched = ["moved", "correction", "statement"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  useEffect(() => {
    if (count > 1) again();
  }, [count, again]);
  useEffect(() => {
    document.title = `${words.documents.title} · racktrace`;
  }, []);

  const all = asked.refused === undefined ? (shown?.documents ?? []) : [];
  return (
    <div class="work">
      <h1>{words.documents.title}</h1>
      <div class="work-tools">
        {debtor !== undefined && (
          <a class="button" href={addressOf("/documents", { status, responsible })}>
            {words.documents.debtorOnly(nameIn(all, "debtor", debtor))}
            <Sign name="close" />
          </a>
        )}
        {responsible !== undefined && (
          <a class="button" href={addressOf("/documents", { status, debtor })}>
            {words.debts.managerOnly(nameIn(all, "responsible", responsible))}
            <Sign name="close" />
          </a>
        )}
        {id === undefined ? (
          <Choices
            label={words.documents.filter}
            all={STATUSES.map((one) => ({ value: one, word: words.documents.statuses[one] }))}
            chosen={status}
            onChoose={(next) =>
              go(addressOf("/documents", { status: next, debtor, responsible }), "replace")
            }
          />
        ) : (
          <a class="button" href="/documents">
            {words.documents.all}
          </a>
        )}
      </div>
      <DeedList deeds={deeds} />
      {id === undefined && <Debts />}
      {id === undefined && <Reviews />}
      {asked.unreachable && <Unreachable old={shown !== undefined} />}
      {asked.refused && (
        <Refused
          refusal={asked.refused}
          title={asked.refused.status === 404 ? words.documents.unknown : words.documents.cannot}
        />
      )}
      {asked.value !== undefined && all.length === 0 && (
        <Notice
          tone="calm"
          title={status === "all" ? words.documents.noneAtAll : words.documents.none}
        >
          {status === "all" && (
            <a href={addressOf("/register", { list: "documents" })}>{words.documents.register}</a>
          )}
        </Notice>
      )}
      <ul class="documents">
        {all.map((one) => (
          <DocumentRow
            key={`${one.id} ${id}`}
            document={one}
            opened={id !== undefined}
            onAct={(act) => note({ act, id: one.id })}
          />
        ))}
      </ul>
      {noting !== undefined && (
        <Noting
          key={noting.key}
          {...noting.about}
          onClose={noting.leave}
          onState={(statement) => {
            deeds.state(statement);
            noting.leave();
          }}
        />
      )}
      {shown !== undefined && shown.next !== null && (
        <button type="button" class="button" onClick={() => setPages({ name, count: count + 1 })}>
          {words.discrepancies.showMore}
        </button>
      )}
    </div>
  );
}
