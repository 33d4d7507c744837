/**
 * The feed as a list. It stands still while a person points at it, reads it by keyboard, or asks it
 * to; what came meanwhile is counted. A screen reader hears a summary now and then, since a row at a
 * time would never let it finish.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLinkState } from "./ask.ts";
import { after, every } from "./clock.ts";
import { type Choice, choiceOf, type Feed } from "./feed.ts";
import { FeedRowView } from "./feed-row.tsx";
import { type FeedStore, useFeed } from "./feed-store.ts";
import { words } from "./language/spoken.ts";
import { Sign } from "./parts/icon.tsx";
import { Notice } from "./parts/notice.tsx";
import { thingWord } from "./words.ts";

const CHOICES: readonly Choice[] = ["moves", "scans", "readings", "problems"];
const SUMMARY_MS = 8_000;
const SETTLE_MS = 1_500;

export function FeedList({ store }: { readonly store: FeedStore }) {
  const feed = useFeed(store);
  const link = useLinkState();
  const [held, setHeld] = useState(false);
  const [pointed, setPointed] = useState(false);
  const [frozen, setFrozen] = useState<Feed>();
  const [left, setLeft] = useState<ReadonlySet<Choice>>(new Set());
  const [settled, setSettled] = useState(false);
  const still = held || pointed;

  useEffect(() => after(SETTLE_MS, () => setSettled(true)), []);

  const shown = frozen ?? feed;
  const waiting = feed.nextN - shown.nextN;
  const rows = shown.rows.filter((row) => {
    const choice = choiceOf(row);
    return choice === undefined || !left.has(choice);
  });

  /** What stands still is what there is at this moment, not what there is once it is drawn. */
  function stand(next: { readonly held: boolean; readonly pointed: boolean }): void {
    setHeld(next.held);
    setPointed(next.pointed);
    setFrozen(next.held || next.pointed ? (frozen ?? store.feed()) : undefined);
  }

  function toggle(choice: Choice): void {
    const next = new Set(left);
    if (!next.delete(choice)) next.add(choice);
    setLeft(next);
  }

  return (
    <section class="feed" aria-label={words.live.feed}>
      <div class="feed-tools">
        <fieldset class="chips">
          <legend class="visually-hidden">{words.live.shown}</legend>
          {CHOICES.map((choice) => (
            <label key={choice} class="chip">
              <input type="checkbox" checked={!left.has(choice)} onChange={() => toggle(choice)} />
              <span>{words.live[choice]}</span>
            </label>
          ))}
        </fieldset>
        <span class="feed-waiting soft">
          {still && (waiting > 0 ? words.live.fresh(waiting) : held ? "" : words.live.still)}
        </span>
        <button
          type="button"
          class="button"
          aria-pressed={held}
          onClick={() => stand({ held: !held, pointed })}
        >
          <Sign name={held ? "play" : "pause"} />
          {held ? words.live.resume : words.live.pause}
        </button>
      </div>
      <Summary store={store} silent={still} />
      {rows.length === 0 ? (
        <Empty link={link.kind} filtered={shown.rows.length > 0} />
      ) : (
        <ol
          class={settled ? "feed-rows feed-settled" : "feed-rows"}
          onPointerEnter={(event) => stand({ held, pointed: event.pointerType === "mouse" })}
          onPointerLeave={() => stand({ held, pointed: false })}
          onFocusIn={() => stand({ held, pointed: true })}
          onFocusOut={() => stand({ held, pointed: false })}
        >
          {rows.map((row) => (
            <FeedRowView key={row.n} row={row} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Empty({ link, filtered }: { readonly link: string; readonly filtered: boolean }) {
  if (filtered) return <Notice tone="calm" title={words.live.noneChosen} />;
  if (link === "lost")
    return (
      <Notice tone="warn" title={words.live.noConnection}>
        <p>{words.live.noConnectionNext}</p>
      </Notice>
    );
  return (
    <Notice tone="calm" title={words.live.quiet}>
      <p>{words.live.quietNext}</p>
    </Notice>
  );
}

/** For screen readers only. */
function Summary({ store, silent }: { readonly store: FeedStore; readonly silent: boolean }) {
  const [text, setText] = useState("");
  const told = useRef(store.feed().nextN);
  useEffect(() => {
    if (silent) return;
    return every(SUMMARY_MS, () => {
      const news = store.feed().rows.filter((row) => row.n >= told.current);
      told.current = store.feed().nextN;
      setText(summaryOf(news));
    });
  }, [store, silent]);
  return (
    <p class="visually-hidden" aria-live="polite">
      {text}
    </p>
  );
}

function summaryOf(rows: Feed["rows"]): string {
  const moves = rows.flatMap((row) =>
    row.kind === "event" && row.event.kind === "moved" ? [row.event] : [],
  );
  const latest = moves[0];
  if (latest === undefined) return "";
  const { where } = latest;
  const [to] = where.path;
  const target = to === undefined ? words.live.unknownPlace : thingWord(to);
  const thing = thingWord(where);
  return `${words.live.moveCount(moves.length)}. ${words.live.latest(thing, target)}`;
}
