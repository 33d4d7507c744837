/** A few words of which one is chosen. Radio buttons underneath, so that arrow keys move between them. */
import { useId } from "preact/hooks";

export function Choices<T extends string>({
  label,
  all,
  chosen,
  onChoose,
}: {
  readonly label: string;
  readonly all: readonly { readonly value: T; readonly word: string }[];
  readonly chosen: string;
  readonly onChoose: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="chips">
      <legend class="visually-hidden">{label}</legend>
      {all.map(({ value, word }) => (
        <label key={value} class="chip">
          <input
            type="radio"
            name={name}
            checked={value === chosen}
            onChange={() => onChoose(value)}
          />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
