/**
 * The gateway's activities side by side: a supervisor per scanner, the intake for devices' messages,
 * and the uplink. The broker and everything else that touches the outside comes in from above.
 *
 * Ends in order: reading stops and what was read is stored; then what waits is sent as far as it goes
 * in a short time; then the line to the twin is left. The outbox is closed by whoever opened it, last.
 */
import type {
  Chance,
  Clock,
  Journal,
  Lane,
  LaneState,
  Link,
  OpenLine,
  OpenModbus,
  OutboxPort,
  Signer,
} from "../ports.ts";
import { type Change, type Parting, startActivities } from "./activities.ts";
import { type GatewayConfig, type ScannerConfig, withoutSecrets } from "./config.ts";
import {
  createDeviceState,
  type DeviceState,
  type DeviceStateView,
  UNCONFIGURED,
} from "./device-state.ts";
import { createDirectiveBox, type Serve } from "./directives.ts";
import type { Intake } from "./intake.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Appears } from "./plug.ts";
import { createRecentReadings } from "./recent-readings.ts";
import { watchScans } from "./recent-scans.ts";
import { createScannerActs } from "./scanner-acts.ts";
import { tallied } from "./scanner-tally.ts";
import { type LineView, type SensingDeps, startSensing } from "./sensing.ts";
import { createPace, type Status } from "./status.ts";
import { SUPERVISE_DEFAULTS, superviseScanner } from "./supervise.ts";
import { createUplink, UPLINK_DEFAULTS } from "./uplink.ts";
import type { Verdicts } from "./verdicts.ts";
import { createWatch } from "./watch.ts";
import { watchOutbox } from "./watched-outbox.ts";

export type GatewayDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly link: Link;
  readonly open: OpenLine;
  readonly appears: Appears;
  readonly openModbus: OpenModbus;
  readonly openSourceTo: SensingDeps["openSourceTo"];
  readonly metrics: GatewayMetrics;
  /** Hears what the link hears. */
  readonly verdicts: Verdicts;
  /** Absent: what is sent is not signed. */
  readonly signer?: Signer;
};

export type RunningGateway = {
  readonly intake: Intake;
  scanners(): readonly ScannerView[];
  /** Lines, buses, slaves and brokers of the configuration. */
  devices(): readonly SensorView[];
  lines(): readonly LineView[];
  /** Readings that could not be kept and cannot be asked for again. */
  lost(): number;
  connected(): boolean;
  health(): Health;
  /** The same, and more, for a page. */
  status(): Status;
  /** A message of the twin about scans. */
  hearVerdicts(message: Uint8Array): void;
  /** A message of the twin about what devices shall do. */
  hearDirectives(message: Uint8Array): void;
  /** Makes a device able to do what the twin wants. */
  readonly serve: Serve;
  /** Scanners, sensors and what messages mean; what did not change goes on without noticing. */
  become(config: GatewayConfig): Promise<Change>;
  /** What has waited too long without getting on, in words; undefined: all moves. */
  stalled(): string | undefined;
  /** Rejects when an activity broke: the process cannot go on. */
  readonly broken: Promise<never>;
  /** No more scans are read; those that were are stored. */
  stopReading(): Promise<void>;
  /** Sends what can be sent in `ms`, and leaves the line to the twin. */
  stopSending(ms: number): Promise<void>;
};

export type ScannerView = DeviceStateView & { readonly id: string; readonly path: string };

/** `degraded` means that it works and somebody should look; readings are kept in either case. */
export type Health = {
  readonly status: "ok" | "degraded";
  readonly reasons: readonly { readonly what: HealthReason; readonly detail: string }[];
  readonly gateway: string;
  readonly boot: number;
  readonly lanes: readonly LaneState[];
  readonly scanners: readonly ScannerView[];
  /** Devices that tell whether they are there, or whose silence somebody minds. */
  readonly sensors: readonly SensorView[];
};

export type SensorView = DeviceStateView & { readonly id: string };

export type HealthReason =
  | "twin-away"
  | "twin-trouble"
  | "outbox-refuses"
  | "stalled"
  | "outbox-set-aside"
  | "port-absent"
  | "port-faulted"
  | "device-absent"
  | "device-faulted"
  | "device-silent"
  | "config-refused"
  | "config-waits"
  | "certificate-ends";

const STATE_EVENT_EVERY_MS = 1_000;
/** A disk may hang for seconds, and a twin may be restarted; longer is another matter. */
const WRITING_STALLED_MS = 15_000;
const SENDING_STALLED_MS = 600_000;

export function startGateway(deps: GatewayDeps, config: GatewayConfig): RunningGateway {
  const { clock, metrics } = deps;
  const startedMs = clock.nowMs();
  const watched = watchOutbox(deps, metrics.committed);
  const recent = watchScans(watched.outbox);
  const { outbox } = recent;
  const readings = createRecentReadings();
  const pace = createPace({ clock, outbox });
  let twinOffsetS: number | null = null;
  const uplink = createUplink(
    {
      ...deps,
      outbox,
      record: {
        ...metrics.uplink,
        clockOffset(seconds) {
          twinOffsetS = seconds;
          metrics.uplink.clockOffset(seconds);
        },
      },
    },
    { gateway: config.gateway, ...UPLINK_DEFAULTS },
  );
  deps.verdicts.watch(() => uplink.state().connected);
  const writing = { waits: () => watched.pending() > 0, mark: watched.answered };
  const delivery = {
    // Whoever told his trouble is not stuck, and is not helped by a restart.
    waits: () =>
      uplink.state().connected &&
      uplink.state().troubles.length === 0 &&
      LANES.some((lane) => outbox.state(lane).waiting > 0),
    mark: () => LANES.reduce((sum, lane) => sum + outbox.state(lane).firstSeq, 0),
  };
  const watch = createWatch(deps, [writing, delivery]);
  const readingStops = new AbortController();
  const sendingStops = new AbortController();
  const directives = createDirectiveBox({
    ...deps,
    outbox: watched.outbox,
    record: metrics.directives,
  });
  const { intake, sensors, activities, ...sensing } = startSensing(
    {
      ...deps,
      outbox,
      modbusRecord: metrics.modbus,
      noticed: readings.notice,
      serve: directives.serve,
    },
    config,
    readingStops.signal,
  );
  let scannerBroke: (error: unknown) => void = () => undefined;
  const brokenScanner = new Promise<never>((_resolve, reject) => {
    scannerBroke = reject;
  });
  /** Scans whose line was taken out while the disk took none. */
  const unkept = new Set<Promise<void>>();
  const hold = (keeping: Promise<void>) => {
    unkept.add(keeping);
    void keeping.finally(() => unkept.delete(keeping));
  };
  const scanners = startActivities(
    (scanner: ScannerConfig, halt) => {
      const options = { device: scanner.id, everyMs: STATE_EVENT_EVERY_MS };
      const state = createDeviceState({ ...deps, outbox }, options);
      const { record, tally } = tallied(metrics.scanner(scanner.id));
      const acts = createScannerActs(scanner);
      const unserve = directives.serve(scanner.id, acts.act);
      const ended = superviseScanner(
        { ...deps, outbox, state, record, acts, unkept: { over: readingStops.signal, hold } },
        { ...SUPERVISE_DEFAULTS, scanner },
        halt,
      );
      const close = (why: Parting) => {
        unserve();
        if (why === "removed") state.become("absent", UNCONFIGURED);
        return state.close();
      };
      return { scanner, state, tally, ended, close };
    },
    config.scanners,
    (error) => scannerBroke(error),
  );
  const sending = uplink.run(sendingStops.signal);
  const ways = () => scanners.list().map(({ running }) => running);
  const views = () => ways().map(viewOf);

  function stalled(): string | undefined {
    const [writingMs, deliveryMs] = [watch.stalledMs(writing), watch.stalledMs(delivery)];
    if (writingMs > WRITING_STALLED_MS)
      return `readings wait for the disk, and none was written for ${seconds(writingMs)}`;
    if (deliveryMs > SENDING_STALLED_MS)
      return `events wait for the twin, and none has left for ${seconds(deliveryMs)}`;
    return undefined;
  }

  function health(): Health {
    const stall = stalled();
    const { connected, troubles } = uplink.state();
    const reasons = [
      ...troubles.map((detail) => ({
        what: connected ? ("twin-trouble" as const) : ("twin-away" as const),
        detail,
      })),
      ...(stall === undefined ? [] : [{ what: "stalled" as const, detail: stall }]),
      ...refusalReason(watched.refusing()),
      ...(deps.outbox.aside?.() ?? []).map(asideReason),
      ...ways().flatMap(portReason),
      ...sensors.troubles().flatMap(deviceReason),
    ];
    return {
      status: reasons.length === 0 ? "ok" : "degraded",
      reasons,
      gateway: config.gateway,
      boot: outbox.state("scan").boot,
      lanes: [outbox.state("scan"), outbox.state("telemetry")],
      scanners: views(),
      sensors: sensors.views(),
    };
  }

  return {
    intake,
    scanners: views,
    devices: sensors.configured,
    lines: sensing.lines,
    lost: () => sensing.telemetry.lost,
    connected: () => uplink.state().connected,
    stalled,
    health,
    status: () => ({
      ...health(),
      nowMs: clock.nowMs(),
      startedMs,
      clock: { quality: clock.quality(), twinOffsetS },
      link: { connected: uplink.state().connected, url: withoutSecrets(config).twin.url },
      budget: config.outbox,
      pace: pace(),
      // Attempts to open come and go; since when it has been so is what counts.
      scanners: ways().map((way) => ({ ...viewOf(way), ...way.state.settled(), ...way.tally })),
      lines: sensing.lines(),
      lost: sensing.telemetry.lost,
      scans: recent.list(),
      readings: readings.list(),
    }),
    hearVerdicts: recent.hear,
    hearDirectives: directives.hear,
    serve: directives.serve,
    async become(next) {
      const [scanning, measuring] = await Promise.all([
        scanners.become(next.scanners),
        sensing.become(next),
      ]);
      const changes = [scanning, ...measuring].map((begin) => begin());
      return {
        started: changes.flatMap(({ started }) => started),
        stopped: changes.flatMap(({ stopped }) => stopped),
      };
    },
    broken: firstFailure([sending, brokenScanner, ...activities]),
    async stopReading() {
      // A device that acts is let finish before its line is closed.
      await directives.close();
      readingStops.abort();
      await Promise.all([...activities, scanners.stop(), ...unkept]);
      await sensors.close();
    },
    async stopSending(ms) {
      const enough = new AbortController();
      await Promise.race([uplink.drained(), clock.sleep(ms, enough.signal)]);
      enough.abort();
      sendingStops.abort();
      watch.close();
      await sending;
    },
  };
}

const LANES: readonly Lane[] = ["scan", "telemetry"];

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

type Scanner = {
  readonly scanner: { readonly id: string; readonly path: string };
  readonly state: DeviceState;
};

function viewOf({ scanner: { id, path }, state }: Scanner): ScannerView {
  return { id, path, ...state.view() };
}

function refusalReason(why: string | undefined): Health["reasons"] {
  return why === undefined ? [] : [{ what: "outbox-refuses", detail: REFUSALS[why] ?? why }];
}

function asideReason(file: string): Health["reasons"][number] {
  const detail = `a damaged outbox stands aside: ${file}; see what can be had of it (racktrace outbox salvage), and move it away`;
  return { what: "outbox-set-aside", detail };
}

const REFUSALS: Readonly<Record<string, string>> = {
  full: "the outbox or its quarantine is full: devices keep their readings; bring the twin back, free the disk, raise outbox.bytesMax, or export and clear the quarantine (racktrace outbox)",
  failed: "the disk failed: check free space, permissions and the file system",
  busy: "the disk is too slow for what arrives: devices are asked to wait",
};

function portReason({ scanner: { id }, state }: Scanner): Health["reasons"] {
  const settled = state.settled();
  if (settled?.state !== "absent" && settled?.state !== "faulted") return [];
  const what = settled.state === "absent" ? "port-absent" : "port-faulted";
  return [{ what, detail: `${id}: ${settled.reason}` }];
}

/** Of what stands under `lines`, `modbus`, `mqtt.sources` and `sensors`. */
function deviceReason({ id, state, reason }: SensorView): Health["reasons"] {
  if (state !== "absent" && state !== "faulted" && state !== "silent") return [];
  return [{ what: `device-${state}`, detail: `${id}: ${reason}` }];
}

/** Activities end when they are stopped, and otherwise never; each failure counts, the first is told. */
function firstFailure(activities: readonly Promise<void>[]): Promise<never> {
  const broken = new Promise<never>((_resolve, reject) => {
    for (const activity of activities) activity.catch(reject);
  });
  broken.catch(() => undefined);
  return broken;
}
