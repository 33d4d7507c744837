/** The languages of the page, each by its own name. */
import { LANGUAGES, type Language, words } from "./language/spoken.ts";

export function Languages({ onChoose }: { readonly onChoose: (language: Language) => void }) {
  return (
    <nav class="languages" aria-label={words.frame.language}>
      {LANGUAGES.map(({ code, name }) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={name === words.name}
          onClick={() => onChoose(code)}
        >
          {name}
        </button>
      ))}
    </nav>
  );
}
