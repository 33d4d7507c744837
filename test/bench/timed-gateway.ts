/**
 * The gateway of its real parts, and a note of the moment at which each scan was on disk: nothing
 * outside of the process can see that. Prints `ready`; ends with its standard input, after one JSON
 * line: for each commit of the scan lane its last seq and the moment, in ms since 1970.
 *
 *   node timed-gateway.ts gateway.yaml
 */
import { mkdirSync } from "node:fs";
import { loadGatewayConfig } from "../../src/cli/gateway-config.ts";
import { exchange } from "../../src/devices/modbus/reply.ts";
import { createMetrics } from "../../src/gateway/metrics.ts";
import { startGateway } from "../../src/gateway/run.ts";
import { createVerdicts } from "../../src/gateway/verdicts.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { createJournal } from "../../src/io/journal.ts";
import { openLine } from "../../src/io/line.ts";
import { createModbusOpener } from "../../src/io/modbus.ts";
import { createMqttLink } from "../../src/io/mqtt-link.ts";
import { createSourceOpener } from "../../src/io/mqtt-source.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import { whenAppears } from "../../src/io/path-watch.ts";
import { outboxLimits } from "../../src/store/outbox.ts";
import { nowMs } from "./moment.ts";

export type ScanCommit = { readonly lastSeq: number; readonly atMs: number };

const config = loadGatewayConfig(process.argv[2], {});
const journal = createJournal("gateway", config.log);
mkdirSync(config.data, { recursive: true });
const outbox = await openOutboxThread(
  { journal },
  { folder: config.data, limits: outboxLimits(config.outbox) },
);
const commits: ScanCommit[] = [];
outbox.onCommit((lane) => {
  if (lane === "scan") commits.push({ lastSeq: outbox.state("scan").lastSeq, atMs: nowMs() });
});
const verdicts = createVerdicts({ journal });
const link = { url: config.twin.url, gateway: config.gateway, connectMs: 10_000 };
const gateway = startGateway(
  {
    clock: createClock(),
    chance,
    journal,
    outbox,
    link: createMqttLink({ ...link, keepaliveMs: 15_000 }, verdicts.hear),
    verdicts,
    open: openLine,
    openModbus: createModbusOpener({ openLine, framing: exchange }),
    openSourceTo: createSourceOpener,
    appears: whenAppears,
    metrics: createMetrics(config.gateway),
  },
  config,
);
const broker = await openDeviceBroker(
  { intake: gateway.intake, journal },
  { ...config.mqtt, connectionsMax: 4_096, packetBytesMax: 256 * 1024, connectMs: 5_000 },
);
const opens = setInterval(() => {
  if (gateway.scanners().some(({ state }) => state !== "open") || !gateway.connected()) return;
  clearInterval(opens);
  process.stdout.write("ready\n");
}, 20);

for await (const _ of process.stdin);
await broker.close();
await gateway.stopReading();
await gateway.stopSending(2_000);
await outbox.close();
process.stdout.write(`${JSON.stringify(commits)}\n`);
