/** How certain the twin is, by sign and word, and why in a sentence. */
import { CertaintyIcon } from "../parts/icon.tsx";
import type { Certainty } from "../twin-api.ts";
import { certaintyWord } from "../words.ts";

export function CertaintyWord({ certainty }: { readonly certainty: Certainty }) {
  const { word, why } = certaintyWord(certainty);
  return (
    <span class={`certainty certainty-${certainty}`} title={why}>
      <CertaintyIcon certainty={certainty} />
      {word}
    </span>
  );
}
