/** Beside what was believed then: whether the twin says the same of that moment today. */
import { idOf, where } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { PathWords } from "../parts/path-words.tsx";
import type { Axes } from "../route.ts";
import type { Where } from "../twin-api.ts";

export function Hindsight({
  id,
  axes: { at },
  then,
}: {
  readonly id: string;
  readonly axes: Axes;
  readonly then: Where | undefined;
}) {
  const today = { at, asKnownAt: undefined };
  const { value } = useAnswer(`where ${id} ${at}`, (signal) => where(idOf(id), today, signal));
  if (value === undefined || then === undefined) return null;
  if (placeOf(value) === placeOf(then)) return <p class="hindsight soft">{words.axes.same}</p>;
  return (
    <p class="hindsight">
      {words.axes.other} <PathWords path={value.path} levels={3} axes={today} />
    </p>
  );
}

function placeOf({ path, lastKnown, state, certainty }: Where): string {
  const keys = [...path, ...(lastKnown ?? [])].map(({ key }) => key);
  return [state, certainty, ...keys].join(" ");
}
