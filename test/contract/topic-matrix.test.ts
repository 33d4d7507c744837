/**
 * Who may say, hear, leave behind and take over what: every principal times every topic times every verb,
 * made from the tables that the brokers go by (wire/topics.ts, and the devices' accounts), so that a new row
 * is in it by itself. What is expected is worked out here, by other means than there; what came of it is what
 * an outsider sees: an acknowledgement and its effect, a granted filter, or the end of the connection.
 *
 * A principal that is not let in can do nothing: it tries the door with each topic as its will, and its other
 * cells follow from that.
 */
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { createDeviceDoorkeeper } from "../../src/gateway/device-doorkeeper.ts";
import { openAuthority } from "../../src/io/authority.ts";
import { makeKey, makeRequest } from "../../src/io/certificates.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import type { IdentityStore } from "../../src/io/identity.ts";
import { secrets } from "../../src/io/secrets.ts";
import { type DeviceAccount, openDeviceAccounts } from "../../src/store/device-accounts.ts";
import { CHANNELS } from "../../src/wire/topics.ts";
import { temporaryFolder } from "../support/folder.ts";
import { DAY_MS, openTlsTwin } from "../support/tls-twin.ts";
import { until } from "../support/until.ts";

type Verb = "publish" | "publish QoS 0" | "subscribe" | "hear" | "will" | "take over";
type Principal = {
  readonly name: string;
  /** Undefined: it is not let in, by this CONNACK code. */
  readonly refused?: number;
  readonly options: IClientOptions;
  /** Of those that are let in. */
  may(verb: Verb, topic: string): boolean;
};
type Site = {
  readonly url: string;
  readonly topics: readonly string[];
  readonly principals: readonly Principal[];
  /** What took effect: `publish TOPIC`, `will TOPIC`. */
  readonly effects: readonly string[];
  /** Says something to whom it concerns. Absent: nothing is kept there for those who are away. */
  say?(topic: string): void;
};

/** Valid to MQTT, and nobody's. */
const HOSTILE = [
  ...["#", "+", "+/#", "/#", "$SYS/#", "$SYS/+/new/clients", "$SYS/x", "$share/all/#"],
  ...["racktrace/#", "racktrace/v1/#", "racktrace/v1/+/ack", "racktrace/+/gw-a/hello", "racktrace"],
];
const VERBS: readonly Verb[] = ["publish", "publish QoS 0", "subscribe", "will"];

test("between gateways and the twin", { timeout: 300_000 }, async () => {
  const twin = await openTlsTwin();
  twin.setClock(-400 * DAY_MS);
  const expired = await twin.enrol("gw-old");
  twin.setClock(0);
  const [a, b, revoked] = [
    await twin.enrol("gw-a"),
    await twin.enrol("gw-b"),
    await twin.enrol("gw-r"),
  ];
  twin.identities.revoke("gw-r", Date.now(), "stolen");
  const foreign = await (await openTlsTwin()).enrol("gw-a");
  const doorKeys = await twin.authority.doorKeys([], Date.now());
  const invitation = (name: string) => twin.invite(name).split(".").at(-1) ?? "";
  const names = ["gw-a", "gw-b", "gw-n", "twin", "x"];
  const nobody = () => false;

  const may = (name: string, role: "member" | "newcomer") => (verb: Verb, topic: string) =>
    CHANNELS.some(
      ({ channel, from, roles }) =>
        topic === ["racktrace", "v1", name, channel].join("/") &&
        roles.some((each) => each === role) &&
        verb === { gateway: "publish", twin: "subscribe" }[from],
    );
  const out = (name: string, refused: number, options: IClientOptions): Principal => ({
    ...{ name, refused, options, may: nobody },
  });
  await check("twin", {
    url: twin.url,
    topics: [
      ...names.flatMap((name) => CHANNELS.map(({ channel }) => `racktrace/v1/${name}/${channel}`)),
      ...["racktrace/v1/gw-a/other", "racktrace/v1/gw-a", "racktrace/v1/gw-a/ack/x"],
      ...["racktrace/v1/gw-a/#", "racktrace/v1/gw-a/+", "RACKTRACE/v1/gw-a/hello"],
      ...HOSTILE,
    ],
    get effects() {
      return twin.taken.map((line) => {
        const [gateway, channel] = line.split(" ");
        return `publish racktrace/v1/${gateway}/${channel}`;
      });
    },
    principals: [
      {
        name: "gw-a, certified",
        options: { clientId: "gw-a", ...keysOf(a) },
        may: may("gw-a", "member"),
      },
      {
        name: "gw-b, certified",
        options: { clientId: "gw-b", ...keysOf(b) },
        may: may("gw-b", "member"),
      },
      {
        name: "gw-n, invited",
        options: { clientId: "gw-n", username: "enrol", password: invitation("gw-n") },
        may: may("gw-n", "newcomer"),
      },
      out("nobody", 5, { clientId: "gw-a" }),
      out("invited for another name", 5, {
        clientId: "gw-b",
        username: "enrol",
        password: invitation("gw-n"),
      }),
      out("an invitation that was made up", 5, {
        clientId: "gw-n",
        username: "enrol",
        password: "x".repeat(43),
      }),
      out("gw-old, expired", 5, { clientId: "gw-old", ...keysOf(expired) }),
      out("gw-r, revoked", 5, { clientId: "gw-r", ...keysOf(revoked) }),
      out("gw-a of another twin", 5, { clientId: "gw-a", ...keysOf(foreign) }),
      out("gw-b as gw-a", 2, { clientId: "gw-a", ...keysOf(b) }),
      out("gw-b as the twin", 2, { clientId: "twin", ...keysOf(b) }),
      out("the door's own keys", 5, {
        clientId: "gw-a",
        key: doorKeys.key,
        cert: doorKeys.certificate,
      }),
    ],
  });
});

test("between devices and a gateway", { timeout: 300_000 }, async () => {
  const folder = temporaryFolder();
  const accounts = openDeviceAccounts(`${folder}/devices.db`);
  onTestFinished(() => accounts.close());
  const authority = await openAuthority(folder, "devices");
  const effects: string[] = [];
  const broker = await openDeviceBroker(
    {
      journal: { note() {}, warn() {}, error() {} },
      doorkeeper: createDeviceDoorkeeper({ accounts, secrets }),
      intake: {
        open: (_device, answer) => ({
          take({ topic }, ticket) {
            effects.push(`publish ${topic}`);
            answer(ticket, { ok: true });
          },
          end() {},
        }),
        will: (_clientId, topic) => void effects.push(`will ${topic}`),
      },
    },
    {
      ...{ host: "127.0.0.1", port: 0, connectionsMax: 100, packetBytesMax: 65_536 },
      ...{ connectMs: 5_000, keys: await authority.doorKeys([], Date.now()) },
    },
  );
  onTestFinished(() => broker.close());

  async function certify(name: string) {
    const key = makeKey();
    const span = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };
    const signed = await authority.sign(await makeRequest(key, name), { name, ...span });
    if (!signed.ok) throw new Error(signed.why);
    return { serial: signed.serial, keys: { key, cert: signed.certificate } };
  }
  const old = await certify("d3");
  const certified = await certify("d3");
  const password = secrets.mint();
  const hardened = await secrets.harden(password);
  const account = (name: string, change: Partial<DeviceAccount>): DeviceAccount => ({
    ...{ name, clientId: name, hardened, serial: null, madeMs: 0, publish: [], subscribe: [] },
    ...change,
  });
  const table = [
    account("d1", { publish: ["hall/d1/#"], subscribe: ["cmnd/d1/+"] }),
    account("d2", { publish: ["hall/d2/#", "tele/+/d2"], clientId: "DVES_2" }),
    account("d3", { publish: ["spB/g/NDATA/d3"], hardened: null, serial: certified.serial }),
  ];
  for (const each of table) accounts.put(each);
  // Below each granted filter one topic, and one beside it.
  const granted = table.flatMap(({ publish, subscribe }) => [...publish, ...subscribe]);
  const instances = granted.map((filter) => filter.replaceAll("+", "w").replace("#", "t/u"));

  const within = (filters: readonly string[], topic: string) =>
    filters.some((filter) => {
      const form = filter.replaceAll("+", "[^/#]+").replace(/\/#$/, "(/.*)?");
      return new RegExp(`^${form}$`).test(topic);
    });
  const inside = (
    { name, clientId, publish, subscribe }: DeviceAccount,
    options: IClientOptions,
  ): Principal => ({
    name,
    options: { clientId, username: name, password, ...options },
    may(verb, topic) {
      if (verb === "subscribe" || verb === "hear")
        return within([...subscribe, `racktrace/${clientId}/#`], topic);
      return verb !== "take over" && !/[+#]/.test(topic) && within(publish, topic);
    },
  });
  const out = (name: string, refused: number, options: IClientOptions): Principal => ({
    ...{ name, refused, options, may: () => false },
  });
  const [d1, d2, d3] = table as [DeviceAccount, DeviceAccount, DeviceAccount];
  await check("gateway", {
    url: `mqtts://127.0.0.1:${broker.port}`,
    topics: [
      ...new Set([...granted, ...instances, ...instances.map((topic) => `${topic}x`)]),
      ...table.flatMap(({ clientId }) => [`racktrace/${clientId}/say`, `racktrace/${clientId}/#`]),
      ...HOSTILE,
    ],
    effects,
    say: (topic) => broker.say(topic, Buffer.from("said"), false),
    principals: [
      inside(d1, {}),
      inside(d2, {}),
      inside(d3, certified.keys),
      out("nobody", 4, { clientId: "d1" }),
      out("d1 with another password", 4, { clientId: "d1", username: "d1", password: "x" }),
      out("d1 without a password", 4, { clientId: "d1", username: "d1" }),
      out("d9, unknown", 4, { clientId: "d9", username: "d9", password }),
      out("d1 as d2", 2, { clientId: "DVES_2", username: "d1", password }),
      out("d3 with its old certificate", 4, { clientId: "d3", ...old.keys }),
      out("d3 by a password", 4, { clientId: "d3", username: "d3", password }),
      out("d3 as d1, with d1's name", 2, { clientId: "d1", username: "d1", ...certified.keys }),
    ],
  });
});

/** Tries every cell, and says what is other than expected. */
async function check(title: string, site: Site): Promise<void> {
  const { url, topics, principals, effects } = site;
  const wrong: string[] = [];
  let cells = 0;
  let allowed = 0;
  const judge = (who: Principal, verb: Verb, topic: string, did: boolean) => {
    const should = who.may(verb, topic);
    cells += 1;
    allowed += Number(did);
    if (did !== should)
      wrong.push(`${who.name}: ${verb} ${topic}: ${did ? "done" : "refused"}, against the table`);
  };
  const come = (options: IClientOptions, heard?: (topic: string) => void) =>
    new Promise<MqttClient>((resolve, reject) => {
      const client = mqtt.connect(url, {
        ...options,
        reconnectPeriod: 0,
        rejectUnauthorized: false,
      });
      client.setMaxListeners(0);
      client.on("message", (topic) => heard?.(topic));
      client.once("connect", () => resolve(client)).on("error", reject);
      // A will that is not allowed is answered by nothing but the end.
      client.once("close", () => reject(new Error("the connection was ended")));
    });

  async function say(who: Principal, topic: string, qos: 0 | 1): Promise<boolean> {
    const client = await come(who.options);
    const closed = closing(client);
    const before = effects.length;
    const payload = "nothing that anyone understands";
    const done = client.publishAsync(topic, payload, { qos }).then(
      // At QoS 0 only what comes after tells that it was taken.
      () =>
        qos === 1
          ? true
          : client
              .subscribeAsync("x/y")
              .catch(() => [])
              .then(() => effects.slice(before).includes(`publish ${topic}`)),
      () => false,
    );
    const did = await Promise.race([done.catch(() => false), closed]);
    await client.endAsync(true);
    return did;
  }

  async function leave(who: Principal, topic: string): Promise<boolean> {
    const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const client = await come({ ...who.options, will }).catch(() => undefined);
    if (client === undefined) return false;
    client.stream.destroy();
    await until("the will is heard", () => effects.includes(`will ${topic}`));
    return true;
  }

  /** All in one packet, of a session that goes on; then it is away while everything is said. */
  async function askTogether(who: Principal, filters: readonly string[]): Promise<void> {
    const staying = { ...who.options, clean: false };
    const client = await come(staying);
    const answer = new Promise<readonly unknown[]>((resolve) =>
      client.on("packetreceive", (packet) => {
        if (packet.cmd === "suback") resolve(packet.granted);
      }),
    );
    client.subscribe([...filters], { qos: 1 }, () => {});
    const granted = await answer;
    for (const [at, filter] of filters.entries())
      judge(who, "subscribe", filter, Number(granted[at]) < 128);
    await client.endAsync();
    if (site.say === undefined) return;
    const names = filters.filter((each) => !/[+#$]/.test(each));
    for (const topic of names) site.say(topic);
    const last = `racktrace/${who.options.clientId}/last`;
    site.say(last);
    const heard = new Set<string>();
    const again = await come(staying, (topic) => heard.add(topic));
    await until("it has heard all that waited", () => heard.has(last));
    for (const topic of names) judge(who, "hear", topic, heard.has(topic));
    await again.endAsync(true);
  }

  const tryAll = async (who: Principal): Promise<void> => {
    let client = await come(who.options);
    const filters: string[] = [];
    for (const topic of topics) {
      const asked = client.subscribeAsync(topic, { qos: 1 });
      // What is no filter to the broker, such as one of too many levels, ends the connection.
      const answer = await Promise.race([asked.catch(() => []), closing(client)]);
      const [granted] = answer === false ? [] : answer;
      judge(who, "subscribe", topic, granted !== undefined && granted.qos < 128);
      if (answer === false) client = await come(who.options);
      else filters.push(topic);
    }
    await client.endAsync(true);
    await askTogether(who, filters);
    for (const topic of topics.filter((each) => !/[+#]/.test(each))) {
      judge(who, "publish", topic, await say(who, topic, 1));
      judge(who, "publish QoS 0", topic, await say(who, topic, 0));
      judge(who, "will", topic, await leave(who, topic));
    }
  };
  // Each is one client and does one thing after the other, or it would take itself over.
  await Promise.all(principals.filter(({ refused }) => refused === undefined).map(tryAll));

  // Those who are refused knock while everybody is at home, and nobody is disturbed.
  const atHome = await Promise.all(
    principals.filter(({ refused }) => refused === undefined).map(({ options }) => come(options)),
  );
  const disturbed: string[] = [];
  for (const client of atHome)
    client.on("close", () => disturbed.push(client.options.clientId ?? ""));
  for (const who of principals.filter(({ refused }) => refused !== undefined)) {
    const answer = await come(who.options).then(
      () => "let in",
      ({ code }) => code,
    );
    if (answer !== who.refused) wrong.push(`${who.name}: ${answer} instead of ${who.refused}`);
    for (const topic of topics)
      for (const verb of VERBS) judge(who, verb, topic, answer === "let in");
    judge(who, "take over", String(who.options.clientId), disturbed.length > 0);
  }
  await Promise.all(atHome.map((client) => client.endAsync(true)));

  process.stdout.write(
    `${title}: ${principals.length} principals, ${topics.length} topics, ${cells} cells, ${allowed} allowed, ${wrong.length} other than the tables say\n`,
  );
  expect(wrong).toEqual([]);
  expect(allowed).toBeGreaterThan(0);
}

function closing(client: MqttClient): Promise<false> {
  client.on("error", () => {});
  return new Promise((resolve) => client.once("close", () => resolve(false)));
}

function keysOf(store: IdentityStore) {
  const { key, certificate } = store.read() ?? {};
  if (key === undefined || certificate === undefined) throw new Error("it is not enrolled");
  return { key, cert: certificate };
}
