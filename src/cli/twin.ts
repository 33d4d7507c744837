/**
 * `racktrace twin`: composes the twin of its parts, runs it until it shall stop, and ends it in
 * order: no more from gateways, what was offered is finished and acknowledged, files last.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { stringify } from "yaml";
import { createClock } from "../io/clock.ts";
import { openGatewayBroker } from "../io/gateway-broker.ts";
import { openHttpServer } from "../io/http-server.ts";
import { createJournal } from "../io/journal.ts";
import { keepPoolSmall } from "../io/small-pool.ts";
import { createSystemd } from "../io/systemd.ts";
import { startThread } from "../io/thread.ts";
import type { Clock, Journal } from "../ports.ts";
import { DEFAULT_POLICIES, type Policies } from "../reconcile/policies.ts";
import { type Answers, openAnswers } from "../store/answers.ts";
import { openAudit } from "../store/audit.ts";
import { openCarrierTrack } from "../store/carrier-track.ts";
import { type Database, openReader } from "../store/database.ts";
import { openDebts } from "../store/debts.ts";
import { readDerived } from "../store/derived.ts";
import { openDeviceStates } from "../store/device-states.ts";
import { openDirectives } from "../store/directives.ts";
import { openDiscrepancies } from "../store/discrepancies.ts";
import { openDocuments } from "../store/documents.ts";
import { readEvidence } from "../store/evidence.ts";
import { openFind } from "../store/find.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { openPhones, PHONE_PREFIX } from "../store/phones.ts";
import { openPlaces } from "../store/places.ts";
import { openProofSource } from "../store/proof-source.ts";
import { openRegister } from "../store/register.ts";
import { openReviews } from "../store/reviews.ts";
import { scansInEvidence } from "../store/scan-source.ts";
import { openSeriesAnswers } from "../store/series.ts";
import { openTrackings } from "../store/trackings.ts";
import { openWhy } from "../store/why.ts";
import { type TwinConfig, twinSchema } from "../twin/config-schema.ts";
import { createDirectiveDesk, type DirectiveDesk } from "../twin/directive-desk.ts";
import { createGatewayStandings } from "../twin/gateway-standings.ts";
import { createGatewayWords } from "../twin/gateway-word.ts";
import { createLive } from "../twin/live.ts";
import { masterDataSchema } from "../twin/master-data.ts";
import { completed } from "../twin/openapi.ts";
import { createPhoneDesk } from "../twin/phone-desk.ts";
import { registerAuditRoutes } from "../twin/routes/audit.ts";
import { registerBacklogRoutes } from "../twin/routes/backlogs.ts";
import { registerCheckpointRoutes } from "../twin/routes/checkpoints.ts";
import { registerDebtRoutes } from "../twin/routes/debts.ts";
import { registerDirectiveRoutes } from "../twin/routes/directives.ts";
import { registerGatewayRoutes } from "../twin/routes/gateways.ts";
import { registerHealthRoutes } from "../twin/routes/health.ts";
import { registerJudgementRoutes } from "../twin/routes/judgements.ts";
import { registerLiveRoute } from "../twin/routes/live.ts";
import { registerPhoneRoutes } from "../twin/routes/phones.ts";
import { registerPlaceRoutes } from "../twin/routes/places.ts";
import { registerRegisterRoutes } from "../twin/routes/register.ts";
import { registerSeriesRoutes } from "../twin/routes/series.ts";
import { registerStatementRoutes } from "../twin/routes/statements.ts";
import { registerThingRoutes } from "../twin/routes/things.ts";
import { tracePublish } from "../twin/traced.ts";
import { createWatch } from "../twin/watch.ts";
import { createWriter, type Writer } from "../twin/writer.ts";
import { type Ack, decodeAck } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import { removeAddressFile, writeAddressFile } from "./address-file.ts";
import { hostPort } from "./host-port.ts";
import { stopSignal, untilStopped } from "./stop-signal.ts";
import { tracerFor } from "./tracing.ts";
import { openTwinAccess } from "./twin-access.ts";
import { readMasterData, readTwinConfig, type TwinFlags } from "./twin-config.ts";
import { openTwinDoor } from "./twin-door.ts";
import {
  DERIVED_FILE,
  DIRECTIVES_FILE,
  EVIDENCE_FILE,
  PHONES_FILE,
  type TwinWorkerData,
} from "./twin-files.ts";
import { defineGateways } from "./twin-gateways.ts";
import { openTwinLabels } from "./twin-labels.ts";
import { defineRebuild } from "./twin-rebuild.ts";

type Options = TwinFlags & {
  readonly config?: string;
  readonly check?: boolean;
  readonly schema?: boolean;
  readonly masterDataSchema?: boolean;
};

/** How often a gateway is told what waits for its outcome. */
const DIRECTIVES_AGAIN_MS = 5_000;

export function define(command: Command): void {
  defineRebuild(command.command("rebuild").exitOverride());
  defineGateways(command);
  command
    .option("--config <FILE>", "configuration; flags win over it")
    .option("--data <DIR>", "folder for the evidence and what follows from it")
    .option("--http <HOST:PORT>", "page, API, health and metrics", hostPort)
    .option("--broker <HOST:PORT>", "where gateways connect", hostPort)
    .option("--master-data <FILE>", "places, kinds, people and documents")
    .option("--log <LEVEL>", "trace, debug, info, warn, error or silent")
    .option("--check", "check the configuration, print what would be used, and stop")
    .option("--schema", "print the JSON Schema of the configuration, and stop")
    .option("--master-data-schema", "print the JSON Schema of master data, and stop")
    .action(({ config: file, check, schema, masterDataSchema: form, ...flags }: Options) => {
      if (schema === true) return printJson(twinSchema);
      if (form === true) return printJson(masterDataSchema);
      const config = readTwinConfig(file, flags);
      const masterData = config.masterData === undefined ? [] : readMasterData(config.masterData);
      if (check !== true) return runTwin(config, masterData, stopSignal());
      process.stdout.write(stringify(config));
      return undefined;
    });
}

function printJson(value: unknown): undefined {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

async function runTwin(
  config: TwinConfig,
  masterData: TwinWorkerData["masterData"],
  stop: AbortSignal,
): Promise<void> {
  keepPoolSmall();
  const clock = createClock();
  const journal = createJournal("twin", config.log);
  const folder = resolve(config.data);
  const closers: (() => unknown)[] = [];
  const closing = (close: () => unknown) => void closers.unshift(close);

  try {
    const lock = lockFolder(folder);
    closing(() => lock.release());
    removeAddressFile(folder);
    await run({ clock, journal, config, masterData, folder, closing, stop });
    journal.note("stopping");
  } finally {
    for (const close of closers) await close();
  }
  journal.note("stopped");
}

type Run = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly config: TwinConfig;
  readonly masterData: TwinWorkerData["masterData"];
  readonly folder: string;
  /** Closed in the reverse order of opening, whatever happens. */
  readonly closing: (close: () => unknown) => void;
  readonly stop: AbortSignal;
};

async function run(deps: Run): Promise<void> {
  const { clock, journal, config, folder, closing, stop } = deps;
  const live = createLive({ clock });
  const tracer = tracerFor("racktrace-twin", clock);
  if (tracer !== undefined) closing(() => tracer.close());
  let desk: DirectiveDesk | undefined;
  let listening: readonly string[] = [];
  const tellAwaited = () => writer.awaitedBy([...listening, ...phoneDesk.attended()]);
  const phoneDesk = createPhoneDesk({ clock, onAttended: tellAwaited });
  const overhearing = new Map<string, Set<(ack: Ack) => void>>();
  const words = createGatewayWords();
  const door = await openTwinDoor({ clock, journal }, folder, config.broker);
  closing(() => door.close());
  const broker = await openGatewayBroker(
    {
      ...{ journal, doorkeeper: door.doorkeeper },
      take: (message) => writer.offer(message),
      onAwaiting(gateways) {
        listening = gateways;
        tellAwaited();
      },
      onListening: (gateway) => desk?.greet(gateway),
    },
    { ...config.broker, keys: door.keys, reserved: [OWN_NAME], reservedPrefix: PHONE_PREFIX },
  );
  const writer = startWriter(deps, {
    onAck({ gateway, ack, carried }) {
      if (carried !== true) return broker.send(gateway, "ack", ack);
      for (const listener of overhearing.get(gateway) ?? []) listener(decodeAck(ack));
    },
    onVerdicts(verdicts) {
      broker.send(verdicts.gateway, "verdict", verdicts.message);
      phoneDesk.hear(verdicts);
    },
    onOutcomes: (outcomes) => desk?.hear(outcomes),
    onWord: words.hear,
    onNews:
      tracer === undefined
        ? live.publish
        : tracePublish(live.publish, { clock, tracer, evidence: () => evidence }),
  });
  closing(() => writer.close());
  closing(() => broker.close());
  door.keepKeys(broker);
  await writer.opened;

  const evidenceDb = openReader(join(folder, EVIDENCE_FILE));
  const derivedDb = openReader(join(folder, DERIVED_FILE));
  closing(() => evidenceDb.close());
  closing(() => derivedDb.close());
  const evidence = readEvidence(evidenceDb);
  const derived = readDerived(derivedDb);
  const directives = openDirectives(join(folder, DIRECTIVES_FILE));
  closing(() => directives.close());
  const phones = openPhones(join(folder, PHONES_FILE));
  closing(() => phones.close());
  const given = createDirectiveDesk(
    {
      ...{ clock, journal, directives, evidence, listening: broker.listening },
      send: (gateway, message) => broker.send(gateway, "directive", message),
    },
    { againMs: DIRECTIVES_AGAIN_MS },
  );
  desk = given;
  closing(() => given.close());
  const watch = createWatch({ clock, writer });
  closing(() => watch.close());
  const { connected, sinceMs } = broker;
  const standings = createGatewayStandings({ evidence, words, connected, sinceMs });
  const policies = { ...DEFAULT_POLICIES, ...config.policies };
  const answers = openAnswers(derivedDb, policies);
  let ready = false;
  const access = await openTwinAccess({ clock, journal }, folder, config.http);
  closing(() => access.close());
  const documents = openDocuments(derivedDb, answers, policies);
  const labels = openTwinLabels(
    { clock, journal, call: writer.call, answers, documents },
    folder,
    config.labels,
  );
  closing(() => labels.close());

  const http = await openHttpServer(
    {
      journal,
      guard: access.guard,
      describe: completed,
      register(app, table) {
        access.register(app, table);
        const places = openPlaces(derivedDb, answers);
        const trackings = openTrackings(derivedDb, answers);
        const find = openFind({ answers, places, trackings });
        registerThingRoutes(app, { answers, find, at: derived.at });
        registerPlaceRoutes(app, { places, at: derived.at });
        const track = openCarrierTrack(derivedDb, answers);
        registerCheckpointRoutes(app, { track, at: derived.at });
        registerJudgementRoutes(app, {
          ...judgements(derivedDb, answers, policies),
          at: derived.at,
        });
        const documents = openDocuments(derivedDb, answers, policies);
        registerDebtRoutes(app, {
          debts: openDebts(documents),
          nowMs: clock.nowMs,
          at: derived.at,
        });
        registerAuditRoutes(app, {
          audit: openAudit(derivedDb, answers, {
            source: scansInEvidence(evidence),
            sameSymbolWindowMs: policies.sameSymbolWindowMs,
          }),
          at: derived.at,
        });
        registerRegisterRoutes(app, {
          register: openRegister(derivedDb, answers),
          ...{ state: writer.state, evidence, nowMs: clock.nowMs, at: derived.at },
        });
        registerStatementRoutes(app, { evidence, call: writer.call });
        registerDirectiveRoutes(app, {
          ...{ call: writer.call, desk: given, directives, evidence, clock },
          mintNonce: randomUUID,
        });
        registerPhoneRoutes(app, {
          ...{ phones, evidence, clock, desk: phoneDesk, offer: writer.offer, call: writer.call },
        });
        registerBacklogRoutes(app, {
          ...{ evidence, clock, offer: writer.offer },
          trust: {
            ...openProofSource(evidenceDb),
            enrolledKeys: (gateway) => door.doorkeeper?.signingKeys(gateway) ?? [],
          },
          overhear(gateway, listener) {
            const here = overhearing.get(gateway) ?? new Set();
            overhearing.set(gateway, here.add(listener));
            return () => {
              here.delete(listener);
              if (here.size === 0) overhearing.delete(gateway);
            };
          },
        });
        labels.register(app);
        const series = openSeriesAnswers(derivedDb);
        registerSeriesRoutes(app, { series, nowMs: clock.nowMs });
        const deviceStates = openDeviceStates(derivedDb);
        registerGatewayRoutes(app, {
          ...{ evidence, ...derived, standings, deviceStates },
        });
        registerLiveRoute(app, { live, whileAllowed: access.watch });
        registerHealthRoutes(app, {
          ready: () => ready,
          stalledMs: watch.stalledMs,
          standing: writer.standing,
          tally: writer.tally,
          connected,
          standings,
          turnedAway: broker.turnedAway,
          watchers: live.watchers,
          logins: access.tally,
          quarantined: evidence.quarantineCounts,
          misunderstood: derived.misunderstoodCount,
          deviceCounts: deviceStates.counts,
          outsideRange: series.outside,
          certificateEnds: door.certificateEnds,
          freeBytes: () => freeBytes(folder),
        });
      },
    },
    { ...config.http, title: "racktrace twin", pageFolder: pageFolder() },
  );
  closing(() => http.close());
  closing(() => live.close());

  await Promise.race([writer.ready, untilStopped(stop)]);
  if (stop.aborted) return;
  live.begin(writer.standing().reflected);
  labels.resume();
  ready = true;
  broker.admit();
  writeAddressFile(folder, { pid: process.pid, http: http.url, broker: broker.url });
  closing(() => removeAddressFile(folder));
  journal.note("ready", { http: http.url, broker: broker.url, ...writer.standing() });
  const systemd = createSystemd(
    { clock, journal },
    {
      environment: process.env,
      pid: process.pid,
      alive: async () => watch.stalledMs() === 0,
    },
  );
  closing(() => systemd.close());
  systemd.ready();

  // A writer that failed ends the program: whoever supervises it starts it again, and it checks.
  await Promise.race([writer.ended, untilStopped(stop)]);
  systemd.stopping();
}

function judgements(derivedDb: Database, answers: Answers, policies: Policies) {
  const why = openWhy(derivedDb, answers);
  return {
    answers,
    why,
    discrepancies: openDiscrepancies(derivedDb, answers),
    documents: openDocuments(derivedDb, answers, policies),
    reviews: openReviews(derivedDb, answers, why),
  };
}

function startWriter(
  { folder, config, masterData }: Run,
  listeners: Omit<Parameters<typeof createWriter>[0], "thread">,
): Writer {
  const entry = import.meta.url.endsWith(".ts") ? "./twin-worker.ts" : "./twin-worker.js";
  const { log, policies } = config;
  const data: TwinWorkerData = { folder, log, policies, masterData };
  return createWriter({ thread: startThread(new URL(entry, import.meta.url), data), ...listeners });
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // Health is asked of systems that do not say, too.
    return undefined;
  }
}

/** Beside the sources the page is built into dist/web; in an installed package it stands in dist. */
function pageFolder(): string {
  const [installed, built] = ["../../web", "../../dist/web"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  return existsSync(join(installed, "index.html")) ? installed : built;
}
