/**
 * Tells a scanner that types from a person who does, by the time between keys alone. Pure.
 *
 * A person types a key each 80 ms and more; a scanner one each few ms. Once a few keys have come closer
 * together than a hand can, what follows belongs to the scan, a slower key among it too. A key that is
 * held down repeats as fast as a scanner types and is none.
 */
import { kindOf, type Stroke } from "./stroke.ts";

export type Pace = {
  /** Keys of a scanner that begins follow each other as closely as this. */
  readonly gapMs: number;
  /** Once it is known to be one, it may pause for so long. */
  readonly restMs: number;
  /** So many keys show that it is one. */
  readonly strokesMin: number;
};

export const PACE: Pace = { gapMs: 35, restMs: 150, strokesMin: 4 };

export type Heard =
  /** It may be a person's: whoever has the focus gets it. */
  | { readonly kind: "typing" }
  /** A scanner's; `first`: it has just become clear, and what went elsewhere is to be taken back. */
  | { readonly kind: "burst"; readonly first: boolean }
  | { readonly kind: "scan"; readonly strokes: readonly Stroke[] };

export type Bursts = {
  push(stroke: Stroke, repeat: boolean): Heard;
  /** A scan whose scanner ends it with nothing; undefined when it may still go on, or is none. */
  quiet(nowMs: number): readonly Stroke[] | undefined;
  /** A key is awaited: more of the same scan, or its end. */
  busy(): boolean;
};

const TYPING: Heard = { kind: "typing" };

export function createBursts(pace: Pace = PACE): Bursts {
  let strokes: Stroke[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;

  const known = () => strokes.length >= pace.strokesMin;

  function end(): readonly Stroke[] {
    const ended = strokes;
    strokes = [];
    return ended;
  }

  return {
    push(stroke, repeat) {
      const kind = kindOf(stroke);
      if (kind === "modifier") return known() ? { kind: "burst", first: false } : TYPING;
      const gapMs = stroke.atMs - lastMs;
      const follows = gapMs <= (known() ? pace.restMs : pace.gapMs);
      lastMs = stroke.atMs;
      if (repeat || !follows) strokes = [];
      if (kind === "end" && follows && known()) return { kind: "scan", strokes: end() };
      if (kind === "end" || (kind === "other" && !known())) {
        strokes = [];
        return TYPING;
      }
      if (kind === "other") return { kind: "burst", first: false };
      strokes.push(stroke);
      return known() ? { kind: "burst", first: strokes.length === pace.strokesMin } : TYPING;
    },

    quiet(nowMs) {
      return known() && nowMs - lastMs > pace.restMs ? end() : undefined;
    },

    busy: known,
  };
}
