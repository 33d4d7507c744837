/** A label that no camera and no scanner reads can still be typed from its print. */
import { useId, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { asScanned } from "./code.ts";

export function TypedCode({ onScan }: { readonly onScan: (text: string) => void }) {
  const [text, setText] = useState("");
  const id = useId();
  return (
    <form
      class="scan-typed"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === "") return;
        onScan(asScanned(text));
        setText("");
      }}
    >
      <label for={id}>{words.scan.typed}</label>
      <input
        id={id}
        value={text}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit">{words.scan.take}</button>
    </form>
  );
}
