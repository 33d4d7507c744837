/**
 * Which devices may come to the gateway's broker: by a password, kept hardened, or by a certificate, kept
 * by its number; and which topics are theirs. The gateway and the commands beside it have it open at once.
 */
import { openList } from "./database.ts";

export type DeviceAccount = {
  readonly name: string;
  /** The only MQTT client id that it may use. */
  readonly clientId: string;
  readonly hardened: string | null;
  readonly serial: string | null;
  /** Filters. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly madeMs: number;
};

export type DeviceAccounts = {
  /** Takes the place of an older one of its name. */
  put(account: DeviceAccount): void;
  find(name: string): DeviceAccount | undefined;
  all(): readonly DeviceAccount[];
  /** False: there was none. */
  remove(name: string): boolean;
  /** Another number whenever somebody else has written. */
  changes(): number;
  close(): void;
};

const STEPS = [
  `CREATE TABLE device (
     name TEXT PRIMARY KEY,
     client_id TEXT NOT NULL UNIQUE,
     hardened TEXT,
     serial TEXT,
     publish TEXT NOT NULL,
     subscribe TEXT NOT NULL,
     made_ms INTEGER NOT NULL
   ) STRICT;`,
];

const COLUMNS =
  "name, client_id AS clientId, hardened, serial, publish, subscribe, made_ms AS madeMs";

type Row = Omit<DeviceAccount, "publish" | "subscribe"> & {
  readonly publish: string;
  readonly subscribe: string;
};

export function openDeviceAccounts(path: string): DeviceAccounts {
  const db = openList(path, STEPS);
  const write = db.prepare(
    `INSERT INTO device (name, client_id, hardened, serial, publish, subscribe, made_ms)
     VALUES (@name, @clientId, @hardened, @serial, @publish, @subscribe, @madeMs)
     ON CONFLICT (name) DO UPDATE SET client_id = excluded.client_id, hardened = excluded.hardened,
       serial = excluded.serial, publish = excluded.publish, subscribe = excluded.subscribe,
       made_ms = excluded.made_ms`,
  );
  const read = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM device WHERE name = ?`);
  const readAll = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM device ORDER BY name`);
  const remove = db.prepare("DELETE FROM device WHERE name = ?");

  return {
    put({ publish, subscribe, ...account }) {
      const lists = { publish: JSON.stringify(publish), subscribe: JSON.stringify(subscribe) };
      write.run({ ...account, ...lists });
    },
    find(name) {
      const row = read.get(name);
      return row && accountOf(row);
    },
    all: () => readAll.all().map(accountOf),
    remove: (name) => remove.run(name).changes > 0,
    changes: () => db.pragma("data_version", { simple: true }) as number,
    close: () => void db.close(),
  };
}

function accountOf({ publish, subscribe, ...row }: Row): DeviceAccount {
  return { ...row, publish: JSON.parse(publish), subscribe: JSON.parse(subscribe) };
}
