/**
 * The normative statements of MQTT 3.1.1 (OASIS standard, 29 October 2014, appendix B), each in our own short
 * words, and what each of the two brokers makes of it: it keeps it, it does otherwise and why, or there is
 * nothing of it here. What is kept and what is done otherwise is tried; mqtt.test.ts does so.
 */
import { expect } from "vitest";
import {
  DISCONNECT,
  openRaw,
  PINGREQ,
  packet,
  publishPacket,
  pubrel,
  text,
  u16,
} from "../support/raw-mqtt.ts";
import { until } from "../support/until.ts";
import {
  asking,
  byte,
  come,
  type Door,
  endsAt,
  type Hello,
  hear,
  hello,
  listen,
  newName,
  ping,
  puback,
  TOO_MUCH,
  tell,
  turnedAway,
  unasking,
} from "./mqtt-doors.ts";

export type Try = (door: Door) => Promise<void>;
export type Verdict =
  | { readonly kind: "kept"; readonly attempt: Try }
  /** `attempt` shows what happens instead. */
  | { readonly kind: "otherwise"; readonly why: string; readonly attempt: Try }
  | { readonly kind: "absent"; readonly why: string };
export type Statement = {
  /** Behind "MQTT-". */
  readonly id: string;
  readonly says: string;
  readonly devices: Verdict;
  readonly gateways: Verdict;
};

const kept = (attempt: Try): Verdict => ({ kind: "kept", attempt });
const otherwise = (why: string, attempt: Try): Verdict => ({ kind: "otherwise", why, attempt });
const absent = (why: string): Verdict => ({ kind: "absent", why });

const CLIENTS = absent("a rule for clients");
const NO_WILL_HERE = absent("gateways leave no will");
const NOTHING_RETAINED = absent("the twin retains nothing");
const SAYS_QOS_0 = absent("the twin says all at QoS 0; its acknowledgements are cumulative");
const NOT_PASSED_ON = absent("what a client publishes is passed on to no client");
const NO_SESSION =
  "a gateway's session ends with its connection: what it has to say is in its outbox";
const FEW_FILTERS = "no more than 1,024 in one packet: all others wait while they are answered";
const NOBODY_HEARS = "what a device publishes ends at the intake, on disk; no client hears another";

export const STATEMENTS: readonly Statement[] = [
  both("1.5.3-1", "ill-formed UTF-8 ends the connection", (door) =>
    endsAt(door, packet(0x32, text(Buffer.of(0x61, 0x80)), u16(1))),
  ),
  both("1.5.3-2", "U+0000 in a text ends the connection", (door) =>
    endsAt(door, packet(0x32, text("a\0b"), u16(1))),
  ),
  each("1.5.3-3", "U+FEFF is a character and is kept", {
    devices: kept(async (door) => {
      const client = await come(door);
      const topic = `racktrace/${client.name}/\ufeffx`;
      client.send(asking(1, [topic, 1]));
      await client.next();
      door.say(client.name, "without", { topic: topic.replace("\ufeff", "") });
      door.say(client.name, "with", { topic });
      expect(await hear(client)).toMatchObject({ topic, payload: "with" });
    }),
    gateways: kept(async (door) => {
      const client = await come(door);
      client.send(asking(1, [`racktrace/v1/${client.name}/\ufeffack`, 1]));
      expect(await client.next()).toMatchObject({ granted: [128] });
    }),
  }),

  both("2.2.2-1", "reserved flags have the values of the table", (door) =>
    endsEach(door, [packet(0x41, u16(1)), packet(0xc1), packet(0xe4), packet(0x5f, u16(1))]),
  ),
  both("2.2.2-2", "wrong flags end the connection", (door) =>
    endsEach(door, [packet(0x60, u16(1)), packet(0x80, u16(1), text("a"), byte(0))]),
  ),
  both("2.3.1-1", "a packet id is not 0", (door) =>
    endsEach(door, [
      publishPacket({ topic: "a", payload: "1", id: 0 }),
      asking(0, ["a", 1]),
      unasking(0, "a"),
    ]),
  ),
  both("2.3.1-2", "a client gives a new packet an unused id", CLIENTS),
  both("2.3.1-3", "a client sends a packet again under its id", CLIENTS),
  each("2.3.1-4", "so does a server that says something at QoS 1 or 2", {
    devices: kept(async (door) => {
      const client = await come(door);
      await listen(door, client);
      for (let n = 0; n < 50; n++) door.say(client.name, `${n}`);
      const ids = new Set<number>();
      for (let n = 0; n < 50; n++) ids.add((await hear(client)).id);
      expect([ids.size, ids.has(0)]).toEqual([50, false]);
    }),
    gateways: SAYS_QOS_0,
  }),
  both("2.3.1-5", "a PUBLISH of QoS 0 has no packet id", async (door) => {
    const client = await come(door);
    await listen(door, client, 0);
    door.say(client.name, "hi");
    const { body } = await client.next();
    expect(body).toEqual(Buffer.concat([text(door.filter(client.name)), Buffer.from("hi")]));
  }),
  each("2.3.1-6", "PUBACK, PUBREC and PUBCOMP have the id of their PUBLISH", {
    devices: kept(async (door) => {
      const client = await come(door);
      await tell(door, client, "1", 0xfffe);
      await tellTwice(door, client, "2", 0x0102);
    }),
    gateways: kept(async (door) => tell(door, await come(door), "1", 0xfffe)),
  }),
  both("2.3.1-7", "SUBACK and UNSUBACK have the id of what they answer", answersAsks),

  both("3.1.0-1", "the first packet is CONNECT", async (door) => {
    for (const bytes of [PINGREQ, DISCONNECT, asking(1, ["a", 0]), packet(0x20, byte(0), byte(0))])
      await turnedAway(door, bytes);
  }),
  both("3.1.0-2", "a second CONNECT ends the connection", async (door) => {
    const name = newName();
    await endsAt(door, hello({ name }), { name });
  }),
  both("3.1.2-1", "another protocol's CONNECT is not taken for one of this", async (door) => {
    for (const protocol of ["MQTX", "mqtt", "", "MQIsdp"])
      await turnedAway(door, hello({ protocol }));
  }),
  both("3.1.2-2", "another level is answered with 1, and the connection ends", async (door) => {
    for (const level of [0, 3, 5, 6, 0x84, 255]) await turnedAway(door, hello({ level }), 1);
  }),
  both("3.1.2-3", "the reserved flag of CONNECT is 0", (door) =>
    turnedAway(door, hello({ flags: 3 })),
  ),
  each("3.1.2-4", "a session goes on where clean session is 0", {
    devices: kept(async (door) => {
      const away = await leaves(door, true);
      const back = await come(door, away);
      expect(back.wasKnown).toBe(true);
      door.say(back.name, "hi");
      expect(await hear(back)).toMatchObject({ payload: "hi" });
    }),
    gateways: otherwise(NO_SESSION, async (door) => {
      expect((await come(door, await leaves(door, true))).wasKnown).toBe(false);
    }),
  }),
  each("3.1.2-5", "what is said at QoS 1 to one who is away waits for it", {
    devices: otherwise(
      "so do 256 messages, for 1,024 devices; what is beyond is dropped and counted, as a device that does not come back would fill the memory",
      async (door) => {
        const away = await leaves(door, true);
        for (let n = 0; n < 300; n++) door.say(away.name, `${n}`);
        const back = await come(door, away);
        for (let n = 0; n < 256; n++) expect(await hear(back)).toMatchObject({ payload: `${n}` });
        await ping(back);
      },
    ),
    gateways: otherwise(NO_SESSION, async (door) => {
      const away = await leaves(door, true);
      door.say(away.name, "hi");
      await ping(await come(door, away));
    }),
  }),
  both(
    "3.1.2-6",
    "clean session 1 forgets what was before, and itself at its end",
    async (door) => {
      const away = await leaves(door, true);
      const clean = await come(door, { ...away, clean: true });
      expect(clean.wasKnown).toBe(false);
      if (door.kind === "devices") door.say(away.name, "hi");
      await ping(clean);
      await listen(door, clean);
      await leave(clean);
      const back = await come(door, away);
      expect(back.wasKnown).toBe(false);
      if (door.kind === "devices") door.say(away.name, "hi");
      await ping(back);
    },
  ),
  each("3.1.2-7", "what is retained outlives a session", {
    devices: kept(async (door) => {
      const name = newName();
      const before = await come(door, { name });
      door.say(name, "kept", { retain: true });
      await listen(door, before);
      await leave(before);
      const after = await come(door, { name });
      await listen(door, after);
      expect(await hear(after)).toMatchObject({ payload: "kept" });
    }),
    gateways: NOTHING_RETAINED,
  }),
  each("3.1.2-8", "a will is published when the connection ends without DISCONNECT", {
    devices: kept(willIsHeard),
    gateways: otherwise("a gateway leaves no will: CONNECT with one is refused", (door) =>
      turnedAway(door, hello({ will: { topic: "a", payload: "b" } })),
    ),
  }),
  both("3.1.2-9", "with the will flag its topic and message are there", async (door) => {
    await turnedAway(door, hello({ flags: 0x06 }));
    await turnedAway(door, hello({ flags: 0x06 }, text("topic")));
  }),
  each("3.1.2-10", "a will is gone once it was published", {
    devices: kept(async (door) => {
      const name = newName();
      const will = { topic: `dc1/${name}/state`, payload: "gone" };
      for (const how of [{ name, will }, { name }]) {
        (await come(door, how)).socket.destroy();
        await until("its will is heard", () => door.wills(name).length === 1);
      }
      await ping(await come(door, { name }));
      expect(door.wills(name)).toHaveLength(1);
    }),
    gateways: NO_WILL_HERE,
  }),
  both("3.1.2-11", "without the will flag there is nothing of a will", async (door) => {
    await turnedAway(door, hello({ flags: 0x22 }));
    await turnedAway(door, hello({ flags: 0x02 }, text("topic"), text("message")));
  }),
  each("3.1.2-12", "without the will flag none is published", {
    devices: kept(async (door) => {
      const client = await come(door);
      client.socket.destroy();
      await ping(await come(door, { name: client.name }));
      expect(door.wills(client.name)).toEqual([]);
    }),
    gateways: NO_WILL_HERE,
  }),
  both("3.1.2-13", "without the will flag its QoS is 0", (door) =>
    turnedAway(door, hello({ flags: 0x0a })),
  ),
  both("3.1.2-14", "the QoS of a will is not 3", (door) =>
    turnedAway(door, hello({ will: { topic: "dc1/a/state", payload: "", qos: 3 } })),
  ),
  both("3.1.2-15", "without the will flag it is not to be retained", (door) =>
    turnedAway(door, hello({ flags: 0x22 })),
  ),
  each("3.1.2-16", "a will is published as its retain flag says: not retained", {
    devices: otherwise("the gateway hears wills itself, and tells no client", willIsHeard),
    gateways: NO_WILL_HERE,
  }),
  each("3.1.2-17", "a will is published as its retain flag says: retained", {
    devices: otherwise("the gateway hears wills itself, and retains none", async (door) => {
      const name = newName();
      const will = { topic: `dc1/${name}/state`, payload: "gone" };
      (await come(door, { name, will, flags: 0x26 })).socket.destroy();
      await until("its will is heard", () => door.wills(name).length === 1);
    }),
    gateways: NO_WILL_HERE,
  }),
  both("3.1.2-18", "without its flag there is no user name", (door) =>
    turnedAway(door, hello({ flags: 0x02, username: "u" })),
  ),
  both("3.1.2-19", "with its flag there is a user name", (door) =>
    turnedAway(door, hello({ flags: 0x82 })),
  ),
  both("3.1.2-20", "without its flag there is no password", (door) =>
    turnedAway(door, hello({ flags: 0x82, username: "u", password: "p" })),
  ),
  both("3.1.2-21", "with its flag there is a password", (door) =>
    turnedAway(door, hello({ flags: 0xc2, username: "u" })),
  ),
  both("3.1.2-22", "no password without a user name", (door) =>
    turnedAway(door, hello({ password: "p" })),
  ),
  both("3.1.2-23", "a client says something within its keep alive", CLIENTS),
  both(
    "3.1.2-24",
    "who is silent for one and a half times its keep alive is let go",
    async (door) => {
      // From before it came: how late its own CONNACK is heard says nothing of the door.
      const from = performance.now();
      const client = await come(door, { keepAlive: 1 });
      await client.ended();
      expect(performance.now() - from).toBeGreaterThan(1_400);
      expect(performance.now() - from).toBeLessThan(5_000);
    },
  ),
  both("3.1.3-1", "the fields of CONNECT come in their order, and nothing behind them", (door) =>
    turnedAway(door, hello({ username: "u", password: "p" }, byte(0))),
  ),
  each("3.1.3-2", "what is known of a session is known by its client id", {
    devices: kept(async (door) => {
      const away = await leaves(door, true);
      expect((await come(door, { clean: false })).wasKnown).toBe(false);
      expect((await come(door, away)).wasKnown).toBe(true);
    }),
    gateways: kept(async (door) => {
      const [a, b] = [await come(door), await come(door)];
      await tell(door, a, "from a");
      expect([door.taken(a.name), door.taken(b.name)]).toEqual([["from a"], []]);
    }),
  }),
  both("3.1.3-3", "the client id is there, and first", (door) =>
    turnedAway(door, packet(0x10, text("MQTT"), Buffer.of(4, 2, 0, 60))),
  ),
  both("3.1.3-4", "the client id is UTF-8", (door) =>
    turnedAway(door, packet(0x10, text("MQTT"), Buffer.of(4, 2, 0, 60), text(Buffer.of(0xff)))),
  ),
  each("3.1.3-5", "a client id of 1 to 23 letters and digits is allowed", {
    devices: kept(async (door) => {
      await come(door, { name: "aZ09aZ09aZ09aZ09aZ09aZ0" });
      await come(door, { name: "X" });
    }),
    gateways: otherwise(
      "a gateway's name has lower-case letters, digits, dot, dash and underscore; with device credentials, too, a client id is the device's own",
      async (door) => {
        await come(door, { name: "a09a09a09a09a09a09a09a0" });
        await turnedAway(door, hello({ name: "X" }), 2);
      },
    ),
  }),
  each("3.1.3-6", "an empty client id may be refused, or is given a name of its own", {
    devices: kept(async (door) => {
      const [a, b] = [await come(door, { name: "" }), await come(door, { name: "" })];
      await ping(a);
      await ping(b);
    }),
    gateways: kept((door) => turnedAway(door, hello({ name: "" }), 2)),
  }),
  both("3.1.3-7", "a client without an id asks for a clean session", CLIENTS),
  both("3.1.3-8", "an empty client id without clean session is answered with 2", (door) =>
    turnedAway(door, hello({ name: "", clean: false }), 2),
  ),
  each("3.1.3-9", "a client id that is not allowed is answered with 2", {
    devices: absent(
      "without device credentials each is allowed; with them contract/device-access shows it",
    ),
    gateways: kept(async (door) => {
      for (const name of ["X", "../x", "a/b", "x".repeat(65)])
        await turnedAway(door, hello({ name }), 2);
    }),
  }),
  both("3.1.3-10", "the topic of a will is UTF-8", (door) =>
    turnedAway(door, hello({ flags: 6 }, text(Buffer.of(0xff)), text(""))),
  ),
  both("3.1.3-11", "the user name is UTF-8", (door) =>
    turnedAway(door, hello({ flags: 0x82 }, text(Buffer.of(0xc0, 0xaf)))),
  ),
  both("3.1.4-1", "what is no CONNECT as in section 3.1 is not answered", async (door) => {
    await turnedAway(door, packet(0x10, text("MQTT"), Buffer.of(4, 2, 0)));
    await turnedAway(door, packet(0x10, text("MQTT")));
    await turnedAway(door, packet(0x10));
    await turnedAway(door, hello({ will: { topic: "", payload: "x" } }));
    await turnedAway(door, hello({ will: { topic: "a/+", payload: "x" } }));
  }),
  both("3.1.4-2", "a client of the same id is let go", async (door) => {
    const before = await come(door);
    const after = await come(door, { name: before.name });
    await before.ended();
    await ping(after);
  }),
  both("3.1.4-3", "CONNECT is followed by what clean session says", async (door) => {
    const away = await leaves(door, true);
    expect((await come(door, { ...away, clean: true })).wasKnown).toBe(false);
  }),
  both("3.1.4-4", "CONNECT is answered with 0", async (door) => void (await come(door))),
  both("3.1.4-5", "nothing behind a refused CONNECT is heard", async (door) => {
    const name = newName();
    const behind = publishPacket({ topic: door.topic(name), payload: "1" });
    const refused = hello({ name: door.kind === "devices" ? "" : `X${name}`, clean: false });
    await turnedAway(door, Buffer.concat([refused, behind]), 2);
    expect(door.taken(name)).toEqual([]);
  }),
  both("3.2.0-1", "the first packet of a server is CONNACK", async (door) => {
    const name = newName();
    const client = eager(door, { name }, asking(1, [door.filter(name), 1]), PINGREQ);
    const kinds = await Promise.all([client.next(), client.next(), client.next()]);
    expect(kinds[0]?.kind).toBe("connack");
  }),
  both("3.2.2-1", "session present is 0 where clean session is 1", async (door) => {
    const away = await leaves(door, true);
    expect((await come(door, { ...away, clean: true })).wasKnown).toBe(false);
  }),
  each("3.2.2-2", "session present is 1 where a session was stored, an empty one too", {
    devices: kept(async (door) => {
      expect((await come(door, await leaves(door, true))).wasKnown).toBe(true);
      const away = await leaves(door, false);
      const back = await come(door, away);
      expect(back.wasKnown).toBe(true);
      door.say(away.name, "nobody asked for it");
      await ping(back);
    }),
    gateways: absent("no session is stored"),
  }),
  both("3.2.2-3", "session present is 0 where none was stored", async (door) => {
    expect((await come(door, { clean: false })).wasKnown).toBe(false);
  }),
  both("3.2.2-4", "session present is 0 beside another return code", (door) =>
    turnedAway(door, hello({ name: "", clean: false }), 2),
  ),
  both("3.2.2-5", "another return code than 0 is followed by the end", (door) =>
    turnedAway(door, hello({ level: 9 }), 1),
  ),
  each("3.2.2-6", "where no return code fits the connection ends without one", {
    devices: absent("each refusal here has its code"),
    gateways: kept((door) => turnedAway(door, hello({ will: { topic: "a", payload: "b" } }))),
  }),

  each("3.3.1-1", "DUP says that a PUBLISH is sent again", {
    devices: kept(async (door) => {
      const away = await leaves(door, true);
      const before = await come(door, away);
      door.say(away.name, "once");
      expect(await hear(before)).toMatchObject({ payload: "once", dup: false });
      await leave(before);
      expect(await hear(await come(door, away))).toMatchObject({ payload: "once", dup: true });
    }),
    gateways: SAYS_QOS_0,
  }),
  both("3.3.1-2", "DUP is 0 at QoS 0", (door) =>
    endsAt(door, packet(0x38, text("a"), Buffer.from("1"))),
  ),
  both("3.3.1-3", "DUP is not passed on", NOT_PASSED_ON),
  both("3.3.1-4", "a QoS of 3 ends the connection", (door) =>
    endsAt(door, packet(0x36, text("a"), u16(1))),
  ),
  each("3.3.1-5", "what is to be retained is stored for who subscribes later", {
    devices: otherwise(NOBODY_HEARS, takesRetained),
    gateways: otherwise(
      "the flag is not heeded: what a gateway says is for the twin alone",
      takesRetained,
    ),
  }),
  each("3.3.1-6", "who subscribes hears what was retained", {
    devices: kept(async (door) => void (await hearsRetained(door))),
    gateways: NOTHING_RETAINED,
  }),
  each("3.3.1-7", "what was retained gives way to a message of QoS 0 that is to be", {
    devices: absent(
      "what a device publishes is not retained (3.3.1-5), and the gateway says all at QoS 1",
    ),
    gateways: NOTHING_RETAINED,
  }),
  each("3.3.1-8", "what is heard as retained says so", {
    devices: kept(async (door) => expect((await hearsRetained(door)).retain).toBe(true)),
    gateways: NOTHING_RETAINED,
  }),
  both("3.3.1-9", "what is heard when it is said does not", async (door) => {
    const client = await come(door);
    await listen(door, client);
    door.say(client.name, "hi", { retain: true });
    expect((await hear(client)).retain).toBe(false);
  }),
  each("3.3.1-10", "an empty one is heard and ends what was retained", {
    devices: kept(async (door) => {
      const client = await come(door);
      door.say(client.name, "kept", { retain: true });
      await listen(door, client);
      expect((await hear(client)).payload).toBe("kept");
      door.say(client.name, "", { retain: true });
      expect((await hear(client)).payload).toBe("");
      await listen(door, client);
      await ping(client);
    }),
    gateways: NOTHING_RETAINED,
  }),
  each("3.3.1-11", "an empty one is not retained", {
    devices: kept(async (door) => {
      const client = await come(door);
      door.say(client.name, "", { retain: true });
      await listen(door, client);
      await ping(client);
    }),
    gateways: NOTHING_RETAINED,
  }),
  each("3.3.1-12", "what is not to be retained leaves what was retained as it is", {
    devices: kept(async (door) => {
      const client = await come(door);
      door.say(client.name, "kept", { retain: true });
      door.say(client.name, "passing");
      await listen(door, client);
      expect((await hear(client)).payload).toBe("kept");
      await ping(client);
    }),
    gateways: NOTHING_RETAINED,
  }),
  both("3.3.2-1", "the topic is there, first, and UTF-8", (door) =>
    endsEach(door, [
      packet(0x30),
      packet(0x32, u16(9), Buffer.from("short")),
      packet(0x32, u16(0)),
    ]),
  ),
  both("3.3.2-2", "a topic has no wildcards", wildcardTopicsEnd),
  each("3.3.2-3", "what is heard matches what was subscribed to", {
    devices: kept(async (door) => {
      const client = await come(door);
      const own = `racktrace/${client.name}`;
      client.send(asking(1, [`${own}/+/b`, 1]));
      await client.next();
      for (const end of ["a/c", "a", "a/b/c", "a/b"])
        door.say(client.name, end, { topic: `${own}/${end}` });
      expect(await hear(client)).toMatchObject({ topic: `${own}/a/b`, payload: "a/b" });
      await ping(client);
    }),
    gateways: kept(async (door) => {
      const client = await come(door);
      await listen(door, client);
      door.say(client.name, "hi");
      expect((await hear(client)).topic).toBe(door.filter(client.name));
    }),
  }),
  each("3.3.4-1", "QoS 0 is not answered, 1 with PUBACK, 2 with PUBREC", {
    devices: kept(async (door) => {
      const client = await come(door);
      client.send(publishPacket({ topic: door.topic(client.name), payload: "0", qos: 0 }));
      await tell(door, client, "1");
      await tellTwice(door, client, "2", 2);
      expect(door.taken(client.name)).toEqual(["0", "1", "2"]);
    }),
    gateways: otherwise(
      "a gateway says all at QoS 1; 0 and 2 are not allowed to it, and end the connection (3.3.5-2)",
      async (door) => {
        for (const qos of [0, 2] as const) {
          const client = await come(door);
          client.send(publishPacket({ topic: door.topic(client.name), payload: "x", qos }));
          await client.ended();
          expect(door.taken(client.name)).toEqual([]);
        }
      },
    ),
  }),
  each("3.3.5-1", "a message is delivered at the greatest QoS of all filters that match", {
    devices: otherwise(
      "where filters of one client overlap it is heard once, and perhaps at the lower QoS: aedes delivers by whichever comes first",
      async (door) => {
        const client = await come(door);
        const own = `racktrace/${client.name}`;
        client.send(asking(1, [`${own}/say`, 0], [`${own}/#`, 1]));
        await client.next();
        door.say(client.name, "hi");
        expect((await hear(client)).qos).toBeLessThanOrEqual(1);
        await ping(client);
      },
    ),
    gateways: absent("a gateway subscribes to no wildcards, so no filters overlap"),
  }),
  each("3.3.5-2", "what is not allowed is acknowledged all the same, or ends the connection", {
    devices: kept((door) => endsAt(door, publishPacket({ topic: "$SYS/a", payload: "1" }))),
    gateways: kept((door) => endsAt(door, publishPacket({ topic: "dc1/a/power", payload: "1" }))),
  }),

  both("3.6.1-1", "the flags of PUBREL are 2", (door) =>
    endsEach(door, [packet(0x60, u16(1)), packet(0x63, u16(1)), packet(0x6a, u16(1))]),
  ),
  both("3.8.1-1", "the flags of SUBSCRIBE are 2", (door) =>
    endsAt(door, packet(0x80, u16(1), text("a"), byte(0))),
  ),
  both("3.8.3-1", "a filter is UTF-8", (door) =>
    endsAt(door, asking(1, [Buffer.of(0xed, 0xa0, 0x80), 0])),
  ),
  both("3.8.3-2", "a filter that is not supported is refused", foreignFiltersAreRefused),
  both("3.8.3-3", "SUBSCRIBE has at least one filter", (door) =>
    endsAt(door, packet(0x82, u16(1))),
  ),
  both("3.8.3-4", "QoS 3 and reserved bits in SUBSCRIBE end the connection", (door) =>
    endsEach(door, [asking(1, ["a", 3]), asking(1, ["a", 4]), asking(1, ["a", 0x81])]),
  ),
  both("3.8.4-1", "SUBSCRIBE is answered with SUBACK", answersAsks),
  both("3.8.4-2", "SUBACK has the id of its SUBSCRIBE", answersAsks),
  each("3.8.4-3", "a filter that is subscribed to again takes the place of what it was", {
    devices: kept(async (door) => {
      const client = await come(door);
      door.say(client.name, "kept", { retain: true });
      for (const qos of [1, 0]) {
        await listen(door, client, qos);
        expect(await hear(client)).toMatchObject({ payload: "kept", retain: true });
      }
      door.say(client.name, "once");
      expect(await hear(client)).toMatchObject({ payload: "once", qos: 0 });
      await ping(client);
    }),
    gateways: kept(async (door) => {
      const client = await come(door);
      await listen(door, client, 1);
      await listen(door, client, 0);
      door.say(client.name, "once");
      expect(await hear(client)).toMatchObject({ payload: "once", qos: 0 });
      await ping(client);
    }),
  }),
  both(
    "3.8.4-4",
    "several filters in one SUBSCRIBE are as several SUBSCRIBEs",
    otherwise(FEW_FILTERS, async (door) => {
      const client = await come(door);
      const own = door.filter(client.name);
      client.send(asking(1, ["#", 1], [own, 1], ...many(1_022, (n) => [`${n}`, 1] as const)));
      const granted = [128, 1, ...many(1_022, () => 128)];
      expect(await client.next()).toMatchObject({ kind: "suback", granted });
      door.say(client.name, "hi");
      expect((await hear(client)).payload).toBe("hi");
      await ping(client);
      await endsAt(door, asking(1, ...many(1_025, (n) => [`${n}`, 1] as const)));
    }),
  ),
  both(
    "3.8.4-5",
    "SUBACK has a return code for each filter",
    otherwise(
      "but one for a filter that stands there twice: aedes leaves out the first",
      async (door) => {
        const client = await come(door);
        const filter = door.filter(client.name);
        client.send(asking(1, [filter, 1], ["#", 0]));
        expect(await client.next()).toMatchObject({ granted: [1, 128] });
        client.send(asking(2, [filter, 1], [filter, 0]));
        expect(await client.next()).toMatchObject({ granted: [0] });
      },
    ),
  ),
  each("3.8.4-6", "a message comes at the lesser of its own QoS and the granted one", {
    devices: kept(async (door) => {
      for (const [granted, heard] of [
        [0, 0],
        [1, 1],
        [2, 1],
      ] as const) {
        const client = await come(door);
        await listen(door, client, granted);
        door.say(client.name, "hi");
        expect((await hear(client)).qos).toBe(heard);
      }
    }),
    gateways: kept(async (door) => {
      const client = await come(door);
      await listen(door, client, 1);
      door.say(client.name, "hi");
      expect((await hear(client)).qos).toBe(0);
    }),
  }),
  both("3.9.3-1", "the return codes come in the order of the filters", async (door) => {
    const client = await come(door);
    client.send(asking(1, ["a", 2], [door.filter(client.name), 2], ["b", 2]));
    expect(await client.next()).toMatchObject({ granted: [128, 2, 128] });
  }),
  both("3.9.3-2", "return codes are 0, 1, 2 and 128", async (door) => {
    for (const qos of [0, 1, 2]) await listen(door, await come(door), qos);
    await foreignFiltersAreRefused(door);
  }),
  both("3.10.1-1", "the flags of UNSUBSCRIBE are 2", (door) =>
    endsAt(door, packet(0xa0, u16(1), text("a"))),
  ),
  both("3.10.3-1", "its filters are UTF-8, one behind the other", (door) =>
    endsEach(door, [unasking(1, Buffer.of(0x80)), packet(0xa2, u16(1), text("a"), byte(0))]),
  ),
  both("3.10.3-2", "it has at least one filter", (door) => endsAt(door, packet(0xa2, u16(1)))),
  both("3.10.4-1", "a filter is given up when it is the same to the character", async (door) => {
    const client = await come(door);
    await listen(door, client);
    const filter = door.filter(client.name);
    client.send(unasking(1, filter.toUpperCase(), filter.replace(/\w+$/, "+"), `${filter}x`));
    expect(await client.next()).toMatchObject({ kind: "unsuback" });
    door.say(client.name, "hi");
    expect((await hear(client)).payload).toBe("hi");
  }),
  each("3.10.4-2", "what was given up is not heard any more", {
    devices: kept(async (door) => {
      const client = await come(door);
      await listen(door, client);
      client.send(unasking(1, door.filter(client.name)));
      expect(await client.next()).toMatchObject({ kind: "unsuback" });
      door.say(client.name, "hi");
      await ping(client);
    }),
    gateways: otherwise(
      "the twin answers a gateway whether it subscribed or not: an acknowledgement concerns nobody else",
      async (door) => {
        const client = await come(door);
        await listen(door, client);
        client.send(unasking(1, door.filter(client.name)));
        expect(await client.next()).toMatchObject({ kind: "unsuback" });
        door.say(client.name, "hi");
        expect((await hear(client)).payload).toBe("hi");
      },
    ),
  }),
  each("3.10.4-3", "what was begun to be sent is brought to its end", {
    devices: kept(async (door) => {
      const away = await leaves(door, true);
      const before = await come(door, away);
      door.say(away.name, "begun");
      const { id } = await hear(before);
      before.send(unasking(1, door.filter(away.name)));
      expect(await before.next()).toMatchObject({ kind: "unsuback" });
      await leave(before);
      expect(await hear(await come(door, away))).toMatchObject({ payload: "begun", id, dup: true });
    }),
    gateways: SAYS_QOS_0,
  }),
  both("3.10.4-4", "UNSUBSCRIBE is answered with UNSUBACK of its id", answersAsks),
  both("3.10.4-5", "also where nothing was given up", async (door) => {
    const client = await come(door);
    client.send(unasking(9, "never/asked/for"));
    expect(await client.next()).toMatchObject({ kind: "unsuback", id: 9 });
  }),
  both(
    "3.10.4-6",
    "several filters in one UNSUBSCRIBE are answered once",
    otherwise(FEW_FILTERS, async (door) => {
      const client = await come(door);
      client.send(unasking(9, door.filter(client.name), ...many(1_023, (n) => `${n}`)));
      expect(await client.next()).toMatchObject({ kind: "unsuback", id: 9 });
      await ping(client);
      await endsAt(door, unasking(9, ...many(1_025, (n) => `${n}`)));
    }),
  ),
  both("3.12.4-1", "PINGREQ is answered with PINGRESP", async (door) => ping(await come(door))),
  both("3.14.1-1", "the reserved bits of DISCONNECT are 0", (door) => endsAt(door, packet(0xe1))),
  both("3.14.4-1", "a client ends the connection behind DISCONNECT", CLIENTS),
  both("3.14.4-2", "nothing behind DISCONNECT is heard", async (door) => {
    const client = await come(door);
    const behind = publishPacket({ topic: door.topic(client.name), payload: "1" });
    client.send(Buffer.concat([DISCONNECT, behind]));
    await client.ended();
    expect([client.received.length, ...door.taken(client.name)]).toEqual([1]);
  }),
  each("3.14.4-3", "DISCONNECT takes back the will", {
    devices: kept(async (door) => {
      const name = newName();
      const will = { topic: `dc1/${name}/state`, payload: "gone" };
      await leave(await come(door, { name, will }));
      await ping(await come(door, { name }));
      expect(door.wills(name)).toEqual([]);
    }),
    gateways: NO_WILL_HERE,
  }),

  each("4.1.0-1", "what belongs to a session is stored as long as it lasts", {
    devices: otherwise(
      "in memory: a restart of the gateway ends all sessions, and says so by session present 0",
      async (door) => {
        expect((await come(door, await leaves(door, true))).wasKnown).toBe(true);
      },
    ),
    gateways: otherwise(NO_SESSION, async (door) => {
      expect((await come(door, await leaves(door, true))).wasKnown).toBe(false);
    }),
  }),
  both("4.1.0-2", "a session lasts at least as long as its connection", async (door) => {
    const client = await come(door);
    await listen(door, client);
    for (let n = 0; n < 20; n++) await ping(client);
    door.say(client.name, "hi");
    expect((await hear(client)).payload).toBe("hi");
  }),
  both("4.3.1-1", "QoS 0 is sent with DUP 0", async (door) => {
    const client = await come(door);
    await listen(door, client, 0);
    door.say(client.name, "hi");
    expect(await hear(client)).toMatchObject({ qos: 0, dup: false });
  }),
  each("4.3.2-1", "QoS 1 is sent under an unused id, and waits for its PUBACK", {
    devices: kept(async (door) => {
      const away = await leaves(door, true);
      const before = await come(door, away);
      for (const word of ["a", "b", "c"]) door.say(away.name, word);
      const said = [await hear(before), await hear(before), await hear(before)];
      expect(said.map(({ qos, dup }) => [qos, dup])).toEqual(Array(3).fill([1, false]));
      before.send(puback(said[1]?.id ?? 0));
      await ping(before);
      await leave(before);
      const after = await come(door, away);
      const again = [await hear(after), await hear(after)];
      expect(again.map(({ payload }) => payload)).toEqual(["a", "c"]);
      await ping(after);
    }),
    gateways: SAYS_QOS_0,
  }),
  both(
    "4.3.2-2",
    "an id that was acknowledged is that of a new message, whatever DUP says",
    async (door) => {
      const client = await come(door);
      await tell(door, client, "1", 5);
      const topic = door.topic(client.name);
      client.send(publishPacket({ topic, payload: "2", id: 5, dup: true }));
      expect(await client.next()).toMatchObject({ kind: "puback", id: 5 });
      expect(door.taken(client.name)).toEqual(["1", "2"]);
    },
  ),
  each("4.3.3-1", "QoS 2 is sent in two steps", {
    devices: absent("the gateway says all at QoS 1"),
    gateways: SAYS_QOS_0,
  }),
  each("4.3.3-2", "QoS 2 is taken once, however often it is sent before PUBREL", {
    devices: kept(async (door) => {
      const client = await come(door);
      const topic = door.topic(client.name);
      for (const dup of [false, true, true]) {
        client.send(publishPacket({ topic, payload: "7", qos: 2, id: 3, dup }));
        expect(await client.next()).toMatchObject({ kind: "pubrec", id: 3 });
      }
      for (let n = 0; n < 2; n++) {
        client.send(pubrel(3));
        expect(await client.next()).toMatchObject({ kind: "pubcomp", id: 3 });
      }
      await tellTwice(door, client, "8", 3);
      expect(door.taken(client.name)).toEqual(["7", "8"]);
    }),
    gateways: otherwise("QoS 2 is not allowed to a gateway (3.3.4-1)", async (door) => {
      const client = await come(door);
      client.send(publishPacket({ topic: door.topic(client.name), payload: "7", qos: 2 }));
      await client.ended();
    }),
  }),
  each("4.4.0-1", "what was not acknowledged is sent again under its id", {
    devices: kept(sendsAgainInOrder),
    gateways: SAYS_QOS_0,
  }),
  each("4.5.0-1", "a message is added to the sessions of those whom it concerns", {
    devices: otherwise(NOBODY_HEARS, async (door) => {
      const client = await come(door);
      await listen(door, client);
      client.send(publishPacket({ topic: door.filter(client.name), payload: "1" }));
      expect(await client.next()).toMatchObject({ kind: "puback" });
      await ping(client);
    }),
    gateways: otherwise("what a gateway says is for the twin alone", async (door) => {
      const client = await come(door);
      await tell(door, client, "1");
      await ping(client);
    }),
  }),
  both("4.5.0-2", "a client acknowledges what it hears", CLIENTS),
  each("4.6.0-1", "what is sent again is sent in its old order", {
    devices: kept(sendsAgainInOrder),
    gateways: SAYS_QOS_0,
  }),
  both("4.6.0-2", "PUBACKs leave in the order of arrival", async (door) => {
    const client = await come(door);
    const topic = door.topic(client.name);
    const ids = Array.from({ length: 40 }, (_, n) => ((n * 7919) % 60_000) + 1);
    client.publish(...ids.map((id) => ({ topic, payload: "1", id })));
    const heard: number[] = [];
    for (const _ of ids) heard.push((await client.next()).id);
    expect(heard).toEqual(ids);
  }),
  each("4.6.0-3", "PUBRECs leave in the order of arrival", {
    devices: kept(async (door) => {
      const client = await come(door);
      const topic = door.topic(client.name);
      const ids = [9, 3, 7, 1];
      client.publish(...ids.map((id) => ({ topic, payload: "1", id, qos: 2 as const })));
      for (const id of ids) expect(await client.next()).toMatchObject({ kind: "pubrec", id });
    }),
    gateways: absent("QoS 2 is not allowed to a gateway"),
  }),
  both("4.6.0-4", "PUBRELs leave in the order of their PUBRECs", CLIENTS),
  both("4.6.0-5", "each topic is an ordered one", comesInOrder),
  both("4.6.0-6", "what is said under a topic is heard in its order", comesInOrder),
  both("4.7.1-1", "wildcards are for filters, not for topics", wildcardTopicsEnd),
  both("4.7.1-2", "# is a level of its own, and the last", (door) =>
    endsEach(
      door,
      ["a#", "#a", "a/#/b", "a/b#", "##"].flatMap((filter) => [
        asking(1, [filter, 0]),
        unasking(1, filter),
      ]),
    ),
  ),
  both("4.7.1-3", "+ is a level of its own", (door) =>
    endsEach(
      door,
      ["a+", "+a", "a+/b", "a/+b", "++"].map((filter) => asking(1, [filter, 0])),
    ),
  ),
  both("4.7.2-1", "a wildcard at the beginning does not match $", foreignFiltersAreRefused),
  both("4.7.3-1", "topics and filters have at least one character", (door) =>
    endsEach(door, [
      publishPacket({ topic: "", payload: "1" }),
      asking(1, ["", 0]),
      unasking(1, ""),
    ]),
  ),
  both("4.7.3-2", "U+0000 is in no topic and no filter", (door) =>
    endsEach(door, [packet(0x30, text("\0")), asking(1, ["a\0", 0]), unasking(1, "\0")]),
  ),
  each("4.7.3-3", "topics have up to 65,535 bytes, and any number of levels", {
    devices: otherwise(
      "no more than 1,024 characters in 32 levels, far above what a site needs",
      async (door) => {
        const client = await come(door);
        client.send(
          publishPacket({ topic: `${"x".repeat(31)}/`.repeat(32).slice(0, -1), payload: "1" }),
        );
        expect(await client.next()).toMatchObject({ kind: "puback" });
        for (const topic of [
          "x".repeat(1_025),
          "x".repeat(65_535),
          "/".repeat(32),
          "/".repeat(200),
        ])
          await endsAt(door, publishPacket({ topic, payload: "1" }));
      },
    ),
    gateways: otherwise("a topic of the twin has four levels, and its name is short", (door) =>
      endsAt(door, publishPacket({ topic: "x".repeat(65_535), payload: "1" })),
    ),
  }),
  each("4.7.3-4", "nothing is normalised before it is compared", {
    devices: kept(async (door) => {
      const client = await come(door);
      const own = `racktrace/${client.name}`;
      client.send(asking(1, [`${own}/\u00c5`, 1]));
      await client.next();
      for (const end of ["A\u030a", "\u00e5", "\u00c5 ", "\u00c5"])
        door.say(client.name, end, { topic: `${own}/${end}` });
      expect(await hear(client)).toMatchObject({ payload: "\u00c5" });
      await ping(client);
    }),
    gateways: kept(async (door) => {
      const client = await come(door);
      const filter = door.filter(client.name);
      client.send(asking(1, [filter.toUpperCase(), 0], [`${filter} `, 0]));
      expect(await client.next()).toMatchObject({ granted: [128, 128] });
    }),
  }),
  both("4.8.0-1", "what breaks the protocol ends the connection", (door) =>
    endsEach(door, [
      ...[0x00, 0x20, 0x90, 0xb0, 0xd0, 0xf0].map((head) => packet(head, u16(1))),
      ...[0x40, 0x50, 0x62, 0x70].flatMap((head) => [
        packet(head),
        packet(head, byte(1)),
        packet(head, u16(1), byte(0)),
      ]),
      ...[packet(0xc0, byte(0)), packet(0xe0, byte(0)), Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 1)],
    ]),
  ),
  both(
    "4.8.0-2",
    "what cannot be kept just now ends the connection, unacknowledged",
    async (door) => {
      const client = await come(door);
      client.send(publishPacket({ topic: door.topic(client.name), payload: TOO_MUCH }));
      await client.ended();
      expect(client.received).toHaveLength(1);
    },
  ),

  ...[
    ["6.0.0-1", "packets come in binary frames of WebSocket"],
    ["6.0.0-2", "packets and frames need not end together"],
    ["6.0.0-3", "a client offers the subprotocol mqtt"],
    ["6.0.0-4", "the server chooses the subprotocol mqtt"],
  ].map(([id = "", says = ""]) => both(id, says, absent("no WebSocket"))),
  both(
    "7.0.0-1",
    "who accepts and makes connections is a client and a server",
    absent("the connections that are made are MQTT.js's; contract/mqtt-source shows them"),
  ),
  both("7.0.0-2", "no extension is needed", async (door) => tell(door, await come(door), "1")),
  both("7.1.1-1", "a server has an ordered, lossless stream of bytes", async (door) =>
    tell(door, await come(door), "1"),
  ),
  both("7.1.2-1", "a client has such a stream", CLIENTS),
];

function both(id: string, says: string, what: Try | Verdict): Statement {
  const verdict = typeof what === "function" ? kept(what) : what;
  return { id, says, devices: verdict, gateways: verdict };
}

function each(
  id: string,
  says: string,
  verdicts: Pick<Statement, "devices" | "gateways">,
): Statement {
  return { id, says, ...verdicts };
}

function many<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

async function endsEach(door: Door, packets: readonly Uint8Array[]): Promise<void> {
  for (const bytes of packets) await endsAt(door, bytes);
}

/** Says DISCONNECT and is gone. */
async function leave(client: { send(bytes: Uint8Array): void; ended(): Promise<void> }) {
  client.send(DISCONNECT);
  await client.ended();
}

/** Was here with a session to go on, subscribed or not, and left. */
async function leaves(door: Door, subscribed: boolean) {
  const how = { name: newName(), clean: false };
  const client = await come(door, how);
  if (subscribed) await listen(door, client);
  await leave(client);
  return how;
}

function eager(door: Door, how: Hello, ...behind: Uint8Array[]) {
  const client = openRaw(door.port);
  client.send(Buffer.concat([hello(how), ...behind]));
  return client;
}

async function tellTwice(
  door: Door,
  client: Awaited<ReturnType<typeof come>>,
  payload: string,
  id: number,
) {
  client.send(publishPacket({ topic: door.topic(client.name), payload, qos: 2, id }));
  expect(await client.next()).toMatchObject({ kind: "pubrec", id });
  client.send(pubrel(id));
  expect(await client.next()).toMatchObject({ kind: "pubcomp", id });
}

async function answersAsks(door: Door): Promise<void> {
  const client = await come(door);
  client.send(asking(0x0203, [door.filter(client.name), 1]));
  expect(await client.next()).toMatchObject({ kind: "suback", id: 0x0203 });
  client.send(unasking(0xffff, door.filter(client.name)));
  expect(await client.next()).toMatchObject({ kind: "unsuback", id: 0xffff });
}

async function willIsHeard(door: Door): Promise<void> {
  const name = newName();
  const will = { topic: `dc1/${name}/state`, payload: "gone", qos: 1 };
  const client = await come(door, { name, will });
  await ping(client);
  expect(door.wills(name)).toEqual([]);
  client.socket.destroy();
  await until("its will is heard", () => door.wills(name).length === 1);
}

async function takesRetained(door: Door): Promise<void> {
  const client = await come(door);
  const topic = door.topic(client.name);
  client.send(publishPacket({ topic, payload: "5", retain: true }));
  expect(await client.next()).toMatchObject({ kind: "puback" });
  expect(door.taken(client.name)).toEqual(["5"]);
}

async function hearsRetained(door: Door) {
  const client = await come(door);
  door.say(client.name, "first", { retain: true });
  door.say(client.name, "last", { retain: true });
  await listen(door, client);
  const heard = await hear(client);
  expect(heard.payload).toBe("last");
  await ping(client);
  return heard;
}

function wildcardTopicsEnd(door: Door): Promise<void> {
  const topics = ["#", "+", "a/+/b", "a/#", "a+"];
  return endsEach(
    door,
    topics.map((topic) => publishPacket({ topic, payload: "1" })),
  );
}

async function foreignFiltersAreRefused(door: Door): Promise<void> {
  const client = await come(door);
  const filters = ["#", "+/x", "$SYS/#", "racktrace/+/say"];
  client.send(asking(1, ...filters.map((filter) => [filter, 1] as const)));
  expect(await client.next()).toMatchObject({ granted: filters.map(() => 128) });
}

async function sendsAgainInOrder(door: Door): Promise<void> {
  const away = await leaves(door, true);
  const before = await come(door, away);
  for (let n = 0; n < 20; n++) door.say(away.name, `${n}`);
  const said: Awaited<ReturnType<typeof hear>>[] = [];
  for (let n = 0; n < 20; n++) said.push(await hear(before));
  await leave(before);
  const after = await come(door, away);
  for (const { payload, id } of said) expect(await hear(after)).toMatchObject({ payload, id });
}

async function comesInOrder(door: Door): Promise<void> {
  const client = await come(door);
  await listen(door, client);
  for (let n = 0; n < 60; n++) door.say(client.name, `${n}`);
  for (let n = 0; n < 60; n++) expect((await hear(client)).payload).toBe(`${n}`);
}
