/** The names of things of which an answer gives only the keys, such as who did something. */
import { idOf, where } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { LATEST } from "../route.ts";
import { isKey } from "../thing.ts";

/** By key; what has no name, or is not known yet, is absent. */
export function useNames(keys: readonly string[]): ReadonlyMap<string, string> {
  const asked = [...new Set(keys)].filter(isKey).toSorted();
  const question = asked.length === 0 ? undefined : `names ${asked.join()}`;
  const { value } = useAnswer(question, async (signal) => {
    const answers = await Promise.all(asked.map((key) => where(idOf(key), LATEST, signal)));
    const named = answers.flatMap((answer) =>
      answer.kind === "ok" && answer.value.name ? [[answer.value.key, answer.value.name]] : [],
    );
    return { kind: "ok", value: new Map(named as [string, string][]) };
  });
  return value ?? new Map();
}
