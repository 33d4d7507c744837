/**
 * The gateway's broker, intake and outbox as a program that can be killed: `node intake-gateway.ts
 * FOLDER [mute]`. Prints its port. When mute it stores but acknowledges nothing, and says "committed"
 * for each message: the moment between the commit and PUBACK, for as long as a test needs it.
 */
import { createIntake } from "../../src/gateway/intake.ts";
import { createClock } from "../../src/io/clock.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { OutboxPort } from "../../src/ports.ts";
import { outboxLimits } from "../../src/store/outbox.ts";

const [, , folder = ".", mute] = process.argv;
const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
const outbox = await openOutboxThread({ journal }, { folder, limits });
const say = (line: string) => process.stdout.write(`${line}\n`);

const muted: OutboxPort = {
  ...outbox,
  async put(lane, events) {
    await outbox.put(lane, events);
    say("committed");
    return new Promise(() => undefined);
  },
};

const intake = createIntake(
  { outbox: mute === "mute" ? muted : outbox, clock: createClock() },
  {
    mappings: [
      {
        topic: "dc1/+/power",
        device: "{1}",
        payload: "number",
        readings: [{ property: "power", unit: "W" }],
      },
    ],
  },
);
const broker = await openDeviceBroker(
  { intake, journal },
  { host: "127.0.0.1", port: 0, connectionsMax: 100, packetBytesMax: 65_536, connectMs: 5000 },
);
say(`${broker.port}`);
