/** The structured log on stderr, through pino: stdout belongs to data. */
import { type Level, pino } from "pino";
import type { Journal } from "../ports.ts";

export function createJournal(name: string, level: Level | "silent" = "info"): Journal {
  const log = pino({ name, level }, pino.destination({ dest: 2, sync: true }));
  return {
    note: (what, details) => log.info(details ?? {}, what),
    warn: (what, details) => log.warn(details ?? {}, what),
    error: (what, details) => log.error(details ?? {}, what),
  };
}
