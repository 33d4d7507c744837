/**
 * Feeds a case to a twin: at level scans as gateways would send it, at level assertions straight
 * into the fold. Both are lists of deliveries, made in the order of their receipt.
 */
import type { Act } from "../../reconcile/assertion.ts";
import { PART } from "../../store/heart.ts";
import type { Case, FileAssertion, FileScan, Level } from "./format.ts";
import { event, type World } from "./world.ts";

type Delivery = { readonly at: string; readonly make: () => void };

/** `arrivals`: the order in which assertions arrive, by index, for a case that is permuted. */
export function feed(world: World, one: Case, level: Level, arrivals?: readonly number[]): void {
  const calls = apiCalls(world, one, level);
  const main =
    level === "scans"
      ? scanDeliveries(world, one, arrivals)
      : assertionDeliveries(world, one, arrivals);
  const all = [...calls, ...main];
  // Stable: calls of the same moment come first, as what was booked before the scan.
  all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const { make } of all) make();
}

function apiCalls(world: World, one: Case, level: Level): Delivery[] {
  const calls: Delivery[] = [];
  const call = (kind: string, record: object, at: string) =>
    calls.push({ at, make: () => world.call(kind, record, at) });

  for (const [document, { issued, issuedRecord, due }] of Object.entries(one.obligations ?? {}))
    call("obligation", { document, issued, due }, issuedRecord ?? issued);
  for (const [name, gate] of Object.entries(one.gates ?? {})) {
    const { issued, issuedRecord, deadline } = gate;
    const [entity, target] = [world.keyOf(gate.entity), world.keyOf(gate.target)];
    call("gate", { name, entity, target, issued, deadline }, issuedRecord ?? issued);
  }
  for (const [name, at] of Object.entries(one.registeredAt ?? {}))
    calls.push({ at, make: () => world.register(name, at, false) });
  if (level === "scans") {
    for (const { raw, name, at } of bindings(one))
      call("alias", { value: raw, id: world.keyOf(name) }, at);
    for (const a of one.assertions)
      if (a.type === "SHIP" && a.carrier !== undefined && a.from_scans.length > 0) {
        const { carrier, tracking = "", time } = a;
        call("label", { id: world.keyOf(a.epc ?? ""), carrier, tracking, time }, a.recordTime);
      }
  }
  return calls;
}

/** `boundAt` is a time, or a time by raw read; the bound entity is noted on the scan. */
function bindings(one: Case): readonly { raw: string; name: string; at: string }[] {
  const { boundAt } = one;
  if (boundAt === undefined || boundAt === null) return [];
  const notes = new Map(one.events.map((scan) => [scan.barcode, scan.entity ?? ""]));
  if (typeof boundAt === "string") {
    const foreign = one.events.filter((scan) => !isKey(scan.barcode) && scan.entity);
    return foreign.map((scan) => ({ raw: scan.barcode, name: scan.entity ?? "", at: boundAt }));
  }
  return Object.entries(boundAt as Record<string, unknown>).map(([raw, value]) => {
    const record = typeof value === "string" ? { at: value } : (value as Record<string, string>);
    const scan = one.events.find(({ barcode, entity }) => barcode === raw || entity === raw);
    return {
      raw: scan?.barcode ?? raw,
      name: record["entity"] ?? notes.get(raw) ?? scan?.entity ?? raw,
      at: record["at"] ?? record["time"] ?? record["boundAt"] ?? "",
    };
  });
}

function isKey(barcode: string): boolean {
  return /^\](C1|e0|d2|Q3|J1)/.test(barcode);
}

function scanDeliveries(world: World, one: Case, arrivals?: readonly number[]): Delivery[] {
  const deliveries: Delivery[] = [];
  const scans = arrivals ? permuted(one, arrivals) : one.events;
  for (const scan of scans)
    deliveries.push({ at: scan.receivedAt, make: () => enterScan(world, scan) });
  const named = new Map<string, { gateway: string; epoch: string; seq: number }>();
  for (const a of one.assertions) {
    const last = scanOf(one, a.from_scans.at(-1));
    if (last) named.set(a.id, { gateway: last.gateway, epoch: epochOf(last), seq: last.seq });
    if (a.from_scans.length > 0) continue;
    deliveries.push({
      at: a.recordTime,
      make: () => {
        if (a.type === "VOID") {
          const target = named.get(a.target ?? "") ?? { gateway: "", epoch: a.target, seq: 0 };
          world.call("void", { ...target, reason: a.reason ?? "" }, a.recordTime);
        } else {
          named.set(a.id, { gateway: "", ...world.call(...correction(world, a)) });
        }
      },
    });
  }
  return deliveries;
}

/** An assertion that no scan made, as the API call for it. */
function correction(world: World, a: FileAssertion): [string, object, string] {
  if (a.type === "CARRIER") {
    const { time, status, place } = a;
    const matches = a.shipmentOriginMatches !== false;
    const carrier = a.carrier === undefined ? {} : { carrier: a.carrier };
    const record = { id: world.keyOf(a.epc ?? ""), time, status, place, matches, ...carrier };
    return ["checkpoint", record, a.recordTime];
  }
  const keys = (names: readonly string[] | null | undefined) => names?.map(world.keyOf);
  return [
    "correction",
    {
      ...a,
      parent: a.parent && world.keyOf(a.parent),
      children: a.children === null ? null : keys(a.children),
      inferredChildren: keys(a.inferredChildren),
      place: a.place && world.keyOf(a.place),
      epc: a.epc && world.keyOf(a.epc),
      epcs: keys(a.epcs),
      scanned: keys(a.scanned),
    },
    a.recordTime,
  ];
}

function enterScan(world: World, scan: FileScan): void {
  const { gateway, seq } = scan;
  const raw = new TextEncoder().encode(scan.barcode);
  const made = event(
    Date.parse(scan.time),
    {
      kind: "scan",
      raw,
      framing: "delimiter",
      aim: scan.barcode.startsWith("]") ? scan.barcode.slice(0, 3) : "",
      step: scan.step,
      operator: scan.operator,
      documentMode: scan.documentMode,
      ...(scan.marker === undefined ? {} : { marker: scan.marker }),
      ...(scan.confirmedEmpty === undefined ? {} : { confirmedEmpty: scan.confirmedEmpty }),
    },
    scan.scanner,
  );
  world.enter(
    { ...made, boot: scan.boot ?? 1, monotonicMs: scan.uptimeMs ?? 0 },
    { gateway, epoch: epochOf(scan), seq },
    Date.parse(scan.receivedAt),
    {
      sentAtMs: scan.sentAt === undefined ? 0 : Date.parse(scan.sentAt),
      sentMonotonicMs: scan.batchUptimeMs ?? 0,
    },
  );
}

export function epochOf({ boot = 1 }: { readonly boot?: number }): string {
  return `boot-${boot}`;
}

function scanOf(one: Case, n: number | undefined): FileScan | undefined {
  return one.events.find((scan) => scan.n === n);
}

function assertionDeliveries(world: World, one: Case, arrivals?: readonly number[]): Delivery[] {
  const { heart } = world.reconciler;
  const deliveries: Delivery[] = [];
  const step = (at: string, work: () => void) =>
    deliveries.push({
      at,
      make: () => {
        heart.begin(world.nextPosition(), Date.parse(at));
        work();
        heart.settle();
        heart.ledger.takeWritten();
        heart.ledger.takeFound();
      },
    });

  const assertions = arrivals ? rereceived(one, arrivals) : one.assertions;
  const receipts = new Map(
    arrivals ? permuted(one, arrivals).map((scan) => [scan.n, scan.receivedAt]) : [],
  );
  for (const scan of one.events) {
    const received = receipts.get(scan.n) ?? scan.receivedAt;
    const timeMs = Math.min(Date.parse(scan.time), Date.parse(received));
    const plausible = scan.time < "2020" ? Date.parse(received) : timeMs;
    const name = { gateway: scan.gateway, epoch: epochOf(scan), seq: scan.seq };
    step(received, () => heart.sequence(name, plausible));
  }
  for (const { barcode, why, recordTime } of one.misreads ?? []) {
    const scan = one.events.find((event) => event.barcode === barcode);
    const timeMs = Date.parse(scan && scan.time > "2020" ? scan.time : recordTime);
    const finding = /check|misread|length|char/.test(why) ? "misread" : "unknown_identifier";
    step(recordTime, () =>
      heart.put({
        timeMs,
        gateway: scan?.gateway ?? "",
        epoch: "misread",
        seq: scan?.seq ?? 0,
        part: 0,
        act: { kind: "note", finding, subject: barcode, reason: why },
        step: "",
        operator: "",
      }),
    );
  }
  for (const { raw, at } of bindings(one))
    step(at, () => {
      const scan = one.events.find(({ barcode }) => barcode === raw);
      const stream = heart.ledger.streamOf(scan?.gateway ?? "", "misread");
      heart.withdrawPart(stream, scan?.seq ?? 0, 0);
    });
  for (const flag of one.clockFlags ?? []) {
    const timeMs = Date.parse(flag.validFrom ?? flag.recordTime);
    const name = { gateway: flag.gateway, epoch: "clock", seq: 0 };
    step(flag.recordTime, () =>
      heart.note(name, PART.bootSkew, timeMs, "clock_skew", "its clock is out"),
    );
  }

  const named = new Map<string, { gateway: string; epoch: string; seq: number }>();
  const seen = new Map<string, string>();
  for (const [i, a] of assertions.entries()) {
    const last = scanOf(one, a.from_scans.at(-1));
    const name = last
      ? { gateway: last.gateway, epoch: epochOf(last), seq: a.seq ?? last.seq }
      : { gateway: a.gateway ?? "", epoch: "manual", seq: a.seq ?? i + 1 };
    named.set(a.id, name);
    const put = (scanned = a.scanned) =>
      heart.put({
        ...name,
        timeMs: Date.parse(a.time),
        part: 0,
        act: actOf(world, { ...a, scanned: scanned ?? [] }),
        step: a.bizStep ?? "",
        operator: a.operator ?? last?.operator ?? "",
      });
    if (a.type === "VOID") {
      step(a.recordTime, () =>
        heart.void(
          named.get(a.target ?? "") ?? { gateway: "", epoch: a.target ?? "", seq: 0 },
          `${name.gateway}/${name.epoch}/${name.seq}`,
          a.reason ?? "",
        ),
      );
      continue;
    }
    if (a.eventID !== undefined) {
      const { eventID, contentHash = "" } = a;
      step(a.recordTime, () => {
        const known = seen.get(eventID);
        if (known === undefined) {
          seen.set(eventID, contentHash);
          put();
        } else if (known !== contentHash) {
          const subject = eventID;
          const act = { kind: "note", finding: "id_conflict", subject, reason: "" } as const;
          const timeMs = Date.parse(a.time);
          heart.put({ ...name, timeMs, part: PART.conflict, act, step: "", operator: "" });
        }
      });
      continue;
    }
    const [first, ...later] = a.scannedAsKnown ?? [];
    step(a.recordTime, () => {
      put(first?.scanned ?? a.scanned);
      noteLate(world, a, name);
    });
    if (first) {
      const changes = [...later.map(({ scanned }) => scanned), a.scanned];
      const times = [first.until, ...later.map(({ until }) => until)];
      for (const [k, at] of times.entries())
        step(at, () => {
          heart.withdrawPart(heart.ledger.streamOf(name.gateway, name.epoch), name.seq, 0);
          put(changes[k]);
        });
    }
  }
  return deliveries;
}

function noteLate(
  world: World,
  a: FileAssertion,
  name: { gateway: string; epoch: string; seq: number },
): void {
  const lateMs = Date.parse(a.recordTime) - Date.parse(a.time);
  if (name.gateway === "" || lateMs <= world.policies.sessionTimeoutSeconds * 1000) return;
  const reason = `${Math.round(lateMs / 1000)} s late`;
  world.reconciler.heart.note(name, PART.late, Date.parse(a.time), "late_event", reason);
}

export function actOf(world: World, a: FileAssertion): Act {
  const [first] = a.epcs ?? [];
  const about = a.epc ?? first;
  const thing = about === undefined ? 0 : world.thing(about);
  const things = (a.children ?? a.epcs ?? a.scanned ?? []).map(world.thing);
  const named = a.place !== undefined && a.type !== "CARRIER";
  const place = named ? { place: world.thing(a.place ?? "") } : {};
  const carrier =
    a.carrier === undefined
      ? {}
      : { carrier: world.reconciler.heart.things.ensure(`carrier:${a.carrier}`) };
  switch (a.type) {
    case "ADD": {
      const along = (a.inferredChildren ?? []).map(world.thing);
      const document = a.documentMode === true ? { document: true } : {};
      const parent = world.thing(a.parent ?? a.place ?? "");
      return { kind: "add", parent, things, along, ...document };
    }
    case "DELETE": {
      const parent = world.thing(a.parent ?? "");
      return a.children
        ? { kind: "delete", parent, things, ...place }
        : { kind: "delete", parent, ...place };
    }
    case "OBSERVE":
      return { kind: "observe", things: a.epcs ? things : [thing], ...place };
    case "CLOSE":
      return { kind: "close", thing };
    case "OPEN":
      return { kind: "open", thing };
    case "SHIP":
      return {
        kind: "ship",
        thing,
        ...carrier,
        ...(a.tracking === undefined ? {} : { tracking: a.tracking }),
      };
    case "RECEIVE":
      return { kind: "receive", thing, ...place };
    case "DISCARD":
    case "DESTROY":
      return { kind: "destroy", things: a.epcs ? things : [thing] };
    case "CARRIER":
      return {
        kind: "checkpoint",
        thing,
        status: a.status ?? "",
        place: a.place ?? "",
        matches: a.shipmentOriginMatches !== false,
        ...carrier,
      };
    case "COUNT":
      return {
        kind: "count",
        scope: world.thing(a.place ?? ""),
        things: (a.scanned ?? []).map(world.thing),
        startMs: Date.parse(a.start ?? a.time),
        confirmedEmpty: a.confirmedEmpty ?? false,
        ...(a.depth === "pages" ? { depth: "pages" as const } : {}),
      };
    default:
      throw new Error(`assertion ${a.id} is of type ${a.type}, which is not known`);
  }
}

/** In a permuted case the i-th assertion to arrive is received at 12:00:00 + i seconds. */
function rereceived(one: Case, order: readonly number[]): readonly FileAssertion[] {
  const day = one.assertions[0]?.time.slice(0, 10) ?? "";
  return order.flatMap((index, i) => {
    const a = one.assertions[index];
    const recordTime = new Date(Date.parse(`${day}T12:00:00Z`) + i * 1000).toISOString();
    return a === undefined ? [] : [{ ...a, recordTime }];
  });
}

function permuted(one: Case, order: readonly number[]): readonly FileScan[] {
  return rereceived(one, order).flatMap((a) =>
    a.from_scans.flatMap((n) => {
      const scan = scanOf(one, n);
      return scan === undefined ? [] : [{ ...scan, receivedAt: a.recordTime }];
    }),
  );
}
