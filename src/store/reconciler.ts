/**
 * The writer of everything that follows from scans and statements. Entries in the twin's order of
 * taking in go through the scan sessions into the fold; what has changed comes out for the live
 * stream. Runs inside the caller's transaction.
 */
import { elementString, parseKey } from "../barcode/decode.ts";
import { severityOf } from "../reconcile/assertion.ts";
import type { EngineOptions, Link } from "../reconcile/engine.ts";
import {
  DEFAULT_POLICIES,
  type Kind,
  type Policies,
  type ScanOrder,
} from "../reconcile/policies.ts";
import type { Event, EventId } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import { iso } from "./answer.ts";
import { openAnswers } from "./answers.ts";
import { apartSchema, openApart } from "./apart.ts";
import { END, eventText } from "./assertions.ts";
import { actOf, type Stated } from "./correction.ts";
import type { Database } from "./database.ts";
import { documentClassesSchema, isLevel, openDocumentClasses } from "./document-classes.ts";
import { heartSchema, openHeart } from "./heart.ts";
import { openParties, partiesSchema } from "./parties.ts";
import { type Execution, openPromises, promisesSchema } from "./promises.ts";
import { openResolutions, type ResolutionAction, resolutionsSchema } from "./resolutions.ts";
import { storedScan } from "./scan-source.ts";
import { openScans, type ScansOptions, scansSchema } from "./scans.ts";
import { keyOf } from "./things.ts";
import { openWatermarks, watermarksSchema } from "./watermarks.ts";

export type { Policies } from "../reconcile/policies.ts";

export type Entry = {
  readonly position: number;
  readonly id: EventId;
  readonly takenInAtMs: number;
  /** The twin's clock was behind that, which it had said before. Absent: it was not. */
  readonly isClockBehind?: boolean;
  readonly sentAtMs: number;
  readonly sentMonotonicMs: number;
  /** Absent: the boot of the event itself. */
  readonly sentBoot?: number;
  readonly event: Event;
};

/** For the live stream; `data` has the shape of the API and is made when it is read. */
export type Change = {
  readonly position: number;
  readonly kind:
    | ("moved" | "seen" | "discrepancy" | "scan")
    | ("retraction" | "correction" | "statement");
  readonly data: Record<string, unknown>;
};

export const reconcilerSchema: readonly string[] = [
  heartSchema,
  scansSchema,
  promisesSchema,
  partiesSchema,
  documentClassesSchema,
  resolutionsSchema,
  watermarksSchema,
  apartSchema,
];

export type ReconcilerOptions = ScansOptions & {
  readonly policies?: Partial<Policies>;
  readonly engine?: EngineOptions;
};

export function openReconciler(db: Database, options: ReconcilerOptions) {
  const policies: Policies = { ...DEFAULT_POLICIES, ...options.policies };
  const heart = openHeart(db, policies, options.engine);
  const scans = openScans(db, heart, policies, options);
  const apart = policies.checkDocuments ? openApart(db, heart.ledger) : undefined;
  const promises = openPromises(db);
  const parties = openParties(db);
  const classes = openDocumentClasses(db);
  const resolutions = openResolutions(db);
  const watermarks = openWatermarks(db);
  const answers = openAnswers(db, policies);
  const { things } = heart;

  function take(entries: readonly Entry[]): readonly Change[] {
    const changes: Change[] = [];
    try {
      for (const entry of entries) takeOne(entry, changes);
      scans.flush();
      heart.flush();
      apart?.flush();
    } catch (error) {
      heart.forget();
      scans.forget();
      apart?.forget();
      throw error;
    }
    return changes;
  }

  function takeOne(entry: Entry, changes: Change[]): void {
    const { body } = entry.event;
    if (body.kind === "sensor") return;
    const takenInAtMs = heart.begin(entry.position, entry.takenInAtMs);
    if (body.kind === "scan") takeScan(entry, takenInAtMs, changes);
    else {
      // A state of a device travels among the scans, so it has its place in their numbering.
      heart.sequence(entry.id, body.kind === "statement" ? entry.event.gatewayTimeMs : undefined);
      if (body.kind === "statement" && entry.id.gateway === OWN_NAME) {
        state(body.statement, body.json, entry);
        tellStatement(body.statement, body.json, entry, changes);
      }
    }
    heart.settle();
    tell(entry, changes);
  }

  function takeScan(entry: Entry, takenInAtMs: number, changes: Change[]): void {
    const { event, id } = entry;
    const scan = storedScan(event, takenInAtMs);
    if (scan === undefined) return;
    // A clock that is behind what it said before tells nothing of another's.
    const { sentAtMs, sentMonotonicMs } = entry.isClockBehind === true ? NOT_SAID : entry;
    const { sentBoot = event.boot } = entry;
    const taken = scans.take({ ...id, ...scan, sentAtMs, sentMonotonicMs, sentBoot });
    if (taken.kind !== "taken") return;
    const { read, timeMs } = taken;
    changes.push({
      position: entry.position,
      kind: "scan",
      get data() {
        return {
          gateway: id.gateway,
          scanner: scan.scanner,
          code: scan.code,
          time: new Date(timeMs).toISOString(),
          step: scan.step || null,
          operator: scan.operator || null,
          understood: read.kind !== "nothing",
          ...(read.kind === "thing"
            ? { key: read.key, elementString: elementString(read.key), kind: read.what }
            : { why: read.kind === "nothing" ? read.reason : read.command }),
        };
      },
    });
  }

  /** What a person or a system said about what is owed, ordered or settled, or takes back. */
  function tellStatement(kind: string, json: string, entry: Entry, changes: Change[]): void {
    const said = parse(json) as Record<string, unknown> | undefined;
    const about = said && TOLD[kind]?.(said);
    if (about === undefined) return;
    const { action = null, by = null, reason = null } = said ?? {};
    const at = time(typeof said?.["time"] === "string" ? said["time"] : undefined, entry);
    changes.push({
      position: entry.position,
      kind: "statement",
      data: { kind, about, action, by, reason, time: iso(at), statement: entry.id },
    });
  }

  function tell({ position }: Entry, changes: Change[]): void {
    const written = heart.ledger.takeWritten();
    apart?.moved(written);
    apart?.moved(heart.ledger.retracted());
    tellCorrections(position, written, changes);
    const moved = new Map<number, "moved" | "seen">();
    for (const link of written)
      if (link.moved) moved.set(link.thing, "moved");
      else if (link.scanned && !moved.has(link.thing)) moved.set(link.thing, "seen");
    for (const [thing, kind] of moved)
      changes.push({
        position,
        kind,
        get data() {
          return { ...answers.whereThing(thing) };
        },
      });
    for (const finding of heart.ledger.takeFound()) {
      if (finding.validTo !== Infinity || finding.kind === "late_event") continue;
      const { kind, subject, reason, validFrom } = finding;
      changes.push({
        position,
        kind: "discrepancy",
        data: {
          kind,
          severity: severityOf(kind),
          subject: typeof subject === "number" ? heart.ledger.thing(subject).key : subject,
          since: new Date(validFrom).toISOString(),
          reason,
        },
      });
    }
  }

  /**
   * Where the past of a thing has changed: what was said of it at that moment, and what is said now.
   * What is in it went along, and is not told one by one.
   */
  function tellCorrections(position: number, written: readonly Link[], changes: Change[]): void {
    const { ledger } = heart;
    const moments = new Map<number, number>();
    const note = ({ thing, order }: Link) =>
      moments.set(thing, Math.max(order.timeMs, moments.get(thing) ?? 0));
    const ended = ledger.retracted();
    const hasLater = ({ thing, order }: Link) =>
      !ledger.isLast(order) && ledger.linkAfter(thing, order) !== undefined;
    if (ended.length === 0 && !written.some((link) => link.moved && hasLater(link))) return;
    const said = ({ thing, order, state }: Link) => `${thing} ${order.timeMs} ${state.parent}`;
    // An assertion that is made anew says of most things what was said before.
    const [then, now] = [new Set(ended.map(said)), new Set(written.map(said))];
    for (const link of ended) if (link.moved && !now.has(said(link))) note(link);
    for (const link of written)
      if (link.moved && !then.has(said(link)) && hasLater(link)) note(link);
    for (const [thing, atMs] of moments) {
      const at = new Date(atMs).toISOString();
      const before = () => answers.whereAsOf(thing, atMs, position - 1);
      changes.push(
        {
          position,
          kind: "retraction",
          get data() {
            const answer = before();
            const { key, elementString: text, kind, name } = answer;
            return { key, elementString: text, kind, name, at, answer };
          },
        },
        {
          position,
          kind: "correction",
          get data() {
            const answer = answers.whereAsOf(thing, atMs, position);
            const { key, elementString: text, kind, name } = answer;
            return { key, elementString: text, kind, name, at, retracted: before(), answer };
          },
        },
      );
    }
  }

  /** A statement that this release does not know changes nothing; it stays in the evidence. */
  function state(kind: string, json: string, entry: Entry): void {
    const parsed = parse(json);
    for (const record of Array.isArray(parsed) ? parsed : [parsed])
      if (typeof record === "object" && record !== null)
        stateOne(kind, record as Record<string, unknown>, entry);
  }

  function stateOne(kind: string, record: Record<string, unknown>, entry: Entry): void {
    const text = (name: string) => {
      const value = record[name];
      return typeof value === "string" ? value : undefined;
    };
    const thing = (name: string) => {
      const value = text(name);
      const key = value === undefined ? undefined : keyOf(value);
      return key === undefined ? 0 : things.ensure(key);
    };
    const key = keyOf(text("id") ?? "");
    const name = text("name");
    switch (kind) {
      case "place": {
        if (key === undefined) return;
        heart.register(key, { kind: text("kind") as Kind, name });
        putUp(things.ensure(key), thing("parent"), text("since"), entry);
        return;
      }
      case "asset_type":
        if (key !== undefined) things.assetType(key, text("kind") as Kind);
        return;
      case "gateway":
        heart.setGateway(
          text("id") ?? "",
          thing("site"),
          thing("defaultPlace"),
          thing("unpackingPlace"),
        );
        return;
      case "scanner": {
        const operator = text("operator");
        const setting = {
          aim: typeof record["aim"] === "boolean" ? record["aim"] : undefined,
          step: text("step"),
          order: text("order") as ScanOrder | undefined,
          operator: operator === undefined ? undefined : (keyOf(operator) ?? operator),
          place: thing("place") || undefined,
        };
        const since = time(text("since"), entry);
        scans.setScanner(text("gateway") ?? "", text("id") ?? "", setting, since);
        return;
      }
      case "person":
      case "registration": {
        if (key === undefined) return;
        heart.register(key, { kind: text("kind") as Kind | undefined, name });
        const parent = thing("parent");
        if (parent !== 0) putUp(things.ensure(key), parent, text("since"), entry);
        return;
      }
      case "party": {
        if (key === undefined || parseKey(key)?.class !== "gln") return;
        heart.register(key, { kind: "party", name: name ?? "" });
        parties.set(things.ensure(key), text("responsible") ?? "");
        return;
      }
      case "document_class": {
        const level = text("level");
        const documentClass = text("class") ?? "";
        if (documentClass === "" || !isLevel(level)) return;
        classes.say({
          ...{ class: documentClass, level, name: name ?? "" },
          ...{ fromMs: time(text("from"), entry), saidMs: entry.event.gatewayTimeMs },
          ...said(entry),
        });
        return;
      }
      case "document": {
        const document = things.document(text("id") ?? "", text("class") ?? "");
        const pages = list(record["pages"]).flatMap((page) => keyOf(page) ?? []);
        apart?.changed(document);
        // A page may come from another document, which is then without it.
        for (const page of pages) apart?.changed(heart.ledger.thing(things.ensure(page)).document);
        heart.gather(document, pages);
        return;
      }
      case "alias": {
        const value = text("value") ?? "";
        const named = thing("id");
        if (named === 0 || value === "") return;
        things.bindAlias(value, named, entry.position);
        scans.rederiveNameless(value);
        return;
      }
      case "void": {
        const target = {
          gateway: text("gateway") ?? "",
          epoch: text("epoch") ?? "",
          seq: Number(record["seq"]),
        };
        if (!Number.isSafeInteger(target.seq)) return;
        const named = target.gateway === entry.id.gateway ? inFold(target) : target;
        heart.void(named, eventText(entry.id), text("reason") ?? "");
        return;
      }
      case "checkpoint":
        manual(entry, text("time"), {
          kind: "checkpoint",
          thing: thing("id"),
          status: text("status") ?? "transit",
          place: text("place") ?? "",
          matches: record["matches"] !== false,
          ...carrierOf(text("carrier")),
        });
        return;
      case "label":
        manual(entry, text("time"), {
          kind: "label",
          thing: thing("id"),
          carrier: things.ensure(`carrier:${text("carrier") ?? "unknown"}`),
          tracking: text("tracking") ?? "",
        });
        return;
      case "correction":
        correct(record as unknown as Stated & { gateway?: string }, entry);
        return;
      case "obligation":
        promises.oblige({
          document: things.document(text("document") ?? "", ""),
          issuedMs: time(text("issued"), entry),
          dueMs: time(text("due"), entry),
          debtor: text("debtor") ?? "",
          responsible: text("responsible") ?? "",
          ...said(entry),
        });
        return;
      case "receipt":
        promises.receive({
          document: things.document(text("document") ?? "", ""),
          timeMs: time(text("time"), entry),
          by: text("by") ?? "",
          ...said(entry),
        });
        return;
      case "gate":
        promises.gate({
          name: text("name") ?? "",
          thing: thing("entity"),
          target: thing("target"),
          issuedMs: time(text("issued"), entry),
          deadlineMs: time(text("deadline"), entry),
          ...said(entry),
        });
        return;
      case "execution":
      case "reminder":
        promises.execute({
          ...said(entry),
          ...(kind === "execution"
            ? { kind: "process", about: text("gate") ?? "", what: text("process") ?? "" }
            : { kind: "reminder", about: text("document") ?? "", what: text("note") ?? "" }),
          by: text("by") ?? "",
          timeMs: time(text("time"), entry),
        } satisfies Execution);
        return;
      case "watermark":
        watermarks.tell({
          gateway: text("gateway") ?? "",
          throughMs: time(text("through"), entry),
          ...said(entry),
        });
        return;
      case "resolution":
        resolutions.add({
          ...said(entry),
          action: text("action") as ResolutionAction,
          kind: text("kind") ?? "",
          subject: keyOf(text("subject") ?? "") ?? text("subject") ?? "",
          timeMs: time(text("time"), entry),
          by: text("by") ?? "",
          reason: text("reason") ?? "",
        });
        return;
    }
  }

  /** What no scan said, or said wrongly; it keeps the moment at which it was true. */
  function correct(stated: Stated & { gateway?: string }, entry: Entry): void {
    const act = actOf(stated, (name) => things.ensure(keyOf(name) ?? name));
    if (act === undefined) return;
    const order = manualOrder(entry, time(stated.time, entry));
    const step = (stated as { bizStep?: string }).bizStep ?? "";
    const by = (stated as { by?: string }).by ?? "";
    const operator = keyOf(by) ?? by;
    heart.put({ ...order, gateway: stated.gateway ?? "", act, step, operator });
  }

  function carrierOf(carrier: string | undefined): { carrier?: number } {
    return carrier === undefined ? {} : { carrier: things.ensure(`carrier:${carrier}`) };
  }

  /** Without a moment of its own, the first word about where a thing stands has always been true. */
  function putUp(thing: number, parent: number, since: string | undefined, entry: Entry): void {
    if (parent === 0) return;
    const known = heart.ledger.linkBefore(thing, END);
    const timeMs =
      since === undefined ? (known ? entry.event.gatewayTimeMs : 0) : time(since, entry);
    heart.put({
      ...manualOrder(entry, timeMs),
      act: { kind: "place", thing, parent },
      step: "",
      operator: "",
    });
  }

  function manual(
    entry: Entry,
    moment: string | undefined,
    act: Parameters<typeof heart.put>[0]["act"],
  ): void {
    heart.put({ ...manualOrder(entry, time(moment, entry)), act, step: "", operator: "" });
  }

  return {
    take,
    /** For the conformance runner: the fold without the scan sessions. */
    heart,
    promises,
  };
}

export type Reconciler = ReturnType<typeof openReconciler>;

/** Statements that are told, and what each is about: a key, a document, a gate or an event. */
const TOLD: Readonly<Record<string, (said: Record<string, unknown>) => unknown>> = {
  resolution: ({ subject }) => keyOf(String(subject)) ?? subject,
  void: ({ gateway, epoch, seq }) => `${gateway}/${epoch}/${seq}`,
  obligation: ({ document }) => document,
  receipt: ({ document }) => document,
  reminder: ({ document }) => document,
  gate: ({ name }) => name,
  execution: ({ gate }) => gate,
};

/** Of the clock of a gateway, when it sent. */
const NOT_SAID = { sentAtMs: 0, sentMonotonicMs: 0 };

/** Statements come before scans of the same moment: what was booked holds when the thing departs. */
function manualOrder({ id }: Entry, timeMs: number) {
  return { timeMs, ...inFold(id), part: 0 };
}

/** What a statement of the twin's own numbering is called in the fold. */
function inFold({ gateway, epoch, seq }: EventId): EventId {
  return { gateway: "", epoch: `${gateway}/${epoch}`, seq };
}

function said({ id, position }: Entry) {
  const { epoch, seq } = inFold(id);
  return { epoch, seq, position };
}

/** A moment that cannot be read is the moment of the statement. */
function time(text: string | undefined, { event }: Entry): number {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? event.gatewayTimeMs : ms;
}

/** What is no JSON says nothing; it stays in the evidence. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function list(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
