/** Numbers for new labels: what for and how many. Asked again after a lost answer, the same are given. */
import { useRef, useState } from "preact/hooks";
import { mintKey } from "../deeds.ts";
import type { Answer } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { kindWord } from "../words.ts";
import { type Asked, type Choices, type LabelKind, number } from "./label-answers.ts";

const PLACES: readonly LabelKind[] = ["shelf", "rack", "desk", "room"];
const COUNT_MAX = 500;

export function Numbering({
  kinds,
  parent: usualParent,
  onNumbered,
}: {
  readonly kinds: Choices["kinds"];
  readonly parent: string;
  readonly onNumbered: (allocation: string) => void;
}) {
  const [kind, setKind] = useState<LabelKind>(usualParent === "" ? "document" : "shelf");
  const [count, setCount] = useState(1);
  const [parent, setParent] = useState(usualParent);
  const [name, setName] = useState("");
  const [of, setOf] = useState("");
  const [answer, setAnswer] = useState<Exclude<Answer<unknown>, { kind: "ok" }>>();
  const [sending, setSending] = useState(false);
  const key = useRef({ said: "", key: "" });
  const isPlace = PLACES.includes(kind);
  const chosen = kinds.find((one) => one.kind === kind);

  async function ask(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    // What stands in the fields: a scanner that types and ends with Enter is faster than a redraw.
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (column: string) => String(form.get(column) ?? "").trim();
    const many = Number(field("count")) || 1;
    const asked: Asked = {
      kind,
      count: many,
      ...(kind === "document" && { document: field("document") }),
      ...(kind === "document" && field("class") !== "" && { class: field("class") }),
      ...(isPlace && { parent: field("parent") }),
      ...(many === 1 && field("name") !== "" && { name: field("name") }),
    };
    const said = JSON.stringify(asked);
    // A new request has a new key; the same one, not answered, keeps its own.
    if (key.current.said !== said) key.current = { said, key: mintKey() };
    setSending(true);
    const given = await number(asked, key.current.key);
    setSending(false);
    setAnswer(given.kind === "ok" ? undefined : given);
    if (given.kind !== "ok") return;
    key.current = { said: "", key: "" };
    onNumbered(given.value.id);
  }

  return (
    <form class="labels-fields" onSubmit={ask}>
      <label>
        {words.labels.kind}
        <select
          class="field"
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as LabelKind)}
        >
          {kinds.map((one) => (
            <option key={one.kind} value={one.kind}>
              {kindWord(one.kind as Exclude<LabelKind, "document">)}
            </option>
          ))}
        </select>
      </label>
      {kind === "document" && (
        <>
          <label>
            {words.labels.document}
            <input
              class="field"
              name="document"
              required
              maxLength={256}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </label>
          <label>
            {words.labels.class}
            <input
              class="field"
              name="class"
              maxLength={256}
              value={of}
              onInput={(event) => setOf(event.currentTarget.value)}
            />
          </label>
        </>
      )}
      {isPlace && (
        <label>
          {words.labels.parent}
          <input
            class="field mono"
            name="parent"
            required
            value={parent}
            onInput={(event) => setParent(event.currentTarget.value)}
          />
        </label>
      )}
      <label>
        {kind === "document" ? words.labels.pages : words.labels.count}
        <input
          class="field"
          type="number"
          name="count"
          min={1}
          max={COUNT_MAX}
          required
          value={count}
          onInput={(event) => setCount(event.currentTarget.valueAsNumber || 1)}
        />
      </label>
      {kind !== "document" && kind !== "page" && count === 1 && (
        <label>
          {words.labels.name}
          <input
            class="field"
            name="name"
            maxLength={256}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
      )}
      {chosen?.ready === false && (
        <Notice tone="warn" title={words.labels.notReady}>
          <p>{chosen.detail}</p>
        </Notice>
      )}
      <button type="submit" class="button button-main" disabled={sending || !chosen?.ready}>
        {sending ? words.labels.numbering : words.labels.number}
      </button>
      {answer?.kind === "refused" && <Refused refusal={answer} title={words.labels.notNumbered} />}
      {answer?.kind === "unreachable" && <Unreachable old={false} />}
    </form>
  );
}
