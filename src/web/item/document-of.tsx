/** The document that a page belongs to: whether it is together, and whether it is owed. */
import { useAnswer, useNews } from "../ask.ts";
import { DebtMark } from "../document/debt-mark.tsx";
import { documents } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { KindIcon } from "../parts/icon.tsx";
import { type Axes, addressOf } from "../route.ts";

export function DocumentOf({
  id,
  axes: { at, asKnownAt },
}: {
  readonly id: string;
  readonly axes: Axes;
}) {
  const { value, again } = useAnswer(`document ${id} ${at} ${asKnownAt}`, (signal) =>
    documents({ id, at, asKnownAt }, 1, signal),
  );
  useNews((news) => {
    const touched = ["moved", "correction", "statement"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  const document = value?.documents[0];
  if (document === undefined) return null;
  const nth = document.pages.findIndex(
    ({ elementString, key }) => id.endsWith(key) || id === elementString,
  );
  return (
    <section class="card document-of" aria-labelledby="document-of">
      <h2 id="document-of">{words.item.document}</h2>
      <p>
        <a class="thing" href={addressOf("/documents", { id: document.id })}>
          <KindIcon kind="document" />
          <span class="mono">{document.id}</span>
        </a>{" "}
        {nth >= 0 && (
          <span class="soft">{words.item.documentPage(nth + 1, document.pages.length)}</span>
        )}
      </p>
      <p class="document-marks">
        <span class={`whole whole-${document.wholeness}`}>
          {words.documents.wholeness[document.wholeness]}
        </span>
        <DebtMark document={document} />
      </p>
    </section>
  );
}
