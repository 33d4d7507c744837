/** Narrows the work queue: to a place, to what is older than some days, to what one person sees to. */
import { useId, useRef } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";

export const AGES = ["", "1", "7", "30"] as const;

export function Filters({
  place,
  age,
  assignee,
  onShow,
}: {
  readonly place: string;
  /** In days; empty: of any age. */
  readonly age: (typeof AGES)[number];
  readonly assignee: string;
  readonly onShow: (next: Readonly<Record<string, string>>) => void;
}) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const said = words.assigning;
  return (
    <>
      <select
        class="field work-kind"
        aria-label={said.age}
        value={age}
        onChange={(event) => onShow({ age: event.currentTarget.value })}
      >
        {AGES.map((one) => (
          <option key={one} value={one}>
            {one === "" ? said.anyAge : said.olderThan(Number(one))}
          </option>
        ))}
      </select>
      <form
        class="work-place"
        onSubmit={(event) => {
          event.preventDefault();
          onShow({ place: field.current?.value.trim() ?? "" });
        }}
      >
        <label class="visually-hidden" for={id}>
          {said.place}
        </label>
        <input
          id={id}
          class="field work-kind"
          type="search"
          placeholder={said.place}
          ref={field}
          defaultValue={place}
          // A search field that was emptied by its cross asks for everything again.
          onChange={(event) => onShow({ place: event.currentTarget.value.trim() })}
        />
      </form>
      {assignee !== "" && (
        <button type="button" class="button" onClick={() => onShow({ assignee: "" })}>
          {said.only(assignee)} <Sign name="close" />
        </button>
      )}
    </>
  );
}
