/** An instant in the reader's time; the whole of it, with zone and UTC, as a tooltip. */
import { useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { agoWord, instantInFull, instantWithZone, instantWord } from "../when.ts";

export function Instant({
  at,
  now,
  zoned = false,
}: {
  readonly at: string;
  readonly now: number;
  /** With its zone, for what is read beside other records. */
  readonly zoned?: boolean;
}) {
  // What a register states has no moment of its own: it holds from the beginning.
  if (at === "") return <span class="soft">{words.time.always}</span>;
  return (
    <time dateTime={at} title={instantInFull(at)}>
      {zoned ? instantWithZone(at, now) : instantWord(at, now)}
    </time>
  );
}

/** "14:02:11 (3 min ago)", kept true while it is shown. */
export function InstantAgo({ at }: { readonly at: string }) {
  const now = useNow(1_000);
  return (
    <>
      <Instant at={at} now={now} /> <span class="soft">{agoWord(at, now)}</span>
    </>
  );
}
