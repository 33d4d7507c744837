/**
 * `racktrace twin rebuild`: derives everything again from the evidence, into a file of its own beside
 * the twin's, and compares the two row by row. Changes nothing; the twin must not be running.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { createClock } from "../io/clock.ts";
import { createJournal } from "../io/journal.ts";
import { Fault } from "../kernel/fault.ts";
import { type Comparison, compareFiles } from "../store/compare.ts";
import { openReader } from "../store/database.ts";
import { openDerived, readDerived } from "../store/derived.ts";
import { deviceStatesSchema } from "../store/device-states.ts";
import { type EvidenceReader, readEvidence } from "../store/evidence.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { openReconciler, reconcilerSchema } from "../store/reconciler.ts";
import { scansInEvidence } from "../store/scan-source.ts";
import { seriesSchema } from "../store/series.ts";
import { trackingsSchema } from "../store/trackings.ts";
import type { TwinConfig } from "../twin/config-schema.ts";
import { createDerivation } from "../twin/derive.ts";
import { recipeOf } from "../twin/recipe.ts";
import { cacheBytes } from "./cache-bytes.ts";
import { readTwinConfig } from "./twin-config.ts";
import { DERIVED_FILE, EVIDENCE_FILE } from "./twin-files.ts";

type Options = { readonly config?: string; readonly data?: string; readonly json?: boolean };

type Report = Comparison & {
  readonly identical: boolean;
  readonly events: number;
  readonly seconds: number;
};

const REBUILD_FILE = `${DERIVED_FILE}.rebuild`;
const STEP = { stepMs: 200, stepEventsMax: 16_384, heldEventsMax: 0 };

export function defineRebuild(command: Command): void {
  command
    .description("derive everything again from the evidence and compare, row by row")
    .option("--config <FILE>", "the twin's configuration: rows follow from its policies too")
    .option("--data <DIR>", "the twin's data folder")
    .option("--json", "the report as one JSON object")
    .action((_options: Options, self: Command) => {
      // The command above has flags of the same names, and takes them first.
      const { config: file, data, json } = self.optsWithGlobals<Options>();
      const { policies, ...config } = readTwinConfig(file, data === undefined ? {} : { data });
      const report = rebuild(resolve(config.data), policies);
      process.stdout.write(`${json === true ? JSON.stringify(report) : textOf(report)}\n`);
      if (!report.identical) process.exitCode = 1;
    });
}

function rebuild(folder: string, policies: TwinConfig["policies"]): Report {
  const [evidencePath, derivedPath] = [join(folder, EVIDENCE_FILE), join(folder, DERIVED_FILE)];
  // Before the lock, which would make the folder.
  for (const path of [evidencePath, derivedPath]) openReader(path).close();
  const lock = lockFolder(folder);
  const closers: (() => void)[] = [() => lock.release()];
  try {
    const evidenceDb = openReader(evidencePath);
    closers.unshift(() => evidenceDb.close());
    const stored = openReader(derivedPath);
    closers.unshift(() => stored.close());
    const tables = [seriesSchema, deviceStatesSchema, ...reconcilerSchema, trackingsSchema];
    const recipe = recipeOf(tables, policies);
    const held = readDerived(stored);
    if (held.recipe() !== recipe)
      throw new Fault(
        "CONFIG_INVALID",
        `${derivedPath} was derived by another release or with other policies; ` +
          "give the twin's own --config, or start the twin once: it derives anew",
      );
    const path = join(folder, REBUILD_FILE);
    removeFile(path);
    closers.unshift(() => removeFile(path));
    const { derived } = openDerived(path, {
      tables,
      recipe,
      latest: 0,
      check: false,
      setAsideAs: path,
      cacheBytes: cacheBytes(),
    });
    closers.unshift(() => derived.close());

    const clock = createClock();
    const evidence = readEvidence(evidenceDb);
    const source = scansInEvidence(evidence);
    const startedMs = clock.monotonicMs();
    const events = held.at((position) => position);
    const derivation = createDerivation(
      {
        evidence: through(evidence, events),
        derived,
        openReconciler: () => openReconciler(derived.db, { policies, source }),
        clock,
        journal: createJournal("rebuild", "warn"),
      },
      STEP,
    );
    const secondsSince = () => (clock.monotonicMs() - startedMs) / 1000;
    while (derivation.step() !== undefined)
      showProgress(derivation.reflected(), events, secondsSince());
    endProgress();
    const seconds = Math.round(secondsSince() * 10) / 10;
    const comparison = compareFiles(stored, derived.db);
    return { identical: comparison.differences.length === 0, events, seconds, ...comparison };
  } finally {
    for (const close of closers) close();
  }
}

/** A twin that was cut off has evidence that its rows do not reflect yet: it is left out here too. */
function through(evidence: EvidenceReader, last: number): EvidenceReader {
  return {
    ...evidence,
    latest: () => Math.min(evidence.latest(), last),
    *from(position) {
      for (const segment of evidence.from(position)) {
        if (segment.position > last) return;
        const events = segment.batch.events.slice(0, last - segment.position + 1);
        yield { ...segment, batch: { ...segment.batch, events } };
      }
    },
  };
}

function showProgress(done: number, all: number, seconds: number): void {
  if (!process.stderr.isTTY) return;
  const percent = Math.floor((100 * done) / Math.max(1, all));
  const speed = Math.round(done / Math.max(0.001, seconds));
  process.stderr.write(`\r${percent} % of ${all} events, ${speed}/s   `);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}

function textOf({ identical, events, seconds, tables, differences }: Report): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const summary = `${events} events, ${rows} rows in ${tables.length} tables, ${seconds} s`;
  if (identical) return `identical: ${summary}`;
  const lines = tables
    .filter(({ different }) => different > 0)
    .flatMap(({ table, different }) => [
      `${table}: ${different} rows differ`,
      ...differences
        .filter((one) => one.table === table)
        .flatMap(({ first, second }) => [
          `  stored   ${first === undefined ? "(none)" : JSON.stringify(first)}`,
          `  rebuilt  ${second === undefined ? "(none)" : JSON.stringify(second)}`,
        ]),
    ]);
  return [`different: ${summary}`, ...lines].join("\n");
}

function removeFile(path: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(path + part, { force: true });
}
