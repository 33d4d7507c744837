/**
 * One box for any barcode form: typed, pasted, or scanned by a scanner that acts as a keyboard.
 *
 * Results come while typing; an older question is dropped when a newer one is asked. When nothing is
 * found the twin is asked why, so that a misread names the check that failed. Enter right after a
 * scan waits for the answer and goes to the first result.
 */
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { search, where } from "./api.ts";
import { rawBarcode, shownBarcode } from "./barcode-text.ts";
import { after } from "./clock.ts";
import type { Refusal } from "./http.ts";
import { words } from "./language/spoken.ts";
import { KindIcon, Sign } from "./parts/icon.tsx";
import { Told } from "./parts/notice.tsx";
import { addressOf, go, itemAddress, LATEST } from "./route.ts";
import { hasName, nameOf } from "./thing.ts";
import type { Found } from "./twin-api.ts";
import { kindWord } from "./words.ts";

/** A thing, or a document, which has a number and no key. */
type Result = Omit<Found, "kind"> & { readonly kind: Found["kind"] | "document" };

const RESULTS_MAX = 12;
const DEBOUNCE_MS = 90;

/** `q` is what was asked; the box may hold a newer text already. */
type Outcome = { readonly q: string } & Answered;
type Answered =
  | { readonly kind: "none" }
  /** `near`: none fits, and these nearly do. */
  | {
      readonly kind: "found";
      readonly results: readonly Result[];
      readonly near: boolean;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unreachable" };

export function FindBox() {
  const [text, setText] = useState("");
  const [outcome, setOutcome] = useState<Outcome>({ q: "", kind: "none" });
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLElement>(null);
  const enterWaits = useRef(false);
  const hurry = useRef(() => {});
  const listId = useId();
  const results = outcome.kind === "found" ? outcome.results : [];
  const fresh = outcome.q === rawBarcode(text);
  /** What stands in the box now: a scanner types faster than the page is drawn. */
  const inBox = () => rawBarcode(input.current?.value ?? "");

  useEffect(() => {
    const q = rawBarcode(text);
    setActive(0);
    if (q === "") {
      enterWaits.current = false;
      setOutcome({ q, kind: "none" });
      return;
    }
    const stop = new AbortController();
    const run = () => {
      cancel();
      void find(q, stop.signal).then((found) => {
        if (stop.signal.aborted || found === undefined) return;
        hurry.current = () => {};
        setOutcome({ q, ...found });
        if (inBox() !== q) return;
        const first = found.kind === "found" && !found.near ? found.results[0] : undefined;
        if (enterWaits.current && first !== undefined) visit(first);
        enterWaits.current = false;
      });
    };
    const cancel = after(DEBOUNCE_MS, run);
    hurry.current = run;
    return () => {
      cancel();
      stop.abort();
      hurry.current = () => {};
    };
  }, [text]);

  // Before the first paint: who loads the page and types at once is heard.
  useLayoutEffect(() => {
    const focusBox = (event: KeyboardEvent) => {
      const typing = (event.target as Element).closest("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    const closeOutside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("keydown", focusBox);
    document.addEventListener("pointerdown", closeOutside);
    return () => {
      document.removeEventListener("keydown", focusBox);
      document.removeEventListener("pointerdown", closeOutside);
    };
  }, []);

  function visit(thing: Result): void {
    setOpen(false);
    setText("");
    input.current?.blur();
    go(addressOfFound(thing));
  }

  function onKeyDown(event: KeyboardEvent): void {
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        setOpen(true);
        if (results.length > 0) setActive((active + step + results.length) % results.length);
        return;
      }
      case "Escape":
        if (open && text !== "") setOpen(false);
        else input.current?.blur();
        return;
    }
  }

  function onSubmit(event: Event): void {
    event.preventDefault();
    setOpen(true);
    const chosen = results[active];
    if (outcome.q === inBox() && chosen !== undefined) visit(chosen);
    else {
      enterWaits.current = true;
      hurry.current();
    }
  }

  const shown = open && outcome.kind !== "none";
  return (
    <search class="find" ref={box}>
      <form onSubmit={onSubmit} role="presentation">
        <Sign name="find" />
        <input
          ref={input}
          type="text"
          inputMode="search"
          enterKeyHint="go"
          role="combobox"
          aria-label={words.find.label}
          aria-expanded={shown}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={shown && results.length > 0 ? `${listId}-${active}` : undefined}
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellcheck={false}
          placeholder={isNarrow() ? words.find.placeholderShort : words.find.placeholder}
          value={text}
          onInput={(event) => {
            enterWaits.current = false;
            setText(shownBarcode(event.currentTarget.value));
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onKeyDown={onKeyDown}
        />
        <span class="find-hint" aria-hidden="true">
          /
        </span>
      </form>
      <div class={fresh ? "find-results" : "find-results find-stale"} hidden={!shown}>
        {outcome.kind === "found" && (
          <p class="visually-hidden" role="status">
            {words.find.resultCount(results.length)}
          </p>
        )}
        {outcome.kind === "found" && outcome.near && (
          <p class="find-near">
            <strong>{words.find.notFound}.</strong> {words.find.near}:
          </p>
        )}
        <div
          id={listId}
          role="listbox"
          aria-label={words.find.results}
          hidden={results.length === 0}
        >
          {results.map((result, index) => (
            <a
              key={result.key}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              tabIndex={-1}
              href={addressOfFound(result)}
              onPointerMove={() => setActive(index)}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                visit(result);
              }}
            >
              <KindIcon kind={result.kind} />
              <span class="find-name">
                <b class={hasName(result) ? undefined : "mono"}>{nameOf(result)}</b>{" "}
                <span class="soft">{kindWord(result.kind)}</span>
              </span>
              <span class="find-path soft">
                {result.kind === "document" || result.kind === "party"
                  ? ""
                  : result.path.length === 0
                    ? words.find.placeUnknown
                    : result.path.slice(0, 3).map(nameOf).join(" ‹ ")}
              </span>
            </a>
          ))}
        </div>
        {outcome.kind === "refused" && (
          <div class="find-none" role="status">
            <strong>
              {outcome.refusal.status === 404 ? words.find.notFound : words.find.notValid}
            </strong>
            <Told refusal={outcome.refusal} />
          </div>
        )}
        {outcome.kind === "unreachable" && (
          <div class="find-none" role="status">
            <strong>{words.find.silent}</strong>
            <p>{words.find.tryAgain}</p>
          </div>
        )}
      </div>
    </search>
  );
}

/** There the longer words are cut off in the middle. */
const isNarrow = () => matchMedia("(width < 45rem)").matches;

/** A document is in no place itself and has a page among the documents. */
function asFound(id: string): Result {
  return { key: id, elementString: id, kind: "document", name: id, path: [] };
}

/** Of a party one wants to know what it owes. */
function addressOfFound({ kind, key, elementString }: Result): string {
  switch (kind) {
    case "document":
      return addressOf("/documents", { id: key });
    case "party":
      return addressOf("/documents", { debtor: elementString });
    default:
      return itemAddress(key);
  }
}

/** Undefined when nobody waits for it any more. */
async function find(q: string, signal: AbortSignal): Promise<Answered | undefined> {
  try {
    const found = await search(q, RESULTS_MAX, signal);
    if (found.kind === "ok" && found.value.results.length + found.value.documents.length > 0) {
      const { results, documents } = found.value;
      return { kind: "found", results: [...results, ...documents.map(asFound)], near: false };
    }
    if (found.kind === "refused") return { kind: "refused", refusal: found };
    if (found.kind === "unreachable") return found;
    const known = await where(q, LATEST, signal);
    if (known.kind === "ok") return { kind: "found", results: [known.value], near: false };
    if (found.value.near.length > 0 && known.kind === "refused" && known.status === 404)
      return { kind: "found", results: found.value.near, near: true };
    return known.kind === "refused" ? { kind: "refused", refusal: known } : known;
  } catch {
    return undefined;
  }
}
