/** Beside what was believed then: whether the twin says the same of that moment today, and if not, what else. */
import { idOf, where } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { PathWords } from "../parts/path-words.tsx";
import type { Axes } from "../route.ts";
import type { Where } from "../twin-api.ts";
import { stateWord } from "../words.ts";
import { CertaintyWord } from "./certainty.tsx";
import { type Difference, differences } from "./differences.ts";

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
  const differs = differences(then, value);
  if (differs.size === 0) return <p class="hindsight soft">{words.axes.same}</p>;
  return (
    <p class="hindsight">
      {words.axes.other} <Said today={value} differs={differs} axes={today} />
    </p>
  );
}

/** Only what is said otherwise: that a place is unknown is nothing new beside "place unknown". */
function Said({
  today: { path, lastKnown, state, certainty },
  differs,
  axes,
}: {
  readonly today: Where;
  readonly differs: ReadonlySet<Difference>;
  readonly axes: Axes;
}) {
  const hasPath = differs.has("path") && path.length > 0;
  return (
    <>
      {hasPath && <PathWords path={path} levels={3} axes={axes} />}{" "}
      {!hasPath && (differs.has("path") || differs.has("state")) && <span>{stateWord(state)}</span>}{" "}
      {differs.has("lastKnown") &&
        !hasPath &&
        (lastKnown === null || lastKnown.length === 0 ? (
          <span>{words.documents.neverSeen}</span>
        ) : (
          <span>
            {words.documents.lastKnown} <PathWords path={lastKnown} levels={3} axes={axes} />
          </span>
        ))}{" "}
      {differs.has("certainty") && <CertaintyWord certainty={certainty} />}
    </>
  );
}
