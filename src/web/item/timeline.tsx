/** Where a thing has been, the newest first. Each stay leads to the twin as it was then. */
import type { History, Move } from "../api.ts";
import { useNow } from "../ask.ts";
import { CertaintyIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { itemAddress } from "../route.ts";
import { isKey, serialOf } from "../thing.ts";
import { lastedWord } from "../when.ts";
import { certaintyWord, plural, stepWord } from "../words.ts";
import { useNames } from "./names.ts";

export function Timeline({
  history,
  at,
}: {
  readonly history: History;
  readonly at: string | undefined;
}) {
  const now = useNow(10_000);
  const moves = history.moves.toReversed();
  const names = useNames(moves.flatMap(({ by }) => (by ? [by] : [])));
  const current = moves.find((move) => holdsAt(move, at));
  return (
    <section class="card" aria-labelledby="timeline">
      <h2 id="timeline">
        History <span class="count">{plural(moves.length, "stay")}</span>
      </h2>
      {moves.length === 0 && <p class="soft">No move was recorded.</p>}
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
                  <span class="soft">From the beginning</span>
                ) : (
                  <a
                    href={itemAddress(history.key, move.from)}
                    title="See everything as it was then"
                  >
                    <Instant at={move.from} now={now} />
                  </a>
                )}
                {move.bizStep && <strong>{stepWord(move.bizStep)}</strong>}
                {move.by && <By by={move.by} name={names.get(move.by)} />}
                <span class="timeline-span soft">{spanOf(move)}</span>
              </p>
              <p>
                <PathWords path={pathOf(move)} levels={4} at={move.from ?? undefined} />
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function spanOf({ from, to }: Move): string {
  if (to === null) return "until now";
  return from === null ? "" : `for ${lastedWord(Date.parse(to) - Date.parse(from))}`;
}

/** An operator is a key when the badge was scanned, else what the scanner was set to. */
function By({ by, name }: { readonly by: string; readonly name: string | undefined }) {
  return (
    <span class="soft">
      by {isKey(by) ? <a href={itemAddress(by)}>{name ?? serialOf(by)}</a> : by}
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
