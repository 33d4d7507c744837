/**
 * Whether the page is in step with the twin, said honestly: live, or lost and since when. While it is
 * lost a strip over every page says of which moment the page is.
 */
import { useLinkState, useNow } from "./ask.ts";
import { words } from "./language/spoken.ts";
import { Sign } from "./parts/icon.tsx";
import { useSession } from "./session.ts";
import { instantWord, spanWord } from "./when.ts";

export function LinkMark() {
  const { kind } = useLinkState();
  // Nobody is told anything yet, live or not.
  if (useSession().kind === "nobody") return null;
  return (
    <p class={`link link-${kind}`} role="status">
      <i />
      <span>{words.link[kind]}</span>
    </p>
  );
}

export function LostStrip() {
  const state = useLinkState();
  const now = useNow(1_000);
  const isNobody = useSession().kind === "nobody";
  if (state.kind !== "lost" || isNobody) return null;
  if (state.heardMs === undefined)
    return (
      <p class="strip">
        <Sign name="alert" />
        {words.link.never}
      </p>
    );
  const heard = new Date(state.heardMs).toISOString();
  const age = spanWord(now - state.heardMs);
  return (
    <p class="strip">
      <Sign name="alert" />
      <span>
        {words.link.asOf} <b>{instantWord(heard, now)}</b>
        {now - state.heardMs < 2_000 ? "" : `, ${words.link.ago(age)}`}.
      </span>
    </p>
  );
}
