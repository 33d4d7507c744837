/** Known devices at the gateway's broker: who is let in, what is its own, and how it is sent away. */
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import mqtt from "mqtt";
import { describe, expect, onTestFinished, test } from "vitest";
import { grantProblem, isWithin } from "../../src/devices/mqtt-mapping/topic.ts";
import { createDeviceDoorkeeper } from "../../src/gateway/device-doorkeeper.ts";
import { doorProblems, isForKnown, isSecured } from "../../src/gateway/door-config.ts";
import { openAuthority } from "../../src/io/authority.ts";
import { makeKey, makeRequest } from "../../src/io/certificates.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { secrets } from "../../src/io/secrets.ts";
import { openDeviceAccounts } from "../../src/store/device-accounts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { connectPacket, connectRaw, DISCONNECT, openRaw, subscribe } from "../support/raw-mqtt.ts";
import { until } from "../support/until.ts";

describe("a known device", () => {
  test("comes with its password, under its own client id, and says what is its own", async () => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"]);
    const device = await door.come("clim-1", { password });
    await device.publishAsync("hall/clim-1/temperature", "21", { qos: 1 });
    expect(door.taken).toEqual(["clim-1 hall/clim-1/temperature"]);
  });

  test.each([
    ["a wrong password", { password: "guessed" }, 4],
    ["no password", {}, 4],
    ["the name of nobody", { username: "clim-9" }, 4],
    ["the client id of another", { clientId: "clim-2" }, 2],
  ])("with %s is refused", async (_what, change, code) => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"]);
    await door.add("clim-2", ["hall/clim-2/#"]);
    const said =
      "password" in change || Object.keys(change).length === 0 ? change : { password, ...change };
    await expect(door.come("clim-1", said)).rejects.toMatchObject({ code });
    await until("it is counted", () => door.broker.turnedAway().refused === 1);
  });

  test("that leaves a will under another's topic is refused; under its own it is heard", async () => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"]);
    const will = (topic: string) => ({
      password,
      will: { topic, payload: Buffer.from("gone"), qos: 0 as const, retain: false },
    });
    await expect(door.come("clim-1", will("hall/clim-2/state"))).rejects.toMatchObject({ code: 5 });
    const device = await door.come("clim-1", will("hall/clim-1/state"));
    device.stream.destroy();
    await until("the will is heard", () => door.wills.includes("clim-1 hall/clim-1/state"));
  });

  test.each(["removed", "changed"])(
    "that was %s is sent away, and its old password opens nothing",
    async (how) => {
      const door = await openDoor();
      const password = await door.add("clim-1", ["hall/clim-1/#"]);
      const device = await door.come("clim-1", { password });
      const gone = new Promise<void>((resolve) => device.once("close", () => resolve()));
      const elsewhere = openDeviceAccounts(door.path);
      const account = elsewhere.find("clim-1");
      const hardened = await secrets.harden(secrets.mint());
      if (how === "removed" || account === undefined) elsewhere.remove("clim-1");
      else elsewhere.put({ ...account, hardened });
      elsewhere.close();
      await gone;
      await expect(door.come("clim-1", { password })).rejects.toMatchObject({ code: 4 });
      expect(door.journal.join("\n")).toMatch(new RegExp(`device-sent-away.*clim-1.*${how}`));
    },
  );

  test("that goes while it is let in is forgotten", async () => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"]);
    const said = { clientId: "clim-1", username: "clim-1", password, clean: false };
    const device = await connectRaw(door.broker.port, said);
    device.send(subscribe(7, "racktrace/clim-1/say"));
    await device.next();
    // Its session is looked up meanwhile, and takes some turns of the event loop.
    for (let n = 0; n < 200; n++) {
      const { socket } = openRaw(door.broker.port);
      await once(socket, "connect");
      socket.write(connectPacket(said));
      for (let turns = n % 12; turns > 0; turns--) await setImmediate();
      socket.destroy();
    }
    await until("nobody is here", () => door.broker.connections() === 0);
    const other = { clientId: "clim-2", username: "clim-2" };
    const stays = await connectRaw(door.broker.port, {
      ...other,
      password: await door.add("clim-2", ["hall/clim-2/#"]),
    });
    const elsewhere = openDeviceAccounts(door.path);
    elsewhere.remove("clim-1");
    elsewhere.remove("clim-2");
    elsewhere.close();
    await stays.ended();
    const sentAway = door.journal.filter((line) => line.startsWith("device-sent-away"));
    expect(sentAway).toEqual([expect.stringContaining("clim-2")]);
  });

  test("hears nothing of others after a SUBSCRIBE that was granted in part, not when it is back either", async () => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"]);
    const come = () =>
      connectRaw(door.broker.port, {
        ...{ clientId: "clim-1", username: "clim-1", password, clean: false },
      });
    const before = await come();
    before.send(subscribe(7, "racktrace/clim-1/say", "#", "racktrace/clim-2/say"));
    expect(await before.next()).toMatchObject({ kind: "suback", granted: [1, 128, 128] });
    before.send(DISCONNECT);
    await before.ended();

    const said = Buffer.from("open");
    door.broker.say("racktrace/clim-2/say", said, false);
    door.broker.say("racktrace/clim-1/say", said, false);
    expect(await (await come()).next()).toMatchObject({ topic: "racktrace/clim-1/say" });
  });

  test("does not hear what waited for it when it may not hear it any more", async () => {
    const door = await openDoor();
    const password = await door.add("clim-1", ["hall/clim-1/#"], ["cmnd/hall"]);
    const said = { clientId: "clim-1", username: "clim-1", password, clean: false };
    const before = await connectRaw(door.broker.port, said);
    before.send(subscribe(7, "cmnd/hall", "racktrace/clim-1/say"));
    expect(await before.next()).toMatchObject({ granted: [1, 1] });
    before.send(DISCONNECT);
    await before.ended();

    door.broker.say("cmnd/hall", Buffer.from("open"), false);
    door.broker.say("racktrace/clim-1/say", Buffer.from("open"), false);
    const another = await door.add("clim-1", ["hall/clim-1/#"]);
    const after = await connectRaw(door.broker.port, { ...said, password: another });
    expect(await after.next()).toMatchObject({ topic: "racktrace/clim-1/say" });
  });

  test("comes by a certificate over TLS, by that one and no older one", async () => {
    const door = await openDoor("tls");
    const old = await door.certify("clim-1", ["hall/clim-1/#"]);
    const now = await door.certify("clim-1", ["hall/clim-1/#"]);
    const device = await door.come("clim-1", now);
    await device.publishAsync("hall/clim-1/temperature", "21", { qos: 1 });
    await expect(door.come("clim-1", old)).rejects.toMatchObject({ code: 4 });
    await expect(door.come("clim-1", {})).rejects.toMatchObject({ code: 4 });
    expect(door.taken).toHaveLength(1);
  });

  test.each([
    ["is removed", "remove"],
    ["gets another password", "changePassword"],
  ] as const)("that %s while its password is tried is not let in", async (_what, change) => {
    const { admit, accounts, keeper, trying } = await openKeeper(["clim-1"]);
    const answer = admit("clim-1");
    await until("its password is tried", () => trying() === 1);
    accounts[change]("clim-1");
    // As the broker looks at those who are here, to which it does not belong yet.
    keeper.hasNews();
    accounts.goOn();
    expect(await answer).toMatchObject({ ok: false, kind: "unknown" });
  });

  test("comes in beside a crowd that tries passwords, and those of it who have gone are passed over", async () => {
    const { admit, accounts, trying } = await openKeeper(["clim-1", "clim-2"]);
    const answers: string[] = [];
    const heard = (answer: { readonly ok: boolean; readonly kind?: string }) =>
      void answers.push(answer.ok ? "in" : String(answer.kind));
    const crowd = Array.from({ length: 200 }, (_, n) => {
      const isGone = () => n >= 100;
      return admit("clim-1", { address: `10.0.0.${n % 8}`, isGone }).then(heard);
    });
    // Those who have come and gone since, of many addresses.
    const away = new Set<number>();
    const passing = Array.from({ length: 80 }, (_, n) =>
      admit("clim-1", { address: `10.1.0.${n}`, isGone: () => away.has(n) }).then(heard),
    );
    for (let n = 0; n < 80; n++) away.add(n);
    const device = admit("clim-2", { address: "10.0.1.1" });
    accounts.goOn();
    expect(await device).toMatchObject({ ok: true });
    await Promise.all([...crowd, ...passing]);
    expect(answers.filter((answer) => answer === "busy").length).toBeGreaterThan(200);
    expect(trying()).toBeLessThan(70);
  });

  test("is not kept out by a few addresses that fill all places", async () => {
    const { admit, accounts } = await openKeeper(["clim-1", "clim-2"]);
    const crowd = Array.from({ length: 200 }, (_, n) =>
      admit("clim-1", { address: `10.0.0.${n % 4}` }),
    );
    const device = admit("clim-2", { address: "10.0.1.1" });
    accounts.goOn();
    expect(await device).toMatchObject({ ok: true });
    expect((await Promise.all(crowd)).filter(({ ok }) => !ok).length).toBe(200 - 65);
  });

  test("is one of a fleet that comes back at once: all are let in, and each password is tried once", async () => {
    const door = await openDoor();
    const passwords = await Promise.all(
      Array.from({ length: 12 }, (_, n) => door.add(`d${n}`, [`hall/d${n}`])),
    );
    for (let round = 0; round < 2; round++) {
      const fleet = await Promise.all(
        passwords.map((password, n) => door.come(`d${n}`, { password })),
      );
      await Promise.all(fleet.map((device) => device.endAsync(true)));
    }
    expect(door.tried()).toBe(12);
  });
});

test("a device may hear so many topics of its own, at once or one after the other, and has a name that is kept", async () => {
  const door = await openDoor();
  const password = await door.add("clim-1", ["hall/clim-1/#"]);
  const said = { clientId: "clim-1", username: "clim-1", password, clean: false };
  const device = await connectRaw(door.broker.port, said);
  const own = Array.from({ length: 100 }, (_, n) => `racktrace/clim-1/${n}`);
  device.send(subscribe(7, ...own));
  const granted = Array.from({ length: 100 }, (_, n) => (n < 64 ? 1 : 128));
  expect(await device.next()).toMatchObject({ kind: "suback", granted });
  device.send(subscribe(8, "racktrace/clim-1/0", "racktrace/clim-1/more"));
  expect(await device.next()).toMatchObject({ kind: "suback", granted: [1, 128] });
  device.send(DISCONNECT);
  await device.ended();
  const back = await connectRaw(door.broker.port, said);
  back.send(subscribe(9, "racktrace/clim-1/more"));
  expect(await back.next()).toMatchObject({ kind: "suback", granted: [128] });
  back.socket.destroy();
  await until("it is away", () => door.broker.connections() === 0);
  door.broker.say("racktrace/clim-1/99", Buffer.from("refused"), false);
  door.broker.say("racktrace/clim-1/63", Buffer.from("granted"), false);
  expect(await (await connectRaw(door.broker.port, said)).next()).toMatchObject({
    topic: "racktrace/clim-1/63",
  });

  const long = openRaw(door.broker.port);
  long.send(connectPacket({ ...said, clientId: "x".repeat(257) }));
  expect(await long.next()).toMatchObject({ kind: "connack", code: 2 });
});

test("a stranger who gives another long name each time fills neither the journal nor the memory", async () => {
  const door = await openDoor();
  const password = await door.add("clim-1", ["hall/clim-1/#"]);
  for (let n = 0; n < 100; n++) {
    const username = `${n}`.padEnd(30_000, "\u0001\u202e");
    const stranger = openRaw(door.broker.port);
    stranger.send(connectPacket({ clientId: "x", username }));
    expect(await stranger.next()).toMatchObject({ kind: "connack", code: 4 });
  }
  expect(door.broker.turnedAway()).toMatchObject({ refused: 100 });
  expect(door.journal.length).toBeLessThan(40);
  for (const line of door.journal) {
    expect(line).toMatch(/^turned-away .*there is no device/);
    expect(line.length).toBeLessThan(300);
    expect(line).not.toMatch(/\p{C}|\\u00/u);
  }
  // It was never here; one that was is told as lost.
  const said = { clientId: "clim-1", username: "clim-1", password };
  const device = await connectRaw(door.broker.port, said);
  device.send(Uint8Array.of(0xff, 0xff));
  await until("it is told as lost", () =>
    door.journal.some((line) => /^device-lost .*clim-1/.test(line)),
  );
});

test("what is kept of a password is nobody's else to read, and does not hold it", async () => {
  const door = await openDoor();
  const password = await door.add("clim-1", ["hall/clim-1/#"]);
  expect(statSync(door.path).mode & 0o777).toBe(0o600);
  const accounts = openDeviceAccounts(door.path);
  expect(accounts.find("clim-1")?.hardened).toMatch(/^\$argon2id\$/);
  expect(JSON.stringify(accounts.all())).not.toContain(password);
  accounts.close();
});

test("a filter is granted when it begins with a name and stays below it", () => {
  for (const good of ["a", "a/#", "a/+/b", "hall/clim-1/+/#"])
    expect(grantProblem(good)).toBeUndefined();
  for (const bad of ["", "#", "+", "+/a", "/a", "$SYS/#", "a/#/b", "a/b#", "a/b+", "a\u0000"])
    expect(grantProblem(bad), bad).toBeDefined();
});

test("a filter is within another when every topic of it is", () => {
  const story = `
    a/#     a        yes
    a/#     a/b/c    yes
    a/#     a/+/#    yes
    a/#     ab       no
    a/#     #        no
    a/#     +/b      no
    a/+     a/b      yes
    a/+     a/+      yes
    a/+     a/#      no
    a/+     a/b/c    no
    a/+     a        no
    a/b     a/b      yes
    a/b     a/+      no
    a/b     A/b      no
    a/+/c   a/b/c    yes
    a/+/c   a/b/d    no
  `;
  for (const line of story.trim().split("\n")) {
    const [granted = "", asked = "", within = ""] = line.trim().split(/\s+/);
    expect(isWithin(granted, asked), line).toBe(within === "yes");
  }
});

test("beyond its own machine a door is TLS and for known devices, unless it is said in so many words", () => {
  const at = (host: string, more = {}) => ({ host, port: 1883, names: [], ...more });
  expect([isSecured(at("127.0.0.1")), isForKnown(at("127.0.0.1"))]).toEqual([false, false]);
  expect([isSecured(at("0.0.0.0")), isForKnown(at("0.0.0.0"))]).toEqual([true, true]);
  expect(doorProblems(at("0.0.0.0", { transport: "plain" }))).toHaveLength(1);
  expect(doorProblems(at("10.0.0.1", { access: "anyone-on-this-machine" }))).toHaveLength(1);
  expect(doorProblems(at("::1", { transport: "plain" }))).toEqual([]);
  const open = {
    transport: "plain-readable-by-anyone-on-the-way",
    access: "anyone-who-reaches-it",
  } as const;
  expect(doorProblems(at("0.0.0.0", open))).toEqual([]);
  expect([isSecured(at("0.0.0.0", open)), isForKnown(at("0.0.0.0", open))]).toEqual([false, false]);
});

/** The doorkeeper alone; passwords are all right, and tried until `goOn` is called. */
async function openKeeper(names: readonly string[]) {
  const accounts = openDeviceAccounts(join(temporaryFolder(), "devices.db"));
  onTestFinished(() => accounts.close());
  const one = { publish: [], subscribe: [], madeMs: 0, serial: null };
  const put = (name: string, hardened: string) =>
    accounts.put({ ...one, name, clientId: name, hardened });
  for (const name of names) put(name, "kept");
  let trying = 0;
  let going: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => {
    going = resolve;
  });
  const patient: typeof secrets = {
    ...secrets,
    async matches() {
      trying += 1;
      await gone;
      return { ok: true, stale: false };
    },
  };
  const keeper = createDeviceDoorkeeper({ accounts, secrets: patient });
  return {
    keeper,
    trying: () => trying,
    accounts: {
      remove: accounts.remove,
      changePassword: (name: string) => put(name, "kept since"),
      goOn: () => going?.(),
    },
    admit: (name: string, from: { address?: string; isGone?: () => boolean } = {}) =>
      keeper.admit({
        ...{ clientId: name, username: name, password: "x" },
        ...{ certificate: undefined, will: undefined },
        ...{ address: "10.0.0.1", isGone: () => false, ...from },
      }),
  };
}

async function openDoor(transport: "plain" | "tls" = "plain") {
  const folder = temporaryFolder();
  const path = join(folder, "devices.db");
  const journal: string[] = [];
  const taken: string[] = [];
  const wills: string[] = [];
  let tried = 0;
  const accounts = openDeviceAccounts(path);
  onTestFinished(() => accounts.close());
  const authority = await openAuthority(folder, "racktrace gateway, for devices");
  const tell = (what: string, details?: object) =>
    void journal.push(`${what} ${JSON.stringify(details)}`);
  const counted: typeof secrets = {
    ...secrets,
    matches: (password, hardened) => {
      tried += 1;
      return secrets.matches(password, hardened);
    },
  };
  const broker = await openDeviceBroker(
    {
      journal: { note: tell, warn: tell, error: tell },
      doorkeeper: createDeviceDoorkeeper({ accounts, secrets: counted }),
      intake: {
        open: ({ clientId }, answer) => ({
          take({ topic }, ticket) {
            taken.push(`${clientId} ${topic}`);
            answer(ticket, { ok: true });
          },
          end() {},
        }),
        will: (clientId, topic) => void wills.push(`${clientId} ${topic}`),
      },
    },
    {
      ...{
        host: "127.0.0.1",
        port: 0,
        connectionsMax: 100,
        packetBytesMax: 65_536,
        connectMs: 5_000,
      },
      keys: transport === "tls" ? await authority.doorKeys([], Date.now()) : undefined,
    },
  );
  onTestFinished(() => broker.close());
  const account = (name: string, publish: readonly string[]) => ({
    ...{ name, clientId: name, publish, subscribe: [], madeMs: Date.now() },
  });

  return {
    ...{ broker, journal, taken, wills, path },
    tried: () => tried,
    async add(name: string, publish: readonly string[], subscribe: readonly string[] = []) {
      const password = secrets.mint();
      accounts.put({
        ...account(name, publish),
        subscribe,
        hardened: await secrets.harden(password),
        serial: null,
      });
      return password;
    },
    async certify(name: string, publish: readonly string[]) {
      const key = makeKey();
      const span = { fromMs: Date.now() - 1000, untilMs: Date.now() + 3_600_000 };
      const signed = await authority.sign(await makeRequest(key, name), { name, ...span });
      if (!signed.ok) throw new Error(signed.why);
      accounts.put({ ...account(name, publish), hardened: null, serial: signed.serial });
      return { key, cert: signed.certificate };
    },
    async come(name: string, said: mqtt.IClientOptions) {
      const scheme = transport === "tls" ? "mqtts" : "mqtt";
      const options = {
        clientId: name,
        username: name,
        reconnectPeriod: 0,
        rejectUnauthorized: false,
      };
      const client = await mqtt.connectAsync(
        `${scheme}://127.0.0.1:${broker.port}`,
        { ...options, ...said },
        false,
      );
      client.on("error", () => {});
      onTestFinished(() => client.endAsync(true));
      return client;
    },
  };
}
