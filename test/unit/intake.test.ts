/** What the gateway answers to messages of devices, between an outbox and a quarantine in memory. */
import { describe, expect, test } from "vitest";
import { createIntake, type IntakeDeps, type IntakeOptions } from "../../src/gateway/intake.ts";
import type { DeviceMessage, OutboxPort, Put } from "../../src/ports.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";

const SENSORS: IntakeOptions = { mappings: [], decoders: [{ decoder: "zigbee2mqtt" }] };

describe("a message whose only value has no unit", () => {
  test("is acknowledged when the quarantine has it, and not before", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    await rest();
    expect(gateway.answers).toEqual([]);

    gateway.quarantineAnswers(true);
    await rest();
    expect(gateway.answers).toEqual(["ok"]);
  });

  test("is refused when the quarantine refuses it, and tried again when it comes again", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.quarantineAnswers(false);
    await rest();
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.quarantineAnswers(true);
    await rest();

    expect(gateway.answers).toEqual(["full", "ok"]);
    expect(gateway.quarantined).toEqual(['{"voltage":2985}', '{"voltage":2985}']);
  });

  test("shares the answer of the first of its kind, of which one is kept", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2975}');
    await rest();
    expect(gateway.answers).toEqual([]);
    gateway.quarantineAnswers(true);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2965}');
    await rest();

    expect(gateway.answers).toEqual(["ok", "ok", "ok"]);
    expect(gateway.quarantined).toEqual(['{"voltage":2985}']);
  });

  test("is kept itself when too many kinds are known to remember one more", async () => {
    const gateway = begin(SENSORS);
    for (let n = 0; n < 1024; n++) gateway.publish(`zigbee2mqtt/t${n}`, '{"voltage":1}');
    gateway.quarantineAnswers(true);
    await rest();
    gateway.publish("zigbee2mqtt/last", '{"voltage":2}');
    gateway.publish("zigbee2mqtt/last", '{"voltage":3}');
    gateway.quarantineAnswers(true);
    await rest();

    expect(gateway.quarantined.slice(1024)).toEqual(['{"voltage":2}', '{"voltage":3}']);
    expect(gateway.answers).toHaveLength(1026);
  });
});

test("a reading beside a value without a unit does not wait for the quarantine", async () => {
  const gateway = begin(SENSORS);
  gateway.publish("zigbee2mqtt/tag", '{"battery":86,"voltage":2985}');
  await rest();
  expect(gateway.answers).toEqual(["ok"]);
});

function begin(options: IntakeOptions, deps: Partial<IntakeDeps> = {}) {
  const quarantined: string[] = [];
  let waiting: ((put: Put) => void)[] = [];
  const outbox: OutboxPort = {
    ...createPretendedOutbox(),
    quarantine: ({ bytes }) =>
      new Promise((resolve) => {
        quarantined.push(Buffer.from(bytes).toString());
        waiting.push(resolve);
      }),
  };
  const intake = createIntake({ outbox, clock: createPretendedClock(), ...deps }, options);
  const answers: string[] = [];
  const session = intake.open({ clientId: "c", resumes: false }, (_ticket, taken) => {
    answers.push(taken.ok ? "ok" : taken.why);
  });
  let packetId = 0;
  return {
    intake,
    answers,
    quarantined,
    publish(topic: string, text: string, more: Partial<DeviceMessage> = {}): void {
      packetId += 1;
      const payload = Buffer.from(text);
      const plain = { topic, payload, qos: 1, dup: false, retain: false, packetId } as const;
      session.take({ ...plain, ...more }, packetId);
    },
    /** What waits for the quarantine is kept, or is not. */
    quarantineAnswers(kept: boolean): void {
      const commit = { firstSeq: 1, lastSeq: 1 } as Extract<Put, { ok: true }>["commit"];
      for (const answer of waiting)
        answer(kept ? { ok: true, commit } : { ok: false, why: "full" });
      waiting = [];
    },
  };
}
