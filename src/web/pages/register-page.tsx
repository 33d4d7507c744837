/**
 * Master data for people: what there is, a row at a time or as a table to take away and to bring back.
 * What is brought is tried first; a table with a mistake changes nothing, and each mistake is told with
 * its line. Nothing is called saved before the list shows it.
 */
import { useEffect, useId, useState } from "preact/hooks";
import { useAnswer, useLast } from "../ask.ts";
import { every } from "../clock.ts";
import { ask, type Body, type Refusal, type Reply, tell } from "../http.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { Choices } from "../parts/choices.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { nameOf, type RegisterRow } from "../register/fields.ts";
import { Levels } from "../register/levels.tsx";
import { Retention } from "../register/retention.tsx";
import { RowDialog, type Saved } from "../register/row-dialog.tsx";
import { addressOf, go } from "../route.ts";
import { useMay } from "../session.ts";
import type { RegisterList, TwinApi } from "../twin-api.ts";
import { instantWord } from "../when.ts";
import { countWord, kindWord, levelWord, stepWord } from "../words.ts";

const LISTS: readonly RegisterList[] = [
  ...(["places", "persons", "parties", "things", "documents", "documentClasses"] as const),
  ...(["gateways", "scanners"] as const),
  "ranges",
];
const LIMIT = 100;

type Tried = TwinApi["POST register/table"]["answer"];

export function RegisterPage({ query }: { readonly query: URLSearchParams }) {
  const list = LISTS.find((one) => one === query.get("list")) ?? "places";
  const mayChange = useMay("archivist");
  const [shownAt, setShownAt] = useState(0);
  const text = words.register;
  useEffect(() => {
    document.title = `${text.title} · racktrace`;
  }, [text]);
  return (
    <div class="work">
      <h1>{text.title}</h1>
      <div class="work-tools">
        <Choices
          label={text.lists}
          all={LISTS.map((one) => ({ value: one, word: text.names[one] }))}
          chosen={list}
          onChoose={(next) => go(addressOf("/register", { list: next }), "replace")}
        />
        <a class="button" href={`/api/v1/register/table?list=${list}`} download={`${list}.csv`}>
          {text.takeAway}
        </a>
      </div>
      <Rows
        key={list}
        list={list}
        mayChange={mayChange}
        onShown={setShownAt}
        wanted={query.get("new") ?? undefined}
      />
      {mayChange && <Bringing key={`bring ${list}`} list={list} />}
      {(list === "documents" || list === "documentClasses") && (
        <Levels isList={list === "documentClasses"} since={shownAt} />
      )}
      <Retention />
    </div>
  );
}

const ASK_AGAIN_MS = 300;

function Rows({
  list,
  mayChange,
  onShown,
  wanted,
}: {
  /** What is to be registered: the form stands open with it. */
  readonly wanted: string | undefined;
  readonly list: RegisterList;
  readonly mayChange: boolean;
  /** What was saved is shown, from this position on. */
  readonly onShown: (position: number) => void;
}) {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [editing, edit] = useAsked<RegisterRow | "new">(wanted === undefined ? undefined : "new");
  const [saved, setSaved] = useState<Saved>();
  const cursor = cursors.at(-1);
  const asked = useAnswer(`register ${list} ${cursor}`, (signal) =>
    ask("register", { list, limit: LIMIT, cursor }, signal),
  );
  const shown = useLast<Reply<"register">>(asked.value);
  const text = words.register;
  const { again } = asked;
  const close = () => {
    editing?.leave();
    // Whoever adds another one begins with an empty form.
    if (wanted !== undefined) go(addressOf("/register", { list }), "replace");
  };
  const awaited = saved !== undefined && (shown?.position ?? 0) < saved.position;
  useEffect(() => {
    if (!awaited) return;
    again();
    return every(ASK_AGAIN_MS, again);
  }, [awaited, again]);
  useEffect(() => {
    if (saved !== undefined && !awaited) onShown(saved.position);
  }, [saved, awaited, onShown]);
  if (asked.refused) return <Refused refusal={asked.refused} title={text.cannot} />;
  if (shown === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  return (
    <>
      {asked.unreachable && <Unreachable old />}
      {mayChange && (
        <p class="work-tools">
          <button type="button" class="button" onClick={() => edit("new")}>
            {text.add}
          </button>
          <span role="status">
            {saved !== undefined &&
              (awaited ? text.savedSoon : saved.isNews ? text.saved : text.notNews)}
          </span>
        </p>
      )}
      {mayChange && editing !== undefined && (
        <RowDialog
          key={editing.key}
          list={list}
          columns={shown.columns}
          row={editing.about === "new" ? undefined : editing.about}
          given={wanted === undefined ? undefined : givenAs(list, wanted)}
          onSaved={(next) => {
            setSaved(next);
            close();
          }}
          onClose={close}
        />
      )}
      {shown.rows.length === 0 && <Notice tone="calm" title={text.none} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys too. */}
      <section class="card table-scroll" aria-label={text.names[list]} tabIndex={0}>
        <table class="cards">
          <thead>
            <tr>
              {shown.columns.map((column) => (
                <th key={column} scope="col">
                  {text.columns[column] ?? column}
                </th>
              ))}
              {mayChange && (
                <th scope="col">
                  <span class="visually-hidden">{words.users.actions}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.rows.map((row) => (
              <tr key={`${nameOf(list, row)} ${row["from"]}`}>
                {shown.columns.map((column) => (
                  <td
                    key={column}
                    class={PLAIN.includes(column) ? undefined : "mono"}
                    data-column={column}
                    data-label={column === "name" ? undefined : (text.columns[column] ?? column)}
                  >
                    {cellWord(column, row[column] ?? "")}
                  </td>
                ))}
                {mayChange && (
                  <td>
                    <button
                      type="button"
                      class="button button-quiet"
                      aria-label={`${text.change}: ${nameOf(list, row)}`}
                      onClick={() => edit(changed(list, row))}
                    >
                      {text.change}
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="work-tools">
        {cursors.length > 0 && (
          <button type="button" class="button" onClick={() => setCursors(cursors.slice(0, -1))}>
            {text.back}
          </button>
        )}
        {shown.next !== null && (
          <button
            type="button"
            class="button"
            onClick={() => setCursors([...cursors, shown.next ?? ""])}
          >
            {text.onward}
          </button>
        )}
      </p>
    </>
  );
}

/** What is said of a class anew holds from now on; what was issued since then keeps what it had. */
function changed(list: RegisterList, row: RegisterRow): RegisterRow {
  return list === "documentClasses" ? { ...row, from: "" } : row;
}

/** A page is registered as one of a document. */
function givenAs(list: RegisterList, id: string): RegisterRow {
  return list === "documents" ? { pages: id } : { id };
}

/** Words rather than numbers. */
const PLAIN: readonly string[] = [
  "name",
  "kind",
  "class",
  "pages",
  "step",
  "order",
  "responsible",
  "level",
  "from",
];

function cellWord(column: string, cell: string): string {
  if (cell === "") return "";
  switch (column) {
    case "kind":
      return kindWord(cell);
    case "step":
      return stepWord(cell);
    case "order":
      return (words.scan.orders as Readonly<Record<string, string>>)[cell] ?? cell;
    case "level":
      return levelWord(cell);
    case "from":
      return instantWord(cell, 0);
    case "pages":
      return countWord(cell.split(" ").length);
    default:
      return cell;
  }
}

type Brought =
  | { readonly kind: "nothing" }
  | { readonly kind: "trying" }
  | { readonly kind: "tried"; readonly table: string; readonly answer: Tried }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unreachable" };

function Bringing({ list }: { readonly list: RegisterList }) {
  const [brought, setBrought] = useState<Brought>({ kind: "nothing" });
  const id = useId();
  const text = words.register;

  async function bring(table: string, only?: "preview"): Promise<void> {
    setBrought({ kind: "trying" });
    const body: Body<"register/table"> = { list, table, ...(only !== undefined && { only }) };
    const answer = await tell("register/table", body);
    if (answer.kind === "ok") setBrought({ kind: "tried", table, answer: answer.value });
    else if (answer.kind === "refused") setBrought({ kind: "refused", refusal: answer });
    else setBrought({ kind: "unreachable" });
  }

  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{text.bring}</h2>
      <p class="soft">{text.bringWhat}</p>
      <label for={`${id}-file`}>{text.file}</label>{" "}
      <input
        id={`${id}-file`}
        type="file"
        accept=".csv,text/csv"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file !== undefined) void file.text().then((table) => bring(table, "preview"));
        }}
      />
      <div aria-live="polite">
        {brought.kind === "refused" && <Refused refusal={brought.refusal} title={text.notTaken} />}
        {brought.kind === "unreachable" && <Unreachable old={false} />}
        {brought.kind === "tried" && <Outcome {...brought} onTake={(table) => void bring(table)} />}
      </div>
    </section>
  );
}

function Outcome({
  table,
  answer: { rows, recorded, problems },
  onTake,
}: {
  readonly table: string;
  readonly answer: Tried;
  readonly onTake: (table: string) => void;
}) {
  const text = words.register;
  if (recorded !== null) return <Notice tone="calm" title={text.taken(rows, recorded)} />;
  if (problems.length === 0)
    return (
      <p>
        {text.good(rows)}{" "}
        <button type="button" class="button button-main" onClick={() => onTake(table)}>
          {text.take}
        </button>
      </p>
    );
  return (
    <>
      <Notice tone="warn" title={text.mistakes(problems.length)} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys too. */}
      <section class="table-scroll" aria-label={text.mistakes(problems.length)} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.line}</th>
              <th scope="col">{text.column}</th>
              <th scope="col">{text.what}</th>
            </tr>
          </thead>
          <tbody>
            {problems.map(({ line, column, what }) => (
              <tr key={`${line} ${column} ${what}`}>
                <td>{line}</td>
                <td class="mono">{column}</td>
                <td lang="en">{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
