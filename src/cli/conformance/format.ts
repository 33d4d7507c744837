/**
 * The form `reconcile-cases/1`, as far as it is read here. Times are ISO 8601; things, places,
 * gateways and documents are named by short names that `entities` gives a barcode.
 */
import { readFileSync } from "node:fs";
import { Fault } from "../../kernel/fault.ts";

export type CaseFile = {
  readonly format: string;
  readonly policies: Readonly<Record<string, unknown>>;
  readonly gateways: Readonly<
    Record<string, { site: string; defaultPlace?: string; unpackingPlace?: string }>
  >;
  readonly entities: Readonly<Record<string, FileEntity>>;
  readonly initialState: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
};

export type FileEntity = {
  readonly kind: string;
  readonly barcode: string;
  readonly key: string;
  readonly doc?: string;
};

export type FileScan = {
  readonly n: number;
  readonly time: string;
  readonly receivedAt: string;
  readonly gateway: string;
  readonly seq: number;
  readonly boot?: number;
  readonly bootId?: number | string;
  readonly scanner: string;
  readonly operator?: string;
  readonly step?: string;
  readonly barcode: string;
  readonly entity?: string | null;
  readonly marker?: string;
  readonly confirmedEmpty?: boolean;
  readonly documentMode?: boolean;
  readonly sentAt?: string;
  readonly uptimeMs?: number;
  readonly batchUptimeMs?: number;
  readonly conflict?: boolean;
};

export type FileAssertion = {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly recordTime: string;
  readonly from_scans: readonly number[];
  readonly gateway?: string;
  readonly seq?: number;
  readonly bizStep?: string;
  readonly operator?: string;
  readonly by?: string;
  readonly parent?: string;
  readonly children?: readonly string[] | null;
  readonly inferredChildren?: readonly string[];
  readonly documentMode?: boolean;
  readonly place?: string;
  readonly epc?: string;
  readonly epcs?: readonly string[];
  readonly scanned?: readonly string[];
  readonly scannedAsKnown?: readonly { until: string; scanned: readonly string[] }[];
  readonly start?: string;
  readonly depth?: string;
  readonly confirmedEmpty?: boolean;
  readonly status?: string;
  readonly shipmentOriginMatches?: boolean;
  readonly carrier?: string;
  readonly tracking?: string;
  readonly target?: string;
  readonly reason?: string;
  readonly eventID?: string;
  readonly contentHash?: string;
};

export type Obligation = {
  readonly issued?: string;
  readonly issuedRecord?: string;
  readonly due?: string;
  readonly reminders?: unknown;
};

export type Gate = {
  readonly entity: string;
  readonly target: string;
  readonly issued?: string;
  readonly issuedRecord?: string;
  readonly deadline?: string;
};

export type Subject = {
  readonly kind: string;
  readonly subject: string;
  readonly subjectAlt?: readonly string[];
};

export type Expect = { readonly at: string; readonly asKnownAt: string } & Readonly<
  Record<string, unknown>
>;

export type Case = {
  readonly id: string;
  readonly events: readonly FileScan[];
  readonly assertions: readonly FileAssertion[];
  readonly expect: readonly Expect[];
  readonly scanOrder?: string;
  readonly registeredAt?: Readonly<Record<string, string>>;
  readonly boundAt?: unknown;
  readonly misreads?: readonly {
    barcode: string;
    why: string;
    recordTime: string;
    boundAt?: string;
    entity?: string;
  }[];
  readonly clockFlags?: readonly { gateway: string; recordTime: string; validFrom?: string }[];
  readonly watermarks?: unknown;
  readonly obligations?: Readonly<Record<string, Obligation>>;
  readonly gates?: Readonly<Record<string, Gate>>;
  readonly documentMode?: boolean;
  readonly checkDocuments?: boolean | readonly string[];
  readonly permuteArrivals?: boolean;
} & Readonly<Record<string, unknown>>;

export type Level = "scans" | "assertions";

export function readCases(path: string): CaseFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new Fault("CONFIG_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
  let file: CaseFile;
  try {
    file = JSON.parse(text) as CaseFile;
  } catch (cause) {
    throw new Fault("CONFIG_INVALID", `${path} is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (file?.format !== "reconcile-cases/1" || !Array.isArray(file.cases))
    throw new Fault("CONFIG_INVALID", `${path} is not of the form reconcile-cases/1`);
  const problems = file.cases.flatMap((one, i) => problemsOf(one, `cases[${i}]`));
  if (problems.length > 0)
    throw new Fault("CONFIG_INVALID", `${path}: ${problems.slice(0, 20).join("; ")}`);
  return { ...file, ...worldOf(file), cases: file.cases.map(whole) };
}

/** What has to be there for a case to be run at all. */
function problemsOf(one: unknown, where: string): readonly string[] {
  if (typeof one !== "object" || one === null) return [`${where} is no case`];
  const { id } = one as Partial<Case>;
  if (typeof id !== "string") return [`${where} has no id`];
  return ["events", "assertions", "expect"].flatMap((field) => {
    const value = (one as Record<string, unknown>)[field] ?? [];
    if (!Array.isArray(value)) return [`${id}.${field} is no list`];
    return value.flatMap((item: unknown, i) =>
      typeof item === "object" && item !== null ? [] : [`${id}.${field}[${i}] is no record`],
    );
  });
}

/** What keeps one case from being run: it fails, and the others are run. */
export function flawsOf({ events, assertions, expect }: Case): readonly string[] {
  const flaws = (what: string, records: readonly object[], fields: readonly string[]) =>
    records.flatMap((record, i) =>
      fields.flatMap((field) => {
        const value = (record as Record<string, unknown>)[field];
        const isTime = TIME_FIELDS.has(field);
        const right = isTime ? !Number.isNaN(Date.parse(String(value))) : value !== undefined;
        return right ? [] : [`${what}[${i}].${field} is ${isTime ? "no time" : "missing"}`];
      }),
    );
  return [
    ...flaws("events", events, ["n", "time", "receivedAt", "gateway", "seq", "barcode"]),
    ...flaws("assertions", assertions, ["id", "type", "time", "recordTime"]),
    ...flaws("expect", expect, ["at", "asKnownAt"]),
  ];
}

const TIME_FIELDS: ReadonlySet<string> = new Set([
  "time",
  "receivedAt",
  "recordTime",
  "at",
  "asKnownAt",
]);

function whole(one: Case): Case {
  const { events = [], assertions = [], expect = [] } = one as Partial<Case>;
  return {
    ...one,
    events,
    assertions: assertions.map((a) => ({ ...a, from_scans: a.from_scans ?? [] })),
    expect,
  };
}

function worldOf({ policies, gateways, entities, initialState }: Partial<CaseFile>) {
  return {
    policies: policies ?? {},
    gateways: gateways ?? {},
    entities: entities ?? {},
    initialState: initialState ?? {},
  };
}

const CASE_FIELDS: ReadonlySet<string> = new Set(
  `id description reason tags sources events assertions expect scanOrder registeredAt boundAt misreads
  clockFlags watermarks obligations reminders gates executed documentMode checkDocuments
  permuteArrivals partialCountScans policies entities initialState gateways`.split(/\s+/),
);
const SCAN_FIELDS: ReadonlySet<string> = new Set(
  `n time receivedAt gateway seq boot bootId scanner operator step barcode entity marker
  confirmedEmpty documentMode sentAt uptimeMs batchUptimeMs resend conflict trueTime misread
  note`.split(/\s+/),
);
const ASSERTION_FIELDS: ReadonlySet<string> = new Set(
  `id type time recordTime from_scans gateway seq bizStep operator parent children inferredChildren
  documentMode place epc epcs scanned scannedAsKnown start depth confirmedEmpty status
  shipmentOriginMatches carrier tracking target reason correctiveEventIDs eventID contentHash
  deviceTime site gatewayPlace via manual by note`.split(/\s+/),
);
const MARKERS: ReadonlySet<unknown> = new Set([
  undefined,
  ...["count-start", "count-end", "close", "open", "empty-all", "undo"],
]);

/** What a case says and nobody here reads; a case may set policies by their names. */
export function unread(one: Case, isPolicy: (name: string) => boolean): readonly string[] {
  const strange = (what: string, record: object, known: ReadonlySet<string>) =>
    Object.keys(record).flatMap((field) =>
      known.has(field) || (record === one && isPolicy(field)) ? [] : [`${what} field ${field}`],
    );
  return [
    ...strange("case", one, CASE_FIELDS),
    ...one.events.flatMap((scan) => strange("scan", scan, SCAN_FIELDS)),
    ...one.events.flatMap(({ marker }) => (MARKERS.has(marker) ? [] : [`marker ${marker}`])),
    ...one.assertions.flatMap((a) => strange("assertion", a, ASSERTION_FIELDS)),
  ];
}
