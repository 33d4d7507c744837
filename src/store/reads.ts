/**
 * What a scan's text means at its scanner: a thing, a command, or nothing yet. Decoding follows the
 * scanner's profile; names come from the master data.
 */
import { decodeScan } from "../barcode/decode.ts";
import type { ScanOrder } from "../reconcile/policies.ts";
import type { Read, ScannerSetting } from "../reconcile/session.ts";
import type { Database } from "./database.ts";
import type { Heart } from "./heart.ts";

export const readsSchema = `
  CREATE TABLE scanner (
    gateway TEXT NOT NULL,
    id TEXT NOT NULL,
    setting TEXT NOT NULL,
    PRIMARY KEY (gateway, id)
  ) STRICT, WITHOUT ROWID;
`;

export type ScannerRecord = {
  readonly aim?: boolean | undefined;
  readonly step?: string | undefined;
  readonly order?: ScanOrder | undefined;
  readonly operator?: string | undefined;
  readonly place?: number | undefined;
};

export function openReads(db: Database, heart: Heart, orderDefault: ScanOrder) {
  const sql = {
    setting: db
      .prepare<[string, string], string>("SELECT setting FROM scanner WHERE gateway = ? AND id = ?")
      .pluck(),
    putSetting: db.prepare("INSERT OR REPLACE INTO scanner VALUES (?, ?, ?)"),
  };
  const settings = new Map<string, ScannerRecord>();
  const { things } = heart;

  function settingOf(gateway: string, scanner: string): ScannerRecord {
    const name = `${gateway}\n${scanner}`;
    const cached = settings.get(name);
    if (cached) return cached;
    const text = sql.setting.get(gateway, scanner);
    const setting = text === undefined ? {} : (JSON.parse(text) as ScannerRecord);
    settings.set(name, setting);
    return setting;
  }

  function scannerSetting(gateway: string, scanner: string): ScannerSetting {
    const { step = "", order, operator = "", place = 0 } = settingOf(gateway, scanner);
    return { step, order: order ?? orderDefault, operator, place };
  }

  function read(gateway: string, scanner: string, code: string): Read {
    const { aim } = settingOf(gateway, scanner);
    const decoded = decodeScan(code, aim === undefined ? { aim: code.startsWith("]") } : { aim });
    switch (decoded.kind) {
      case "key": {
        const { key } = decoded;
        if (decoded.class === "ginc" || decoded.class === "gsin" || decoded.class === "gln")
          return foreign(code, `(${decoded.ai}) names no thing`);
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
    setScanner(gateway: string, id: string, record: ScannerRecord): void {
      settings.delete(`${gateway}\n${id}`);
      sql.putSetting.run(gateway, id, JSON.stringify(record));
    },
    forget(): void {
      settings.clear();
    },
  };
}

export type Reads = ReturnType<typeof openReads>;

/** A carrier's number where none is expected: kept, visible, and without consequence. */
const NOTHING: Read = { kind: "nothing", finding: "", subject: "", reason: "" };
