/** `racktrace debts`: what is owed, by customer and account manager, and how old. */
import type { Command } from "commander";
import { defineListQuestion, type ListOptions, printList, timeText } from "./question.ts";

type Group = {
  readonly debtor: string | null;
  readonly debtorName: string | null;
  readonly responsible: string | null;
  readonly responsibleName: string | null;
  readonly documents: number;
  readonly overdue: number;
  readonly oldestDue: string | null;
  readonly lastReminder: string | null;
};

export function define(command: Command): void {
  defineListQuestion(command).action((options: ListOptions) =>
    printList<Group>("debts", "groups", {}, options, show),
  );
}

function show(group: Group): string {
  const { documents, overdue, oldestDue, lastReminder } = group;
  const debtor = group.debtorName ?? group.debtor ?? "nobody said who";
  const responsible = group.responsibleName ?? group.responsible ?? "nobody sees to it";
  const of = `${debtor} (${responsible})`;
  const due = `oldest due ${timeText(oldestDue)}`;
  const reminded = lastReminder === null ? "never reminded" : `reminded ${timeText(lastReminder)}`;
  return `${of}: ${documents} owed, ${overdue} overdue, ${due}, ${reminded}`;
}
