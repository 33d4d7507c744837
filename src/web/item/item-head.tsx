/** What the thing is, and its key in the forms that other systems read. */
import { useEffect, useState } from "preact/hooks";
import { idOf } from "../api.ts";
import { after } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { KindIcon, Sign } from "../parts/icon.tsx";
import { addressOf } from "../route.ts";
import { useMay } from "../session.ts";
import { hasName, nameOf } from "../thing.ts";
import type { Thing } from "../twin-api.ts";
import { kindWord } from "../words.ts";

export function ItemHead({
  thing,
  registered,
}: {
  readonly thing: Thing;
  readonly registered: boolean;
}) {
  return (
    <header class="item-head">
      <p class="item-kind">
        <KindIcon kind={thing.kind} />
        {kindWord(thing.kind)}
        {!registered && (
          <span class="tag" title={words.item.notRegisteredWhy}>
            {words.item.notRegistered}
          </span>
        )}
      </p>
      <h1 class={hasName(thing) ? undefined : "mono"}>{nameOf(thing)}</h1>
      <p class="item-forms">
        <Copied text={thing.elementString} what={words.item.elementString} />
        <Copied text={idOf(thing.key)} what={words.item.digitalLink} />
      </p>
      <LabelLinks thing={thing} />
    </header>
  );
}

const LABELLED: ReadonlySet<string> = new Set([
  ...["page", "envelope", "folder", "box", "person"],
  ...["shelf", "desk", "rack", "room", "site"],
]);
const HOLDS_PLACES: ReadonlySet<string> = new Set(["rack", "room", "site"]);

function LabelLinks({ thing: { kind, elementString } }: { readonly thing: Thing }) {
  const mayNumber = useMay("archivist");
  if (!LABELLED.has(kind)) return null;
  return (
    <p class="item-labels">
      <a class="button" href={addressOf("/labels", { id: elementString })}>
        <Sign name="label" />
        {words.labels.print}
      </a>
      {mayNumber && HOLDS_PLACES.has(kind) && (
        <a class="button" href={addressOf("/labels", { parent: elementString })}>
          {words.labels.newHere}
        </a>
      )}
    </p>
  );
}

const THANKS_MS = 1_500;

function Copied({ text, what }: { readonly text: string; readonly what: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => (done ? after(THANKS_MS, () => setDone(false)) : undefined), [done]);
  // Without TLS, browsers give the clipboard to pages on localhost only.
  if (navigator.clipboard === undefined) return <code class="copied">{text}</code>;
  return (
    <button
      type="button"
      class="copied"
      aria-label={words.item.copy(what, text)}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
    >
      <code>{text.replace(/^https:\/\//, "")}</code>
      <Sign name={done ? "done" : "copy"} />
    </button>
  );
}
