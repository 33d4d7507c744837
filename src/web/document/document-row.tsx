/** One document: class, wholeness and debt at a glance; opened, each of its pages and where it is. */
import { type ComponentChildren, Fragment } from "preact";
import { useState } from "preact/hooks";
import { useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { CertaintyIcon, KindIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import { addressOf } from "../route.ts";
import { useMay } from "../session.ts";
import type { Document, DocumentPage } from "../twin-api.ts";
import { certaintyWord, spaced } from "../words.ts";
import { DebtMark } from "./debt-mark.tsx";
import { LastKnown } from "./last-known.tsx";

/** What a person can note about a document. */
export type DocumentAct = "remind" | "receive";

export function DocumentRow({
  document,
  opened,
  onAct,
}: {
  readonly document: Document;
  readonly opened: boolean;
  readonly onAct: (act: DocumentAct) => void;
}) {
  const [open, setOpen] = useState(opened);
  const { id, wholeness, pages, level } = document;
  const lost = pages.filter(isLost).length;
  return (
    <li class="document">
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="document-id">
            <KindIcon kind="document" />
            <b class="mono">{id}</b>
          </span>
          <span class="document-class soft">
            {[debtorOf(document), document.className ?? spaced(document.class).replaceAll("-", " ")]
              .filter(Boolean)
              .join(", ")}
          </span>
          <span class={`whole whole-${wholeness}`}>
            {level === "none"
              ? words.documents.levels.none
              : lost > 0
                ? words.documents.missing(lost, pages.length)
                : words.documents.wholeness[wholeness]}
          </span>
          <DebtMark document={document} />
        </summary>
        {open && <Inside document={document} onAct={onAct} />}
      </details>
    </li>
  );
}

function Inside({
  document,
  onAct,
}: {
  readonly document: Document;
  readonly onAct: (act: DocumentAct) => void;
}) {
  const now = useNow(60_000);
  const mayNote = useMay("operator");
  const { id, pages, received, level, obligations, status, reminders } = document;
  const owed = status === "debt" || status === "overdue";
  return (
    <div class="document-inside">
      <ul class="document-pages">
        {pages.map((page) => (
          <li key={page.key} class={isLost(page) ? "document-lost" : undefined}>
            <span title={certaintyWord(page.certainty).word}>
              <CertaintyIcon certainty={page.certainty} />
              <span class="visually-hidden">{certaintyWord(page.certainty).word}</span>
            </span>
            <ThingLink thing={page} />
            {isLost(page) ? <LastKnown of={page.key} /> : <PathWords path={page.path} levels={3} />}
            <span class="document-seen soft">
              {page.lastSeen === null ? (
                words.documents.neverSeen
              ) : (
                <Instant at={page.lastSeen} now={now} />
              )}
            </span>
          </li>
        ))}
        {pages.length === 0 && <li class="soft">{words.documents.noPages}</li>}
      </ul>
      <dl class="document-facts">
        <Fact word={words.documents.level}>{words.documents.levels[level]}</Fact>
        {obligations.map(({ issued, due, debtor, debtorName, responsible, responsibleName }) => (
          <Fragment key={`${issued} ${due}`}>
            {debtor !== null && (
              <Fact word={words.documents.debtor}>
                <a href={addressOf("/documents", { debtor })} title={debtor}>
                  {debtorName ?? debtor}
                </a>
              </Fact>
            )}
            {responsible !== null && (
              <Fact word={words.documents.responsible}>{responsibleName ?? responsible}</Fact>
            )}
            {issued !== null && (
              <Fact word={words.documents.issued}>
                <Instant at={issued} now={now} />
              </Fact>
            )}
            {due !== null && (
              <Fact word={words.documents.dueWord}>
                <Instant at={due} now={now} />
              </Fact>
            )}
          </Fragment>
        ))}
        {reminders.length > 0 && (
          <Fact word={words.documents.reminders}>
            {reminders.map(({ time, by, note }) => (
              <p key={`${time} ${by}`} title={note}>
                {time !== null && <Instant at={time} now={now} />} {by}
              </p>
            ))}
          </Fact>
        )}
        {received !== null && (
          <Fact word={words.documents.receive}>
            {received.by} {received.time !== null && <Instant at={received.time} now={now} />}
          </Fact>
        )}
      </dl>
      {pages.length > 0 && (
        <p class="document-acts">
          <a
            class="button"
            aria-label={`${words.labels.print}: ${id}`}
            href={addressOf("/labels", { document: id })}
          >
            {words.labels.print}
          </a>
        </p>
      )}
      {owed && mayNote && (
        <p class="document-acts">
          <button
            type="button"
            class="button"
            aria-label={`${words.documents.remind}: ${id}`}
            onClick={() => onAct("remind")}
          >
            {words.documents.remind}
          </button>
          {level === "received" && (
            <button
              type="button"
              class="button"
              aria-label={`${words.documents.receivedNote}: ${id}`}
              onClick={() => onAct("receive")}
            >
              {words.documents.receivedNote}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function Fact({ word, children }: { readonly word: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function debtorOf({ obligations }: Document): string | undefined {
  const owed = obligations.find(({ debtor }) => debtor !== null);
  return owed?.debtorName ?? owed?.debtor ?? undefined;
}

function isLost({ path, state }: DocumentPage): boolean {
  return path.length === 0 && state !== "destroyed";
}
