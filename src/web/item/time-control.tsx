/**
 * Chooses the instant that the page shows on both axes: the moment asked about, and with the switch
 * what the twin had heard by then. The slider runs from the first known move to now; its marks are
 * the moves.
 */
import { useNow } from "../ask.ts";
import type { Reply } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { type Axes, go, itemAddress } from "../route.ts";
import type { Where } from "../twin-api.ts";
import { fromLocalInput, instantWord, toLocalInput } from "../when.ts";
import { Hindsight } from "./hindsight.tsx";

const STEPS = 1_000;

export function TimeControl({
  history,
  where,
  axes,
}: {
  readonly history: Reply<"history">;
  readonly where: Where | undefined;
  readonly axes: Axes;
}) {
  const now = useNow(1_000);
  const { at, asKnownAt } = axes;
  const changes = history.moves.flatMap(({ from }) => (from === null ? [] : [Date.parse(from)]));
  const first = changes[0] ?? (at === undefined ? undefined : Date.parse(at));
  if (first === undefined) return null;
  const span = Math.max(1, now - first);
  const atMs = at === undefined ? now : Date.parse(at);
  const earlier = changes.findLast((ms) => ms < (at === undefined ? (changes.at(-1) ?? 0) : atMs));
  const later = at === undefined ? undefined : changes.find((ms) => ms > atMs);

  const show = (next: Axes) => go(itemAddress(history.key, next), "replace");

  /** What was known "then" goes along with the moment, unless it was chosen for itself. */
  function showAt(ms: number | undefined): void {
    const next = ms === undefined ? undefined : isoOf(ms);
    show({ at: next, asKnownAt: asKnownAt === at ? next : asKnownAt });
  }

  return (
    <section class={at === undefined ? "time" : "time time-past"} aria-label={words.axes.label}>
      <div class="time-head">
        <strong>{at === undefined ? words.axes.now : words.axes.at(instantWord(at, now))}</strong>
        <button
          type="button"
          class="button button-icon"
          aria-label={words.axes.before}
          disabled={earlier === undefined}
          onClick={() => showAt(earlier)}
        >
          <Sign name="back" />
        </button>
        <button
          type="button"
          class="button button-icon"
          aria-label={words.axes.after}
          disabled={at === undefined}
          onClick={() => showAt(later)}
        >
          <Sign name="forward" />
        </button>
        <Moment label={words.axes.date} ms={atMs} onChoose={showAt} />
        <button
          type="button"
          class="button"
          disabled={at === undefined}
          onClick={() => show({ at: undefined, asKnownAt: undefined })}
        >
          {words.axes.toNow}
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
          aria-label={words.axes.slider}
          aria-valuetext={at === undefined ? words.axes.now : instantWord(at, now)}
          onInput={(event) => {
            const step = event.currentTarget.valueAsNumber;
            showAt(step >= STEPS ? undefined : Math.round(first + (step / STEPS) * span));
          }}
        />
      </div>
      {at !== undefined && (
        <div class="time-known">
          <label class="switch" title={words.axes.asKnownWhy}>
            <input
              type="checkbox"
              role="switch"
              checked={asKnownAt !== undefined}
              aria-checked={asKnownAt !== undefined}
              onChange={(event) =>
                show({ at, asKnownAt: event.currentTarget.checked ? at : undefined })
              }
            />
            <span>{words.axes.asKnown}</span>
          </label>
          {asKnownAt !== undefined && (
            <span class="time-known-at">
              <span aria-hidden="true">{words.axes.knownAt}</span>
              <Moment
                label={words.axes.knownAt}
                ms={Date.parse(asKnownAt)}
                onChoose={(ms) => show({ at, asKnownAt: isoOf(ms) })}
              />
            </span>
          )}
        </div>
      )}
      {asKnownAt !== undefined && <Hindsight id={history.key} axes={axes} then={where} />}
    </section>
  );
}

function Moment({
  label,
  ms,
  onChoose,
}: {
  readonly label: string;
  readonly ms: number;
  readonly onChoose: (ms: number) => void;
}) {
  return (
    <input
      type="datetime-local"
      step="1"
      aria-label={label}
      title={label}
      value={toLocalInput(ms)}
      onChange={(event) => {
        const chosen = fromLocalInput(event.currentTarget.value);
        if (chosen !== undefined) onChoose(Date.parse(chosen));
      }}
    />
  );
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
