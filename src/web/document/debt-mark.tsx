/** Whether a document is owed to the archive, by sign and word, and how long still or since when. */
import { useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import type { Document } from "../twin-api.ts";
import { dayWord, instantInFull, instantWord, spanWord } from "../when.ts";

export function DebtMark({ document }: { readonly document: Document }) {
  const now = useNow(60_000);
  const { status, obligations } = document;
  const obligation = obligations.find((one) => one.status === status);
  return (
    <span class={`debt debt-${status}`}>
      <DebtSign status={status} />
      <b>{words.documents.status[status]}</b>
      {obligation?.due && (status === "debt" || status === "overdue") && (
        <span class="soft" title={instantInFull(obligation.due)}>
          {words.documents.due(dayWord(obligation.due, now))},{" "}
          {status === "overdue"
            ? words.documents.overdueBy(spanWord(now - Date.parse(obligation.due)))
            : words.documents.dueIn(spanWord(Date.parse(obligation.due) - now))}
        </span>
      )}
      {obligation?.cleared && status === "cleared" && (
        <span class="soft">{instantWord(obligation.cleared, now)}</span>
      )}
    </span>
  );
}

/** Empty: nothing is owed; a clock hand: it runs; full: it has run out; a tick: settled. */
function DebtSign({ status }: { readonly status: Document["status"] }) {
  return (
    <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="4.5" class={status === "overdue" ? "full" : undefined} />
      {status === "debt" && <path d="M6 3.500V6l1.750 1.250" />}
      {status === "cleared" && <path d="M3.900 6.200 5.400 7.700 8.200 4.600" />}
    </svg>
  );
}
