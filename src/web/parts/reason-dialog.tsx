/**
 * Asks for the reason and the name before something is stated that stays on record. A browser's own
 * dialog: it keeps the focus inside, and Escape leaves it.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { useMay, useSession } from "../session.ts";

export type Word = { readonly reason: string; readonly by: string };

export function ReasonDialog({
  title,
  suggestions,
  confirm,
  wants = "reason",
  onConfirm,
  onClose,
  children,
}: {
  readonly title: string;
  /** Usual reasons; one tap fills the field. */
  readonly suggestions: readonly string[];
  readonly confirm: string;
  /** Besides the name: a reason, a reason if there is one, or nothing. */
  readonly wants?: "reason" | "maybe" | "nothing";
  readonly onConfirm: (word: Word) => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const [reason, setReason] = useState("");
  const session = useSession();
  const self = session.kind === "known" ? session.person.person : "";
  // Who only states what they did does so in their own name; the twin sees to it.
  const mayNameOthers = useMay("archivist");
  const [by, setBy] = useState(self);
  const [tried, setTried] = useState(false);
  const id = useId();
  const lacks = {
    reason: tried && wants === "reason" && reason.trim() === "",
    by: tried && by.trim() === "",
  };

  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    (field.current ?? name.current)?.focus();
    // Closing gives the focus back to where it came from; being taken away would not.
    return () => shown?.close();
  }, []);

  function onSubmit(event: Event): void {
    event.preventDefault();
    setTried(true);
    // What stands in the fields: who types and presses Enter at once is faster than a redraw.
    const said = (input: typeof field | typeof name) => input.current?.value.trim();
    const word = { reason: said(field) ?? "", by: said(name) ?? self };
    if (word.by === "" || (wants === "reason" && word.reason === "")) return;
    onConfirm(word);
  }

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <h2 id={`${id}-title`}>{title}</h2>
        <div class="dialog-what">{children}</div>
        {wants !== "nothing" && (
          <>
            <label for={`${id}-reason`}>
              {wants === "maybe" ? words.reason.optional : words.reason.label}
            </label>
            <div class="suggestions">
              {suggestions.map((one) => (
                <button
                  key={one}
                  type="button"
                  class="button button-quiet"
                  aria-pressed={reason === one}
                  onClick={() => setReason(one)}
                >
                  {one}
                </button>
              ))}
            </div>
            <textarea
              id={`${id}-reason`}
              ref={field}
              class="field"
              rows={2}
              maxLength={1_024}
              aria-invalid={lacks.reason}
              aria-describedby={lacks.reason ? `${id}-reason-lacks` : undefined}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
            {lacks.reason && (
              <p class="lacks" id={`${id}-reason-lacks`} role="alert">
                {words.reason.required}
              </p>
            )}
          </>
        )}
        {mayNameOthers ? (
          <>
            <label for={`${id}-by`}>{words.reason.by}</label>
            <input
              id={`${id}-by`}
              ref={name}
              class="field"
              type="text"
              autoComplete="name"
              maxLength={256}
              aria-invalid={lacks.by}
              aria-describedby={lacks.by ? `${id}-by-lacks` : undefined}
              value={by}
              onInput={(event) => setBy(event.currentTarget.value)}
            />
          </>
        ) : (
          <p class="soft">{words.reason.inTheNameOf(self)}</p>
        )}
        {lacks.by && (
          <p class="lacks" id={`${id}-by-lacks`} role="alert">
            {words.reason.name}
          </p>
        )}
        <div class="dialog-end">
          <button type="button" class="button" onClick={onClose}>
            {words.reason.cancel}
          </button>
          <button type="submit" class="button button-main">
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
