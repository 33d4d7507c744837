/**
 * What waits in an outbox, piece by piece, to be carried away by hand: beside a running gateway or without
 * one. Changes nothing; what the gateway lets go meanwhile is passed over, since the twin has it then.
 */
import { crc32 } from "node:zlib";
import { Fault } from "../kernel/fault.ts";
import type { Lane, Waiting } from "../ports.ts";
import { linkThrough } from "../wire/chain.ts";
import { readChain } from "./outbox-chain.ts";
import { abandon, openOutboxFile, readLife, readOutboxFile } from "./outbox-file.ts";
import { behindOf } from "./outbox-renumber.ts";

export type Backlog = {
  readonly boot: number;
  numbering(lane: Lane): {
    readonly epoch: string;
    readonly firstSeq: number;
    readonly lastSeq: number;
  };
  /** Each lane in pieces of consecutive events, up to what waited when this was begun. */
  pieces(
    lane: Lane,
    limit: { readonly events: number; readonly bytes: number },
  ): Iterable<Required<Waiting>>;
  close(): void;
};

/** Throws Fault DATA_UNREADABLE, STORE_NEWER or STORE_CORRUPT, the last also while it is read. */
export function openBacklog(path: string): Backlog {
  const db = readOutboxFile(path);
  const marks = db.prepare<[string], { epoch: string; gone: number }>(
    "SELECT epoch, gone FROM lane WHERE name = ?",
  );
  const given = db
    .prepare<[string], number>("SELECT seq FROM sqlite_sequence WHERE name = ?")
    .pluck();

  function numbering(lane: Lane) {
    const found = marks.get(lane);
    if (found === undefined) throw new Fault("STORE_CORRUPT", `the outbox has no lane ${lane}`);
    const { epoch } = found;
    const behind = behindOf(db, lane, epoch);
    const gone = found.gone - behind;
    return { epoch, behind, gone, firstSeq: gone + 1, lastSeq: (given.get(lane) ?? 0) - behind };
  }

  return {
    boot: readLife(db).boot,
    numbering,
    *pieces(lane, limit) {
      const rows = db.prepare<[number, number], { seq: number; event: Buffer; sum: number | null }>(
        `SELECT seq, event, sum FROM ${lane} WHERE seq > ? ORDER BY seq LIMIT ?`,
      );
      const oldest = db.prepare<[], number | null>(`SELECT min(seq) FROM ${lane}`).pluck();
      const { lastSeq } = numbering(lane);
      let at = 0;
      let link: Uint8Array | undefined;
      // One snapshot for each piece, so that nothing holds the log of a running gateway back.
      const next = db.transaction((): Required<Waiting> | undefined => {
        const { epoch, behind, gone } = numbering(lane);
        const mark = readChain(db, lane, { epoch, gone });
        if (link === undefined || gone > at) {
          at = gone;
          link = mark.link;
        }
        if (at >= lastSeq) return undefined;
        const events: Uint8Array[] = [];
        let bytes = 0;
        for (const { seq, event, sum } of rows.iterate(
          at + behind,
          Math.min(limit.events, lastSeq - at),
        )) {
          bytes += event.length;
          if (events.length > 0 && bytes > limit.bytes) break;
          if (seq !== at + behind + events.length + 1)
            throw new Fault("STORE_CORRUPT", `${lane} lacks what was before ${seq}`);
          if (sum !== null && crc32(event) !== sum)
            throw new Fault("STORE_CORRUPT", `${lane} ${seq} was altered`);
          events.push(event);
        }
        if (events.length === 0)
          throw new Fault("STORE_CORRUPT", `${lane} lacks what was behind ${at + behind}`);
        const { begins, released } = mark;
        const previous = link;
        const head = linkThrough(previous, at + 1, events);
        const firstSeq = at + 1;
        at += events.length;
        link = head;
        const goneThrough = Math.max(0, (oldest.get() ?? firstSeq + behind) - 1 - behind);
        return {
          ...{ epoch, lane, firstSeq, goneThrough, events },
          chain: { begins, released, previous, head },
        };
      });
      for (let piece = next(); piece !== undefined; piece = next()) yield piece;
    },
    close: () => abandon(db),
  };
}

/**
 * The chain begins behind what the twin has, as if there had been none. No gateway may have the file open.
 */
export function renewChain(path: string): void {
  const db = openOutboxFile(path);
  try {
    db.exec("DELETE FROM chain; DELETE FROM chain_point");
  } finally {
    abandon(db);
  }
}
