/**
 * Made-up warehouses and what happens in them, for properties of the fold: few things, few places,
 * coarse times, so that everything meets everything.
 */
import fc from "fast-check";
import type { Act } from "../../src/reconcile/assertion.ts";
import type { EngineOptions } from "../../src/reconcile/engine.ts";
import { DEFAULT_POLICIES, type Policies } from "../../src/reconcile/policies.ts";
import { openAnswers } from "../../src/store/answers.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { openReconciler, reconcilerSchema } from "../../src/store/reconciler.ts";
import { openResolutions } from "../../src/store/resolutions.ts";
import { scansInMemory } from "../../src/store/scan-source.ts";

export const BEGIN_MS = Date.parse("2026-03-02T08:00:00Z");
const STEP_MS = 30_000;
/** It is heard of when it is over: every deadline has passed by then. */
const HEARD_MS = BEGIN_MS + 86_400_000;

export const POLICIES: Policies = {
  ...DEFAULT_POLICIES,
  minTravelHours: { "SITE1-SITE2": 1 },
  transitOverdueHours: 2,
  custodyGapHours: 2,
  duplicateWindowHours: 1,
  checkDocuments: true,
  archiveRoom: "ROOM1",
};

const sgln = (extension: string) => `414/9521234001003/254/${extension}`;
const grai = (type: string, n: number) => `8003/0952123400${type}${n}`;

/** Name, key, kind, parent. Parents come first. */
export const THINGS: readonly (readonly [
  name: string,
  key: string,
  kind: string,
  parent: string,
])[] = [
  ["SITE1", "414/9521234000105", "site", ""],
  ["SITE2", "414/9521234000204", "site", ""],
  ["ROOM1", sgln("ROOM1"), "room", "SITE1"],
  ["ROOM2", sgln("ROOM2"), "room", "SITE2"],
  ["DESK1", sgln("DESK1"), "desk", "ROOM1"],
  ["RACK1", sgln("RACK1"), "rack", "ROOM1"],
  ["SHELF1", sgln("SHELF1"), "shelf", "RACK1"],
  ["SHELF2", sgln("SHELF2"), "shelf", "RACK1"],
  ["BOX1", grai("6008", 1), "box", "ROOM1"],
  ["BOX2", grai("6008", 2), "box", "ROOM1"],
  ["FOLDER1", grai("5001", 1), "folder", "SHELF1"],
  ["FOLDER2", grai("5001", 2), "folder", "SHELF2"],
  ["ENV1", "00/095212340000000013", "envelope", "DESK1"],
  ["ENV2", "00/095212340000000020", "envelope", "DESK1"],
  ["ANNA", "8018/952123400000000772", "person", "SITE1"],
  ["page1", "253/9521234000013N1", "page", "DESK1"],
  ["page2", "253/9521234000013N2", "page", "DESK1"],
  ["page3", "253/9521234000013N3", "page", "DESK1"],
  ["page4", "253/9521234000013N4", "page", "DESK1"],
  // Never registered at the beginning.
  ["page5", "253/9521234000013N5", "page", ""],
];

export const GATEWAYS: readonly (readonly [
  name: string,
  site: string,
  place: string,
  unpacking: string,
])[] = [
  ["gw-a", "SITE1", "ROOM1", "DESK1"],
  ["gw-b", "SITE1", "ROOM1", ""],
  ["gw-c", "SITE2", "ROOM2", ""],
];

export type Deed = {
  readonly kind: "assert";
  readonly order: {
    readonly timeMs: number;
    readonly gateway: string;
    readonly epoch: string;
    readonly seq: number;
    readonly part: number;
  };
  readonly step: string;
  /** Names instead of numbers. */
  readonly act: Readonly<Record<string, unknown>> & { readonly kind: string };
};
/** What people said: a debt of the document of all pages, an order, a discrepancy settled by a person. */
export type Word =
  | { readonly kind: "owe"; readonly issuedMs: number; readonly dueMs: number }
  | {
      readonly kind: "order";
      readonly thing: string;
      readonly target: string;
      readonly issuedMs: number;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: "settle";
      readonly finding: string;
      readonly subject: string;
      readonly timeMs: number;
    };
export type Happening =
  | Deed
  | Word
  | { readonly kind: "void"; readonly target: number }
  | { readonly kind: "register"; readonly name: string };

const named = (kinds: readonly string[]) =>
  fc.constantFrom(...THINGS.filter(([, , kind]) => kinds.includes(kind)).map(([name]) => name));

const page = named(["page"]);
const movable = named(["page", "envelope", "folder", "box"]);
const container = named(["envelope", "folder", "box"]);
// Boxes go into boxes, so they are what might come to be inside itself.
const box = named(["box"]);
const place = named(["shelf", "desk", "room", "rack"]);
const some = <T>(one: fc.Arbitrary<T>, maxLength = 3) =>
  fc.uniqueArray(one, { minLength: 1, maxLength });

const act: fc.Arbitrary<Deed["act"]> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("add"), parent: container, things: some(page) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("add"), parent: place, things: some(movable, 2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("add"), parent: container, things: some(movable, 2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("add"), parent: box, things: some(box, 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("add"), parent: place, things: some(place, 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("add"),
      parent: named(["folder", "person"]),
      things: some(page, 1),
      document: fc.constant(true),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("observe"), things: some(movable), place }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("observe"), things: some(movable, 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("delete"), parent: container, things: some(page) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete"), parent: container }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("close"), thing: container }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("open"), thing: container }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("ship"),
      thing: container,
      carrier: fc.constant("carrier:DHL"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("receive"), thing: container }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("receive"),
      thing: container,
      place: fc.oneof(place, container),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete"),
      parent: container,
      place: fc.oneof(place, container),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("checkpoint"),
      thing: container,
      status: fc.constantFrom("transit", "delivered"),
      place: fc.constantFrom("HUB1", "HUB2"),
      matches: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("destroy"), things: some(movable, 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("count"),
      scope: named(["shelf", "desk", "room"]),
      things: fc.uniqueArray(movable, { maxLength: 4 }),
      startBefore: fc.integer({ min: 0, max: 20 }),
      confirmedEmpty: fc.boolean(),
    }),
  },
);

const moment = fc.integer({ min: 0, max: 320 }).map((tick) => BEGIN_MS + tick * STEP_MS);
const hours = fc.constantFrom(0, 1, 3).map((n) => n * 3_600_000);

const word: fc.Arbitrary<Word> = fc.oneof(
  fc.tuple(moment, hours).map(([issuedMs, ms]) => {
    return { kind: "owe", issuedMs, dueMs: issuedMs + ms } as const;
  }),
  fc
    .tuple(movable, named(["shelf", "desk", "room", "site"]), moment, hours)
    .map(([thing, target, issuedMs, ms]) => {
      return { kind: "order", thing, target, issuedMs, deadlineMs: issuedMs + ms } as const;
    }),
  fc.record({
    kind: fc.constant("settle" as const),
    finding: fc.constantFrom("missing_item", "unexpected_item", "hierarchy_violation"),
    subject: movable,
    timeMs: moment,
  }),
);

export const history: fc.Arbitrary<readonly Happening[]> = fc
  .record({
    deeds: fc.array(
      fc.record({
        act,
        tick: fc.integer({ min: 0, max: 300 }),
        gateway: fc.constantFrom("gw-a", "gw-b", "gw-c"),
        step: fc.constantFrom("storing", "storing", "inspecting"),
      }),
      { minLength: 2, maxLength: 25 },
    ),
    voids: fc.array(fc.nat(), { maxLength: 3 }),
    registers: fc.boolean(),
    words: fc.uniqueArray(word, { maxLength: 3, selector: (one) => JSON.stringify(one) }),
  })
  .map(({ deeds, voids, registers, words }): readonly Happening[] => {
    const asserted = deeds.map(({ act, tick, gateway, step }, seq): Deed => {
      const timeMs = BEGIN_MS + tick * STEP_MS;
      const order = { timeMs, gateway, epoch: "e", seq: seq + 1, part: 0 };
      return { kind: "assert", order, step, act: withStart(act, timeMs) };
    });
    return [
      ...asserted,
      ...voids.map((n): Happening => ({ kind: "void", target: n % asserted.length })),
      ...(registers ? [{ kind: "register", name: "page5" } as const] : []),
      ...words,
    ];
  });

function withStart(act: Deed["act"], timeMs: number): Deed["act"] {
  if (act.kind !== "count") return act;
  const { startBefore, ...rest } = act;
  return { ...rest, startMs: timeMs - Number(startBefore) * STEP_MS } as Deed["act"];
}

/** Order of arrival and repeats, for a history of any length. */
export const arrival = fc.array(fc.nat(), { minLength: 60, maxLength: 60 });

/** A history and the order in which it becomes known; printed as a list, one line for each arrival. */
export type Arrived = {
  readonly all: readonly Happening[];
  readonly arrivals: readonly Happening[];
};

export const arrived: fc.Arbitrary<Arrived> = fc.tuple(history, arrival).map(([all, numbers]) => {
  const arrivals = shuffled(all, numbers);
  const text = () => ["", ...arrivals.map((one) => lineOf(one, all))].join("\n  ");
  return { all, arrivals, [fc.toStringMethod]: text };
});

export function lineOf(one: Happening, all: readonly Happening[]): string {
  if (one.kind === "void") {
    const target = all[one.target];
    return `void of: ${target ? lineOf(target, all) : "nothing"}`;
  }
  if (one.kind !== "assert") return fieldsOf(one);
  const { order, step, act } = one;
  return `${clock(order.timeMs)} ${order.gateway}#${order.seq} ${step}: ${fieldsOf(act)}`;
}

function fieldsOf({ kind, ...rest }: { readonly kind: string }): string {
  const fields = Object.entries(rest).map(([name, value]) =>
    name.endsWith("Ms") ? `${name}=${clock(Number(value))}` : `${name}=${value}`,
  );
  return [kind, ...fields].join(" ");
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** A permutation by the numbers of `arrival`; about one in eight comes twice. */
export function shuffled<T>(items: readonly T[], numbers: readonly number[]): readonly T[] {
  const keyed = items.flatMap((item, i) => {
    const n = numbers[i % numbers.length] ?? 0;
    const once = [[n, item] as const];
    return n % 8 === 0 ? [...once, [(n * 7919) % 1_000_003, item] as const] : once;
  });
  return keyed.sort((a, b) => a[0] - b[0]).map(([, item]) => item);
}

export function createTwin(options?: EngineOptions) {
  const db = openDatabase(":memory:", reconcilerSchema, "derived");
  const open = () =>
    openReconciler(db, {
      policies: POLICIES,
      source: scansInMemory(),
      ...(options === undefined ? {} : { engine: options }),
    });
  let { heart, promises } = open();
  const resolutions = openResolutions(db);
  const answers = openAnswers(db, POLICIES);
  const keys = new Map(THINGS.map(([name, key]) => [name, key]));
  const id = (name: string) => heart.things.ensure(keys.get(name) ?? name);
  const seen = new Set<string>();
  let position = 0;

  function step(atMs: number, work: () => void): void {
    position += 1;
    heart.begin(position, atMs);
    work();
    heart.settle();
    heart.ledger.takeWritten();
    heart.ledger.takeFound();
  }

  function say(word: Word, text: string): void {
    const said = { epoch: text, seq: 1, position };
    switch (word.kind) {
      case "owe": {
        const { issuedMs, dueMs } = word;
        promises.oblige({ document: heart.things.document("N", ""), issuedMs, dueMs, ...said });
        return;
      }
      case "order": {
        const { thing, target, issuedMs, deadlineMs } = word;
        const named = { name: text, thing: id(thing), target: id(target) };
        promises.gate({ ...named, issuedMs, deadlineMs, ...said });
        return;
      }
      case "settle": {
        const { finding, subject, timeMs } = word;
        const about = { kind: finding, subject: keys.get(subject) ?? subject, timeMs };
        resolutions.add({ action: "resolve", ...about, by: "op", reason: "seen", ...said });
      }
    }
  }

  step(BEGIN_MS - 1, () => {
    const document = heart.things.document("N", "note");
    for (const [name, key, kind, parent] of THINGS) {
      if (name === "page5") continue;
      const inDocument = kind === "page" ? { document } : {};
      heart.register(key, { kind: kind as never, name, ...inDocument });
      if (parent !== "") {
        const order = { timeMs: BEGIN_MS - 1, gateway: "", epoch: "m", seq: id(name), part: 0 };
        const placed = { kind: "place", thing: id(name), parent: id(parent) } as const;
        heart.put({ ...order, act: placed, step: "", operator: "" });
        heart.settle();
      }
    }
    for (const [name, site, place, unpacking] of GATEWAYS)
      heart.setGateway(name, id(site), id(place), unpacking === "" ? 0 : id(unpacking));
  });

  function actOf(act: Deed["act"]): Act {
    const numbered = Object.entries(act).map(([field, value]) => {
      if (NAMED.has(field) && !(act.kind === "checkpoint" && field === "place"))
        return [field, Array.isArray(value) ? value.map(id) : id(String(value))];
      return [field, value];
    });
    return Object.fromEntries(numbered) as Act;
  }

  return {
    db,
    answers,
    /** Repeats of what came before are ignored, as ingest does. */
    take(happening: Happening, all: readonly Happening[]): number {
      const text = JSON.stringify(happening);
      if (seen.has(text)) return position;
      seen.add(text);
      step(HEARD_MS + position, () => {
        if (happening.kind === "assert") {
          const { order, act, step } = happening;
          heart.put({ ...order, act: actOf(act), step, operator: "op" });
        } else if (happening.kind === "register") {
          heart.register(keys.get(happening.name) ?? "", { kind: "page", name: happening.name });
        } else if (happening.kind === "void") {
          const target = all[happening.target];
          if (target?.kind === "assert") heart.void(target.order, text, "test");
        } else say(happening, text);
      });
      return position;
    },
    atPosition: (position: number) => HEARD_MS + position - 1,
    /** Another process goes on with the file. */
    restart(): void {
      ({ heart, promises } = open());
    },
    close: () => db.close(),
  };
}

const NAMED: ReadonlySet<string> = new Set([
  "parent",
  "things",
  "along",
  "place",
  "thing",
  "scope",
  "carrier",
]);

/** The rows that are current, with names instead of numbers, in an order of their own. */
export function currentRows({ db }: { readonly db: Database }): readonly string[] {
  const key = (column: string) =>
    `(SELECT coalesce(text, '') || serial FROM entity LEFT JOIN word ON word.id = stem
      WHERE entity.id = ${column})`;
  const links = db
    .prepare(
      `SELECT ${key("thing")} AS thing, link.time, s.gateway, a.seq, a.part,
         ${key("target")} AS target, ${key("parent")} AS parent, ${key("last_known")} AS lastKnown,
         moved_ago, seen_ago, (SELECT text FROM word WHERE id = seen_by) AS seenBy,
         ${key("seen_site")} AS site, bits, refused,
         more
       FROM link JOIN assertion a ON a.id = link.assertion JOIN stream s ON s.id = a.stream
       WHERE link.known_to = 0`,
    )
    .all() as { more: string | null }[];
  const findings = db
    .prepare(
      `SELECT f.kind, ${key("f.thing")} AS thing, subject, valid_from, valid_to, reason,
         s.gateway, a.seq FROM finding f JOIN assertion a ON a.id = f.assertion
       JOIN stream s ON s.id = a.stream WHERE f.known_to = 9007199254740991`,
    )
    .all();
  const keys = new Map(
    db
      .prepare<[], [number, string]>(
        `SELECT entity.id, coalesce(text, '') || serial FROM entity
         LEFT JOIN word ON word.id = stem`,
      )
      .raw()
      .all()
      .map(([id, key]) => [id, key]),
  );
  const named = links.map(({ more, ...row }) => ({ ...row, ...namedMore(more, keys) }));
  return [...named, ...findings].map((row) => JSON.stringify(row)).sort();
}

function namedMore(more: string | null, keys: ReadonlyMap<number, string>): object {
  if (more === null) return {};
  const parsed = JSON.parse(more) as {
    labelCarrier: number;
    elsewhere: [number, number][];
    trail: [number, number][];
  };
  const pairs = (list: [number, number][]) => list.map(([id, ms]) => [keys.get(id), ms]);
  return {
    ...parsed,
    labelCarrier: keys.get(parsed.labelCarrier),
    elsewhere: pairs(parsed.elsewhere),
    trail: pairs(parsed.trail),
  };
}
