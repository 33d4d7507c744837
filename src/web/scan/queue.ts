/**
 * Scans that this browser has made, in the order in which it made them, until the twin has them and a
 * while after.
 *
 * The promise: once `keep` resolves, the scan has a number of its own and is on this device's storage,
 * whatever happens to the page, the browser or the network. A number is given in the transaction that
 * writes the scan, and transactions of all tabs stand in one row: none is given twice, none is left out.
 *
 * The numbering (epoch) and the key are minted with the storage. A storage that went back in time, as a
 * copied profile does, would give numbers again that are the twin's already: `renew` begins another. It shows
 * by what was sent: the twin has more than this storage knows to have sent, whatever was scanned since.
 */
import type { Order, Verdict } from "./told.ts";

export type ScanBy = "camera" | "wedge" | "typed" | "button";

export type NewScan = {
  readonly timeMs: number;
  readonly monotonicMs: number;
  readonly raw: Uint8Array;
  readonly by: ScanBy;
  readonly marker?: string;
};

export type QueuedScan = NewScan & {
  readonly seq: number;
  readonly boot: number;
  readonly step: string;
  readonly verdict?: Verdict;
};

export type PhoneRecord = {
  readonly epoch: string;
  readonly key: string;
  /** Given by the twin; undefined: not enrolled yet. */
  readonly gateway: string | undefined;
  readonly site: string | undefined;
  /** How often a page has opened this storage. */
  readonly boot: number;
  readonly lastSeq: number;
  /** Up to here it may have been sent. Absent in a storage of an earlier release: up to `lastSeq`. */
  readonly sentThrough?: number;
  /** Up to here everything is the twin's. */
  readonly through: number;
  /** Up to here nothing is left here to be sent again. */
  readonly goneThrough: number;
  /** What the next scans are for, and what is scanned first. */
  readonly step: string;
  readonly order: Order;
  /** The place that this device counts, and what it did before. */
  readonly counting?: Counting | undefined;
};

export type Counting = {
  readonly key: string;
  readonly label: string;
  readonly name: string;
  readonly before: string;
};

export type Settings = Partial<
  Pick<PhoneRecord, "gateway" | "site" | "step" | "order" | "counting">
>;

export type ScanQueue = {
  /** This opening of the storage. */
  readonly boot: number;
  record(): Promise<PhoneRecord>;
  /** On storage when it resolves; what the scan sets for those after it is written with it. */
  keep(scan: NewScan, sets?: Settings): Promise<QueuedScan>;
  set(settings: Settings): Promise<void>;
  /** What the twin has not acknowledged, from the oldest on. */
  waiting(scansMax: number): Promise<readonly QueuedScan[]>;
  /** The newest first, acknowledged or not. */
  latest(count: number): Promise<readonly QueuedScan[]>;
  /** On disk before they leave: scans up to this one may be the twin's. */
  sending(seq: number): Promise<void>;
  acknowledge(
    through: number,
    verdicts: readonly (Verdict & { readonly seq: number })[],
  ): Promise<void>;
  /** The twin has less than it had acknowledged, as after a backup was restored: what is still here waits again. */
  rewind(through: number): Promise<void>;
  /** Another numbering for what waits, under a name that the twin has still to give. */
  renew(): Promise<void>;
  close(): void;
};

const NAME = "racktrace.scans";
const RECORD = "phone";
/** Acknowledged scans that stay, to be looked at. */
const SHOWN_MAX = 200;

export async function openScanQueue(): Promise<ScanQueue> {
  const db = await openDatabase();
  const { boot } = await write(db, async (stores) => {
    const record = await recordIn(stores);
    const next = { ...record, boot: record.boot + 1 };
    stores.state.put(next, RECORD);
    return next;
  });

  function set(settings: Settings): Promise<void> {
    return write(db, async (stores) => {
      stores.state.put({ ...(await recordIn(stores)), ...settings }, RECORD);
    });
  }

  return {
    boot,
    set,
    record: () => read(db, recordIn),

    keep: (scan, sets = {}) =>
      write(db, async (stores) => {
        const record = await recordIn(stores);
        const seq = record.lastSeq + 1;
        const queued: QueuedScan = { ...scan, seq, boot, step: record.step };
        stores.scans.add(queued);
        stores.state.put({ ...record, ...sets, lastSeq: seq }, RECORD);
        return queued;
      }),

    waiting: (scansMax) =>
      read(db, async (stores) => {
        const { through } = await recordIn(stores);
        return done(stores.scans.getAll(IDBKeyRange.lowerBound(through, true), scansMax));
      }),

    latest: (count) =>
      read(db, async (stores) => {
        const { lastSeq } = await recordIn(stores);
        const range = IDBKeyRange.lowerBound(Math.max(0, lastSeq - count), true);
        return (await done<QueuedScan[]>(stores.scans.getAll(range))).reverse();
      }),

    sending: (seq) =>
      write(db, async (stores) => {
        const record = await recordIn(stores);
        const sentThrough = Math.max(record.sentThrough ?? 0, seq);
        stores.state.put({ ...record, sentThrough }, RECORD);
      }),

    acknowledge: (through, verdicts) =>
      write(db, async (stores) => {
        const record = await recordIn(stores);
        const now = Math.max(record.through, through);
        const goneThrough = Math.max(0, now - SHOWN_MAX);
        stores.state.put({ ...record, through: now, goneThrough }, RECORD);
        for (const { seq, kind, reason } of verdicts) {
          const scan = await done<QueuedScan | undefined>(stores.scans.get(seq));
          if (scan !== undefined) stores.scans.put({ ...scan, verdict: { kind, reason } });
        }
        if (goneThrough > 0) stores.scans.delete(IDBKeyRange.upperBound(goneThrough));
      }),

    rewind: (through) =>
      write(db, async (stores) => {
        const record = await recordIn(stores);
        const back = Math.max(through, record.goneThrough);
        stores.state.put({ ...record, through: Math.min(record.through, back) }, RECORD);
      }),

    renew: () =>
      write(db, async (stores) => {
        const record = await recordIn(stores);
        const left = await done<QueuedScan[]>(
          stores.scans.getAll(IDBKeyRange.lowerBound(record.through, true)),
        );
        stores.scans.clear();
        for (const [index, scan] of left.entries()) stores.scans.add({ ...scan, seq: index + 1 });
        const { epoch, key, lastSeq, through } = fresh();
        const numbering = {
          ...{ epoch, key, lastSeq: lastSeq + left.length },
          ...{ sentThrough: 0, through, goneThrough: 0 },
        };
        stores.state.put({ ...record, ...numbering, gateway: undefined }, RECORD);
      }),

    close: () => db.close(),
  };
}

type Stores = { readonly state: IDBObjectStore; readonly scans: IDBObjectStore };

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("scans", { keyPath: "seq" });
    request.result.createObjectStore("state").put(fresh(), RECORD);
  };
  return done(request);
}

function fresh(): PhoneRecord {
  return {
    ...{ epoch: hex(16), key: hex(32), gateway: undefined, site: undefined },
    ...{ boot: 0, lastSeq: 0, sentThrough: 0, through: 0, goneThrough: 0 },
    ...{ step: "storing", order: "item-first" },
  };
}

function recordIn({ state }: Stores): Promise<PhoneRecord> {
  return done(state.get(RECORD));
}

function read<T>(db: IDBDatabase, work: (stores: Stores) => Promise<T>): Promise<T> {
  return work(storesOf(db.transaction(["state", "scans"], "readonly")));
}

/** Resolves once it is on storage: `strict` asks the browser to flush before it says complete. */
async function write<T>(db: IDBDatabase, work: (stores: Stores) => Promise<T>): Promise<T> {
  const transaction = db.transaction(["state", "scans"], "readwrite", { durability: "strict" });
  const completed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("not written"));
  });
  try {
    const value = await work(storesOf(transaction));
    await completed;
    return value;
  } catch (error) {
    completed.catch(() => {});
    throw transaction.error ?? error;
  }
}

function storesOf(transaction: IDBTransaction): Stores {
  return { state: transaction.objectStore("state"), scans: transaction.objectStore("scans") };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** `crypto.randomUUID` asks for a secure address; this works wherever the page opens. */
function hex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
