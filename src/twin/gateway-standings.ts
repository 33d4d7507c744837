/**
 * How each gateway stands: whether it is connected and since when, what waits there, and its clock.
 *
 * What it said since this start is remembered; of one that is away since before, the batch that was taken
 * in last of each lane is read back once, and holds its last word.
 */
import type { EvidenceReader, NumberingState } from "../store/evidence.ts";
import { PHONE_PREFIX } from "../store/phones.ts";
import type { Lane } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import {
  batchWord,
  type ClockStanding,
  createGatewayWords,
  type GatewayWords,
} from "./gateway-word.ts";

export type GatewayStandingsDeps = {
  readonly evidence: Pick<EvidenceReader, "numberings" | "segmentWith">;
  readonly words: GatewayWords;
  readonly connected: () => readonly string[];
  /** When it came, or when it left; undefined: it was not here since this start. */
  readonly sinceMs: (gateway: string) => number | undefined;
};

export type StandingLane = {
  readonly epoch: string;
  readonly lane: Lane;
  readonly through: number;
  readonly lastTakenInAtMs: number | undefined;
  /** What the gateway had given a number and the twin had not taken in yet; undefined: it did not say. */
  readonly waiting: { readonly events: number; readonly atMs: number } | undefined;
};

export type StandingGateway = {
  readonly gateway: string;
  readonly connected: boolean;
  readonly sinceMs: number | undefined;
  /** Its last sign of life. */
  readonly heardAtMs: number | undefined;
  readonly clock: ClockStanding | undefined;
  /** In the order of the evidence; last those of which nothing was taken in yet. */
  readonly lanes: readonly StandingLane[];
};

export type GatewayStandings = {
  /** By name. */
  list(): readonly StandingGateway[];
};

export function createGatewayStandings(deps: GatewayStandingsDeps): GatewayStandings {
  const { evidence, words, connected, sinceMs } = deps;
  const before = createGatewayWords();
  const readBack = new Set<string>();

  /** Of a numbering of which nothing was heard yet. */
  function wordBefore({ gateway, epoch, through, lastTakenInAtMs }: NumberingState): void {
    if (readBack.has(epoch) || gateway.startsWith(PHONE_PREFIX)) return;
    readBack.add(epoch);
    const segment = evidence.segmentWith({ gateway, epoch, seq: through });
    const word = segment && batchWord(segment.batch, lastTakenInAtMs ?? segment.takenInAtMs);
    if (word !== undefined) before.hear(word);
  }

  function laneOf(numbering: NumberingState): StandingLane {
    const { gateway, epoch, lane, through, lastTakenInAtMs } = numbering;
    if (words.of(gateway)?.lanes.get(epoch) === undefined) wordBefore(numbering);
    const word = words.of(gateway)?.lanes.get(epoch) ?? before.of(gateway)?.lanes.get(epoch);
    const waiting = word && {
      events: Math.max(0, word.lastSeq - Math.max(through, word.goneThrough)),
      atMs: word.atMs,
    };
    return { epoch, lane, through, lastTakenInAtMs, waiting };
  }

  return {
    list() {
      const here = new Set(connected());
      const lanes = new Map<string, StandingLane[]>(
        [...here, ...words.gateways()].map((gateway) => [gateway, []]),
      );
      for (const numbering of evidence.numberings()) {
        const { gateway } = numbering;
        if (gateway === OWN_NAME) continue;
        const ofIt = lanes.get(gateway) ?? [];
        ofIt.push(laneOf(numbering));
        lanes.set(gateway, ofIt);
      }
      return [...lanes]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([gateway, ofIt]) => {
          const said = words.of(gateway);
          for (const { epoch, lane, lastSeq, goneThrough, atMs } of said?.lanes.values() ?? [])
            if (lastSeq > goneThrough && ofIt.every((one) => one.epoch !== epoch))
              ofIt.push({
                ...{ epoch, lane, through: goneThrough, lastTakenInAtMs: undefined },
                waiting: { events: lastSeq - goneThrough, atMs },
              });
          return {
            gateway,
            connected: here.has(gateway),
            sinceMs: sinceMs(gateway),
            heardAtMs: latestOf([said?.atMs, ...ofIt.map((lane) => lane.lastTakenInAtMs)]),
            clock: said?.clock ?? before.of(gateway)?.clock,
            lanes: ofIt,
          };
        });
    },
  };
}

function latestOf(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((atMs) => atMs !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
