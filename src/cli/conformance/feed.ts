/**
 * Feeds a case to a twin: at level scans as gateways would send it, at level assertions straight
 * into the fold. Both are lists of deliveries, made in the order of their receipt.
 */
import type { Act } from "../../reconcile/assertion.ts";
import { actOf } from "../../store/correction.ts";
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

type Binding = { readonly raw: string; readonly name: string; readonly at: string };

/**
 * When foreign symbols got a meaning: `boundAt` for the case (a time, or times by raw read or by
 * entity) or on the read itself. The entity is noted on the scan.
 */
function bindings(one: Case): readonly Binding[] {
  const foreign = one.events.filter(({ barcode, entity }) => entity && !isKey(barcode));
  const noted = (raw: string) => foreign.find((scan) => scan.barcode === raw)?.entity ?? "";
  const found: Binding[] = [];
  for (const { barcode: raw, boundAt: at, entity } of one.misreads ?? [])
    if (at !== undefined) found.push({ raw, name: entity ?? noted(raw), at });
  if (typeof one.boundAt === "string") {
    for (const { barcode: raw, entity } of foreign)
      found.push({ raw, name: entity ?? "", at: one.boundAt });
  } else {
    for (const [by, value] of Object.entries(one.boundAt ?? {})) {
      const scan = foreign.find(({ barcode, entity }) => barcode === by || entity === by);
      const at = typeof value === "string" ? value : (value.at ?? value.time ?? "");
      const name = typeof value === "string" ? scan?.entity : (value.entity ?? scan?.entity);
      found.push({ raw: scan?.barcode ?? by, name: name ?? by, at });
    }
  }
  return found.filter(({ raw }, i) => found.findIndex((other) => other.raw === raw) === i);
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
        act: act(world, { ...a, scanned: scanned ?? [] }),
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

function act(world: World, a: FileAssertion): Act {
  const { things } = world.reconciler.heart;
  const number = (name: string) => things.ensure(world.keyOf(name));
  const found = actOf(a, number);
  if (found === undefined) throw new Error(`assertion ${a.id} is of type ${a.type}, not known`);
  return found;
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
