/**
 * Whether the page is in step with the twin, said honestly: live, or lost and since when. While it is
 * lost a strip over every page says of which moment the page is.
 */
import { useLinkState, useNow } from "./ask.ts";
import { Sign } from "./parts/icon.tsx";
import { instantWord, spanWord } from "./when.ts";

const WORDS = { connecting: "Connecting", live: "Live", lost: "Reconnecting" } as const;

export function LinkMark() {
  const { kind } = useLinkState();
  return (
    <p class={`link link-${kind}`} role="status">
      <i />
      <span>{WORDS[kind]}</span>
    </p>
  );
}

export function LostStrip() {
  const state = useLinkState();
  const now = useNow(1_000);
  if (state.kind !== "lost") return null;
  if (state.heardMs === undefined)
    return (
      <p class="strip">
        <Sign name="alert" />
        Not live: there is no connection to the twin.
      </p>
    );
  const heard = new Date(state.heardMs).toISOString();
  const age = spanWord(now - state.heardMs);
  return (
    <p class="strip">
      <Sign name="alert" />
      <span>
        Not live. This is as of <b>{instantWord(heard, now)}</b>
        {age === "now" ? "" : `, ${age} ago`}.
      </span>
    </p>
  );
}
