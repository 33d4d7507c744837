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
import { runSource } from "./broker-source.ts";
import type { GatewayConfig } from "./config.ts";
import { createIntake, type Intake, type Sift } from "./intake.ts";
import { runLineSensor } from "./line-sensor.ts";
import { BUS_DEFAULTS, type BusRecord, runBus } from "./modbus-bus.ts";
import { createSensors, type Sensors } from "./sensors.ts";
import { createTelemetry } from "./telemetry.ts";

export type SensingDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly open: OpenLine;
  readonly openModbus: OpenModbus;
  readonly openSourceTo: (deps: { readonly intake: DeviceIntake }) => OpenSource;
  readonly modbusRecord: BusRecord;
};

export type Sensing = {
  readonly intake: Intake;
  readonly sensors: Sensors;
  /** Each ends when it is stopped. */
  readonly activities: readonly Promise<void>[];
};

const LOOK_MS = 1_000;
const STATE_EVENT_EVERY_MS = 1_000;

export function startSensing(
  deps: SensingDeps,
  { mqtt, modbus, lines, sensors: rules }: GatewayConfig,
  stop: AbortSignal,
): Sensing {
  const { clock, outbox } = deps;
  const reporting = createReporting(rules);
  const sensors = createSensors(deps, {
    silentMs: reporting.silentMs,
    lookMs: LOOK_MS,
    stateEveryMs: STATE_EVENT_EVERY_MS,
  });

  const sift: Sift = {
    keep(device, readings) {
      const { keep, stuck, moves } = reporting.report(device, readings, clock.monotonicMs());
      if (stuck.length > 0) sensors.news(device, "faulted", stuck.join("; "));
      if (moves) sensors.news(device, "open", "");
      return keep;
    },
    failed(devices) {
      for (const device of devices) reporting.forget(device);
    },
  };
  const telemetry = createTelemetry({ ...deps, sift });
  const { stateOf } = sensors;
  const intake = createIntake({ outbox, clock, sensors, ...(rules.length > 0 && { sift }) }, mqtt);
  const openSource = deps.openSourceTo({ intake });
  return {
    intake,
    sensors,
    activities: [
      ...modbus.map((bus) =>
        runBus(
          { ...deps, open: deps.openModbus, record: deps.modbusRecord, telemetry, stateOf },
          { bus, ...BUS_DEFAULTS },
          stop,
        ),
      ),
      ...mqtt.sources.map((source) =>
        runSource({ ...deps, sensors, open: openSource }, source, stop),
      ),
      ...lines.map((line) => runLineSensor({ ...deps, sensors, telemetry }, line, stop)),
    ],
  };
}
