/**
 * What the ingest bench measures, each in a process of its own: `bare` is aedes as it comes, `durable`
 * is the gateway's broker, intake and outbox. Prints its port; ends with its standard input, after
 * saying what it has stored.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { createIntake } from "../../src/gateway/intake.ts";
import { createClock } from "../../src/io/clock.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { createJournal } from "../../src/io/journal.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import { outboxLimits } from "../../src/store/outbox.ts";

export type ServerReport = {
  readonly stored: number;
  readonly flushes: number;
  /** CPU time since the port was open: of the event loop's thread, and of the whole process. */
  readonly loopSeconds: number;
  readonly processSeconds: number;
};

const before = { loop: 0, process: 0 };

if (process.argv[2] === "bare") await serveBare();
else await serveDurable();

async function serveBare(): Promise<void> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, broker.handle);
  server.listen(0, "127.0.0.1", () => ready((server.address() as { port: number }).port));
  await inputEnds();
  say({ stored: 0, flushes: 0, ...cpu() } satisfies ServerReport);
  process.exit();
}

async function serveDurable(): Promise<void> {
  const journal = createJournal("bench", "warn");
  const folder = mkdtempSync(join(tmpdir(), "racktrace-ingest-"));
  const limits = outboxLimits({ bytesMax: 2 ** 33, telemetryBytesMax: 2 ** 33 });
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  const intake = createIntake(
    { outbox, clock: createClock() },
    {
      mappings: [
        {
          topic: "dc1/+/climate",
          device: "{1}",
          payload: "json",
          time: { pointer: "/ts", unit: "ms" },
          readings: [
            { pointer: "/temperature", property: "temperature", unit: "Cel" },
            { pointer: "/humidity", property: "relative_humidity", unit: "%" },
          ],
        },
      ],
    },
  );
  const broker = await openDeviceBroker(
    { intake, journal },
    { host: "127.0.0.1", port: 0, connectionsMax: 1000, packetBytesMax: 65_536, connectMs: 5000 },
  );
  ready(broker.port);
  await inputEnds();
  await broker.close();
  const { lastSeq } = outbox.state("telemetry");
  const { flushes } = outbox.figures;
  const report: ServerReport = { stored: lastSeq, flushes, ...cpu() };
  await outbox.close();
  rmSync(folder, { recursive: true });
  say(report);
}

function ready(port: number): void {
  const { loopSeconds, processSeconds } = cpu();
  Object.assign(before, { loop: loopSeconds, process: processSeconds });
  say({ port });
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function cpu(): { loopSeconds: number; processSeconds: number } {
  const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
  return {
    loopSeconds: seconds(process.threadCpuUsage()) - before.loop,
    processSeconds: seconds(process.cpuUsage()) - before.process,
  };
}

async function inputEnds(): Promise<void> {
  for await (const _ of process.stdin);
}
