/**
 * Both brokers against whoever can reach their ports: what a socket gets before it is known, and what
 * a connection may do afterwards. Raw sockets, packets written from the standard.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { openGatewayBroker } from "../../src/io/gateway-broker.ts";
import type { GuardLimits } from "../../src/io/mqtt-guard.ts";
import { neighbourhood } from "../../src/kernel/neighbourhood.ts";
import type { DeviceIntake } from "../../src/ports.ts";
import {
  connectPacket,
  connectRaw,
  openRaw,
  PINGREQ,
  publishPacket,
  subscribe,
} from "../support/raw-mqtt.ts";
import { until } from "../support/until.ts";

type Door = {
  readonly port: number;
  readonly journal: readonly string[];
  turnedAway(): Readonly<Record<string, number>>;
  /** How many are here. */
  connections(): number;
};

const doors: readonly [string, (guard?: Partial<GuardLimits>) => Promise<Door>][] = [
  ["devices", openDevices],
  ["gateways", openGateways],
];

describe.each(doors)("a stranger at the door for %s", (_name, open) => {
  test("has five seconds, and not a second longer for each byte it sends", async () => {
    const door = await open({ strangerMs: 300 });
    const silent = openRaw(door.port);
    const slow = openRaw(door.port);
    const drip = setInterval(() => slow.send(Uint8Array.of(0x10)), 50);
    onTestFinished(() => clearInterval(drip));
    slow.send(Uint8Array.of(0x10));
    await Promise.all([silent.ended(), slow.ended()]);
    const { late = 0, malformed = 0 } = door.turnedAway();
    expect(late + malformed).toBe(2);
    expect(late).toBeGreaterThanOrEqual(1);
  });

  test("gets no more than its first packet, and that is bounded at its header", async () => {
    const door = await open({ strangerBytesMax: 1_000 });
    const greedy = openRaw(door.port);
    greedy.send(Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f));
    await greedy.ended();
    expect(door.turnedAway()).toMatchObject({ "too-long": 1 });
  });

  test("has few neighbours of its own address: the one that has waited longest gives way", async () => {
    const door = await open({ strangersPerAddress: 3 });
    const other = connect({ port: door.port, host: "127.0.0.1", localAddress: "127.0.0.9" });
    onTestFinished(() => void other.destroy());
    const idle: Socket[] = [];
    for (let n = 0; n < 5; n++) {
      const { socket } = openRaw(door.port);
      await new Promise((resolve) => socket.once("connect", resolve));
      idle.push(socket);
    }
    await until("two are gone", () => idle.filter(({ closed }) => closed).length === 2);
    expect(idle.map(({ closed }) => closed)).toEqual([true, true, false, false, false]);
    expect(other.closed).toBe(false);
    expect(door.turnedAway()).toMatchObject({ crowded: 2 });
    // Who means it is served beside them.
    const meant = await connectRaw(door.port, { clientId: "gw-a" });
    meant.send(PINGREQ);
    expect(await meant.next()).toMatchObject({ kind: "pingresp" });
  });

  test("is one of so many in all, and a known connection is none of them", async () => {
    const door = await open({ strangersPerAddress: 100, strangersMax: 4 });
    const known = await connectRaw(door.port, { clientId: "gw-a" });
    const idle = Array.from({ length: 9 }, () => openRaw(door.port));
    await until("five are gone", () => idle.filter(({ socket }) => socket.closed).length === 5);
    known.send(PINGREQ);
    expect(await known.next()).toMatchObject({ kind: "pingresp" });
    expect(door.turnedAway()).toMatchObject({ crowded: 5 });
  });

  test("is turned away where all connections are taken, and those who are known keep theirs", async () => {
    const door = await open({ connectionsMax: 2 });
    const known = [
      await connectRaw(door.port, { clientId: "gw-a" }),
      await connectRaw(door.port, { clientId: "gw-b" }),
    ];
    await openRaw(door.port).ended();
    expect(door.turnedAway()).toMatchObject({ "too-many": 1 });
    for (const one of known) {
      one.send(PINGREQ);
      expect(await one.next()).toMatchObject({ kind: "pingresp" });
    }
    known[0]?.socket.destroy();
    await until("its place is free", async () => {
      const next = openRaw(door.port);
      next.send(connectPacket({ clientId: "gw-c" }));
      return next.next().then(
        ({ kind }) => kind === "connack",
        () => false,
      );
    });
  });

  test("writes the journal once for a crowd of its address", async () => {
    const door = await open({ strangersPerAddress: 1 });
    const crowd = Array.from({ length: 40 }, () => openRaw(door.port));
    await until(
      "all but one are gone",
      () => crowd.filter((one) => one.socket.closed).length === 39,
    );
    expect(door.journal.filter((line) => line.startsWith("turned-away"))).toHaveLength(1);
  });

  test("may send on behind CONNECT; it is read once it is known", async () => {
    const door = await open();
    const eager = openRaw(door.port);
    eager.send(Buffer.concat([connectPacket({ clientId: "gw-a" }), ...Array(200).fill(PINGREQ)]));
    await until("each ping is answered", () => eager.received.length === 201);
    expect(eager.received[0]).toMatchObject({ kind: "connack", code: 0 });
  });

  test("whose CONNECT comes byte by byte is let in", async () => {
    const door = await open();
    const slow = openRaw(door.port);
    for (const byte of Buffer.concat([connectPacket({ clientId: "gw-a" }), PINGREQ])) {
      slow.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await slow.next()).toMatchObject({ kind: "connack", code: 0 });
    expect(await slow.next()).toMatchObject({ kind: "pingresp" });
  });
});

test.each(doors)(
  "of two who come to the door for %s at once under the name of a third, one is left",
  async (_name, open) => {
    const door = await open();
    const third = await connectRaw(door.port, { clientId: "gw-a" });
    third.send(subscribe(1, "racktrace/v1/gw-a/ack", "racktrace/gw-a/say"));
    await third.next();
    const two = [openRaw(door.port), openRaw(door.port)];
    await Promise.all(two.map(({ socket }) => once(socket, "connect")));
    // The door has them when it answers this.
    third.send(PINGREQ);
    await third.next();
    for (const one of two) one.send(connectPacket({ clientId: "gw-a" }));
    const here = () => two.filter(({ socket }) => !socket.closed);
    await until("one is left", () => here().length === 1 && here()[0]?.received.length === 1);
    await third.ended();
    const [last] = here();
    last?.send(PINGREQ);
    await until("it is served", () => last?.received.length === 2);
    expect(door.connections()).toBe(1);
    last?.socket.destroy();
    await until("nobody is here", () => door.connections() === 0);
  },
);

const text = (bytes: readonly number[]) => Buffer.from([0, bytes.length, ...bytes]);
const malformed: readonly [string, readonly number[]][] = [
  ["a lone continuation byte", [0x61, 0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
  ["a sequence cut short", [0x61, 0xe2, 0x82]],
  ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["U+0000", [0x61, 0x00, 0x62]],
];

describe.each(doors)("the rules of MQTT at the door for %s", (_name, open) => {
  test.each(malformed)("a topic with %s ends the connection", async (_what, bytes) => {
    const door = await open();
    const device = await connectRaw(door.port, { clientId: "gw-a" });
    const body = [...text(bytes), 0, 1];
    device.send(Uint8Array.of(0x32, body.length, ...body));
    await device.ended();
    expect(device.received).toHaveLength(1);
    expect(door.turnedAway()).toMatchObject({ malformed: 1 });
  });

  test.each(malformed)("a filter with %s ends the connection", async (_what, bytes) => {
    const door = await open();
    const device = await connectRaw(door.port, { clientId: "gw-a" });
    const body = [0, 1, ...text(bytes), 0];
    device.send(Uint8Array.of(0x82, body.length, ...body));
    await device.ended();
    expect(device.received).toHaveLength(1);
  });

  test.each(malformed)("a client id with %s is not let in", async (_what, bytes) => {
    const door = await open();
    const device = openRaw(door.port);
    const body = [...text([...Buffer.from("MQTT")]), 4, 2, 0, 60, ...text(bytes)];
    device.send(Uint8Array.of(0x10, body.length, ...body));
    await device.ended();
    expect(device.received).toEqual([]);
  });

  test("the replacement character itself is a character like any other", async () => {
    const door = await open();
    const device = await connectRaw(door.port, { clientId: "gw-a" });
    device.send(subscribe(3, "a/\ufffd/b"));
    expect(await device.next()).toMatchObject({ kind: "suback", id: 3 });
  });

  test.each([
    ["PUBLISH", publishPacket({ topic: "a", payload: "", id: 0 })],
    ["SUBSCRIBE", subscribe(0, "a")],
    ["UNSUBSCRIBE", Uint8Array.of(0xa2, 5, 0, 0, 0, 1, 0x61)],
    ["PUBREL", Uint8Array.of(0x62, 2, 0, 0)],
  ])("packet id 0 in %s ends the connection", async (_what, bytes) => {
    const door = await open();
    const device = await connectRaw(door.port, { clientId: "gw-a" });
    device.send(bytes);
    await device.ended();
    expect(device.received).toHaveLength(1);
    expect(door.turnedAway()).toMatchObject({ malformed: 1 });
  });
});

test("a stranger who gives another long name each time fills neither the journal nor the memory", async () => {
  const door = await openGateways();
  for (let n = 0; n < 100; n++) {
    const stranger = openRaw(door.port);
    stranger.send(connectPacket({ clientId: `${n}`.padEnd(7_500, "\u0001\u202e") }));
    expect(await stranger.next()).toMatchObject({ kind: "connack", code: 2 });
  }
  expect(door.turnedAway()).toMatchObject({ refused: 100 });
  expect(door.journal.length).toBeLessThan(40);
  for (const line of door.journal) {
    expect(line).toMatch(/^turned-away .*this is no name for a gateway/);
    expect(line.length).toBeLessThan(300);
    expect(line).not.toMatch(/\p{C}|\\u00/u);
  }
  // Who is refused at another address is read about all the same.
  const elsewhere = connect({ port: door.port, host: "127.0.0.1", localAddress: "127.0.0.9" });
  onTestFinished(() => void elsewhere.destroy());
  elsewhere.write(connectPacket({ clientId: "Gw A" }));
  await until("it is read about", () => door.journal.some((line) => line.includes("Gw A")));
});

describe("a known device", () => {
  test("that sends faster than allowed is read more slowly, and all of it is taken", async () => {
    const door = await openDevices({}, { packetsPerSecond: 100 });
    const device = await connectRaw(door.port, { clientId: "d1" });
    const from = performance.now();
    device.publish(
      ...Array.from({ length: 150 }, (_, n) => ({ topic: "t", payload: "", id: n + 1 })),
    );
    await until("all are acknowledged", () => device.received.length === 151);
    device.publish(
      ...Array.from({ length: 50 }, (_, n) => ({ topic: "t", payload: "", id: n + 1 })),
    );
    await until("these, too", () => device.received.length === 201);
    expect(performance.now() - from).toBeGreaterThan(400);
  });

  test("that does not read what is said to it is let go, and others hear it meanwhile", async () => {
    const door = await openDevices({}, { unreadBytesMax: 64 * 1024 });
    const [deaf, well] = [
      await connectRaw(door.port, { clientId: "deaf" }),
      await connectRaw(door.port, { clientId: "well" }),
    ];
    for (const [id, device] of [
      ["deaf", deaf],
      ["well", well],
    ] as const) {
      device.send(subscribe(1, `racktrace/${id}/say`));
      expect(await device.next()).toMatchObject({ kind: "suback" });
    }
    deaf.socket.pause();
    const loud = new Uint8Array(32 * 1024);
    let said = 0;
    await until("the deaf one is let go", () => {
      door.say("racktrace/deaf/say", loud);
      said += loud.length;
      return door.turnedAway()["slow-reader"] === 1;
    });
    expect(said).toBeLessThan(64 * 1024 * 1024);
    door.say("racktrace/well/say", Buffer.from("hello"));
    expect(await well.next()).toMatchObject({ kind: "publish" });
  });

  test("that stays away keeps 256 messages waiting, and the rest is dropped and counted", async () => {
    const door = await openDevices();
    const sleeper = await connectRaw(door.port, { clientId: "sleeper", clean: false });
    sleeper.send(subscribe(1, "racktrace/sleeper/say"));
    await sleeper.next();
    sleeper.socket.destroy();
    await until("it is away", () => door.connections() === 0);
    for (let n = 0; n < 300; n++) door.say("racktrace/sleeper/say", Buffer.from(`${n}`));
    await until("44 are dropped", () => door.turnedAway()["dropped"] === 44);

    const back = await connectRaw(door.port, { clientId: "sleeper", clean: false });
    await until("the others come", () => back.received.length === 257);
  });
});

test("a clock that is set forward makes nobody speak a last will, and a lost line does", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const door = await openDevices();
  const will = { topic: "hall/state", payload: "gone" };
  const device = await connectRaw(door.port, { clientId: "d1", will });
  let nowMs = 0;
  vi.spyOn(Date, "now").mockImplementation(() => (nowMs += 3_600_000));
  onTestFinished(() => void vi.restoreAllMocks());
  vi.advanceTimersByTime(600_000);
  device.send(PINGREQ);
  await device.next();
  expect(door.wills).toEqual([]);
  device.socket.destroy();
  await until("its will is heard", () => door.wills.length === 1);
});

test("what is retained is heard before what is said behind it, and both are", async () => {
  const door = await openDevices();
  const device = await connectRaw(door.port, { clientId: "lamp" });
  device.send(subscribe(1, "racktrace/lamp/mode", "racktrace/lamp/blink"));
  await device.next();
  door.say("racktrace/lamp/mode", Buffer.from("red"), true);
  door.say("racktrace/lamp/blink", Buffer.from("3"));
  expect(await device.next()).toMatchObject({ topic: "racktrace/lamp/mode" });
  expect(await device.next()).toMatchObject({ topic: "racktrace/lamp/blink" });
});

test("a neighbourhood is an IPv4 address, or the /64 that an IPv6 host owns", () => {
  expect(neighbourhood("::ffff:10.0.0.7")).toBe("10.0.0.7");
  expect(neighbourhood("2001:db8:0:1::5")).toBe("2001:db8:0:1::/64");
  expect(neighbourhood("2001:db8:0:1:ffff::1")).toBe("2001:db8:0:1::/64");
  expect(neighbourhood("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
  expect(neighbourhood("::1")).toBe("0:0:0:0::/64");
});

function journalTo(lines: string[]) {
  const tell = (what: string, details?: object) =>
    void lines.push(`${what} ${JSON.stringify(details)}`);
  return { note: tell, warn: tell, error: tell };
}

async function openDevices(guard: Partial<GuardLimits> = {}, pace = {}) {
  const journal: string[] = [];
  const wills: string[] = [];
  const intake: DeviceIntake = {
    open: (_device, answer) => ({
      take: (_message, ticket) => answer(ticket, { ok: true }),
      end: () => {},
    }),
    will: (_client, topic) => void wills.push(topic),
  };
  const broker = await openDeviceBroker(
    { intake, journal: journalTo(journal) },
    {
      ...{ host: "127.0.0.1", port: 0, connectionsMax: 100, packetBytesMax: 65_536 },
      ...{ connectMs: 5_000, guard, pace },
    },
  );
  onTestFinished(() => broker.close());
  return {
    port: broker.port,
    journal,
    wills,
    turnedAway: broker.turnedAway,
    connections: broker.connections,
    say: (topic: string, bytes: Uint8Array, retain = false) => broker.say(topic, bytes, retain),
  };
}

async function openGateways(guard: Partial<GuardLimits> = {}): Promise<Door> {
  const journal: string[] = [];
  const broker = await openGatewayBroker(
    { journal: journalTo(journal), take: () => Promise.resolve() },
    { host: "127.0.0.1", port: 0, reserved: [], guard },
  );
  broker.admit();
  onTestFinished(() => broker.close());
  return {
    port: Number(new URL(broker.url).port),
    journal,
    turnedAway: () => ({ ...broker.turnedAway() }),
    connections: () => broker.connected().length,
  };
}
