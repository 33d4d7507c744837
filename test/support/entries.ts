/**
 * What two made-up gateways and the people of a warehouse send to a twin: scans with wrong clocks and
 * restarts, statements of every kind, master data before all. And a twin that takes it in.
 */
import fc from "fast-check";
import { openAnswers } from "../../src/store/answers.ts";
import { openDatabase } from "../../src/store/database.ts";
import { openDiscrepancies } from "../../src/store/discrepancies.ts";
import { openDocuments } from "../../src/store/documents.ts";
import { type Entry, openReconciler, reconcilerSchema } from "../../src/store/reconciler.ts";
import { scansInMemory } from "../../src/store/scan-source.ts";
import type { Event } from "../../src/wire/codec.ts";
import { clockReadings, clockThatIsSet } from "./gateway-clock.ts";
import { BEGIN_MS, currentRows, POLICIES, shuffled } from "./history.ts";

export type Sent = Omit<Entry, "position">;

/** All is taken in at one moment, so that being late or clamped does not depend on the order. */
const TAKEN_IN_MS = BEGIN_MS + 40_000_000;
const SCANS_MS = BEGIN_MS + 10_000_000;
const END_MS = BEGIN_MS + 60_000_000;

const page = (n: number) => `(253)9521234000013N${n}`;
const folder = (n: number) => `(8003)09521234005001F${n}`;
const BOX = "(8003)09521234006008B1";
const ENVELOPE = "(00)095212340000000013";
const SITE = "(414)9521234000105";
const place = (name: string) => `(414)9521234001003(254)${name}`;
const PARTY = "(417)9521234000808";
const OLD_LABEL = "SOMETHING ELSE";

const CODES = [
  ...[page(1), page(2), page(3), folder(1), folder(2), BOX, ENVELOPE].map(symbol),
  ...["S1", "S2", "ROOM1"].map((name) => symbol(place(name))),
  "]d22539521234000014N1",
  "]C03318810025",
  `]C0${OLD_LABEL}`,
  "CMD:UNDO",
  "CMD:ORDER:container-first",
  "CMD:STEP:unpacking",
];

const IDS = [page(1), page(2), page(3), folder(1), folder(2), BOX, ENVELOPE, place("S1")];

function symbol(id: string): string {
  return `]C1${id.replaceAll(/[()]/g, "")}`;
}

const scan = fc.record({
  code: fc.constantFrom(...CODES),
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 300, max: 20_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-30_000, 59_000, 120_000) },
  ),
  scanner: fc.constantFrom("s1", "s2"),
  step: fc.constantFrom("", "", "storing", "packing", "unpacking", "stock_taking", "departing"),
  marker: fc.oneof(
    { weight: 8, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constantFrom("count-start", "count-end", "close", "empty-all") },
  ),
  whole: fc.boolean(),
});

/** What one gateway sends: its scans, where its boots begin, how wrong its clock is. */
const gateway = fc.record({
  scans: fc.array(scan, { minLength: 1, maxLength: 12 }),
  rebootAfter: fc.integer({ min: 1, max: 12 }),
  wrongMs: fc.constantFrom(0, 0, 2_000, -7_200_000),
  delaysMs: fc.array(fc.constantFrom(10, 50, 3_000, 9_000), { minLength: 12, maxLength: 12 }),
  ...clockThatIsSet(12),
});

const scans: fc.Arbitrary<readonly Sent[]> = fc.tuple(gateway, gateway).map((gateways) =>
  gateways.flatMap(({ scans, rebootAfter, wrongMs, delaysMs, ...clock }, g) => {
    let ms = SCANS_MS + g * 1_000;
    return scans.map(({ code, afterMs, scanner, step, marker, whole }, i): Sent => {
      ms += afterMs;
      const sentMs = TAKEN_IN_MS - (delaysMs[i] ?? 0);
      const said = clockReadings(clock, { at: i, ms: ms + wrongMs, sentMs: sentMs + wrongMs });
      return {
        id: { gateway: `gw-${"ab"[g]}`, epoch: "e", seq: i + 1 },
        takenInAtMs: TAKEN_IN_MS,
        ...said.sent,
        event: {
          ...plain(ms + wrongMs),
          ...said.scanned,
          boot: i < rebootAfter ? 1 : 2,
          device: scanner,
          body: {
            kind: "scan",
            raw: new TextEncoder().encode(code),
            framing: "delimiter",
            aim: "",
            step: step === "" ? undefined : step,
            operator: undefined,
            documentMode: whole,
            ...(marker === "" ? {} : { marker }),
          },
        },
      };
    });
  }),
);

const moment = fc.integer({ min: 0, max: 12 }).map((n) => iso(SCANS_MS + n * 15_000));
const thing = fc.constantFrom(page(1), page(2), page(3), folder(1), folder(2), BOX, ENVELOPE);
const spot = fc.constantFrom(place("S1"), place("S2"), place("ROOM1"));
const anyDocument = fc.constantFrom("N", "TICK", "NOBODY");
const by = fc.constantFrom("anna", "boris");

/** Of what happened, or is owed, said or ordered: as often as anybody likes. */
const word: fc.Arbitrary<readonly [kind: string, record: object]> = fc.oneof(
  of("obligation", {
    ...{ document: anyDocument, issued: moment, due: moment },
    debtor: fc.constantFrom("", "Zapad", PARTY, "https://id.gs1.org/417/9521234000808"),
    responsible: fc.constantFrom("", "Boris"),
  }),
  of("document_class", {
    class: fc.constantFrom("note", "tick", "*"),
    level: fc.constantFrom("none", "received", "tracked"),
    from: fc.oneof(moment, fc.constant(undefined)),
  }),
  of("receipt", { document: anyDocument, time: moment, by }),
  of("reminder", { document: anyDocument, time: moment, by, note: fc.constantFrom("1st", "2nd") }),
  of("gate", {
    name: fc.constantFrom("invoice", "audit"),
    entity: thing,
    target: spot,
    issued: moment,
    deadline: moment,
  }),
  of("execution", { gate: fc.constantFrom("invoice", "audit"), process: by, by, time: moment }),
  of("resolution", {
    action: fc.constantFrom("resolve", "acknowledge"),
    kind: fc.constantFrom("unknown_identifier", "misread", "missing_item", "partial_document"),
    subject: fc.oneof(thing, fc.constantFrom("N", "]d22539521234000014N1")),
    reason: fc.constantFrom("seen", "asked"),
    by,
    time: moment,
  }),
  of("correction", {
    type: fc.constantFrom("ADD", "OBSERVE", "DELETE", "DESTROY", "CLOSE", "SHIP", "RECEIVE"),
    time: moment,
    parent: fc.constantFrom(folder(1), BOX, ENVELOPE),
    children: fc.uniqueArray(thing, { minLength: 1, maxLength: 2 }),
    documentMode: fc.boolean(),
    bizStep: fc.constantFrom("storing", "inspecting"),
    by,
  }),
  of("correction", {
    type: fc.constant("COUNT"),
    time: moment,
    start: moment,
    place: spot,
    scanned: fc.uniqueArray(thing, { maxLength: 2 }),
    confirmedEmpty: fc.boolean(),
  }),
  of("scanner", {
    gateway: fc.constantFrom("gw-a", "gw-b"),
    id: fc.constantFrom("s1", "s2"),
    order: fc.constantFrom("item-first", "container-first"),
    step: fc.constantFrom("storing", "packing", "inspecting"),
  }),
  of("label", { id: thing, carrier: fc.constant("DHL"), tracking: by, time: moment }),
  of("checkpoint", {
    id: thing,
    status: fc.constantFrom("transit", "delivered"),
    time: moment,
    place: fc.constantFrom("HUB1", "HUB2"),
    matches: fc.boolean(),
  }),
  of("void", {
    gateway: fc.constantFrom("gw-a", "gw-b"),
    epoch: fc.constant("e"),
    seq: fc.integer({ min: 1, max: 12 }),
    reason: fc.constant("misplaced"),
  }),
  of("void", {
    gateway: fc.constant("twin"),
    epoch: fc.constant("said"),
    seq: fc.integer({ min: 1, max: 10 }),
    reason: fc.constant("taken back"),
  }),
);

/** What a thing is: said once, at whatever time. */
const definitions: readonly (readonly [kind: string, record: object])[] = [
  ["document", { id: "N", pages: [page(1), page(2)] }],
  ["document", { id: "TICK", pages: [page(3)] }],
  ["alias", { value: OLD_LABEL, id: page(3) }],
  ["registration", { id: page(1), kind: "page", name: "first page" }],
  ["registration", { id: folder(1), kind: "folder", name: "folder" }],
  ["person", { id: "(8018)952123400000000772", name: "Anna" }],
  ["party", { id: PARTY, name: "Vostok", responsible: "(8018)952123400000000772" }],
];

function of(kind: string, fields: Record<string, fc.Arbitrary<unknown>>) {
  return fc.record(fields).map((record) => [kind, record] as const);
}

const statements: fc.Arbitrary<readonly Sent[]> = fc
  .tuple(fc.array(word, { maxLength: 10 }), fc.subarray([...definitions]))
  .map(([words, defined]) =>
    [...words, ...defined].map(([kind, record], i) => stated("said", i + 1, kind, record)),
  );

function stated(epoch: string, seq: number, statement: string, record: object): Sent {
  const early = epoch === "master";
  return {
    id: { gateway: "twin", epoch, seq },
    takenInAtMs: early ? BEGIN_MS : TAKEN_IN_MS,
    sentAtMs: 0,
    sentMonotonicMs: 0,
    event: {
      ...plain(early ? BEGIN_MS : SCANS_MS + seq * 1_000),
      body: { kind: "statement", statement, json: JSON.stringify(record) },
    },
  };
}

function plain(gatewayTimeMs: number) {
  const clock = "synced" as const;
  return { boot: 1, gatewayTimeMs, monotonicMs: 0, clock, sourceTimeMs: undefined, device: "" };
}

const MASTER_DATA: readonly Sent[] = (
  [
    ["place", { id: SITE, kind: "site", name: "SITE1" }],
    ["place", { id: place("ROOM1"), kind: "room", name: "ROOM1", parent: SITE }],
    ["place", { id: place("S1"), kind: "shelf", parent: place("ROOM1") }],
    ["place", { id: place("S2"), kind: "shelf", parent: place("ROOM1") }],
    ["asset_type", { id: "(8003)09521234005001", kind: "folder" }],
    ["asset_type", { id: "(8003)09521234006008", kind: "box" }],
    ["document", { id: "N", class: "note" }],
    ["document", { id: "TICK", class: "tick" }],
    ["gateway", { id: "gw-a", site: SITE, defaultPlace: place("ROOM1") }],
    ["gateway", { id: "gw-b", site: SITE, defaultPlace: place("ROOM1") }],
  ] as const
).map(([kind, record], i) => stated("master", i + 1, kind, record));

/** Everything that was sent, and the order in which it comes in; printed a line for each arrival. */
export type Delivery = { readonly sent: readonly Sent[]; readonly arrivals: readonly Sent[] };

export const delivery: fc.Arbitrary<Delivery> = fc
  .tuple(scans, statements, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }))
  .map(([scanned, said, numbers]) => {
    const sent = [...scanned, ...said];
    const arrivals = shuffled(sent, numbers);
    const text = () => ["", ...arrivals.map(lineOf)].join("\n  ");
    return { sent, arrivals, [fc.toStringMethod]: text };
  });

function lineOf({ id, event, sentAtMs }: Sent): string {
  const name = `${id.gateway}/${id.epoch}/${id.seq}`;
  const { body, boot, device, gatewayTimeMs } = event;
  if (body.kind === "statement") return `${name} ${body.statement} ${body.json}`;
  if (body.kind !== "scan") return name;
  const { raw, step = "", marker = "", documentMode } = body;
  const said = `${new TextDecoder().decode(raw)} ${step} ${marker} ${documentMode ? "whole" : ""}`;
  const sent = new Date(sentAtMs).toISOString().slice(11, 23);
  return `${name} boot ${boot} ${iso(gatewayTimeMs)} ${device}: ${said} sent ${sent}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export type EntryTwin = ReturnType<typeof openEntryTwin>;

export function openEntryTwin() {
  const policies = { ...POLICIES, documentLevels: { tick: "received" } } as const;
  const db = openDatabase(":memory:", reconcilerSchema, "derived");
  const source = scansInMemory();
  const open = () => openReconciler(db, { policies, source, markScans: 3 });
  let reconciler = open();
  const answers = openAnswers(db, policies);
  const documents = openDocuments(db, answers, policies);
  const discrepancies = openDiscrepancies(db, answers);
  const step = db.transaction((entries: readonly Entry[]) => reconciler.take(entries));
  let position = 0;

  function numbered(sent: readonly Sent[]): readonly Entry[] {
    for (const { id, event, takenInAtMs } of sent) source.note(id, event, takenInAtMs);
    return sent.map((one, i) => ({ ...one, position: position + i + 1 }));
  }

  function what(id: string): object {
    const { evidence: _, ...where } = { evidence: undefined, ...answers.where(id, END_MS) };
    return where;
  }

  function take(...sent: readonly Sent[]): void {
    step(numbered(sent));
    position += sent.length;
  }

  take(...MASTER_DATA);
  return {
    take,
    /** Takes these in, and then something breaks: nothing of it has happened. */
    fail(...sent: readonly Sent[]): void {
      const broken = { ...stated("said", 999, "broken", {}), position: position + sent.length + 1 };
      try {
        step([...numbered(sent), { ...broken, event: brokenEvent(broken.event) }]);
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
      }
    },
    /** The process ends and another goes on with the file. */
    restart(): void {
      reconciler = open();
    },
    /** What held at the end by what had been taken in at a moment, apart from what things are. */
    knownAt(ms: number): readonly string[] {
      const asked = { at: END_MS, asKnownAt: ms };
      const open = discrepancies.list({ ...asked, status: "open", limit: 100_000 }).open;
      const places = IDS.map((id) => {
        const where = answers.where(id, END_MS, ms);
        // What nobody had heard of is what is nowhere known.
        if (!where.ok || (!where.registered && where.evidence.length === 0)) return id;
        const { registered, path, state, since, lastSeen, certainty, tracking, checkpoint } = where;
        const keys = path.map(({ key }) => key);
        const told = [registered, keys, state, since, lastSeen, certainty, tracking, checkpoint];
        return `${id} ${JSON.stringify(told)}`;
      });
      return [
        ...places,
        ...open.map(({ kind, subject, since }) => `${kind} ${subject} ${since}`),
        ...answers.debts(END_MS, ms).map((one) => JSON.stringify(one)),
        ...answers.gates(END_MS, ms).map((one) => JSON.stringify(one)),
      ].sort();
    },
    /** What holds in the end, with names instead of numbers, whatever the order of arrival was. */
    told(): readonly string[] {
      const row = (kind: string) => (one: object) => `${kind} ${JSON.stringify(one)}`;
      const asked = { at: END_MS, status: "all", limit: 100_000 } as const;
      const listed = discrepancies.list(asked);
      const judged = [...listed.open, ...listed.resolved]
        // How a belief that is gone was corrected is history, and depends on what was known when.
        .filter(({ resolved }) => resolved === null || resolved.by === "human")
        .map(({ kind, subject, since, acknowledged, resolved }) =>
          row("judged")({ kind, subject, since, acknowledged, resolved }),
        );
      return [
        ...currentRows({ db }),
        ...judged,
        ...answers.debts(END_MS).map(row("debt")),
        ...answers.gates(END_MS).map(row("gate")),
        ...documents
          .list({ at: END_MS, limit: 1_000 })
          .documents.map(({ pages, ...rest }) => ({ ...rest, pages: pages.map(row("")).sort() }))
          .map(row("document")),
        ...IDS.map((id) => row("thing")({ id, ...what(id) })),
        ...promised.flatMap((sql) => db.prepare<[], object>(sql).all().map(row("row"))),
      ].sort();
    },
    /** Every row of every table, knowledge and numbers too. */
    rows(): readonly string[] {
      const tables = db
        .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'")
        .pluck()
        .all();
      return tables
        .flatMap((table) =>
          db
            .prepare(`SELECT * FROM "${table}"`)
            .raw()
            .all()
            .map((row) => `${table} ${JSON.stringify(row)}`),
        )
        .sort();
    },
    close: () => db.close(),
  };
}

class Broken extends Error {}

function brokenEvent(event: Event): Event {
  return {
    ...event,
    get body(): Event["body"] {
      throw new Broken("a step breaks here");
    },
  };
}

const standing = `NOT EXISTS (SELECT 1 FROM void WHERE void.gateway = ''
  AND void.epoch = one.epoch AND void.seq = one.seq)`;
const promised = [
  `SELECT kind, about, what, by, time_ms, epoch, seq FROM execution one WHERE ${standing}`,
  `SELECT gateway, epoch, seq, by, reason FROM void WHERE known_to = ${Number.MAX_SAFE_INTEGER}`,
];
