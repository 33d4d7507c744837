/**
 * `racktrace outbox check` and `salvage`: is the outbox of a gateway sound, and what can be had of one that
 * was set aside. Both read only, and beside a running gateway, too.
 */
import { join } from "node:path";
import { OUTBOX_FILE } from "../io/outbox-thread.ts";
import { Fault } from "../kernel/fault.ts";
import { listAside } from "../store/outbox-file.ts";
import {
  examineOutbox,
  openSalvage,
  type Salvage,
  type Salvaged,
} from "../store/outbox-salvage.ts";

export type RepairOptions = {
  readonly data: string;
  /** One file instead of those of the data folder. */
  readonly file?: string;
  readonly json?: boolean;
};

/** The exit status is 1 when something is wrong, or stands aside unseen to. */
export function check({ data, file, json }: RepairOptions): string {
  const path = file ?? join(data, OUTBOX_FILE);
  const found = examine(path);
  const aside = file === undefined ? listAside(path) : [];
  if (found.length + aside.length > 0) process.exitCode = 1;
  if (json) return `${JSON.stringify({ file: path, found, aside })}\n`;
  const lines = [
    ...(found.length === 0 ? [`${path} is sound`] : found.map((what) => `${path}: ${what}`)),
    ...aside.map((one) => `${one} was set aside: racktrace outbox salvage --file ${one}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** A file that cannot be opened as an outbox is damaged, and that is what was asked. */
function examine(path: string): readonly string[] {
  try {
    return examineOutbox(path);
  } catch (fault) {
    if (fault instanceof Fault && fault.code === "STORE_CORRUPT")
      return [fault.detail.replace(`${path}: `, "")];
    throw fault;
  }
}

export type Told = { readonly line: string } | { readonly summary: string };

/** Each event that can be read, as `asText` says it; what is missing is told at the end. */
export function* salvage(
  { data, file }: RepairOptions,
  asText: (event: Salvaged) => string,
): Iterable<Told> {
  const files = file === undefined ? listAside(join(data, OUTBOX_FILE)) : [file];
  if (files.length === 0) throw new Fault("DATA_UNREADABLE", `nothing was set aside in ${data}`);
  for (const path of files) {
    const salvaged = opened(path);
    if ("problem" in salvaged) {
      process.exitCode = 1;
      yield { summary: `${salvaged.problem}: nothing of it can be read` };
      continue;
    }
    try {
      let [events, altered] = [0, 0];
      for (const event of salvaged.events()) {
        if (event.gone) continue;
        events += 1;
        if (event.altered) altered += 1;
        yield { line: asText(event) };
      }
      const missing = salvaged.missing("scan") + salvaged.missing("telemetry");
      yield {
        summary: `${path}: ${events} events, ${altered} of them altered, ${missing} missing`,
      };
    } finally {
      salvaged.close();
    }
  }
}

/** One of which nothing is left keeps nobody from the others. */
function opened(path: string): Salvage | { readonly problem: string } {
  try {
    return openSalvage(path);
  } catch (fault) {
    if (fault instanceof Fault && fault.code === "STORE_CORRUPT") return { problem: fault.detail };
    throw fault;
  }
}
