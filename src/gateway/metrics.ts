/**
 * The gateway's figures for Prometheus: names end in their base unit, counters in `_total`.
 *
 * Activities record what happens through the small types they declare; what others count already is
 * asked for when somebody looks.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Lane, LaneState } from "../ports.ts";
import type { DeviceStateName } from "./device-state.ts";
import type { DirectiveRecord } from "./directives.ts";
import type { IntakeCounters } from "./intake.ts";
import type { BusRecord } from "./modbus-bus.ts";
import type { ScannerRecord } from "./reader.ts";
import type { LineView } from "./sensing.ts";
import type { UplinkRecord } from "./uplink.ts";

export type MetricsSources = {
  lane(lane: Lane): LaneState;
  /** Of the thread that writes. */
  disk(): {
    readonly flushes: number;
    readonly flushSeconds: number;
    readonly walBytes: number;
    readonly queued: number;
    readonly aside: number;
  };
  mqtt(): Readonly<IntakeCounters> & {
    readonly connections: number;
    /** Connections that were not let in or let go, and messages dropped, by reason. */
    readonly turnedAway: Readonly<Record<string, number>>;
  };
  scanners(): readonly { readonly id: string; readonly state: DeviceStateName }[];
  /** What stands in the configuration beside scanners: what devices make up has no limit. */
  devices(): readonly { readonly id: string; readonly state: DeviceStateName }[];
  lines(): readonly LineView[];
  lost(): number;
  connected(): boolean;
  /** When the certificate for the twin ends; undefined: there is none. */
  certificateEndsMs(): number | undefined;
};

export type GatewayMetrics = {
  readonly uplink: UplinkRecord;
  scanner(id: string): ScannerRecord;
  readonly modbus: BusRecord;
  readonly directives: DirectiveRecord;
  /** A new configuration was read while the gateway runs. */
  reloaded(outcome: "taken" | "refused"): void;
  /** From asking for a put to its answer. */
  committed(lane: Lane, seconds: number): void;
  /** From here on these are asked. */
  watch(sources: MetricsSources): void;
  text(): Promise<string>;
  readonly contentType: string;
};

const LANES: readonly Lane[] = ["scan", "telemetry"];
const STATES: readonly DeviceStateName[] = ["absent", "opening", "open", "silent", "faulted"];
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5];
const ACK_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** The event loop's lag is sampled so often; each sample wakes an idle processor. */
const LAG_SAMPLE_MS = 20;

export function createMetrics(gateway: string): GatewayMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ gateway });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  const named = (name: string, help: string, labelNames: readonly string[] = []) => ({
    name: `racktrace_gateway_${name}`,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });

  const commits = new Histogram({
    ...named("commit_duration_seconds", "From a put to its answer", ["lane"]),
    buckets: COMMIT_SECONDS,
  });
  const commitOf = {
    scan: commits.labels("scan"),
    telemetry: commits.labels("telemetry"),
  };

  return {
    uplink: createUplinkRecord(named),
    scanner: createScannerRecords(named),
    modbus: createModbusRecord(named),
    directives: createDirectiveRecord(named),
    reloaded: createReloadRecord(named),
    committed: (lane, seconds) => commitOf[lane].observe(seconds),
    watch: (sources) => watch(named, sources),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

type Named = (
  name: string,
  help: string,
  labelNames?: readonly string[],
) => {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
};

function createUplinkRecord(named: Named): UplinkRecord {
  const batches = new Counter(named("uplink_sent_batches_total", "Batches sent", ["lane"]));
  const events = new Counter(
    named("uplink_sent_events_total", "Events sent, repeats too", ["lane"]),
  );
  const bytes = new Counter(named("uplink_sent_bytes_total", "Bytes of batches sent", ["lane"]));
  const acks = new Histogram({
    ...named("uplink_ack_duration_seconds", "From a batch to the twin's acknowledgement", ["lane"]),
    buckets: ACK_SECONDS,
  });
  const back = new Counter(named("uplink_went_back_total", "Gaps the twin asked for", ["lane"]));
  const refused = new Counter(named("uplink_refused_total", "Batches the twin refused", ["lane"]));
  const sessions = new Counter(named("uplink_sessions_total", "Connections made to the twin"));
  const offset = new Gauge(named("twin_clock_offset_seconds", "The twin's wall clock minus ours"));
  return {
    sent(lane, count, size) {
      batches.inc({ lane });
      events.inc({ lane }, count);
      bytes.inc({ lane }, size);
    },
    acknowledged: (lane, seconds) => acks.observe({ lane }, seconds),
    wentBack: (lane) => back.inc({ lane }),
    refused: (lane) => refused.inc({ lane }),
    session: () => sessions.inc(),
    clockOffset: (seconds) => offset.set(seconds),
  };
}

function createScannerRecords(named: Named): (id: string) => ScannerRecord {
  const scans = new Counter(named("scans_total", "Scans on disk", ["scanner"]));
  const noise = new Counter(
    named("scanner_noise_bytes_total", "Bytes that belong to no scan", ["scanner", "why"]),
  );
  const opens = new Counter(named("scanner_opens_total", "Times the line was opened", ["scanner"]));
  const refused = new Counter(
    named("scans_refused_total", "Puts of scans that had to wait", ["scanner", "why"]),
  );
  const dropped = new Counter(
    named("scans_dropped_total", "Scans read and lost at a stop", ["scanner"]),
  );
  const answers = new Counter(
    named("scanner_answers_total", "What was said to scanners that wait", ["scanner", "says"]),
  );
  const notes = {
    repeated: new Counter(
      named("scans_repeated_total", "Scans that came again and count once", ["scanner"]),
    ),
    "too-late": new Counter(
      named(
        "scanner_answers_late_total",
        "Answers left unsaid: nobody waited, or the line took none",
        ["scanner"],
      ),
    ),
  };
  return (scanner) => {
    // Series that exist from the start show their first increase.
    for (const counter of [scans, opens, dropped]) counter.inc({ scanner }, 0);
    return {
      opened: () => opens.inc({ scanner }),
      scans: (count) => scans.inc({ scanner }, count),
      noise: (why, bytes) => noise.inc({ scanner, why }, bytes),
      refused: (why) => refused.inc({ scanner, why }),
      dropped: (count) => dropped.inc({ scanner }, count),
      answered: (says) => answers.inc({ scanner, says }),
      noted: (what) => notes[what].inc({ scanner }),
    };
  };
}

function createModbusRecord(named: Named): BusRecord {
  const asked = new Counter(
    named("modbus_requests_total", "Requests to Modbus slaves by what came of them", [
      "device",
      "outcome",
    ]),
  );
  return { asked: (device, outcome) => asked.inc({ device, outcome }) };
}

function createDirectiveRecord(named: Named): DirectiveRecord {
  const acted = new Counter(
    named("directives_total", "Directives by what came of them", ["outcome"]),
  );
  for (const outcome of ["done", "failed", "uncertain"]) acted.inc({ outcome }, 0);
  return { acted: (outcome) => acted.inc({ outcome }) };
}

function createReloadRecord(named: Named): GatewayMetrics["reloaded"] {
  const reloads = new Counter(
    named("config_reloads_total", "Configurations read while running", ["outcome"]),
  );
  const good = new Gauge(named("config_good", "0 while the file's configuration is refused"));
  for (const outcome of ["taken", "refused"]) reloads.inc({ outcome }, 0);
  good.set(1);
  return (outcome) => {
    reloads.inc({ outcome });
    good.set(Number(outcome === "taken"));
  };
}

type Measured = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

function watch(named: Named, sources: MetricsSources): void {
  const perLane = (read: (state: LaneState) => number) => (): Measured =>
    LANES.map((lane) => [{ lane }, read(sources.lane(lane))]);
  const figure = (name: string, help: string, labels: readonly string[], read: () => Measured) =>
    new Gauge({
      ...named(name, help, labels),
      collect() {
        this.reset();
        for (const [label, value] of read()) this.set(label, value);
      },
    });
  const total = (name: string, help: string, labels: readonly string[], read: () => Measured) =>
    new Counter({
      ...named(name, help, labels),
      collect() {
        this.reset();
        for (const [label, value] of read()) this.inc(label, value);
      },
    });
  const one = (read: () => number) => (): Measured => [[{}, read()]];

  figure(
    "outbox_waiting_events",
    "Events that wait for the twin",
    ["lane"],
    perLane((l) => l.waiting),
  );
  figure(
    "outbox_waiting_bytes",
    "Bytes of them",
    ["lane"],
    perLane((l) => l.waitingBytes),
  );
  figure(
    "outbox_last_seq",
    "Highest number given",
    ["lane"],
    perLane((l) => l.lastSeq),
  );
  total(
    "outbox_evicted_events_total",
    "Events evicted unsent",
    ["lane"],
    perLane((l) => l.evicted),
  );
  figure(
    "outbox_queued_events",
    "Events that wait for the disk",
    [],
    one(() => sources.disk().queued),
  );
  figure(
    "outbox_set_aside",
    "Damaged outboxes that stand aside until somebody has seen to them",
    [],
    one(() => sources.disk().aside),
  );
  figure(
    "outbox_wal_bytes",
    "Size of the write-ahead log",
    [],
    one(() => sources.disk().walBytes),
  );
  total(
    "outbox_flushes_total",
    "Transactions",
    [],
    one(() => sources.disk().flushes),
  );
  total(
    "outbox_flush_seconds_total",
    "Time they took",
    [],
    one(() => sources.disk().flushSeconds),
  );
  total("mqtt_messages_total", "Messages of devices by what became of them", ["outcome"], () => {
    const { accepted, refused, quarantined, replays, unasked } = sources.mqtt();
    return Object.entries({ accepted, refused, quarantined, replays, unasked }).map(
      ([outcome, count]) => [{ outcome }, count],
    );
  });
  total(
    "mqtt_retransmissions_total",
    "Messages sent before",
    [],
    one(() => sources.mqtt().retransmissions),
  );
  total(
    "mqtt_wills_total",
    "Wills of devices that went away",
    [],
    one(() => sources.mqtt().wills),
  );
  total(
    "mqtt_unread_total",
    "Values left aside, since nobody says what they are",
    [],
    one(() => sources.mqtt().unread),
  );
  total(
    "mqtt_turned_away_total",
    "Connections not let in or let go, and messages dropped for devices that do not take them",
    ["why"],
    () => Object.entries(sources.mqtt().turnedAway).map(([why, count]) => [{ why }, count]),
  );
  figure(
    "mqtt_connections",
    "Devices connected",
    [],
    one(() => sources.mqtt().connections),
  );
  figure(
    "uplink_connected",
    "1 while the twin is connected",
    [],
    one(() => Number(sources.connected())),
  );
  figure("certificate_ends_timestamp_seconds", "When the certificate for the twin ends", [], () => {
    const endsMs = sources.certificateEndsMs();
    return endsMs === undefined ? [] : [[{}, endsMs / 1000]];
  });
  const stateOf = (
    label: "scanner" | "device",
    things: readonly { readonly id: string; readonly state: DeviceStateName }[],
  ): Measured =>
    things.flatMap(({ id, state: now }) =>
      STATES.map((state) => [{ [label]: id, state }, Number(state === now)] as const),
    );
  figure("scanner_state", "1 for the state a scanner's line is in", ["scanner", "state"], () =>
    stateOf("scanner", sources.scanners()),
  );
  figure(
    "device_state",
    "1 for the state a line, a bus, a slave or a broker of the configuration is in",
    ["device", "state"],
    () => stateOf("device", sources.devices()),
  );
  total("lines_total", "Lines of instruments by what they said", ["device", "outcome"], () =>
    sources
      .lines()
      .flatMap(({ id: device, readings, nothing, wrong }) =>
        Object.entries({ readings, nothing, wrong }).map(
          ([outcome, count]) => [{ device, outcome }, count] as const,
        ),
      ),
  );
  total("line_noise_bytes_total", "Bytes of instruments that are no line of text", ["device"], () =>
    sources.lines().map(({ id: device, noiseBytes }) => [{ device }, noiseBytes]),
  );
  total(
    "readings_lost_total",
    "Readings of lines and Modbus slaves that could not be kept",
    [],
    one(() => sources.lost()),
  );
}
