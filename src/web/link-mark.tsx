/** Whether the page is in step with the twin, said honestly: live, or lost and since when. */
import { useLinkState, useNow } from "./ask.ts";
import { instantWord, spanWord } from "./when.ts";

export function LinkMark() {
  const state = useLinkState();
  const now = useNow(1_000);
  switch (state.kind) {
    case "connecting":
      return (
        <p class="link link-connecting" role="status">
          <i />
          <span>Connecting</span>
        </p>
      );
    case "live":
      return (
        <p class="link link-live" role="status" title="Events are shown as the twin takes them in.">
          <i />
          <span>Live</span>
        </p>
      );
    case "lost": {
      const heard = state.heardMs === undefined ? undefined : new Date(state.heardMs).toISOString();
      return (
        <p class="link link-lost">
          <i />
          <span>
            <span role="status">Reconnecting</span>
            {heard !== undefined && (
              <span class="link-since">
                {" "}
                as of {instantWord(heard, now)}, {spanWord(now - Date.parse(heard))} old
              </span>
            )}
          </span>
        </p>
      );
    }
  }
}
