/** What labels need to know of things: whether a key is known at all, and what people call it. */
import type { Answers, Named } from "./answers.ts";

export type LabelNames = ReturnType<typeof openLabelNames>;

export function openLabelNames({ within }: Answers) {
  const { find, named, worldAsOf, positionAt } = within;
  return {
    /** Any barcode form. Undefined: it was never met, and nobody registered it. */
    named(id: string): Named | undefined {
      const found = find(id);
      if (typeof found !== "number") return undefined;
      return named(worldAsOf(undefined, positionAt(undefined)).past, found);
    },
    isKnown: (key: string): boolean => typeof find(key) === "number",
  };
}
