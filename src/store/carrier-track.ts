/**
 * What carriers said of a thing or of what it is in, in their own words and by the moments that they
 * name, and in whose hands it is. What was said of another shipment was refused, and is none of it.
 */
import { pathOf } from "../reconcile/tell.ts";
import { ACT_KINDS, unpackAct } from "./acts.ts";
import { type Evidence, evidence, iso } from "./answer.ts";
import type { Answers, Named, NotFound } from "./answers.ts";
import type { Database } from "./database.ts";
import { LINK_KNOWN } from "./links.ts";

export type Checkpoint = {
  readonly time: string;
  /** As the carrier says: transit, delivered, ... */
  readonly status: string;
  /** In the carrier's words; null when it named none. */
  readonly place: string | null;
  /** What the carrier has: the thing itself, or what it is in. */
  readonly of: Named;
  readonly evidence: readonly Evidence[];
};

export type Holder = { readonly who: Named; readonly since: string | null };

export type CarrierTrack = Named & {
  readonly ok: true;
  /** The carrier or person that has it; null: none. */
  readonly heldBy: Holder | null;
  /** The oldest first. */
  readonly checkpoints: readonly Checkpoint[];
};

const CHECKPOINT = ACT_KINDS.indexOf("checkpoint");
const CHECKPOINTS_MAX = 200;
const HOLDERS = new Set(["carrier", "person"]);

type Row = {
  time: number;
  act: Buffer | string;
  seq: number;
  gateway: string;
  epoch: string;
  position: number;
};

export function openCarrierTrack(db: Database, answers: Answers) {
  const { find, named, worldAsOf, positionAt } = answers.within;
  // The latest of a thing: a shipment has dozens, a box that travels for years may have more.
  const of = db.prepare<[number, number, number, number, number, number], Row>(
    `SELECT link.time, a.act, a.seq, s.gateway, s.epoch, a.known_from AS position
     FROM link JOIN assertion a ON a.id = link.assertion JOIN stream s ON s.id = a.stream
     WHERE link.thing = ? AND link.time <= ? AND ${LINK_KNOWN} AND link.refused IS NULL AND a.kind = ?
     ORDER BY link.time DESC LIMIT ?`,
  );

  return (id: string, at?: number, asKnownAt?: number): CarrierTrack | NotFound => {
    const thing = find(id);
    if (typeof thing !== "number") return thing;
    const { past, known } = worldAsOf(at, positionAt(asKnownAt));
    const around = [thing, ...pathOf(past, thing)];
    const checkpoints = around.flatMap((one) =>
      of
        .all(one, past.atMs, known, known, CHECKPOINT, CHECKPOINTS_MAX)
        .map((row) => checkpointOf(row, named(past, one))),
    );
    const inHands = around.find((one) => {
      const parent = past.link(one)?.state.parent ?? 0;
      return parent !== 0 && HOLDERS.has(past.thing(parent).kind);
    });
    const state = inHands === undefined ? undefined : past.link(inHands)?.state;
    return {
      ok: true,
      ...named(past, thing),
      heldBy:
        state === undefined ? null : { who: named(past, state.parent), since: iso(state.movedAt) },
      checkpoints: checkpoints.sort((a, b) => a.time.localeCompare(b.time)),
    };
  };
}

export type CarrierTracks = ReturnType<typeof openCarrierTrack>;

function checkpointOf(row: Row, of: Named): Checkpoint {
  const { time, act: packed, seq, gateway, epoch, position } = row;
  const act = unpackAct(CHECKPOINT, packed);
  const { status, place } = act.kind === "checkpoint" ? act : { status: "", place: "" };
  return {
    time: iso(time) ?? "",
    status,
    place: place === "" ? null : place,
    of,
    evidence: [evidence({ gateway, epoch, seq, position, timeMs: time })],
  };
}
