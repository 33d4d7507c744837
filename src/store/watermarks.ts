/**
 * Up to when each gateway has told everything: the time of its last scan before any hole, or what was
 * said about it (a cart that is back and has nothing more to tell). What a count did not find is
 * missing only provisionally while another gateway may still tell where it went.
 */
import type { Database } from "./database.ts";
import { type Said, stands } from "./promises.ts";

export const watermarksSchema = `
  CREATE TABLE watermark (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    through_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    known_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX watermark_gateway ON watermark (gateway);
`;

export type Watermark = Said & { readonly gateway: string; readonly throughMs: number };

export function openWatermarks(db: Database) {
  const put = db.prepare("INSERT INTO watermark VALUES (NULL, ?, ?, ?, ?, ?)");
  return {
    tell({ gateway, throughMs, epoch, seq, position }: Watermark): void {
      put.run(gateway, throughMs, epoch, seq, position);
    },
  };
}

/** From any connection. */
export function readWatermarks(db: Database) {
  const sql = {
    heard: db.prepare<[number], { gateway: string; ms: number | null }>(
      `SELECT gateway, max(ms) AS ms FROM (
         SELECT stream.gateway, (
           SELECT time FROM assertion WHERE stream = stream.id AND known_from <= ?
           ORDER BY seq DESC LIMIT 1
         ) AS ms FROM stream WHERE stream.gateway <> ''
       ) GROUP BY gateway`,
    ),
    told: db.prepare<[number, number, number], { gateway: string; ms: number }>(
      `SELECT gateway, max(through_ms) AS ms FROM watermark WHERE ${stands("watermark")}
       GROUP BY gateway`,
    ),
    hole: db
      .prepare<[string, number, number], number>(
        `SELECT min(valid_from) FROM finding WHERE kind = 'sequence_gap' AND thing = 0
         AND subject = ? AND known_from <= ? AND known_to > ?`,
      )
      .pluck(),
  };

  function throughAsOf(known: number): ReadonlyMap<string, number> {
    const through = new Map<string, number>();
    for (const { gateway, ms } of sql.heard.all(known)) {
      if (ms === null) continue;
      const holeMs = sql.hole.get(gateway, known, known) ?? undefined;
      through.set(gateway, holeMs === undefined ? ms : Math.min(ms, holeMs));
    }
    for (const { gateway, ms } of sql.told.all(known, known, known))
      through.set(gateway, Math.max(ms, through.get(gateway) ?? ms));
    return through;
  }

  /**
   * As known at a position, read once for all that is asked of it: the gateways, other than the one
   * named, that may still tell of what happened before a moment.
   */
  function asOf(known: number) {
    let through: ReadonlyMap<string, number> | undefined;
    return (atMs: number, except: string): readonly string[] => {
      through ??= throughAsOf(known);
      return [...through]
        .filter(([gateway, ms]) => gateway !== except && ms < atMs)
        .map(([gateway]) => gateway)
        .sort();
    };
  }

  return { asOf };
}
