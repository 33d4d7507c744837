/**
 * What is owed, by whom it is owed and who of us sees to it: how many documents, how long they are
 * overdue, and when a reminder last went out. Worked out from the documents that are owed now.
 */
import type { DocumentAnswer, Documents } from "./documents.ts";
import type { NamedOwing } from "./parties.ts";

export type DebtGroup = NamedOwing & {
  readonly documents: number;
  readonly overdue: number;
  /** By how long they are overdue, in days. */
  readonly ageing: {
    readonly notDue: number;
    readonly to30: number;
    readonly to60: number;
    readonly to90: number;
    readonly over90: number;
  };
  readonly oldestDue: string | null;
  readonly reminders: number;
  readonly lastReminder: string | null;
};

export type DebtsQuestion = {
  readonly at: number;
  readonly asKnownAt?: number | undefined;
};

/** More than these are told by the list of documents, a page at a time. */
const DOCUMENTS_MAX = 2_000;
const PAGE = 500;
const DAY_MS = 86_400_000;

export function openDebts(documents: Documents) {
  /** `more`: not all that is owed was looked at. */
  function debts({ at, asKnownAt }: DebtsQuestion) {
    const groups = new Map<string, DebtGroup>();
    let looked = 0;
    let more = false;
    for (const status of ["overdue", "debt"] as const) {
      let cursor: string | undefined;
      do {
        const found = documents.list({ at, asKnownAt, status, limit: PAGE, cursor });
        for (const document of found.documents) add(groups, document, status, at);
        looked += found.documents.length;
        cursor = found.next ?? undefined;
        more ||= cursor !== undefined && looked >= DOCUMENTS_MAX;
      } while (cursor !== undefined && looked < DOCUMENTS_MAX);
    }
    const byWeight = [...groups.values()].sort(
      (a, b) => b.overdue - a.overdue || b.documents - a.documents,
    );
    return { groups: byWeight, more };
  }

  return { debts };
}

export type Debts = ReturnType<typeof openDebts>;

const NONE: Omit<DebtGroup, keyof NamedOwing> = {
  documents: 0,
  overdue: 0,
  ageing: { notDue: 0, to30: 0, to60: 0, to90: 0, over90: 0 },
  oldestDue: null,
  reminders: 0,
  lastReminder: null,
};

function add(
  groups: Map<string, DebtGroup>,
  { obligations, reminders }: DocumentAnswer,
  status: "overdue" | "debt",
  at: number,
): void {
  const owed = obligations.find((one) => one.status === status);
  if (owed === undefined) return;
  const { debtor, debtorName, responsible, responsibleName, due } = owed;
  const name = JSON.stringify([debtor, responsible]);
  const who = { debtor, debtorName, responsible, responsibleName };
  const group = groups.get(name) ?? { ...who, ...NONE };
  const times = [group.lastReminder, ...reminders.map(({ time }) => time)];
  groups.set(name, {
    ...group,
    documents: group.documents + 1,
    overdue: group.overdue + (status === "overdue" ? 1 : 0),
    ageing: aged(group.ageing, due === null ? 0 : at - Date.parse(due)),
    oldestDue: earlier(group.oldestDue, due),
    reminders: group.reminders + reminders.length,
    lastReminder: times.reduce((last, time) => ((time ?? "") > (last ?? "") ? time : last)),
  });
}

function aged(ageing: DebtGroup["ageing"], overdueMs: number): DebtGroup["ageing"] {
  const days = overdueMs / DAY_MS;
  if (days <= 0) return { ...ageing, notDue: ageing.notDue + 1 };
  if (days <= 30) return { ...ageing, to30: ageing.to30 + 1 };
  if (days <= 60) return { ...ageing, to60: ageing.to60 + 1 };
  if (days <= 90) return { ...ageing, to90: ageing.to90 + 1 };
  return { ...ageing, over90: ageing.over90 + 1 };
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
