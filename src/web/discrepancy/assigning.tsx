/** Asks who is to see to discrepancies. Nobody is an answer too: they are then everybody's again. */
import { useEffect, useId, useRef } from "preact/hooks";
import { words } from "../language/spoken.ts";

export function Assigning({
  known,
  usual,
  onAssign,
  onClose,
  children,
}: {
  /** Who sees to others already. */
  readonly known: readonly string[];
  readonly usual: string;
  readonly onAssign: (to: string) => void;
  readonly onClose: () => void;
  readonly children: preact.ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const text = words.assigning;
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    field.current?.select();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={`${id}-title`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onAssign(field.current?.value.trim() ?? "");
        }}
      >
        <h2 id={`${id}-title`}>{text.title}</h2>
        <div class="dialog-what">{children}</div>
        <label for={`${id}-to`}>{text.to}</label>
        <input
          id={`${id}-to`}
          ref={field}
          class="field"
          list={`${id}-known`}
          maxLength={256}
          defaultValue={usual}
          aria-describedby={`${id}-hint`}
        />
        <datalist id={`${id}-known`}>
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <p class="soft" id={`${id}-hint`}>
          {text.nobody}
        </p>
        <div class="dialog-end">
          <button type="button" class="button" onClick={onClose}>
            {words.reason.cancel}
          </button>
          <button type="submit" class="button button-main">
            {text.assign}
          </button>
        </div>
      </form>
    </dialog>
  );
}
