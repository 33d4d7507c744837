/**
 * What a scan's text means at its scanner: a thing, a command, or nothing yet. Decoding follows the
 * scanner's profile; names come from the master data.
 */
import { type Decoded, decodeScan } from "../barcode/decode.ts";
import type { ScanOrder } from "../reconcile/policies.ts";
import type { Read, ScannerSetting } from "../reconcile/session.ts";
import type { Database } from "./database.ts";
import type { Heart } from "./heart.ts";

export const readsSchema = `
  CREATE TABLE scanner (
    gateway TEXT NOT NULL,
    id TEXT NOT NULL,
    since INTEGER NOT NULL,
    setting TEXT NOT NULL,
    PRIMARY KEY (gateway, id, since)
  ) STRICT, WITHOUT ROWID;
`;

/** The moments at which a scanner's setting differs from what it was taken to be; both belong to it. */
export type Span = { readonly fromMs: number; readonly untilMs: number };

export type ScannerRecord = {
  readonly aim?: boolean | undefined;
  readonly step?: string | undefined;
  readonly order?: ScanOrder | undefined;
  readonly operator?: string | undefined;
  readonly place?: number | undefined;
};

type Setting = { readonly sinceMs: number; readonly record: ScannerRecord };

/** From any connection: all that a scanner was ever set to, oldest first. */
export function readSettings(db: Database) {
  const all = db.prepare<[string, string], { since: number; setting: string }>(
    "SELECT since, setting FROM scanner WHERE gateway = ? AND id = ? ORDER BY since",
  );
  return (gateway: string, scanner: string): readonly Setting[] =>
    all.all(gateway, scanner).map(({ since, setting }) => {
      return { sinceMs: since, record: JSON.parse(setting) as ScannerRecord };
    });
}

/** What was said first of a scanner has always been true: a scan may be older than the word. */
export function inForce(settings: readonly Setting[], atMs: number): ScannerRecord {
  return (settings.findLast(({ sinceMs }) => sinceMs <= atMs) ?? settings[0])?.record ?? {};
}

/** What a scanner's profile makes of its text; without a word on it, the text itself shows the way. */
export function decodeRead(code: string, { aim }: ScannerRecord): Decoded {
  const decoded = decodeScan(code, { aim: aim ?? code.startsWith("]") });
  if (decoded.kind !== "key" || !NAMES_NOTHING.has(decoded.class)) return decoded;
  return { kind: "unknown", why: `(${decoded.ai}) names no thing`, text: code };
}

/** Keys of consignments, shipments and places without their part: no thing carries them. */
const NAMES_NOTHING: ReadonlySet<string> = new Set(["ginc", "gsin", "gln"]);

export function openReads(db: Database, heart: Heart, orderDefault: ScanOrder) {
  const settings = readSettings(db);
  const putSetting = db.prepare("INSERT OR REPLACE INTO scanner VALUES (?, ?, ?, ?)");
  const known = new Map<string, readonly Setting[]>();
  const { things } = heart;

  function settingsOf(gateway: string, scanner: string): readonly Setting[] {
    const name = `${gateway}\n${scanner}`;
    const cached = known.get(name);
    if (cached) return cached;
    const read = settings(gateway, scanner);
    known.set(name, read);
    return read;
  }

  function settingAt(gateway: string, scanner: string, atMs: number): ScannerRecord {
    return inForce(settingsOf(gateway, scanner), atMs);
  }

  function scannerSetting(gateway: string, scanner: string, atMs: number): ScannerSetting {
    const { step = "", order, operator = "", place = 0 } = settingAt(gateway, scanner, atMs);
    return { step, order: order ?? orderDefault, operator, place };
  }

  function read(gateway: string, scanner: string, code: string, atMs: number): Read {
    const decoded = decodeRead(code, settingAt(gateway, scanner, atMs));
    switch (decoded.kind) {
      case "key": {
        const { key } = decoded;
        const thing = things.ensure(key);
        return { kind: "thing", thing, what: things.kind(thing), key };
      }
      case "alias": {
        const thing = things.aliased(decoded.value) ?? things.aliased(code);
        if (thing !== undefined) {
          const { kind, key } = heart.ledger.thing(thing);
          return { kind: "thing", thing, what: kind, key };
        }
        if (decoded.carriers.length > 0) return NOTHING;
        return foreign(code, "names nothing that is known here");
      }
      case "command": {
        const value =
          decoded.command === "step"
            ? decoded.step
            : decoded.command === "order"
              ? decoded.order
              : decoded.command === "mode"
                ? decoded.mode
                : decoded.command === "count"
                  ? decoded.mark
                  : "";
        return { kind: "command", command: decoded.command, value };
      }
      case "misread":
        return { kind: "nothing", finding: "misread", subject: code, reason: decoded.why };
      case "unknown": {
        const thing = things.aliased(code);
        if (thing === undefined) return foreign(code, decoded.why);
        const { kind, key } = heart.ledger.thing(thing);
        return { kind: "thing", thing, what: kind, key };
      }
    }
  }

  function foreign(code: string, reason: string): Read {
    return { kind: "nothing", finding: "unknown_identifier", subject: code, reason };
  }

  return {
    read,
    setting: scannerSetting,
    /** From `sinceMs` on. Returns the moments for which that is another setting than before. */
    setScanner(gateway: string, id: string, record: ScannerRecord, sinceMs: number): Span {
      const before = settingsOf(gateway, id);
      const first = before[0]?.sinceMs ?? Number.POSITIVE_INFINITY;
      const next = before.find((one) => one.sinceMs > sinceMs)?.sinceMs;
      known.delete(`${gateway}\n${id}`);
      putSetting.run(gateway, id, sinceMs, JSON.stringify(record));
      return {
        fromMs: sinceMs <= first ? 0 : sinceMs,
        untilMs: next === undefined ? Number.MAX_SAFE_INTEGER : next - 1,
      };
    },
    forget(): void {
      known.clear();
    },
  };
}

export type Reads = ReturnType<typeof openReads>;

/** A carrier's number where none is expected: kept, visible, and without consequence. */
const NOTHING: Read = { kind: "nothing", finding: "", subject: "", reason: "" };
