/** Asks what a person notes about a document: that a reminder went out, or that it was received. */
import type { Statement } from "../deeds.ts";
import { words } from "../language/spoken.ts";
import { ReasonDialog } from "../parts/reason-dialog.tsx";
import type { DocumentAct } from "./document-row.tsx";

export function Noting({
  act,
  id,
  onState,
  onClose,
}: {
  readonly act: DocumentAct;
  readonly id: string;
  readonly onState: (statement: Statement) => void;
  readonly onClose: () => void;
}) {
  const text = words.documents;
  const remind = act === "remind";
  return (
    <ReasonDialog
      title={remind ? text.remindTitle : text.receivedTitle}
      suggestions={[]}
      confirm={remind ? text.remind : text.receivedNote}
      wants={remind ? "maybe" : "nothing"}
      onClose={onClose}
      onConfirm={({ reason, by }) =>
        onState(
          remind
            ? {
                about: id,
                title: text.reminded(id),
                path: "reminders",
                body: { document: id, by, ...(reason === "" ? {} : { note: reason }) },
              }
            : {
                about: id,
                title: text.receivedDone(id),
                path: "receipts",
                body: { document: id, by },
              },
        )
      }
    >
      <p class="mono">{id}</p>
      <p class="soft">{remind ? text.remindWhat : text.receivedWhat}</p>
    </ReasonDialog>
  );
}
