/**
 * Files as earlier releases laid them out, and what is in them. A step that was released is never edited, so
 * the first so many steps are the layout of then; rows are written here, by nobody's code but SQLite's.
 */
import Sqlite from "better-sqlite3";
import { openDatabase, type SchemaStep } from "../../../src/store/database.ts";
import { type Evidence, evidenceSchema, openEvidence } from "../../../src/store/evidence.ts";
import { type Outbox, openOutbox, outboxLimits } from "../../../src/store/outbox.ts";
import { outboxSteps } from "../../../src/store/outbox-file.ts";
import { openSeals } from "../../../src/store/seals.ts";
import { type Batch, encodeBatch } from "../../../src/wire/codec.ts";
import { payload } from "../disk/payload.ts";

const LANES = ["scan", "telemetry"] as const;
const EVENTS = 300;
const RELEASED = 40;
const BATCH_EVENTS = 50;
const GATEWAY = "gw-gate";
const EPOCH = "0123456789abcdef";

export type OlderFile = {
  readonly kind: "outbox" | "evidence";
  readonly version: number;
  write(path: string): void;
  /** What is not in the file any more, once the program of today has opened it. */
  missing(path: string): readonly string[];
};

/** Every layout there was before the one of today. */
export const olderFiles: readonly OlderFile[] = [
  ...outboxSteps.slice(1).map((_, at) => outboxOf(at + 1)),
  ...evidenceSchema.slice(1).map((_, at) => evidenceOf(at + 1)),
];

function outboxOf(version: number): OlderFile {
  return {
    kind: "outbox",
    version,
    write(path) {
      const db = begun(path, outboxSteps.slice(0, version));
      for (const lane of LANES) {
        const insert = db.prepare(`INSERT INTO ${lane} (event, origin) VALUES (?, ?)`);
        for (let n = 1; n <= EVENTS; n++) insert.run(payload(lane, n), n);
        db.exec(`UPDATE lane SET gone = ${RELEASED} WHERE name = '${lane}'`);
      }
      // Killed: the next start looks at everything.
      db.exec("UPDATE life SET boot = 1, clean = 0");
      db.close();
    },
    missing(path) {
      const { outbox, aside } = openedOutbox(path);
      try {
        if (aside !== undefined) return [`set aside: ${aside}`];
        return LANES.flatMap((lane) => {
          const { firstSeq, lastSeq, waiting } = outbox.state(lane);
          const limit = { events: EVENTS, bytes: 2 ** 30 };
          const { events } = outbox.peek(lane, firstSeq, limit);
          const wrong = events.findIndex(
            (event, at) => !payload(lane, firstSeq + at).equals(event),
          );
          return [
            ...(firstSeq === RELEASED + 1 ? [] : [`${lane} waits from ${firstSeq} on`]),
            ...(lastSeq === EVENTS && waiting === EVENTS - RELEASED
              ? []
              : [`${lane}: ${waiting} wait, up to ${lastSeq}`]),
            ...(wrong < 0 ? [] : [`${lane} ${firstSeq + wrong} is another event`]),
          ];
        });
      } finally {
        outbox.close("stopped");
      }
    },
  };
}

function evidenceOf(version: number): OlderFile {
  return {
    kind: "evidence",
    version,
    write(path) {
      const db = begun(path, evidenceSchema.slice(0, version));
      db.prepare("INSERT INTO numbering VALUES (1, ?, ?, 'scan', ?)").run(GATEWAY, EPOCH, EVENTS);
      const insert = db.prepare("INSERT INTO segment VALUES (?, 1, ?, ?, 1, 1, 1, 1, ?)");
      for (let first = 1; first <= EVENTS; first += BATCH_EVENTS)
        insert.run(first, first, BATCH_EVENTS, encodeBatch(batchFrom(first)));
      db.exec("UPDATE life SET clean = 0");
      db.close();
    },
    missing(path) {
      const { db, evidence } = openedEvidence(path);
      try {
        const held = [...evidence.from(1)].flatMap(({ batch }) => batch.events);
        const wrong = held.findIndex((event, at) => !payload("scan", at + 1).equals(event));
        return [
          ...(held.length === EVENTS ? [] : [`${held.length} events of ${EVENTS}`]),
          ...(wrong < 0 ? [] : [`event ${wrong + 1} is another`]),
          ...(evidence.numbering(GATEWAY, EPOCH)?.through === EVENTS ? [] : ["its numbering"]),
        ];
      } finally {
        db.close();
      }
    },
  };
}

/** As the program of today opens it. */
export function openOf(kind: string, path: string) {
  return kind === "outbox" ? openedOutbox(path) : openedEvidence(path);
}

export function closeOpened(opened: ReturnType<typeof openOf>): void {
  if ("outbox" in opened) opened.outbox.close("stopped");
  else opened.db.close();
}

function openedOutbox(path: string): { outbox: Outbox; aside: string | undefined } {
  const budgets = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const room = { freeBytesMin: 0, ballastBytes: 0 };
  const { outbox, setAside } = openOutbox({ path, nowMs: () => 1e12 }, { ...budgets, room });
  return { outbox, aside: setAside?.reason };
}

function openedEvidence(path: string): { db: Sqlite.Database; evidence: Evidence } {
  const db = openDatabase(path, evidenceSchema, "durable");
  openSeals(db);
  return { db, evidence: openEvidence(db, path) };
}

function begun(path: string, steps: readonly SchemaStep[]): Sqlite.Database {
  const db = new Sqlite(path);
  db.pragma("journal_mode = WAL");
  for (const step of steps) db.exec(typeof step === "string" ? step : step.adds);
  db.pragma(`user_version = ${steps.length}`);
  return db;
}

function batchFrom(firstSeq: number): Batch {
  return {
    gateway: GATEWAY,
    epoch: EPOCH,
    lane: "scan",
    firstSeq,
    goneThrough: 0,
    boot: 1,
    sentAtMs: 1,
    sentMonotonicMs: 1,
    events: Array.from({ length: BATCH_EVENTS }, (_, at) => payload("scan", firstSeq + at)),
  };
}
