/** Where a thing has been, the newest first. Each stay leads to the twin as it was then. */
import { useNow } from "../ask.ts";
import type { Reply } from "../http.ts";
import { words } from "../language/spoken.ts";
import { CertaintyIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { type Axes, itemAddress } from "../route.ts";
import { isKey, serialOf } from "../thing.ts";
import type { Move } from "../twin-api.ts";
import { instantWord, lastedWord, spanWord } from "../when.ts";
import { certaintyWord, stepWord } from "../words.ts";
import { EvidenceList } from "./evidence.tsx";
import { useNames } from "./names.ts";

/** Scans need a moment to arrive; what needs longer is worth saying. */
const LATE_MS_MIN = 120_000;

export function Timeline({
  history,
  axes,
}: {
  readonly history: Reply<"history">;
  readonly axes: Axes;
}) {
  const now = useNow(10_000);
  const moves = history.moves.toReversed();
  const names = useNames(moves.flatMap(({ by }) => (by ? [by] : [])));
  const current = moves.find((move) => holdsAt(move, axes.at));
  return (
    <section class="card" aria-labelledby="timeline">
      <h2 id="timeline">
        {words.item.history} <span class="count">{words.item.stays(moves.length)}</span>
      </h2>
      {moves.length === 0 && <p class="soft">{words.item.noMove}</p>}
      <ol class="timeline">
        {moves.map((move) => (
          <li
            key={`${move.from} ${move.parent?.key}`}
            aria-current={move === current ? "time" : undefined}
          >
            <span class="timeline-mark" title={certaintyWord(move.certainty).word}>
              <CertaintyIcon certainty={move.certainty} />
              <span class="visually-hidden">{certaintyWord(move.certainty).word}</span>
            </span>
            <div>
              <p class="timeline-head">
                {move.from === null ? (
                  <span class="soft">{words.item.beginning}</span>
                ) : (
                  <a
                    href={itemAddress(history.key, { ...axes, at: move.from })}
                    title={words.item.seeThen}
                  >
                    <Instant at={move.from} now={now} zoned />
                  </a>
                )}
                {move.bizStep && <strong>{stepWord(move.bizStep)}</strong>}
                {move.by && <By by={move.by} name={names.get(move.by)} />}
                <Late move={move} now={now} />
                <span class="timeline-span soft">{spanOf(move)}</span>
              </p>
              <p>
                <PathWords
                  path={pathOf(move)}
                  levels={4}
                  axes={{ ...axes, at: move.from ?? undefined }}
                />
              </p>
              <EvidenceList evidence={move.evidence} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The other axis: when the twin heard of it, where that was not at once. */
function Late({ move: { from, knownFrom }, now }: { readonly move: Move; readonly now: number }) {
  if (from === null || !knownFrom) return null;
  const lateMs = Date.parse(knownFrom) - Date.parse(from);
  if (lateMs < LATE_MS_MIN) return null;
  return (
    <span class="tag" title={words.item.learned(instantWord(knownFrom, now))}>
      {words.item.learnedLate(spanWord(lateMs))}
    </span>
  );
}

function spanOf({ from, to }: Move): string {
  if (to === null) return words.item.untilNow;
  return from === null ? "" : words.item.lasted(lastedWord(Date.parse(to) - Date.parse(from)));
}

/** An operator is a key when the badge was scanned, else what the scanner was set to. */
function By({ by, name }: { readonly by: string; readonly name: string | undefined }) {
  return (
    <span class="soft">
      {words.item.by} {isKey(by) ? <a href={itemAddress(by)}>{name ?? serialOf(by)}</a> : by}
    </span>
  );
}

function pathOf(move: Move) {
  return move.path.length > 0 || move.parent === null ? move.path : [move.parent];
}

function holdsAt(move: Move, at: string | undefined): boolean {
  if (at === undefined) return move.to === null;
  const ms = Date.parse(at);
  const begun = move.from === null || Date.parse(move.from) <= ms;
  return begun && (move.to === null || ms < Date.parse(move.to));
}
