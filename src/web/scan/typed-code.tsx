/** A label that no camera and no scanner reads can still be typed from its print. */
import { useId, useRef } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { asScanned } from "./code.ts";

export function TypedCode({ onScan }: { readonly onScan: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  return (
    <form
      class="scan-typed"
      onSubmit={(event) => {
        event.preventDefault();
        // What stands in the field: what types and ends with Enter is faster than a redraw.
        const field = input.current;
        if (field === null || field.value.trim() === "") return;
        onScan(asScanned(field.value));
        field.value = "";
      }}
    >
      <label for={id}>{words.scan.typed}</label>
      <input
        id={id}
        ref={input}
        class="field"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
      />
      <button type="submit" class="button">
        {words.scan.take}
      </button>
    </form>
  );
}
