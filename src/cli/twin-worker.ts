/** Entry of the twin's writer thread: opens both files, takes in, derives, closes. */
import { randomUUID } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { createClock } from "../io/clock.ts";
import { createJournal } from "../io/journal.ts";
import { openSigningKey } from "../io/signing-key.ts";
import { keepPoolSmall } from "../io/small-pool.ts";
import { insideThread } from "../io/thread.ts";
import { Fault } from "../kernel/fault.ts";
import { damageOf, evidenceFault } from "../store/damage.ts";
import { openDatabase } from "../store/database.ts";
import { openDerived } from "../store/derived.ts";
import { deviceStatesSchema } from "../store/device-states.ts";
import { evidenceSchema, openEvidence } from "../store/evidence.ts";
import { openReconciler, reconcilerSchema } from "../store/reconciler.ts";
import { scansInEvidence } from "../store/scan-source.ts";
import { openSeals } from "../store/seals.ts";
import { seriesSchema } from "../store/series.ts";
import { trackingsSchema } from "../store/trackings.ts";
import type { TwinConfig } from "../twin/config-schema.ts";
import { createIngest } from "../twin/ingest.ts";
import { createIngestLoop } from "../twin/ingest-loop.ts";
import type { FromWriter, ToWriter } from "../twin/ingest-messages.ts";
import { recipeOf } from "../twin/recipe.ts";
import { traceIngest } from "../twin/traced.ts";
import { cacheBytes } from "./cache-bytes.ts";
import { tracerFor } from "./tracing.ts";
import { DERIVED_FILE, EVIDENCE_FILE, type TwinWorkerData } from "./twin-files.ts";

const thread = insideThread();
const post = (message: FromWriter) => thread.post(message);

/** What cannot go on is said in its own words; the thread ends with it. */
function endingWithFault<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) post({ kind: "fault", code: error.code, detail: error.detail });
    throw error;
  }
}

endingWithFault(() => run(thread.data as TwinWorkerData));

function run({ folder, log, policies, masterData }: TwinWorkerData): void {
  keepPoolSmall();
  const clock = createClock();
  const journal = createJournal("twin", log);
  const files = openFiles(folder, policies);
  const tracer = tracerFor("racktrace-twin", clock);
  const untraced = createIngest({
    evidence: files.evidence,
    derived: files.derived,
    openReconciler: () =>
      openReconciler(files.derived.db, { policies, source: scansInEvidence(files.evidence) }),
    clock,
    journal,
    mintEpoch: () => randomUUID(),
    seals: files.seals,
    signer: openSigningKey(folder, (told) => journal.error("signing-key-set-aside", told)),
    tell: (news) => post({ kind: "news", news }),
    tellVerdicts: (verdicts) => post({ kind: "verdicts", verdicts }),
    tellOutcomes: (outcomes) => post({ kind: "outcomes", outcomes }),
  });
  const ingest = tracer === undefined ? untraced : traceIngest(untraced, { clock, tracer });
  if (files.restart !== undefined)
    journal.note("deriving-anew", { why: files.restart, ...ingest.standing() });
  const news = ingest.state(masterData);
  journal.note("master-data", { records: masterData.length, news });

  const loop = createIngestLoop({
    ingest,
    post,
    soon: (work) => thread.soon(() => endingWithFault(work)),
    clock,
    journal,
    finish() {
      files.close();
      thread.close();
    },
  });
  thread.onMessage((message) => loop.receive(message as ToWriter));
  post({ kind: "opened" });
  loop.wake();

  function openFiles(inFolder: string, withPolicies: TwinConfig["policies"]) {
    const path = join(inFolder, EVIDENCE_FILE);
    mustBeThereBeside(join(inFolder, DERIVED_FILE), path);
    const { db, evidence, seals, clean } = openEvidenceFile(path);
    if (!clean) {
      const startedMs = clock.monotonicMs();
      const damage = damageOf(db);
      if (damage !== undefined) throw new Fault("EVIDENCE_CORRUPT", `${path}: ${damage}`);
      journal.note("checked-after-crash", { ms: Math.round(clock.monotonicMs() - startedMs) });
    }
    const tables = [seriesSchema, deviceStatesSchema, ...reconcilerSchema, trackingsSchema];
    const { derived, restart } = openDerived(join(inFolder, DERIVED_FILE), {
      tables,
      recipe: recipeOf(tables, withPolicies),
      latest: evidence.latest(),
      check: !clean,
      setAsideAs: join(inFolder, `${DERIVED_FILE}.damaged-${clock.nowMs()}`),
      cacheBytes: cacheBytes(),
    });
    return {
      evidence,
      seals,
      derived,
      restart,
      close() {
        derived.close();
        evidence.end();
        db.close();
      },
    };
  }
}

/**
 * Rows follow from evidence. Where they are there and it is not, it was lost, or is about to be put back: begun
 * anew, it would take the rows with it, and what SQLite left beside it, and tell gateways that nothing ever came.
 */
function mustBeThereBeside(derivedPath: string, path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if ((size ?? 0) > 0 || !existsSync(derivedPath)) return;
  const found = size === undefined ? "is gone" : "is empty";
  throw new Fault("EVIDENCE_CORRUPT", `${path} ${found}, and ${DERIVED_FILE} follows from it`);
}

/** Nothing else holds what is in this file: when it is damaged, a person decides what to do. */
function openEvidenceFile(path: string) {
  try {
    const db = openDatabase(path, evidenceSchema, "durable");
    const evidence = openEvidence(db, path);
    return { db, evidence, seals: openSeals(db), clean: evidence.begin() };
  } catch (cause) {
    throw evidenceFault(path, cause);
  }
}
