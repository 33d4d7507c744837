/**
 * `racktrace gateway`: composes the gateway of its parts, runs it until it shall stop, and ends it in
 * order: no more from scanners and devices, what was read is on disk and acknowledged, what can be
 * sent is sent, the outbox last.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { stringify } from "yaml";
import { exchange } from "../devices/modbus/reply.ts";
import { endingOf } from "../gateway/certificate.ts";
import { type ConfigFlags, type GatewayConfig, withoutSecrets } from "../gateway/config.ts";
import { gatewaySchema } from "../gateway/config-schema.ts";
import { createMetrics, type GatewayMetrics } from "../gateway/metrics.ts";
import { BROKER_DEVICE, createPublishing } from "../gateway/publish-act.ts";
import { type Health, type RunningGateway, startGateway } from "../gateway/run.ts";
import { announceHost, edgeNodeFilters } from "../gateway/sparkplug-host.ts";
import type { Status } from "../gateway/status.ts";
import { traceOutbox } from "../gateway/traced-outbox.ts";
import { createVerdicts } from "../gateway/verdicts.ts";
import { chance, createClock } from "../io/clock.ts";
import { watchClock } from "../io/clock-quality.ts";
import { type DeviceBroker, openDeviceBroker } from "../io/device-broker.ts";
import { watchForChange } from "../io/file-watch.ts";
import { openStatusServer } from "../io/http-status.ts";
import { endOf, IDENTITY_FOLDER, openIdentity } from "../io/identity.ts";
import { createJournal } from "../io/journal.ts";
import { openLine } from "../io/line.ts";
import { diskRoom } from "../io/machine/disk.ts";
import { createModbusOpener } from "../io/modbus.ts";
import { createMqttLink } from "../io/mqtt-link.ts";
import { createSourceOpener } from "../io/mqtt-source.ts";
import { type OutboxThread, openOutboxThread } from "../io/outbox-thread.ts";
import { whenAppears } from "../io/path-watch.ts";
import { openSigningKey } from "../io/signing-key.ts";
import { keepPoolSmall } from "../io/small-pool.ts";
import { readStatusPage } from "../io/status-page.ts";
import { createSystemd } from "../io/systemd.ts";
import { Fault } from "../kernel/fault.ts";
import type { Clock, Journal } from "../ports.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { outboxLimits } from "../store/outbox.ts";
import { removeAddressFile, writeAddressFile } from "./address-file.ts";
import { createClosers } from "./closers.ts";
import { openDeviceDoor } from "./device-door.ts";
import { checkGatewayConfig, loadGatewayConfig } from "./gateway-config.ts";
import { defineEnrol } from "./gateway-enrol.ts";
import { defineKey } from "./gateway-key.ts";
import { createReloading, type Reloading } from "./gateway-reload.ts";
import { hostPort } from "./host-port.ts";
import { stopSignal, untilStopped } from "./stop-signal.ts";
import { tracerFor } from "./tracing.ts";

type Options = {
  readonly config?: string;
  readonly data?: string;
  readonly name?: string;
  readonly twin?: string;
  readonly mqtt?: ConfigFlags["mqtt"];
  readonly http?: ConfigFlags["http"];
  readonly scanner?: ConfigFlags["scanners"];
  readonly log?: string;
  readonly check?: boolean;
  readonly watch?: boolean;
  readonly schema?: boolean;
};

/** How long an orderly stop goes on sending what waits. */
const SEND_AT_STOP_MS = 2_000;
const TOKEN_CHARACTERS_MIN = 16;
const LINK = { connectMs: 10_000, keepaliveMs: 15_000 };
const BROKER = { connectionsMax: 4_096, packetBytesMax: 256 * 1024, connectMs: 5_000 };

export function define(command: Command): void {
  defineEnrol(command);
  defineKey(command);
  command
    .option("--config <FILE>", "configuration (deploy/gateway.sample.yaml); flags win over it")
    .option("--data <DIR>", "folder for what waits for the twin")
    .option("--name <NAME>", "name of this gateway, the same on the twin")
    .option("--twin <URL>", "the twin's address for gateways, such as mqtt://127.0.0.1:1884")
    .option("--mqtt <HOST:PORT>", "where devices publish", hostPort)
    .option("--http <HOST:PORT>", "health and metrics", hostPort)
    .option("--scanner <ID=PATH,...>", "scanners on serial ports; may be repeated", scannerList)
    .option("--log <LEVEL>", "trace, debug, info, warn, error or silent")
    .option("--check", "check the configuration, print what would be used, and stop")
    .option("--watch", "take a changed configuration file by itself; without it: on SIGHUP")
    .option("--schema", "print the configuration's JSON Schema, and stop")
    .action((options: Options) => {
      if (options.schema) return print(`${JSON.stringify(gatewaySchema, null, 2)}\n`);
      const flags = asConfig(options);
      const config = loadGatewayConfig(options.config, flags);
      return options.check
        ? print(stringify(withoutSecrets(config)))
        : runGateway(
            { config, file: options.config, flags, watch: options.watch === true },
            stopSignal(),
          );
    });
}

function asConfig({ data, name, twin, mqtt, http, scanner, log }: Options): ConfigFlags {
  return {
    ...(data !== undefined && { data }),
    ...(name !== undefined && { gateway: name }),
    ...(twin !== undefined && { twin: { url: twin } }),
    ...(mqtt !== undefined && { mqtt }),
    ...(http !== undefined && { http }),
    ...(scanner !== undefined && { scanners: scanner }),
    ...(log !== undefined && { log }),
  };
}

type ScannerFlags = NonNullable<ConfigFlags["scanners"]>;

function scannerList(text: string, before: ScannerFlags = []): ScannerFlags {
  const more = text.split(",").map((part) => {
    const at = part.indexOf("=");
    if (at < 1 || at === part.length - 1)
      throw new InvalidArgumentError("write ID=PATH, such as desk=/dev/ttyACM0");
    return { id: part.slice(0, at), path: part.slice(at + 1) };
  });
  return [...before, ...more];
}

function print(text: string): void {
  process.stdout.write(text);
}

type Asked = {
  readonly config: GatewayConfig;
  readonly file: string | undefined;
  readonly flags: ConfigFlags;
  readonly watch: boolean;
};

async function runGateway(asked: Asked, stop: AbortSignal): Promise<void> {
  keepPoolSmall();
  const { config } = asked;
  const journal = createJournal("gateway", config.log);
  const clockWatch = watchClock();
  const clock = createClock(clockWatch.quality);
  const folder = resolve(config.data);
  const closers = createClosers(journal);
  closers.add(clockWatch.close);

  try {
    const lock = lockFolder(folder);
    closers.add(lock.release);
    removeAddressFile(folder);
    await run({ ...asked, clock, journal, folder, closing: closers.add, stop });
    journal.note("stopping");
  } finally {
    await closers.closeAll();
  }
  journal.note("stopped");
}

type Run = Asked & {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly folder: string;
  /** Closed in the reverse order of opening, whatever happens. */
  readonly closing: (close: () => unknown) => void;
  readonly stop: AbortSignal;
};

async function run({
  clock,
  journal,
  config,
  folder,
  closing,
  stop,
  ...asked
}: Run): Promise<void> {
  const outbox = await openOutboxThread(
    { journal },
    { folder, limits: outboxLimits(config.outbox) },
  );
  closing(() => outbox.close());
  const tracer = tracerFor("racktrace-gateway", clock);
  if (tracer !== undefined) closing(() => tracer.close());
  const metrics = createMetrics(config.gateway);
  const verdicts = createVerdicts({ journal });
  const identity = openIdentity(join(folder, IDENTITY_FOLDER));
  const certificateEndsMs = () => endOf(identity, config.twin.url);
  const link = createMqttLink(
    {
      ...{ url: config.twin.url, gateway: config.gateway, ...LINK },
      identity: {
        ...{ journal, nowMs: clock.nowMs, quality: clock.quality },
        store: identity,
      },
    },
    (message) => {
      verdicts.hear(message);
      gateway.hearVerdicts(message);
    },
    (message) => gateway.hearDirectives(message),
  );
  const gateway = startGateway(
    {
      clock,
      chance,
      journal,
      outbox: tracer === undefined ? outbox : traceOutbox({ outbox, clock, tracer }, config),
      link,
      verdicts,
      signer: openSigningKey(folder, (told) => journal.error("signing-key-set-aside", told)),
      open: openLine,
      openModbus: createModbusOpener({ openLine, framing: exchange }),
      openSourceTo: createSourceOpener,
      appears: whenAppears,
      metrics,
    },
    config,
  );
  closing(() => gateway.stopSending(SEND_AT_STOP_MS));
  closing(() => gateway.stopReading());
  // Before the link can bring a directive; what comes early waits for the broker.
  const publishing = createPublishing();
  gateway.serve(BROKER_DEVICE, publishing.act);

  const reloading = startReloading({ ...asked, clock, journal, config, closing }, gateway, metrics);
  const judged = <T extends Health | Status>(health: T): T => {
    const ending = endingOf(certificateEndsMs(), clock.nowMs());
    const reasons = [
      ...health.reasons,
      ...reloading.reasons(),
      ...(ending === undefined ? [] : [{ what: "certificate-ends" as const, detail: ending }]),
    ];
    return { ...health, status: reasons.length === 0 ? "ok" : "degraded", reasons };
  };
  const status = await named("http", () =>
    openStatusServer(
      {
        health: () => judged(gateway.health()),
        status: () => ({
          ...judged(gateway.status()),
          config: reloading.state(),
          disk: diskRoom(folder),
        }),
        metrics,
        page: readStatusPage(),
        token: tokenFor(config.http),
      },
      config.http,
    ),
  );
  closing(() => status.close());
  const door = await openDeviceDoor({ clock, journal }, folder, config.mqtt);
  closing(() => door.close());
  const broker = await named("mqtt", () =>
    openDeviceBroker(
      { intake: gateway.intake, journal, doorkeeper: door.doorkeeper },
      {
        ...config.mqtt,
        ...BROKER,
        keys: door.keys,
        maySubscribe: edgeNodeFilters(config.mqtt.decoders),
      },
    ),
  );
  closing(() => broker.close());
  door.keepKeys(broker);
  closing(announceHost({ clock, broker }, config.mqtt.decoders));
  closing(publishing.through(broker.say));
  metrics.watch({
    lane: outbox.state,
    disk: () => outbox.figures,
    mqtt: () => ({
      ...gateway.intake.counters,
      connections: broker.connections(),
      turnedAway: broker.turnedAway(),
    }),
    scanners: gateway.scanners,
    devices: gateway.devices,
    lines: gateway.lines,
    lost: gateway.lost,
    connected: gateway.connected,
    certificateEndsMs,
  });

  const addresses = { http: status.url, mqtt: addressOf(broker, door.keys !== undefined) };
  writeAddressFile(folder, { pid: process.pid, ...addresses });
  closing(() => removeAddressFile(folder));
  journal.note("ready", {
    ...addresses,
    twin: withoutSecrets(config).twin.url,
    scanners: config.scanners.length,
  });
  const systemd = createSystemd(
    { clock, journal },
    {
      environment: process.env,
      pid: process.pid,
      alive: async () => gateway.stalled() === undefined && (await answers(outbox)),
    },
  );
  closing(() => systemd.close());
  systemd.ready();

  // A disk that failed for good ends the program: whoever supervises it starts it again, and it checks.
  const failed = outbox.failed.then((fault) => {
    throw fault;
  });
  await Promise.race([gateway.broken, failed, untilStopped(stop)]);
  systemd.stopping();
}

/** From here on SIGHUP, and with --watch the file itself, bring a new configuration. */
function startReloading(
  { clock, journal, config, file, flags, watch, closing }: Omit<Run, "folder" | "stop">,
  gateway: RunningGateway,
  metrics: GatewayMetrics,
): Reloading {
  const reloading = createReloading(
    {
      clock,
      journal,
      read: () => checkGatewayConfig(file, flags),
      become: gateway.become,
      record: metrics.reloaded,
    },
    { file, config },
  );
  const reload = () => void reloading.reload();
  process.on("SIGHUP", reload);
  closing(() => process.off("SIGHUP", reload));
  if (watch && file !== undefined) closing(watchForChange(file, reload));
  return reloading;
}

/** A taken port is told with the key that configures it. */
async function named<T>(key: "http" | "mqtt", open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (fault) {
    if (!(fault instanceof Fault) || fault.code !== "PORT_TAKEN") throw fault;
    const detail = `${fault.detail} (configured by ${key}.host and ${key}.port)`;
    throw new Fault("PORT_TAKEN", detail, { cause: fault });
  }
}

/** Asks the thread that writes: its answer is what devices and the twin wait for. */
async function answers(outbox: OutboxThread): Promise<boolean> {
  const { lastSeq } = outbox.state("scan");
  await outbox.peek("scan", lastSeq + 1, { events: 1, bytes: 1 });
  return true;
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
function tokenFor({ tokenFile }: GatewayConfig["http"]): string | undefined {
  if (tokenFile === undefined) return undefined;
  let token: string;
  try {
    token = readFileSync(tokenFile, "utf8").trim();
  } catch (cause) {
    throw new Fault("CONFIG_UNREADABLE", `${tokenFile}: ${(cause as Error).message}`, { cause });
  }
  if (token.length >= TOKEN_CHARACTERS_MIN) return token;
  const least = `${TOKEN_CHARACTERS_MIN} random characters`;
  throw new Fault("CONFIG_INVALID", `${tokenFile} holds no token of at least ${least}`);
}

function addressOf({ host, port }: DeviceBroker, isSecured: boolean): string {
  return `${isSecured ? "mqtts" : "mqtt"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
