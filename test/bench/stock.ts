/**
 * A warehouse of any number of pages for benches, and the twin's own way from batches of scans to
 * rows (evidence with every commit on stable storage, derived rows) in one process.
 *
 * A page belongs to a document of five, a folder holds fifty, a shelf two thousand. Times are made
 * up: scans of several gateways overlap, and each is taken in a moment after it was made.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheBytes } from "../../src/cli/cache-bytes.ts";
import type { Clock, Journal } from "../../src/ports.ts";
import { openDatabase } from "../../src/store/database.ts";
import { type Derived, openDerived } from "../../src/store/derived.ts";
import { deviceStatesSchema } from "../../src/store/device-states.ts";
import { type Evidence, evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { openReconciler, reconcilerSchema } from "../../src/store/reconciler.ts";
import { scansInEvidence } from "../../src/store/scan-source.ts";
import { openSeals } from "../../src/store/seals.ts";
import { seriesSchema } from "../../src/store/series.ts";
import { trackingsSchema } from "../../src/store/trackings.ts";
import { createDerivation } from "../../src/twin/derive.ts";
import { createIngest, type Ingest } from "../../src/twin/ingest.ts";
import type { Statement } from "../../src/twin/statements.ts";
import { encodeBatch, encodeEvent } from "../../src/wire/codec.ts";

export const PAGES_A_DOCUMENT = 5;
export const PAGES_A_FOLDER = 50;
const FOLDERS_A_SHELF = 40;
const SHELVES_A_RACK = 10;
export const GATEWAYS = 4;
export const STARTED_MS = Date.UTC(2026, 0, 5, 6);
const BATCH_SCANS = 256;
const NETWORK_MS = 40;

const SITE = "9521234000105";
const ROOM = "9521234001003";
const site = `(414)${SITE}`;
const place = (name: string) => `(414)${ROOM}(254)${name}`;

/** What a scanner reads. */
export const code = {
  page: (page: number) => `]d2253${pageSerial(page)}`,
  folder: (folder: number) => `]C18003${asset("09521234005001", `F${folder}`)}`,
  box: (box: number) => `]C18003${asset("09521234005018", `B${box}`)}`,
  shelf: (shelf: number) => `]C1414${ROOM}254${shelfName(shelf)}`,
  rack: (rack: number) => `]C1414${ROOM}254R${rack}`,
};

export const idOf = {
  page: (page: number) => `(253)${pageSerial(page)}`,
  folder: (folder: number) => `(8003)${asset("09521234005001", `F${folder}`)}`,
};

export const shelfOf = (folder: number) => Math.floor(folder / FOLDERS_A_SHELF);
export const rackOf = (shelf: number) => Math.floor(shelf / SHELVES_A_RACK);

function pageSerial(page: number): string {
  const document = Math.floor(page / PAGES_A_DOCUMENT);
  return `9521234000013N${document}P${(page % PAGES_A_DOCUMENT) + 1}`;
}

function asset(type: string, serial: string): string {
  return `${type}${serial}`;
}

function shelfName(shelf: number): string {
  return `R${rackOf(shelf)}-S${shelf}`;
}

/** Scanners of every gateway: fixed at a desk, or carried along the shelves. */
export const SCANNERS = ["print", "sign", "gather", "file"] as const;
export type ScannerName = (typeof SCANNERS)[number];

export type Scan = { readonly scanner: ScannerName; readonly code: string };

/** Everything that stands still, and everything that carries a label, as master data. */
export function* masterData(size: {
  readonly pages: number;
  readonly folders: number;
  readonly boxes: number;
}): Generator<Statement> {
  const statement = (kind: string, record: Record<string, unknown>): Statement => ({
    kind,
    subject: String(record["id"]),
    json: JSON.stringify(record),
  });
  const shelves = shelfOf(size.folders) + 1;
  yield statement("place", { id: site, kind: "site", name: "Site" });
  yield statement("place", { id: place("ARCH"), kind: "room", name: "Archive", parent: site });
  for (const desk of SCANNERS)
    yield statement("place", { id: place(desk), kind: "desk", parent: place("ARCH") });
  for (let rack = 0; rack <= rackOf(shelves); rack++)
    yield statement("place", { id: place(`R${rack}`), kind: "rack", parent: place("ARCH") });
  for (let shelf = 0; shelf < shelves; shelf++)
    yield statement("place", {
      id: place(shelfName(shelf)),
      kind: "shelf",
      parent: place(`R${rackOf(shelf)}`),
    });
  yield statement("asset_type", { id: "(8003)09521234005001", kind: "folder" });
  yield statement("asset_type", { id: "(8003)09521234005018", kind: "box" });
  for (let gateway = 0; gateway <= GATEWAYS; gateway++) {
    yield statement("gateway", {
      id: gatewayName(gateway),
      site,
      defaultPlace: place("ARCH"),
      unpackingPlace: place("ARCH"),
    });
    for (const scanner of SCANNERS)
      yield {
        kind: "scanner",
        subject: `${gateway}/${scanner}`,
        json: JSON.stringify({
          gateway: gatewayName(gateway),
          id: scanner,
          step: "storing",
          aim: true,
          ...(scanner === "file"
            ? { order: "item-first" }
            : { order: "container-first", place: place(scanner) }),
        }),
      };
  }
  for (let folder = 0; folder < size.folders; folder++)
    yield statement("registration", { id: idOf.folder(folder), kind: "folder" });
  for (let box = 0; box < size.boxes; box++) {
    const id = `(8003)${asset("09521234005018", `B${box}`)}`;
    yield statement("registration", { id, kind: "box" });
  }
  for (let page = 0; page < size.pages; page += PAGES_A_DOCUMENT) {
    const count = Math.min(PAGES_A_DOCUMENT, size.pages - page);
    yield statement("document", {
      id: `N${page / PAGES_A_DOCUMENT}`,
      class: "consignment-note",
      pages: Array.from({ length: count }, (_, i) => idOf.page(page + i)),
    });
  }
}

function gatewayName(gateway: number): string {
  return `gw-${gateway}`;
}

export type Offered = { readonly gateway: string; readonly message: Uint8Array };

export type Delivery = { readonly atMs: number; readonly batches: readonly Offered[] };

/** Gateways as the twin knows them: batches of scans, each in its turn, by a clock of their own. */
export function createGateways(startMs: number) {
  let nowMs = startMs;
  const seqs = new Map<number, number>();
  const events = new Map<number, Uint8Array[]>();

  function batch(gateway: number, encoded: readonly Uint8Array[]): Offered {
    const firstSeq = (seqs.get(gateway) ?? 0) + 1;
    seqs.set(gateway, firstSeq + encoded.length - 1);
    const name = gatewayName(gateway);
    const message = encodeBatch({
      gateway: name,
      epoch: `epoch-${gateway}`,
      lane: "scan",
      firstSeq,
      goneThrough: firstSeq - 1,
      boot: 1,
      sentAtMs: nowMs,
      sentMonotonicMs: nowMs - STARTED_MS + 1,
      events: encoded,
    });
    return { gateway: name, message };
  }

  function encode({ scanner, code }: Scan, atMs: number): Uint8Array {
    return encodeEvent({
      boot: 1,
      gatewayTimeMs: atMs,
      monotonicMs: atMs - STARTED_MS + 1,
      clock: "synced",
      sourceTimeMs: undefined,
      device: scanner,
      body: {
        kind: "scan",
        raw: Buffer.from(code),
        framing: "delimiter",
        aim: code.slice(0, 3),
        step: undefined,
        operator: undefined,
        documentMode: undefined,
      },
    });
  }

  return {
    nowMs: () => nowMs,
    pass(ms: number): void {
      nowMs += ms;
    },
    /** One scan at one gateway. */
    scan(gateway: number, scan: Scan, atMs = nowMs): void {
      const list = events.get(gateway) ?? [];
      events.set(gateway, list);
      list.push(encode(scan, atMs));
    },
    /** What waits, when there is enough of it or it `must` leave. */
    deliver(must: boolean): Delivery | undefined {
      const waiting = [...events.values()].reduce((sum, list) => sum + list.length, 0);
      if (waiting === 0 || (!must && waiting < GATEWAYS * BATCH_SCANS)) return undefined;
      const batches: Offered[] = [];
      for (const [gateway, list] of events)
        while (list.length > 0) batches.push(batch(gateway, list.splice(0, 2 * BATCH_SCANS)));
      return { atMs: nowMs + NETWORK_MS, batches };
    },
  };
}

export type BenchClock = Clock & { reach(ms: number): void };

function createClock(): BenchClock {
  let nowMs = STARTED_MS;
  return {
    nowMs: () => Math.floor(nowMs),
    monotonicMs: () => performance.now(),
    quality: () => "synced",
    sleep: () => Promise.resolve(),
    after: () => () => undefined,
    reach(ms) {
      nowMs = Math.max(nowMs, ms);
    },
  };
}

const journal: Journal = {
  note: () => undefined,
  warn: (what, details) => complain(what, details),
  error: (what, details) => complain(what, details),
};

function complain(what: string, details: unknown): never {
  throw new Error(`${what} ${JSON.stringify(details)}`);
}

export type Twin = {
  readonly clock: BenchClock;
  readonly evidence: Evidence;
  readonly derived: Derived;
  state(statements: readonly Statement[]): void;
  /** On stable storage when it returns. */
  take(delivery: Delivery): void;
  /** Until nothing waits. */
  derive(): void;
  files(): { readonly evidence: string; readonly derived: string };
  /** Bytes on the disk, the write-ahead logs written back. */
  bytes(): { readonly evidence: number; readonly derived: number };
  close(): void;
};

const TABLES = [seriesSchema, deviceStatesSchema, ...reconcilerSchema, trackingsSchema];

export function openTwin(folder: string, nowMs = STARTED_MS): Twin {
  const files = { evidence: join(folder, "evidence.db"), derived: join(folder, "twin.db") };
  const evidenceDb = openDatabase(files.evidence, evidenceSchema, "durable");
  const evidence = openEvidence(evidenceDb, files.evidence);
  const { derived } = openDerived(files.derived, {
    tables: TABLES,
    recipe: "bench",
    latest: evidence.latest(),
    check: false,
    setAsideAs: `${files.derived}.damaged`,
    cacheBytes: cacheBytes(),
  });
  const clock = createClock();
  clock.reach(nowMs);
  const ingest: Ingest = createIngest({
    evidence,
    derived,
    openReconciler: () => openReconciler(derived.db, { source: scansInEvidence(evidence) }),
    clock,
    journal,
    mintEpoch: () => "epoch-twin",
    seals: openSeals(evidenceDb),
    tell: () => undefined,
  });
  return {
    clock,
    evidence,
    derived,
    state(statements) {
      ingest.state(statements);
    },
    take({ atMs, batches }) {
      clock.reach(atMs);
      const taken = ingest.take(batches.map((one) => ({ ...one, channel: "batch" }))).value;
      for (const { outcome } of taken) if (outcome !== "appended") complain(outcome, {});
    },
    derive() {
      while (ingest.derive());
      if (ingest.standing().reflected !== evidence.latest()) complain("lag", ingest.standing());
    },
    files: () => files,
    bytes() {
      for (const db of [evidenceDb, derived.db]) db.pragma("wal_checkpoint(TRUNCATE)");
      return { evidence: statSync(files.evidence).size, derived: statSync(files.derived).size };
    },
    close() {
      evidenceDb.close();
      derived.close();
    },
  };
}

/** The first events derived again into a fresh file: how many a second, by clock and by processor time. */
export function rebuild(
  twin: Twin,
  folder: string,
  events: number,
): { byClock: number; byProcessor: number } {
  const path = join(folder, "rebuilt.db");
  const options = {
    tables: TABLES,
    recipe: "bench",
    latest: 0,
    check: false,
    setAsideAs: `${path}.damaged`,
    cacheBytes: cacheBytes(),
  };
  const { derived } = openDerived(path, options);
  const derivation = createDerivation(
    {
      evidence: twin.evidence,
      derived,
      openReconciler: () => openReconciler(derived.db, { source: scansInEvidence(twin.evidence) }),
      clock: twin.clock,
      journal,
    },
    { stepMs: 1000, stepEventsMax: 65_536, heldEventsMax: 1 },
  );
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  while (derivation.reflected() < events && derivation.step() !== undefined);
  const done = derivation.reflected();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  derived.close();
  rmSync(path);
  return { byClock: done / seconds, byProcessor: (done * 1e6) / (user + system) };
}

export function loadMasterData(twin: Twin, size: Parameters<typeof masterData>[0]): void {
  let some: Statement[] = [];
  const send = () => {
    twin.state(some);
    twin.derive();
    some = [];
  };
  const tell = progress("documents registered", size.pages / PAGES_A_DOCUMENT);
  let documents = 0;
  for (const statement of masterData(size)) {
    some.push(statement);
    if (statement.kind === "document") documents += 1;
    if (some.length < 4096) continue;
    send();
    tell(documents);
  }
  send();
}

/** Says on stderr how far it is, now and then. */
export function progress(what: string, total: number): (done: number) => void {
  const startedMs = performance.now();
  let toldMs = startedMs;
  return (done) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < 10_000) return;
    toldMs = nowMs;
    const rate = Math.round((done * 1000) / (nowMs - startedMs));
    process.stderr.write(`${what}: ${done} of ${Math.round(total)} (${rate}/s)\n`);
  };
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "racktrace-bench-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** The same numbers on every run: a multiplicative walk that visits each of `count` once. */
export function shuffled(count: number): (i: number) => number {
  let step = Math.floor(count * 0.618_033_988_7) | 1;
  while (gcd(step, count) !== 1) step += 2;
  return (i) => Number((BigInt(i) * BigInt(step)) % BigInt(count));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

export function flag(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
