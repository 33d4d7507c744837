/**
 * Chooses the instant that the page shows: now, or "as it was at". The slider runs from the first
 * known move to now; the marks are the moves.
 */
import type { History } from "../api.ts";
import { useNow } from "../ask.ts";
import { Sign } from "../parts/icon.tsx";
import { go, itemAddress } from "../route.ts";
import { fromLocalInput, instantWord, toLocalInput } from "../when.ts";

const STEPS = 1_000;

export function TimeControl({
  history,
  at,
}: {
  readonly history: History;
  readonly at: string | undefined;
}) {
  const now = useNow(1_000);
  const changes = history.moves.flatMap(({ from }) => (from === null ? [] : [Date.parse(from)]));
  const first = changes[0];
  if (first === undefined) return null;
  const span = Math.max(1, now - first);
  const atMs = at === undefined ? now : Date.parse(at);
  const earlier = changes.findLast((ms) => ms < (at === undefined ? (changes.at(-1) ?? 0) : atMs));
  const later = at === undefined ? undefined : changes.find((ms) => ms > atMs);

  const show = (ms: number | undefined) =>
    go(itemAddress(history.key, ms === undefined ? undefined : isoOf(ms)), "replace");

  return (
    <section class={at === undefined ? "time" : "time time-past"} aria-label="As it was at">
      <div class="time-head">
        <strong>{at === undefined ? "Now" : `As it was at ${instantWord(at, now)}`}</strong>
        <button
          type="button"
          class="button button-icon"
          aria-label="The change before"
          disabled={earlier === undefined}
          onClick={() => show(earlier)}
        >
          <Sign name="back" />
        </button>
        <button
          type="button"
          class="button button-icon"
          aria-label="The change after"
          disabled={at === undefined}
          onClick={() => show(later)}
        >
          <Sign name="forward" />
        </button>
        <input
          type="datetime-local"
          step="1"
          aria-label="Date and time"
          value={toLocalInput(atMs)}
          onChange={(event) => {
            const chosen = fromLocalInput(event.currentTarget.value);
            if (chosen !== undefined) show(Date.parse(chosen));
          }}
        />
        <button
          type="button"
          class="button"
          disabled={at === undefined}
          onClick={() => show(undefined)}
        >
          Back to now
        </button>
      </div>
      <div class="time-line">
        <svg viewBox={`0 0 ${STEPS} 10`} preserveAspectRatio="none" aria-hidden="true">
          {changes.map((ms) => {
            const x = ((ms - first) / span) * STEPS;
            return <line key={ms} x1={x} x2={x} y1="0" y2="10" />;
          })}
        </svg>
        <input
          type="range"
          min="0"
          max={STEPS}
          value={Math.round(((atMs - first) / span) * STEPS)}
          aria-label="Instant between the first move and now"
          aria-valuetext={at === undefined ? "now" : instantWord(at, now)}
          onInput={(event) => {
            const step = event.currentTarget.valueAsNumber;
            show(step >= STEPS ? undefined : Math.round(first + (step / STEPS) * span));
          }}
        />
      </div>
    </section>
  );
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
