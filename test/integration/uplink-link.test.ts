/** The MQTT link against a real broker on loopback. */
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { Aedes, type AedesPublishPacket } from "aedes";
import { expect, onTestFinished, test } from "vitest";
import { createMqttLink } from "../../src/io/mqtt-link.ts";
import { connectSecured } from "../../src/io/twin-tls.ts";
import type { LinkSession } from "../../src/ports.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;

test("messages go to the topics of this gateway, and what the twin says comes back in order", async () => {
  const broker = await openBroker();
  const session = await linkTo(broker.port).connect(never);
  const heard = gather(session);

  await session.send("hello", bytes("h"));
  await session.send("batch", bytes("b"));
  expect(broker.heard).toEqual([
    ["racktrace/v1/gw/hello", 1, "h"],
    ["racktrace/v1/gw/batch", 1, "b"],
  ]);

  const many = Array.from({ length: 300 }, (_, n) => `ack ${n}`);
  for (const text of many) broker.say(text);
  await until("all acks arrive", () => heard.texts.length === many.length);
  expect(heard.texts).toEqual(many);
  await session.close();
  await heard.ended;
});

test("a refused gateway is told from a twin that is away or not ready", async () => {
  const refusing = await openBroker({ returnCode: 2 });
  await expect(linkTo(refusing.port).connect(never)).rejects.toMatchObject({
    code: "TWIN_REFUSED",
  });

  const busy = await openBroker({ returnCode: 3 });
  await expect(linkTo(busy.port).connect(never)).rejects.toMatchObject({ code: "LINK_LOST" });

  const deaf = await openBroker({ subscriptions: false });
  await expect(linkTo(deaf.port).connect(never)).rejects.toMatchObject({
    code: "TWIN_REFUSED",
    message: expect.stringContaining("racktrace/v1/gw/ack"),
  });

  await busy.close();
  await expect(linkTo(busy.port).connect(never)).rejects.toMatchObject({ code: "LINK_LOST" });
});

test("why nobody is at an address is told without the password in it", async () => {
  const gone = await openBroker();
  await gone.close();
  const address = `gw:open@sesame@127.0.0.1:${gone.port}`;
  const secured = { connectMs: 5_000, clockIsGood: true };
  const attempts = [
    () => linkTo(gone.port, { url: `mqtt://${address}` }).connect(never),
    () => connectSecured(`mqtts://${address}`, { authority: "" }, secured, never),
  ];
  for (const attempt of attempts)
    await expect(attempt()).rejects.toMatchObject({
      detail: expect.stringMatching(/^mqtts?:\/\/\*\*\*@127.0.0.1:\d+: connect ECONNREFUSED/),
    });
});

test("a listener that never answers is given up in time", async () => {
  const { port } = await listen(createServer(() => {}));

  await expect(linkTo(port, { connectMs: 200 }).connect(never)).rejects.toMatchObject({
    code: "LINK_LOST",
  });
});

test("stopping ends an attempt that is under way", async () => {
  const { port } = await listen(createServer(() => {}));
  const stop = new AbortController();
  const attempt = linkTo(port, { connectMs: 3_600_000 }).connect(stop.signal);
  stop.abort();

  await expect(attempt).rejects.toMatchObject({ code: "LINK_LOST" });
});

test("when the line goes, what is under way fails and receiving ends", async () => {
  const broker = await openBroker({ takes: false });
  const session = await linkTo(broker.port).connect(never);
  const heard = gather(session);
  const underWay = session.send("batch", bytes("b"));
  await until("the batch arrives", () => broker.heard.length === 1);

  broker.cut();

  await expect(underWay).rejects.toMatchObject({ code: "LINK_LOST" });
  await heard.ended;
  await expect(session.send("batch", bytes("c"))).rejects.toMatchObject({ code: "LINK_LOST" });
});

test("a half-open line is noticed by the keep-alive", async () => {
  const broker = await openBroker();
  const { port, freeze } = await openProxy(broker.port);
  const session = await linkTo(port, { keepaliveMs: 1_000 }).connect(never);
  const heard = gather(session);

  freeze();

  await heard.ended;
});

test("a slow reader holds up the socket, not the memory, and loses nothing", async () => {
  const broker = await openBroker();
  const session = await linkTo(broker.port).connect(never);
  const messages = session.receive()[Symbol.asyncIterator]();
  const many = Array.from({ length: 1_000 }, (_, n) => `ack ${n}`);
  for (const text of many) broker.say(text);

  const heard: string[] = [];
  for (let n = 0; n < many.length; n++) {
    const { value } = await messages.next();
    heard.push(Buffer.from(value).toString());
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(heard).toEqual(many);
  await session.close();
});

test("verdicts come past the acknowledgements that wait to be read", async () => {
  const broker = await openBroker();
  const verdicts: string[] = [];
  const session = await linkTo(broker.port, {}, (message) =>
    verdicts.push(Buffer.from(message).toString()),
  ).connect(never);

  await until("somebody listens for verdicts", () => broker.subscribed.includes("verdict"));
  broker.say("an acknowledgement that nobody reads yet");
  broker.say("accepted", "verdict");
  await until("the verdict is heard", () => verdicts.length === 1);

  expect(verdicts).toEqual(["accepted"]);
  await session.close();
});

test("a twin of an earlier release has no verdicts to give, and is a twin all the same", async () => {
  const broker = await openBroker({ verdicts: false });
  const session = await linkTo(broker.port, {}, () => {}).connect(never);
  const heard = gather(session);
  await until("the wish was refused", () => broker.subscribed.includes("verdict"));

  await session.send("hello", bytes("h"));
  broker.say("ack");
  await until("the acknowledgement arrives", () => heard.texts.length === 1);
  await session.close();
});

function linkTo(
  port: number,
  more: { url?: string; connectMs?: number; keepaliveMs?: number } = {},
  onVerdicts?: (message: Uint8Array) => void,
) {
  const options = {
    url: `mqtt://127.0.0.1:${port}`,
    gateway: "gw",
    connectMs: 5_000,
    keepaliveMs: 15_000,
    ...more,
  };
  return createMqttLink(options, onVerdicts);
}

async function openBroker({
  returnCode = 0,
  subscriptions = true,
  verdicts = true,
  takes = true,
} = {}) {
  const subscribed: string[] = [];
  const heard: (readonly [string, number, string])[] = [];
  const broker = await Aedes.createBroker({
    authenticate(_client, _user, _password, done) {
      if (returnCode === 0) done(null, true);
      else done(Object.assign(new Error("refused"), { returnCode }), false);
    },
    authorizeSubscribe(_client, subscription, done) {
      const channel = subscription.topic.split("/").at(-1) ?? "";
      subscribed.push(channel);
      const granted = channel === "verdict" ? verdicts : subscriptions;
      done(null, granted ? subscription : null);
    },
    authorizePublish(_client, { topic, qos, payload }, done) {
      heard.push([topic, qos, payload.toString()]);
      if (takes) done(null);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  const { port, close } = await listen(server);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    heard,
    subscribed,
    cut,
    close: async () => {
      cut();
      broker.close();
      await close();
    },
    say(text: string, channel = "ack") {
      const packet = { topic: `racktrace/v1/gw/${channel}`, payload: text, qos: 1 };
      broker.publish(packet as unknown as AedesPublishPacket, () => {});
    },
  };
}

/** Passes bytes on until it is frozen; then the line is up and nothing comes through. */
async function openProxy(target: number) {
  const pairs: (readonly [Socket, Socket])[] = [];
  const server = createServer((near) => {
    const far = connectTcp(target, "127.0.0.1");
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    pairs.push([near, far]);
  });
  const { port } = await listen(server);
  onTestFinished(() => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  });
  return {
    port,
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
  };
}

function listen(server: Server): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  onTestFinished(close);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({ port: (server.address() as { port: number }).port, close });
    });
  });
}

function gather(session: LinkSession) {
  const texts: string[] = [];
  const ended = (async () => {
    for await (const message of session.receive()) texts.push(Buffer.from(message).toString());
  })();
  return { texts, ended };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
