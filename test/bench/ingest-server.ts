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
  readonly cpuSeconds: number;
  readonly flushes: number;
};

if (process.argv[2] === "bare") await serveBare();
else await serveDurable();

async function serveBare(): Promise<void> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, broker.handle);
  server.listen(0, "127.0.0.1", () => say({ port: (server.address() as { port: number }).port }));
  await inputEnds();
  say({ stored: 0, cpuSeconds: cpuSeconds(), flushes: 0 } satisfies ServerReport);
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
  say({ port: broker.port });
  await inputEnds();
  await broker.close();
  const { lastSeq } = outbox.state("telemetry");
  const { flushes } = outbox.figures;
  await outbox.close();
  rmSync(folder, { recursive: true });
  say({ stored: lastSeq, cpuSeconds: cpuSeconds(), flushes } satisfies ServerReport);
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function inputEnds(): Promise<void> {
  for await (const _ of process.stdin);
}
