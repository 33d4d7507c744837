/**
 * A fresh twin with a case file's world in it, and what is needed to talk with it in the file's
 * short names.
 */
import { decodeScan } from "../../barcode/decode.ts";
import { DEFAULT_POLICIES, type Policies } from "../../reconcile/policies.ts";
import { openAnswers } from "../../store/answers.ts";
import { openAudit } from "../../store/audit.ts";
import { openDatabase } from "../../store/database.ts";
import { openDiscrepancies } from "../../store/discrepancies.ts";
import { openReconciler, reconcilerSchema } from "../../store/reconciler.ts";
import { openReviews } from "../../store/reviews.ts";
import { scansInMemory } from "../../store/scan-source.ts";
import { openWhy } from "../../store/why.ts";
import type { Event, EventBody } from "../../wire/codec.ts";
import type { Case, CaseFile } from "./format.ts";
import { orderOf } from "./setup.ts";

export const BEGINNING = "2026-03-01T08:00:00Z";

export type World = ReturnType<typeof createWorld>;

export function createWorld(whole: CaseFile, one: Case) {
  const file = worldOfCase(whole, one);
  const keys = new Map<string, string>();
  const names = new Map<string, string>();
  for (const [name, { barcode }] of Object.entries(file.entities)) {
    const decoded = decodeScan(barcode);
    const key = decoded.kind === "key" ? decoded.key : barcode;
    keys.set(name, key);
    names.set(key, name);
  }
  // What a scan names and the file does not know is called as the scan notes it, or as it was read.
  for (const { barcode, entity } of one.events) {
    const decoded = decodeScan(barcode);
    if (decoded.kind !== "key" || names.has(decoded.key) || (entity && keys.has(entity))) continue;
    names.set(decoded.key, entity || barcode);
    keys.set(entity || barcode, decoded.key);
  }
  const policies = policiesOf(file, one);
  const db = openDatabase(":memory:", reconcilerSchema, "derived");
  const source = scansInMemory();
  const reconciler = openReconciler(db, { policies, source });
  const answers = openAnswers(db, policies);
  const { sameSymbolWindowMs } = policies;
  let position = 0;
  let statements = 0;

  const keyOf = (name: string) => keys.get(name) ?? name;

  function enter(
    event: Event,
    id: { gateway: string; epoch: string; seq: number },
    receivedMs: number,
    sent: { sentAtMs: number; sentMonotonicMs: number } = { sentAtMs: 0, sentMonotonicMs: 0 },
  ): void {
    position += 1;
    source.note(id, event, receivedMs);
    reconciler.take([{ position, id, takenInAtMs: receivedMs, ...sent, event }]);
  }

  /** What no scan carries comes by an API call, which the twin keeps as a statement. */
  function call(kind: string, record: object, at: string): { epoch: string; seq: number } {
    statements += 1;
    const body: EventBody = { kind: "statement", statement: kind, json: JSON.stringify(record) };
    const ms = Date.parse(at);
    enter(event(ms, body), { gateway: "twin", epoch: "twin", seq: statements }, ms);
    return { epoch: "twin/twin", seq: statements };
  }

  function register(name: string, at: string, placed: boolean): void {
    const entity = file.entities[name];
    if (entity === undefined) return;
    const parent = placed ? file.initialState[name] : undefined;
    const record = {
      id: keyOf(name),
      kind: entity.kind,
      name,
      since: BEGINNING,
      ...(parent === undefined ? {} : { parent: keyOf(parent) }),
    };
    call(PLACES.has(entity.kind) ? "place" : "registration", record, at);
    if (entity.doc !== undefined) call("document", { id: entity.doc, pages: [keyOf(name)] }, at);
  }

  function load(): void {
    const late = one.registeredAt ?? {};
    const depth = (name: string): number => {
      const parent = file.initialState[name];
      return parent === undefined ? 0 : 1 + depth(parent);
    };
    for (const { kind, barcode, key } of Object.values(file.entities))
      if (key === "GRAI") call("asset_type", { id: typeOf(barcode), kind }, BEGINNING);
    const ordered = Object.keys(file.entities).sort((a, b) => depth(a) - depth(b));
    for (const name of ordered) if (late[name] === undefined) register(name, BEGINNING, true);
    for (const [id, gateway] of Object.entries(file.gateways))
      call(
        "gateway",
        {
          id,
          site: keyOf(gateway.site),
          ...(gateway.defaultPlace ? { defaultPlace: keyOf(gateway.defaultPlace) } : {}),
          ...(gateway.unpackingPlace ? { unpackingPlace: keyOf(gateway.unpackingPlace) } : {}),
        },
        BEGINNING,
      );
  }

  load();
  return {
    file,
    policies,
    answers,
    audit: once(() => openAudit(db, answers, { source, sameSymbolWindowMs })),
    discrepancies: once(() => openDiscrepancies(db, answers)),
    reviews: once(() => openReviews(db, answers, openWhy(db, answers))),
    reconciler,
    enter,
    call,
    register,
    keyOf,
    nextPosition: () => (position += 1),
    /** The file's name for a key; what has none is called by its key. */
    nameOf: (key: string) => names.get(key) ?? key,
    close: () => db.close(),
  };
}

/** Few cases ask for it, and each is a world of its own. */
function once<T>(open: () => T): () => T {
  let opened: T | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}

export function event(ms: number, body: EventBody, device = ""): Event {
  return {
    boot: 1,
    gatewayTimeMs: ms,
    monotonicMs: 0,
    clock: "unknown",
    sourceTimeMs: undefined,
    device,
    body,
  };
}

const PLACES: ReadonlySet<string> = new Set(["site", "room", "rack", "shelf", "desk"]);

/** A GRAI without its serial names the type of asset. */
function typeOf(barcode: string): string {
  const decoded = decodeScan(barcode);
  return decoded.kind === "key" ? decoded.key.slice(0, 19) : barcode;
}

/** Policies that the form names nowhere, by what else a case may call them. */
const ALSO: readonly (readonly [RegExp, keyof Policies, hours: number])[] = [
  [/^(duplicate|clone|flipFlop)/i, "duplicateWindowHours", 1],
  [/^(transit(Overdue|Max)|maxTransit|overdueTransit)/i, "transitOverdueHours", 1],
  [/^(custody|maxCustody)/i, "custodyGapHours", 1],
  [/^(presumed|stale|certainty)/i, "presumedAfterDays", 24],
  [/^undo/i, "undoWindowSeconds", 1 / 3600],
  [/^deliveredNotReceived/i, "deliveredNotReceivedHours", 1],
  [/^sessionTimeout/i, "sessionTimeoutSeconds", 1 / 3600],
];
const UNITS: readonly (readonly [RegExp, hours: number])[] = [
  [/Days$/, 24],
  [/Hours$/, 1],
  [/Minutes$/, 1 / 60],
  [/Seconds$/, 1 / 3600],
  [/Ms$/, 1 / 3_600_000],
];

/** With each policy also under the name that it has here. */
function named(policies: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const found = Object.entries(policies).flatMap(([name, value]) => {
    const also = ALSO.find(([words]) => words.test(name));
    const unit = UNITS.find(([words]) => words.test(name));
    if (POLICY_NAMES.has(name) || !also || !unit || typeof value !== "number") return [];
    return [[also[1], (value * unit[1]) / also[2]]];
  });
  return { ...policies, ...Object.fromEntries(found) };
}

/** The name of a policy, or another word for one. */
export function isPolicy(name: string): boolean {
  return (
    POLICY_NAMES.has(name) ||
    (ALSO.some(([words]) => words.test(name)) && UNITS.some(([words]) => words.test(name)))
  );
}

/** A case may add to the world of its file, or have it otherwise. */
function worldOfCase(file: CaseFile, one: Case): CaseFile {
  const { entities, initialState, gateways } = one as Partial<CaseFile>;
  return {
    ...file,
    entities: { ...file.entities, ...entities },
    initialState: { ...file.initialState, ...initialState },
    gateways: { ...file.gateways, ...gateways },
  };
}

const POLICY_NAMES: ReadonlySet<string> = new Set(Object.keys(DEFAULT_POLICIES));

/** A case may set a policy for itself, by the policy's own name, or several under `policies`. */
function policiesOf(file: CaseFile, one: Case): Policies {
  const own = Object.fromEntries(
    Object.entries(named(one)).filter(([name]) => POLICY_NAMES.has(name)),
  );
  const said = (one["policies"] ?? {}) as Readonly<Record<string, unknown>>;
  const order = typeof one.scanOrder === "string" ? { scanOrderDefault: one.scanOrder } : {};
  const absent = { deliveredNotReceivedHours: undefined };
  const all = {
    ...DEFAULT_POLICIES,
    ...absent,
    ...named(file.policies),
    ...named(said),
    ...order,
    ...own,
  };
  return {
    ...all,
    scanOrderDefault: orderOf(all.scanOrderDefault),
    checkDocuments: Boolean(all.checkDocuments),
  } as Policies;
}
