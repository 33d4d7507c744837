/**
 * One row of master data, new or changed. It is brought as a table of one row, so the twin checks it as
 * it checks every table, and what is wrong stands below the field that it is about.
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAnswer } from "../ask.ts";
import { ask, type Refusal, tell } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Refused, Unreachable } from "../parts/notice.tsx";
import type { RegisterList, TableProblem } from "../twin-api.ts";
import { type Field, fieldsOf, type RegisterRow, tableOf, withValue } from "./fields.ts";

export type Saved = {
  /** A list of this position shows it. */
  readonly position: number;
  readonly said: RegisterRow;
  readonly isNews: boolean;
};

/** What the twin merges and does not replace: nothing said is nothing changed. */
const MERGED: readonly RegisterList[] = ["places", "persons", "things"];
const OFFERED_MAX = 500;

export function RowDialog({
  list,
  columns,
  row,
  given,
  onSaved,
  onClose,
}: {
  readonly list: RegisterList;
  readonly columns: readonly string[];
  /** Undefined: a new one. */
  readonly row: RegisterRow | undefined;
  /** What stands in the fields of a new one to begin with. */
  readonly given?: RegisterRow | undefined;
  readonly onSaved: (saved: Saved) => void;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [cells, setCells] = useState<RegisterRow>(row ?? given ?? {});
  const [problems, setProblems] = useState<readonly TableProblem[]>([]);
  const [trouble, setTrouble] = useState<Refusal | "unreachable">();
  const [saving, setSaving] = useState(false);
  const id = useId();
  const text = words.register;
  const fields = fieldsOf(list, columns);

  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setSaving(true);
    setTrouble(undefined);
    // What stands in the fields: a scanner that types and ends with Enter is faster than a redraw.
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const said = Object.fromEntries(columns.map((column) => [column, String(form.get(column))]));
    const answer = await tell("register/table", { list, table: tableOf(columns, said) });
    setSaving(false);
    if (answer.kind !== "ok") return setTrouble(answer.kind === "refused" ? answer : "unreachable");
    const { problems: wrong, recorded, position } = answer.value;
    setProblems(wrong);
    if (recorded !== null) onSaved({ position, said, isNews: recorded > 0 });
  }

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={save}>
        <h2 id={`${id}-title`}>{row === undefined ? text.adding[list] : text.changing[list]}</h2>
        {fields.map((field) => (
          <FieldView
            key={field.column}
            id={`${id}-${field.column}`}
            field={field}
            value={cellOf(field, cells)}
            isFixed={row !== undefined && field.isName}
            problem={problems.find(({ column }) => column === field.column)?.what}
            onSay={(value) => setCells((before) => ({ ...before, [field.column]: value }))}
          />
        ))}
        {list === "ranges" && <p class="soft">{text.rangeLifted}</p>}
        {list === "documentClasses" && <p class="soft">{text.fromNow}</p>}
        {row !== undefined && MERGED.includes(list) && <p class="soft">{text.emptied}</p>}
        <div aria-live="polite">
          {problems
            .filter(({ column }) => !columns.includes(column))
            .map(({ what }) => (
              <p key={what} class="lacks" lang="en">
                {what}
              </p>
            ))}
          {trouble === "unreachable" && <Unreachable old={false} />}
          {trouble !== undefined && trouble !== "unreachable" && (
            <Refused refusal={trouble} title={text.notSaved} />
          )}
        </div>
        <div class="dialog-end">
          <button type="button" class="button" onClick={onClose}>
            {words.reason.cancel}
          </button>
          <button type="submit" class="button button-main" disabled={saving}>
            {saving ? text.saving : text.save}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function cellOf({ column, input, required }: Field, cells: RegisterRow): string {
  const first = input.kind === "choice" && required ? input.all[0]?.value : undefined;
  return cells[column] ?? first ?? "";
}

function FieldView({
  id,
  field: { column, input, required },
  value,
  isFixed,
  problem,
  onSay,
}: {
  readonly id: string;
  readonly field: Field;
  readonly value: string;
  readonly isFixed: boolean;
  readonly problem: string | undefined;
  readonly onSay: (value: string) => void;
}) {
  const common = {
    id,
    name: column,
    value,
    required,
    "aria-invalid": problem !== undefined,
    "aria-describedby": problem === undefined ? undefined : `${id}-problem`,
  } as const;
  return (
    <>
      <label for={id}>{words.register.columns[column] ?? column}</label>
      {input.kind === "choice" ? (
        <select {...common} class="field" onChange={(event) => onSay(event.currentTarget.value)}>
          {withValue(input.all, value).map((one) => (
            <option key={one.value} value={one.value}>
              {one.word}
            </option>
          ))}
        </select>
      ) : input.kind === "texts" ? (
        <textarea
          {...common}
          class="field mono"
          rows={4}
          onInput={(event) => onSay(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          class={input.kind === "text" && !input.mono ? "field" : "field mono"}
          readOnly={isFixed}
          maxLength={512}
          list={input.kind === "other" && !isFixed ? `${id}-offered` : undefined}
          onInput={(event) => onSay(event.currentTarget.value)}
        />
      )}
      {input.kind === "other" && !isFixed && <Offered id={`${id}-offered`} list={input.list} />}
      {problem !== undefined && (
        <p class="lacks" id={`${id}-problem`} role="alert" lang="en">
          {problem}
        </p>
      )}
    </>
  );
}

/** What the other list has, to choose from; anything else may be typed or scanned. */
function Offered({ id, list }: { readonly id: string; readonly list: RegisterList }) {
  const { value } = useAnswer(`offered ${list}`, (signal) =>
    ask("register", { list, limit: OFFERED_MAX }, signal),
  );
  return (
    <datalist id={id}>
      {(value?.rows ?? []).map((row) => (
        <option key={row["id"]} value={row["id"]}>
          {row["name"]}
        </option>
      ))}
    </datalist>
  );
}
