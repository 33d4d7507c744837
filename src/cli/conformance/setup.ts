/**
 * What a case says besides scans and assertions, read in each form a case may write it in: a list of
 * records, or an object by name whose values are times, records or lists of them.
 */
import type { Case, CaseFile, FileAssertion, FileScan } from "./format.ts";

/** A deed that rested on a belief: a process that ran behind a gate, a reminder of a debt. */
export type Deed = {
  readonly kind: "execution" | "reminder";
  /** The gate or the document. */
  readonly about: string;
  readonly what: string;
  readonly time: string;
  readonly recordTime: string;
  readonly by: string;
};

export type Binding = { readonly raw: string; readonly name: string; readonly at: string };
export type Watermark = {
  readonly gateway: string;
  readonly through: string;
  readonly at: string;
};

type Fields = Readonly<Record<string, unknown>>;

const TIMES = ["time", "at", "executedAt", "sentAt", "sent", "executed", "through", "until"];

/** The records of a setup field; `by` is where the name of an object's entry goes. */
export function recordsOf(value: unknown, by: string): readonly Fields[] {
  if (value === undefined || value === null || value === false) return [];
  if (Array.isArray(value)) return value.flatMap((one) => recordOf(one, by, ""));
  if (typeof value !== "object") return recordOf(value, by, "");
  return Object.entries(value).flatMap(([name, entry]) =>
    (Array.isArray(entry) ? entry : [entry]).flatMap((one) => recordOf(one, by, name)),
  );
}

function recordOf(one: unknown, by: string, name: string): readonly Fields[] {
  const named = name === "" ? {} : { [by]: name };
  if (typeof one === "object" && one !== null) return [{ ...named, ...one }];
  if (typeof one !== "string") return one === false ? [] : [named];
  if (isTime(one)) return [{ ...named, time: one }];
  return [name === "" ? { [by]: one } : named];
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text);
}

function text(record: Fields, names: readonly string[]): string {
  const found = names.map((name) => record[name]).find((value) => typeof value === "string");
  return typeof found === "string" ? found : "";
}

export function deedsOf(one: Case): readonly Deed[] {
  // A deed without a time of its own was done by what was known at the first checkpoint.
  const first = one.expect[0]?.at ?? "";
  const deed = (kind: Deed["kind"], abouts: readonly string[]) => (record: Fields) => {
    const about = text(record, abouts);
    const time = text(record, TIMES) || first;
    const what = text(record, ["process", "note", "what"]);
    const recordTime = text(record, ["recordTime", "recorded", "record"]) || time;
    return { kind, about, what: what || about, time, recordTime, by: text(record, ["by"]) };
  };
  const executed = recordsOf(one["executed"], "gate").map(
    deed("execution", ["gate", "process", "name"]),
  );
  const debts = Object.entries(one.obligations ?? {}).flatMap(([document, { reminders, due }]) =>
    recordsOf(reminders, "time").map((record) => ({ document, due, ...record })),
  );
  const said = [...recordsOf(one["reminders"], "document"), ...debts];
  const asked = one.expect.some((expect) => expect["remindersToReview"] !== undefined);
  // Nobody says when a reminder was sent: it goes out when the debt falls due.
  const usual = Object.entries(one.obligations ?? {}).map(([document, { due }]) => {
    return { document, time: due };
  });
  const reminded = (said.length === 0 && asked ? usual : said).map(
    deed("reminder", ["document", "obligation", "name"]),
  );
  return [...executed, ...reminded].filter(({ time }) => time !== "");
}

/**
 * When foreign symbols got a meaning: `boundAt` for the case (a time, or times by raw read or by
 * entity, or a list of records) or on the read itself. The entity is noted on the scan.
 */
export function bindingsOf(one: Case): readonly Binding[] {
  const foreign = one.events.filter(({ barcode, entity }) => entity && !isKey(barcode));
  const noted = (raw: string) => foreign.find((scan) => scan.barcode === raw)?.entity ?? "";
  const found: Binding[] = [];
  for (const { barcode: raw, boundAt: at, entity } of one.misreads ?? [])
    if (at !== undefined) found.push({ raw, name: entity ?? noted(raw), at });
  for (const record of recordsOf(one.boundAt, "for")) {
    const by = text(record, ["for", "barcode", "raw", "value", "alias", "entity"]);
    const at = text(record, TIMES) || text(record, ["boundAt"]);
    const named = text(record, ["entity", "epc", "id"]);
    if (by === "")
      for (const scan of foreign) found.push({ raw: scan.barcode, name: scan.entity ?? "", at });
    else {
      const scan = foreign.find(({ barcode, entity }) => barcode === by || entity === by);
      found.push({ raw: scan?.barcode ?? by, name: named || (scan?.entity ?? by), at });
    }
  }
  return found.filter(({ raw }, i) => found.findIndex((other) => other.raw === raw) === i);
}

function isKey(barcode: string): boolean {
  return /^\](C1|e0|d2|Q3|J1)/.test(barcode);
}

/** Of the gateways that a case with watermarks does not name, everything has arrived. */
export function watermarksOf(file: CaseFile, one: Case, beginning: string): readonly Watermark[] {
  if (one.watermarks === undefined) return [];
  const told = recordsOf(one.watermarks, "gateway").map((record) => ({
    gateway: text(record, ["gateway"]),
    through: text(record, ["through", "watermark", "time", "until", "at"]),
    at: text(record, ["recordTime", "asKnownAt", "knownFrom"]) || beginning,
  }));
  const others = Object.keys(file.gateways)
    .filter((gateway) => told.every((mark) => mark.gateway !== gateway))
    .map((gateway) => ({ gateway, through: "9999-12-31T00:00:00Z", at: beginning }));
  return [...told, ...others].filter(({ through }) => !Number.isNaN(Date.parse(through)));
}

export type Order = "item-first" | "container-first";

/** `scanOrder` for the case is a policy; by scanner it is a setting of each. */
export function scannerOrders(one: Case): readonly (readonly [scanner: string, order: Order])[] {
  const { scanOrder } = one as { scanOrder?: unknown };
  if (typeof scanOrder !== "object" || scanOrder === null) return [];
  return Object.entries(scanOrder).map(([scanner, order]) => [scanner, orderOf(order)] as const);
}

export function orderOf(value: unknown): Order {
  return /^(container|location|place|parent)/.test(String(value))
    ? "container-first"
    : "item-first";
}

/** What of a count had arrived by when: as the case says, or by the receipt of its scans. */
export function countAsKnown(
  one: Case,
  a: FileAssertion,
): readonly { readonly until: string; readonly scanned: readonly string[] }[] {
  if (a.scannedAsKnown !== undefined) return a.scannedAsKnown;
  const { partialCountScans } = one as { partialCountScans?: unknown };
  if (a.type !== "COUNT" || partialCountScans !== true) return [];
  const scans = a.from_scans
    .map((n) => one.events.find((scan) => scan.n === n))
    .filter((scan): scan is FileScan => scan !== undefined && scan.marker === undefined);
  const ended = Date.parse(a.recordTime);
  const late = scans.map(({ receivedAt }) => receivedAt).filter((at) => Date.parse(at) > ended);
  return [...new Set(late)].sort().map((until) => ({
    until,
    scanned: scans
      .filter(({ receivedAt }) => Date.parse(receivedAt) < Date.parse(until))
      .flatMap(({ entity }) => entity ?? []),
  }));
}
