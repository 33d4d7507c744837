/** Envelopes by the number under which a carrier has them, or that is on their label. */
import type { Answers } from "./answers.ts";
import type { Database } from "./database.ts";
import type { Known } from "./places.ts";

/** Few links have more than a place: only those are in the index. */
export const trackingsSchema = ["tracking", "labelTracking"]
  .map(
    (name) => `CREATE INDEX link_${name} ON link (json_extract(more, '$.${name}'), thing)
      WHERE more IS NOT NULL`,
  )
  .join(";\n");

const CHARACTERS_MIN = 3;

export function openTrackings(db: Database, answers: Answers) {
  const begins = (name: string) =>
    db
      .prepare<[string, string, number], number>(
        `SELECT DISTINCT thing FROM link INDEXED BY link_${name}
         WHERE more IS NOT NULL AND json_extract(more, '$.${name}') >= ?
           AND json_extract(more, '$.${name}') < ? LIMIT ?`,
      )
      .pluck();
  const [given, onLabel] = [begins("tracking"), begins("labelTracking")];
  return {
    /** Those whose number begins so; numbers are written in capitals. */
    tracked(text: string, limit: number): readonly Known[] {
      if (text.length < CHARACTERS_MIN) return [];
      const number = text.toUpperCase();
      const bounds = [number, `${number}\uffff`, limit] as const;
      const things = new Set([...given.all(...bounds), ...onLabel.all(...bounds)]);
      return [...things].slice(0, limit).flatMap((thing) => {
        const found = answers.where(keyOf(thing));
        if (!found.ok) return [];
        const { key, elementString, kind, name, path } = found;
        return [{ key, elementString, kind, name, path }];
      });
    },
  };

  function keyOf(thing: number): string {
    return answers.within
      .worldAsOf(undefined, answers.within.positionAt(undefined))
      .past.thing(thing).key;
  }
}

export type Trackings = ReturnType<typeof openTrackings>;
