/**
 * What gateways last said of each of their devices: absent, opening, open, silent or faulted, since
 * when and why.
 *
 * One row for each device of a gateway. Within a numbering the later event wins, whatever the clocks
 * say; across numberings, where an old outbox may still be drained after a new one was begun, the
 * state that began later wins. The fold goes by positions, so a rebuild gives the same rows.
 */
import type { Database } from "./database.ts";

export const deviceStatesSchema = `
  CREATE TABLE device_state (
    gateway TEXT NOT NULL,
    device TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (gateway, device)
  ) STRICT, WITHOUT ROWID;
`;

export type ToldState = {
  readonly gateway: string;
  readonly device: string;
  readonly state: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** Of the event that says so. */
  readonly position: number;
};

export type DeviceStatesWriter = {
  /** Within a transaction, in order of positions. Returns whether it is what holds now. */
  tell(told: ToldState, epoch: string): boolean;
};

export function openDeviceStatesWriter(db: Database): DeviceStatesWriter {
  const write = db.prepare<[ToldState & { epoch: string }]>(
    `INSERT INTO device_state VALUES
       (@gateway, @device, @state, @reason, @sinceMs, @epoch, @position)
     ON CONFLICT (gateway, device) DO UPDATE SET state = excluded.state, reason = excluded.reason,
       since_ms = excluded.since_ms, epoch = excluded.epoch, position = excluded.position
     WHERE device_state.epoch = excluded.epoch OR device_state.since_ms <= excluded.since_ms`,
  );
  return { tell: (told, epoch) => write.run({ ...told, epoch }).changes > 0 };
}

export type DeviceStates = {
  list(limit: number): readonly ToldState[];
  /** How many devices of each gateway are in each state. */
  counts(): readonly { readonly gateway: string; readonly state: string; readonly count: number }[];
};

export function openDeviceStates(db: Database): DeviceStates {
  const all = db.prepare<[number], ToldState>(
    `SELECT gateway, device, state, reason, since_ms AS sinceMs, position
     FROM device_state ORDER BY gateway, device LIMIT ?`,
  );
  const counted = db.prepare<[], { gateway: string; state: string; count: number }>(
    `SELECT gateway, state, count(*) AS count FROM device_state GROUP BY gateway, state
     ORDER BY gateway, state`,
  );
  return { list: (limit) => all.all(limit), counts: () => counted.all() };
}
