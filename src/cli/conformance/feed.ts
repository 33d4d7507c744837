/**
 * Feeds a case to a twin: at level scans as gateways would send it, at level assertions straight
 * into the fold. Both are lists of deliveries, made in the order of their receipt.
 */
import type { Act } from "../../reconcile/assertion.ts";
import { actOf } from "../../store/correction.ts";
import { PART } from "../../store/heart.ts";
import type { Case, FileAssertion, FileScan, Level } from "./format.ts";
import { bindingsOf, countAsKnown, deedsOf, scannerOrders, watermarksOf } from "./setup.ts";
import { BEGINNING, event, type World } from "./world.ts";

type Delivery = { readonly at: string; readonly make: () => void };

const NEVER = "9999-12-31T00:00:00Z";

/** `arrivals`: the order in which assertions arrive, by index, for a case that is permuted. */
export function feed(world: World, one: Case, level: Level, arrivals?: readonly number[]): void {
  const calls = apiCalls(world, one, level);
  const main =
    level === "scans"
      ? scanDeliveries(world, one, arrivals)
      : assertionDeliveries(world, one, arrivals);
  const all = [...calls, ...main];
  const timeless = all.find(({ at }) => Number.isNaN(Date.parse(at)));
  if (timeless) throw new Error(`something is said to happen at ${timeless.at}, which is no time`);
  // Stable: calls of the same moment come first, as what was booked before the scan.
  all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const { make } of all) make();
}

function apiCalls(world: World, one: Case, level: Level): Delivery[] {
  const calls: Delivery[] = [];
  const call = (kind: string, record: object, at: string) =>
    calls.push({ at, make: () => world.call(kind, record, at) });

  for (const { gateway, through, at } of watermarksOf(world.file, one, BEGINNING))
    call("watermark", { gateway, through }, at);
  for (const [document, { issued = BEGINNING, issuedRecord, due }] of Object.entries(
    one.obligations ?? {},
  ))
    call("obligation", { document, issued, due: due ?? NEVER }, issuedRecord ?? issued);
  for (const [name, gate] of Object.entries(one.gates ?? {})) {
    const { issued = BEGINNING, issuedRecord, deadline } = gate;
    const [entity, target] = [world.keyOf(gate.entity), world.keyOf(gate.target)];
    const record = { name, entity, target, issued, deadline: deadline ?? NEVER };
    call("gate", record, issuedRecord ?? issued);
  }
  for (const { kind, about, what, time, recordTime, by } of deedsOf(one)) {
    const said = kind === "execution" ? { gate: about, process: what } : { document: about };
    call(kind, { ...said, time, by }, recordTime);
  }
  for (const [name, at] of Object.entries(one.registeredAt ?? {}))
    if (typeof at === "string") calls.push({ at, make: () => world.register(name, at, false) });
  if (level === "scans") {
    for (const [id, order] of scannerOrders(one))
      for (const gateway of new Set(one.events.map((scan) => scan.gateway)))
        call("scanner", { gateway, id, order }, BEGINNING);
    for (const { raw, name, at } of bindingsOf(one))
      call("alias", { value: raw, id: world.keyOf(name) }, at);
    for (const a of one.assertions)
      if (a.type === "SHIP" && a.carrier !== undefined && a.from_scans.length > 0) {
        const { carrier, tracking = "", time } = a;
        call("label", { id: world.keyOf(a.epc ?? ""), carrier, tracking, time }, a.recordTime);
      }
  }
  return calls;
}

function scanDeliveries(world: World, one: Case, arrivals?: readonly number[]): Delivery[] {
  const deliveries: Delivery[] = [];
  const scans = arrivals ? permuted(one, arrivals) : one.events;
  for (const scan of scans)
    deliveries.push({ at: scan.receivedAt, make: () => enterScan(world, one, scan) });
  const named = new Map<string, { gateway: string; epoch: string; seq: number }>();
  for (const a of arrivals ? rereceived(one, arrivals) : one.assertions) {
    const last = scanOf(one, a.from_scans.at(-1));
    if (last)
      for (const called of [a.id, a.eventID ?? a.id])
        if (called === a.id || !named.has(called))
          named.set(called, { gateway: last.gateway, epoch: epochOf(last), seq: last.seq });
    if (a.from_scans.length > 0) continue;
    deliveries.push({
      at: a.recordTime,
      make: () => {
        if (a.type === "VOID") {
          const target = named.get(a.target ?? "") ?? { gateway: "", epoch: a.target, seq: 0 };
          world.call("void", { ...target, reason: a.reason ?? "" }, a.recordTime);
        } else {
          const gateway = a.type === "CARRIER" ? "" : (a.gateway ?? "");
          named.set(a.id, { gateway, ...world.call(...correction(world, a)) });
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
      by: a.by ?? a.operator,
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

function enterScan(world: World, one: Case, scan: FileScan): void {
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
      documentMode: scan.documentMode ?? one.documentMode,
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

export function epochOf({ boot, bootId }: Pick<FileScan, "boot" | "bootId">): string {
  return `boot-${boot ?? bootId ?? 1}`;
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
    const timeMs = Math.min(correctedMs(one, scan), Date.parse(received));
    const name = { gateway: scan.gateway, epoch: epochOf(scan), seq: scan.seq };
    step(received, () => heart.sequence(name, timeMs));
  }
  const quarantined = misreadsOf(one);
  for (const { barcode, why, recordTime, scan, name } of quarantined) {
    const timeMs = scan ? correctedMs(one, scan) : Date.parse(recordTime);
    const finding = /check|misread|length|char/.test(why) ? "misread" : "unknown_identifier";
    step(recordTime, () =>
      heart.put({
        timeMs,
        ...name,
        part: 0,
        act: { kind: "note", finding, subject: barcode, reason: why },
        step: "",
        operator: "",
      }),
    );
  }
  for (const { raw, at } of bindingsOf(one))
    step(at, () => {
      for (const { barcode, name } of quarantined)
        if (barcode === raw)
          heart.withdrawPart(heart.ledger.streamOf(name.gateway, name.epoch), name.seq, 0);
    });
  for (const [i, flag] of (one.clockFlags ?? []).entries()) {
    const timeMs = Date.parse(flag.validFrom ?? flag.recordTime);
    const name = { gateway: flag.gateway, epoch: "clock", seq: i + 1 };
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
    if (a.eventID !== undefined && !named.has(a.eventID)) named.set(a.eventID, name);
    const put = (scanned = a.scanned) =>
      heart.put({
        ...name,
        timeMs: Date.parse(a.time),
        part: 0,
        act: act(world, { ...a, ...mode(one, a), scanned: scanned ?? [] }),
        step: a.bizStep ?? "",
        operator: a.by ?? a.operator ?? last?.operator ?? "",
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
    const [first, ...later] = countAsKnown(one, a);
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

/** A case in whole-document mode: its assertions that put things somewhere are in it too. */
function mode(one: Case, a: FileAssertion): { documentMode?: boolean } {
  const documentMode = a.documentMode ?? one.documentMode;
  return documentMode === undefined ? {} : { documentMode };
}

/**
 * When a scan happened, which assertions alone do not say of each: its device time, put right by as
 * much as the assertion that came of it, or of another scan of the same clock.
 */
function correctedMs(one: Case, scan: FileScan): number {
  const device = (one: FileScan) =>
    one.time < "2020" && one.uptimeMs !== undefined ? one.uptimeMs : Date.parse(one.time);
  const told = one.assertions.flatMap((a) => {
    const last = scanOf(one, a.from_scans.at(-1));
    const same =
      last?.gateway === scan.gateway && last !== undefined && epochOf(last) === epochOf(scan);
    return same ? [{ a, offsetMs: Date.parse(a.time) - device(last) }] : [];
  });
  const own = told.find(({ a }) => a.from_scans.includes(scan.n)) ?? told[0];
  if (own) return device(scan) + own.offsetMs;
  return scan.time < "2020" ? Date.parse(scan.receivedAt) : Date.parse(scan.time);
}

/** Each quarantined read with the scan that made it, and a name that it shares with no other. */
function misreadsOf(one: Case) {
  const taken = new Set<FileScan>();
  return (one.misreads ?? []).map((misread, i) => {
    const reads = one.events.filter((scan) => scan.barcode === misread.barcode && !taken.has(scan));
    const scan = reads.find((read) => read.receivedAt === misread.recordTime) ?? reads[0];
    if (scan) taken.add(scan);
    const name = { gateway: scan?.gateway ?? "", epoch: "misread", seq: i + 1 };
    return { ...misread, scan, name };
  });
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

function act(world: World, a: FileAssertion): Act {
  const { things } = world.reconciler.heart;
  const number = (name: string) => things.ensure(world.keyOf(name));
  const found = actOf(a, number);
  if (found === undefined) throw new Error(`assertion ${a.id} is of type ${a.type}, not known`);
  return found;
}

/**
 * In a permuted case the i-th assertion to arrive is received at 12:00:00 + i seconds of the last day,
 * and not before all of them have happened.
 */
function rereceived(one: Case, order: readonly number[]): readonly FileAssertion[] {
  const last = Math.max(...one.assertions.map(({ time }) => Date.parse(time)));
  const noonMs = Date.parse(`${new Date(last).toISOString().slice(0, 10)}T12:00:00Z`);
  return order.flatMap((index, i) => {
    const a = one.assertions[index];
    const recordTime = new Date(Math.max(noonMs, last) + i * 1000).toISOString();
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
