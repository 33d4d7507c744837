/**
 * Everything that measures, side by side: what devices publish, the Modbus lines, and the instruments
 * that send lines of text, with one set of rules for what is worth keeping.
 */
import { createReporting } from "../devices/reporting/reporting.ts";
import type {
  Chance,
  Clock,
  DeviceIntake,
  Journal,
  OpenLine,
  OpenModbus,
  OpenSource,
  OutboxPort,
} from "../ports.ts";
import { type Begin, type Parting, startActivities } from "./activities.ts";
import { runSource, type SourceConfig } from "./broker-source.ts";
import type { GatewayConfig } from "./config.ts";
import type { Serve } from "./directives.ts";
import { createIntake, type Intake, type IntakeDeps, type Sift } from "./intake.ts";
import {
  createLineTally,
  type LineSensorConfig,
  type LineTally,
  runLineSensor,
} from "./line-sensor.ts";
import { BUS_DEFAULTS, type BusRecord, type ModbusBus, runBus } from "./modbus-bus.ts";
import type { Appears } from "./plug.ts";
import { createSensors, type Sensors } from "./sensors.ts";
import { createTelemetry, type Telemetry } from "./telemetry.ts";

export type SensingDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly open: OpenLine;
  readonly openModbus: OpenModbus;
  readonly appears: Appears;
  readonly openSourceTo: (deps: { readonly intake: DeviceIntake }) => OpenSource;
  readonly modbusRecord: BusRecord;
  readonly serve: Serve;
  readonly noticed?: IntakeDeps["noticed"];
};

export type LineView = LineTally & { readonly id: string };

export type Sensing = {
  readonly intake: Intake;
  readonly sensors: Sensors;
  readonly telemetry: Telemetry["counters"];
  lines(): readonly LineView[];
  /** Each ends when it is stopped. */
  readonly activities: readonly Promise<void>[];
  /** What changed ends, and begins when it is told to; what did not goes on. */
  become(config: GatewayConfig): Promise<readonly Begin[]>;
};

const LOOK_MS = 1_000;
const STATE_EVENT_EVERY_MS = 1_000;

export function startSensing(deps: SensingDeps, config: GatewayConfig, stop: AbortSignal): Sensing {
  const { clock, outbox } = deps;
  let { sensors: rules } = config;
  let named = namesIn(config);
  let reporting = createReporting(rules);
  const sensors = createSensors(deps, {
    silentMs: (device) => reporting.silentMs(device),
    lookMs: LOOK_MS,
    stateEveryMs: STATE_EVENT_EVERY_MS,
  });

  const sift: Sift = {
    keep(device, readings) {
      const { keep, stuck, moves } = reporting.report(device, readings, clock.monotonicMs());
      if (stuck.length > 0) sensors.stuck(device, stuck.join("; "));
      if (moves) sensors.stuck(device, undefined);
      return keep;
    },
    failed(devices) {
      for (const device of devices) reporting.forget(device);
    },
  };
  const expectMinded = (): void => {
    for (const { device, silentAfterS } of rules)
      if (silentAfterS !== undefined && !device.includes("*") && !named.has(device))
        sensors.expect(device);
  };
  expectMinded();
  const telemetry = createTelemetry({ ...deps, sift });
  const { stateOf } = sensors;
  const meaning = ({ mqtt }: GatewayConfig) => {
    return { ...mqtt, sift: rules.length > 0 ? sift : undefined };
  };
  const first = meaning(config);
  const intake = createIntake({ ...deps, sensors, sift: first.sift }, first);
  const openSource = deps.openSourceTo({ intake });

  let breakUp: (error: unknown) => void = () => undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    breakUp = reject;
  });
  broken.catch(() => undefined);
  const forget =
    (...ids: readonly string[]) =>
    async (why: Parting) => {
      for (const id of ids) reporting.leave(id);
      await Promise.all(ids.map((id) => sensors.forget(id, partingOf(id, why))));
    };
  /** A slave may leave a line that stays, and a name go from one kind of line to another. */
  const partingOf = (id: string, why: Parting): Parting =>
    why === "stopped" ? why : named.has(id) ? "replaced" : "removed";
  const buses = startActivities(
    (bus: ModbusBus, halt) => ({
      ended: runBus(
        { ...deps, open: deps.openModbus, record: deps.modbusRecord, telemetry, stateOf },
        { bus, ...BUS_DEFAULTS },
        halt,
      ),
      close: forget(bus.id, ...bus.slaves.map(({ id }) => id)),
    }),
    config.modbus,
    breakUp,
  );
  const sources = startActivities(
    (source: SourceConfig, halt) => ({
      ended: runSource({ ...deps, sensors, open: openSource }, source, halt),
      close: forget(source.id),
    }),
    config.mqtt.sources,
    breakUp,
  );
  const lines = startActivities(
    (line: LineSensorConfig, halt) => {
      const tally = createLineTally();
      return {
        id: line.id,
        tally,
        ended: runLineSensor({ ...deps, outbox, sensors, telemetry, tally }, line, halt),
        close: forget(line.id),
      };
    },
    config.lines,
    breakUp,
  );

  return {
    intake,
    sensors,
    telemetry: telemetry.counters,
    lines: () => lines.list().map(({ running: { id, tally } }) => ({ id, ...tally })),
    activities: [Promise.race([broken, ended()])],
    async become(next) {
      named = namesIn(next);
      if (JSON.stringify(next.sensors) !== JSON.stringify(rules)) {
        rules = next.sensors;
        reporting = createReporting(rules);
        await sensors.mind();
        expectMinded();
      }
      intake.use(meaning(next));
      return Promise.all([
        buses.become(next.modbus),
        sources.become(next.mqtt.sources),
        lines.become(next.lines),
      ]);
    },
  };

  async function ended(): Promise<void> {
    await aborted(stop);
    await Promise.all([buses, sources, lines].map((group) => group.stop()));
  }
}

/** Of all that has a line, an address or a broker of its own. */
function namesIn({ scanners, modbus, lines, mqtt }: GatewayConfig): ReadonlySet<string> {
  const slaves = modbus.flatMap((bus) => bus.slaves);
  return new Set(
    [...scanners, ...modbus, ...slaves, ...mqtt.sources, ...lines].map(({ id }) => id),
  );
}

function aborted(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
}
