/**
 * Labels: new ones, those of things that are there, and command barcodes; how they will look, as a
 * sheet to print or at a label printer. What is chosen stands in the address.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { useAnswer, useLast, useNow } from "../ask.ts";
import { every } from "../clock.ts";
import { mintKey } from "../deeds.ts";
import type { Answer } from "../http.ts";
import {
  allocations,
  type Choices as CanPrint,
  type Carrier,
  choices,
  type Onto,
  type Print,
  printed,
  send,
  sheets,
  type What,
} from "../labels/label-answers.ts";
import { Numbering } from "../labels/numbering.tsx";
import { Preview } from "../labels/preview.tsx";
import { LANGUAGES, words } from "../language/spoken.ts";
import { Choices } from "../parts/choices.tsx";
import { Instant } from "../parts/instant.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { addressOf, go } from "../route.ts";
import { useMay } from "../session.ts";
import { kindWord } from "../words.ts";

const WHATS = ["new", "things", "commands"] as const;
type Chosen = (typeof WHATS)[number];
/** Their own names, in every language. */
const CARRIERS = [
  { value: "datamatrix", word: "GS1 DataMatrix" },
  { value: "gs1-128", word: "GS1-128" },
] as const;
const COPIES_MAX = 100;

export function LabelsPage({ query }: { readonly query: URLSearchParams }) {
  const asked = useAnswer("labels choices", choices);
  useEffect(() => {
    document.title = `${words.labels.title} · racktrace`;
  }, []);
  return (
    <div class="work labels">
      <h1>{words.labels.title}</h1>
      {asked.unreachable && <Unreachable old={asked.value !== undefined} />}
      {asked.refused && <Refused refusal={asked.refused} title={words.labels.cannot} />}
      {asked.value !== undefined && <Labels query={query} can={asked.value} />}
    </div>
  );
}

function Labels({ query, can }: { readonly query: URLSearchParams; readonly can: CanPrint }) {
  const said = whatIn(query);
  const mayNumber = useMay("archivist");
  const first = mayNumber ? "new" : "things";
  const chosen: Chosen =
    said?.commands !== undefined ? "commands" : said?.ids || said?.document ? "things" : first;
  const [picked, setShowing] = useState<Chosen>();
  const showing = picked ?? chosen;
  const [carrier, setCarrier] = useState<Carrier>("datamatrix");
  const [onto, setOnto] = useState<Onto>(() => ({
    kind: "paper",
    format: can.formats[0]?.id ?? "",
    skip: 0,
  }));
  const isShown = said !== undefined && showing === chosen;
  const show = (next: What) => go(addressIn(next), "replace");
  const choose = (next: Chosen) => {
    setShowing(next);
    if (next === "commands") show({ commands: [] });
    else go("/labels", "replace");
  };

  return (
    <div class="labels-parts">
      <div class="labels-choice">
        <Choices
          label={words.labels.what}
          all={WHATS.filter((value) => mayNumber || value !== "new").map((value) => ({
            value,
            word: words.labels.whats[value],
          }))}
          chosen={showing}
          onChoose={choose}
        />
        {showing === "new" && (
          <Numbering
            kinds={can.kinds}
            parent={query.get("parent") ?? ""}
            onNumbered={(allocation) => show({ allocation })}
          />
        )}
        {showing === "things" && <Things said={said} onSay={show} />}
        {!mayNumber && <p class="soft">{words.labels.notYours}</p>}
      </div>
      {isShown ? (
        <section class="labels-result" aria-label={words.labels.preview}>
          <Choices
            label={words.labels.symbol}
            all={CARRIERS}
            chosen={carrier}
            onChoose={setCarrier}
          />
          <Where can={can} onto={onto} onChoose={setOnto} />
          <Printing what={said} carrier={carrier} onto={onto} />
          <Preview what={said} carrier={carrier} onto={onto} />
        </section>
      ) : (
        <Notice tone="calm" title={words.labels.none} />
      )}
      {showing === first && (
        <Earlier chosen={said?.allocation} onChoose={(allocation) => show({ allocation })} />
      )}
    </div>
  );
}

/** Which labels an address asks for; undefined: it does not say. */
function whatIn(query: URLSearchParams): What | undefined {
  const ids = query.getAll("id").filter((id) => id !== "");
  if (ids.length > 0) return { ids };
  const [allocation, document] = [query.get("allocation"), query.get("document")];
  if (allocation !== null) return { allocation };
  if (document !== null) return { document };
  const language = LANGUAGES.find(({ code }) => words.locale.startsWith(code))?.code ?? "en";
  return query.has("commands") ? { commands: [], language } : undefined;
}

function addressIn({ ids, allocation, document, commands }: What): string {
  if (ids !== undefined) return `/labels?${new URLSearchParams(ids.map((id) => ["id", id]))}`;
  return addressOf("/labels", {
    allocation,
    document,
    commands: commands === undefined ? undefined : "all",
  });
}

function Things({
  said,
  onSay,
}: {
  readonly said: What | undefined;
  readonly onSay: (what: What) => void;
}) {
  const [ids, setIds] = useState(said?.ids?.join("\n") ?? "");
  const [number, setNumber] = useState(said?.document ?? "");
  const field = useRef<HTMLInputElement>(null);
  const lines = ids
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return (
    <form
      class="labels-fields"
      onSubmit={(event) => {
        event.preventDefault();
        // What stands in the field: a scanner that types and ends with Enter is faster than a redraw.
        const document = field.current?.value.trim() ?? "";
        if (document !== "") onSay({ document });
        else if (lines.length > 0) onSay({ ids: lines });
      }}
    >
      <label>
        {words.labels.ofDocument}
        <input
          class="field"
          ref={field}
          value={number}
          onInput={(event) => {
            setNumber(event.currentTarget.value);
            setIds("");
          }}
        />
      </label>
      <label>
        {words.labels.ids}
        <textarea
          class="field mono"
          rows={4}
          value={ids}
          onInput={(event) => {
            setIds(event.currentTarget.value);
            setNumber("");
          }}
        />
      </label>
      <button type="submit" class="button button-main">
        {words.labels.show}
      </button>
    </form>
  );
}

/** What was numbered before can be printed again. */
function Earlier({
  chosen,
  onChoose,
}: {
  readonly chosen: string | undefined;
  readonly onChoose: (allocation: string) => void;
}) {
  const asked = useAnswer(`allocations ${chosen}`, allocations);
  const now = useNow(30_000);
  const all = asked.value?.allocations ?? [];
  if (all.length === 0) return null;
  return (
    <section class="labels-earlier" aria-labelledby="labels-earlier">
      <h2 id="labels-earlier">{words.labels.earlier}</h2>
      <ul>
        {all.map(({ id, kind, document, count, time, labels }) => (
          <li key={id}>
            <button
              type="button"
              class="button"
              aria-pressed={id === chosen}
              onClick={() => onChoose(id)}
            >
              <span>
                {count} × {kindWord(kind as Parameters<typeof kindWord>[0])}
              </span>
              <span class="mono">{document ?? labels[0]?.elementString}</span>
              <span class="soft">
                <Instant at={time} now={now} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Where({
  can: { formats, printers },
  onto,
  onChoose,
}: {
  readonly can: CanPrint;
  readonly onto: Onto;
  readonly onChoose: (onto: Onto) => void;
}) {
  const value = onto.kind === "paper" ? `paper ${onto.format}` : `printer ${onto.printer}`;
  const labels = formats.find(({ id }) => onto.kind === "paper" && id === onto.format)?.labels ?? 1;
  const number = (text: string, least: number, most: number) =>
    Math.min(most, Math.max(least, Math.trunc(Number(text)) || least));
  return (
    <div class="labels-fields labels-where">
      <label>
        {words.labels.onto}
        <select
          class="field"
          value={value}
          onChange={(event) => {
            const [kind, name = ""] = event.currentTarget.value.split(" ");
            if (kind === "paper") onChoose({ kind: "paper", format: name, skip: 0 });
            else onChoose({ kind: "printer", printer: name, copies: 1 });
          }}
        >
          <optgroup label={words.labels.paper}>
            {formats.map(({ id, name }) => (
              <option key={id} value={`paper ${id}`}>
                {name}
              </option>
            ))}
          </optgroup>
          {printers.length > 0 && (
            <optgroup label={words.labels.printers}>
              {printers.map(({ id, name }) => (
                <option key={id} value={`printer ${id}`}>
                  {name}
                </option>
              ))}
            </optgroup>
          )}
        </select>
      </label>
      {onto.kind === "paper" && labels > 1 && (
        <label>
          {words.labels.skip}
          <input
            class="field"
            type="number"
            min={0}
            max={labels - 1}
            value={onto.skip}
            onInput={(event) =>
              onChoose({ ...onto, skip: number(event.currentTarget.value, 0, labels - 1) })
            }
          />
        </label>
      )}
      {onto.kind === "printer" && (
        <label>
          {words.labels.copies}
          <input
            class="field"
            type="number"
            min={1}
            max={COPIES_MAX}
            value={onto.copies}
            onInput={(event) =>
              onChoose({ ...onto, copies: number(event.currentTarget.value, 1, COPIES_MAX) })
            }
          />
        </label>
      )}
    </div>
  );
}

type Came = Answer<Print | Blob>;

function Printing({
  what,
  carrier,
  onto,
}: {
  readonly what: What;
  readonly carrier: Carrier;
  readonly onto: Onto;
}) {
  const mayPrint = useMay("operator");
  const [doing, setDoing] = useState(false);
  const [came, setCame] = useState<Came>();
  const said = JSON.stringify([what, carrier, onto]);
  const sent = useRef({ said: "", key: "" });
  // What became of another choice says nothing about this one.
  useEffect(() => setCame(undefined), [said]);

  async function print(): Promise<void> {
    setDoing(true);
    if (onto.kind === "paper") {
      const made = await sheets(what, carrier, onto);
      if (made.kind === "ok") keep(made.value);
      setCame(made);
    } else {
      // An answer that was lost is asked for again, and nothing is printed twice.
      if (sent.current.said !== said) sent.current = { said, key: mintKey() };
      const answer = await send(what, carrier, onto, sent.current.key);
      if (answer.kind !== "unreachable") sent.current = { said: "", key: "" };
      setCame(answer);
    }
    setDoing(false);
  }

  if (onto.kind === "printer" && !mayPrint)
    return <Notice tone="calm" title={words.labels.notToPrint} />;
  return (
    <div class="labels-print">
      <button type="button" class="button button-main" disabled={doing} onClick={print}>
        {onto.kind === "paper" ? words.labels.save : words.labels.send}
      </button>
      {came !== undefined && <Outcome came={came} />}
    </div>
  );
}

function Outcome({ came }: { readonly came: Came }) {
  if (came.kind === "refused") return <Refused refusal={came} title={words.labels.notPrinted} />;
  if (came.kind === "unreachable")
    return (
      <Notice tone="warn" title={words.twin.silent}>
        <p>{words.labels.sendAgain}</p>
      </Notice>
    );
  if (came.value instanceof Blob) return <Notice tone="calm" title={words.labels.saved} />;
  return <Sent key={came.value.id} print={came.value} />;
}

const FOLLOW_MS = 1_000;

/** A printer may take its time: what became of the print is asked until it is over. */
function Sent({ print }: { readonly print: Print }) {
  const [over, setOver] = useState(print.state !== "sending");
  const asked = useAnswer(over ? undefined : `print ${print.id}`, (signal) =>
    printed(print.id, signal),
  );
  const latest = useLast(asked.value) ?? print;
  const { again } = asked;
  useEffect(() => {
    if (latest.state !== "sending") setOver(true);
  }, [latest.state]);
  useEffect(() => (over ? undefined : every(FOLLOW_MS, again)), [over, again]);
  const { state, detail } = latest;
  const known = words.labels.sent[state as keyof typeof words.labels.sent];
  const tone = state === "sent" || state === "sending" ? "calm" : "error";
  return (
    <Notice tone={tone} title={known ?? state}>
      {detail !== "" && <p>{detail}</p>}
    </Notice>
  );
}

function keep(pdf: Blob): void {
  const address = URL.createObjectURL(pdf);
  const link = document.createElement("a");
  link.href = address;
  link.download = "labels.pdf";
  link.click();
  URL.revokeObjectURL(address);
}
