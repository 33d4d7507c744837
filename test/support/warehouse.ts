/**
 * A small warehouse with a twin's reconciler behind it, in memory: scans in by the second, answers
 * out. Entries are numbered as ingest numbers them.
 */
import { severityOf } from "../../src/reconcile/assertion.ts";
import { DEFAULT_POLICIES } from "../../src/reconcile/policies.ts";
import { openAnswers } from "../../src/store/answers.ts";
import { openDatabase } from "../../src/store/database.ts";
import { openDiscrepancies } from "../../src/store/discrepancies.ts";
import {
  type Change,
  openReconciler,
  type ReconcilerOptions,
  reconcilerSchema,
} from "../../src/store/reconciler.ts";
import { openReviews } from "../../src/store/reviews.ts";
import { scansInMemory } from "../../src/store/scan-source.ts";
import { openWhy } from "../../src/store/why.ts";
import type { Event } from "../../src/wire/codec.ts";
import { OWN_NAME } from "../../src/wire/own-name.ts";

export const START = Date.parse("2026-03-02T10:00:00.000Z");

const END_MS = START + 100 * 86_400_000;

export const SITE = "(414)9521234000105";
export const ROOM = "(414)9521234001003(254)ARCH";
export const RACK = "(414)9521234001003(254)R1";
export const SHELF = "(414)9521234001003(254)R1-S1";
export const SHELF2 = "(414)9521234001003(254)R1-S2";
export const folder = (n: number) => `(8003)09521234005001F000${n}`;
export const page = (n: number) => `(253)9521234000013N0000${n}P01`;

export type ScanOptions = {
  readonly atS: number;
  readonly receivedS?: number;
  readonly gateway?: string;
  readonly scanner?: string;
  readonly step?: string;
  readonly operator?: string;
  readonly marker?: string;
  readonly seq?: number;
  /** How far the gateway's clock was out, then and when it sent this, which of its starts it was, and when that was. */
  readonly wrongS?: number;
  readonly sentWrongS?: number;
  readonly boot?: number;
  readonly sentBoot?: number;
  readonly sentS?: number;
  /** Seconds since its start at which the thing was scanned and the scan was sent. */
  readonly uptimeS?: readonly [scanned: number, sent: number];
  /** The gateway says that its wall clock was never set. */
  readonly unsynced?: boolean;
};

type Sent = {
  readonly seq?: number | undefined;
  readonly sentBoot?: number | undefined;
  readonly sentAtMs?: number;
  readonly sentMonotonicMs?: number;
};

export function openWarehouse(options: Omit<ReconcilerOptions, "source"> = {}) {
  const db = openDatabase(":memory:", reconcilerSchema, "derived");
  const source = scansInMemory();
  const reconciler = openReconciler(db, { ...options, source });
  const policies = { ...DEFAULT_POLICIES, ...options.policies };
  const answers = openAnswers(db, policies);
  const seqs = new Map<string, number>();
  let position = 0;
  let latestMs = 0;

  function enter(
    gateway: string,
    event: Event,
    takenInAtMs: number,
    { seq, sentBoot, ...sent }: Sent = {},
  ) {
    const next = seq ?? (seqs.get(gateway) ?? 0) + 1;
    seqs.set(gateway, Math.max(next, seqs.get(gateway) ?? 0));
    position += 1;
    const id = { gateway, epoch: `${gateway}-1`, seq: next };
    // As the evidence has it, which never goes back.
    latestMs = Math.max(latestMs, takenInAtMs);
    source.note(id, event, latestMs);
    return reconciler.take([
      {
        position,
        id,
        takenInAtMs: latestMs,
        isClockBehind: takenInAtMs < latestMs,
        sentAtMs: takenInAtMs - 100,
        sentMonotonicMs: 0,
        ...sent,
        ...(sentBoot === undefined ? {} : { sentBoot }),
        event,
      },
    ]);
  }

  function state(statement: string, record: object, atS = -3600, gateway = OWN_NAME): void {
    const timeMs = START + atS * 1000;
    enter(
      gateway,
      { ...plain(timeMs), body: { kind: "statement", statement, json: JSON.stringify(record) } },
      timeMs,
    );
  }

  function scan(raw: string, given: ScanOptions): readonly Change[] {
    const { atS, gateway = "gw-1", scanner = "scn-1" } = given;
    const { wrongS = 0, sentWrongS = wrongS, boot = 1, uptimeS, unsynced = false } = given;
    const timeMs = START + (atS + wrongS) * 1000;
    const takenIn = START + (given.receivedS ?? atS + 0.2) * 1000;
    const event: Event = {
      ...plain(timeMs),
      boot,
      ...(uptimeS ? { monotonicMs: uptimeS[0] * 1000 } : {}),
      ...(unsynced ? { clock: "unsynced" } : {}),
      device: scanner,
      body: {
        kind: "scan",
        raw: new TextEncoder().encode(
          raw.startsWith("CMD:") ? raw : `]C1${raw.replaceAll(/[()]/g, "")}`,
        ),
        framing: "delimiter",
        aim: "]C1",
        step: given.step,
        operator: given.operator,
        documentMode: undefined,
        ...(given.marker === undefined ? {} : { marker: given.marker }),
      },
    };
    const sentS = given.sentS ?? (given.receivedS ?? atS + 0.2) - 0.1;
    return enter(gateway, event, takenIn, {
      seq: given.seq,
      sentBoot: given.sentBoot,
      sentAtMs: START + (sentS + sentWrongS) * 1000,
      ...(uptimeS ? { sentMonotonicMs: uptimeS[1] * 1000 } : {}),
    });
  }

  state("place", { id: SITE, kind: "site", name: "Moscow" });
  state("place", { id: ROOM, kind: "room", name: "Archive", parent: SITE });
  state("place", { id: RACK, kind: "rack", name: "Rack 1", parent: ROOM });
  state("place", { id: SHELF, kind: "shelf", name: "Shelf 1", parent: RACK });
  state("place", { id: SHELF2, kind: "shelf", name: "Shelf 2", parent: RACK });
  state("asset_type", { id: "(8003)09521234005001", kind: "folder" });
  state("gateway", { id: "gw-1", site: SITE, defaultPlace: ROOM });
  state("document", { id: "N1", pages: [1, 2, 3, 4].map(page) });

  const reviews = openReviews(db, answers, openWhy(db, answers));
  const discrepancies = openDiscrepancies(db, answers);

  return {
    db,
    source,
    answers,
    reviews,
    discrepancies,
    state,
    scan,
    /** Everything that was found, also what only informs, with the second since when. */
    found(): readonly string[] {
      const { open, resolved } = discrepancies.list({ at: END_MS, status: "all", limit: 10_000 });
      const { recorded } = answers;
      const infos = recorded(END_MS)
        .filter(({ kind }) => severityOf(kind) === "info")
        .map(({ kind, subject }) => `${kind} ${subject}`);
      return [...open, ...resolved]
        .map(
          ({ kind, subject, since }) => `${kind} ${subject} ${(Date.parse(since) - START) / 1000}`,
        )
        .concat(infos)
        .sort();
    },
    /** The names of what a thing is in, direct parent first; a thing without name by its serial. */
    path(id: string, atS?: number, knownS?: number): readonly string[] {
      const ms = (s: number | undefined) => (s === undefined ? undefined : START + s * 1000);
      const answer = answers.where(id, ms(atS), ms(knownS));
      return answer.ok ? answer.path.map(({ name, elementString }) => name || elementString) : [];
    },
    open(atS?: number, knownS?: number): readonly string[] {
      const ms = (s: number | undefined) => (s === undefined ? undefined : START + s * 1000);
      return answers
        .discrepancies(ms(atS), ms(knownS))
        .open.map(({ kind, subject }) => `${kind} ${subject}`)
        .sort();
    },
  };
}

function plain(timeMs: number) {
  return {
    boot: 1,
    gatewayTimeMs: timeMs,
    monotonicMs: 0,
    clock: "synced" as const,
    sourceTimeMs: undefined,
    device: "",
  };
}
