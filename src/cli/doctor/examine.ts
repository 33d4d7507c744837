/**
 * Looks at everything a gateway needs, and says what is wrong with it. Changes nothing: a file is written
 * to the data folder and deleted again, brokers are greeted under a name of our own, devices are not opened.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type GatewayConfig, withoutSecrets } from "../../gateway/config.ts";
import { ownersOf } from "../../gateway/one-device.ts";
import { DOOR_NAME } from "../../io/authority.ts";
import { endOf, IDENTITY_FOLDER, openIdentity } from "../../io/identity.ts";
import {
  probeBroker,
  probeListening,
  probeTcp,
  type TlsKeys,
} from "../../io/machine/address-probe.ts";
import { probeDevice } from "../../io/machine/device-probe.ts";
import { probeFolder } from "../../io/machine/folder-probe.ts";
import { pluggedIn } from "../../io/machine/plugged-in.ts";
import { listenersOn, openFiles, running } from "../../io/machine/processes.ts";
import { passwordIn } from "../../io/password-file.ts";
import type { Clock } from "../../ports.ts";
import { judgeClock } from "./clock.ts";
import { type Device, type DeviceContext, judgeDevice, judgeIntruders } from "./devices.ts";
import type { Finding } from "./finding.ts";
import { judgeFolder } from "./folder.ts";
import {
  judgeCalled,
  judgeCertificate,
  judgeListened,
  judgePassword,
  type PasswordFile,
} from "./network.ts";
import { judgeRunning, type RunningStatus } from "./running.ts";

export type ExamineDeps = {
  readonly clock: Clock;
  readonly user: { readonly uid: number; readonly groups: readonly string[] };
  readonly pid: number;
  /** Where /sys, /dev and /proc are. */
  readonly root: string;
};

const WAIT_MS = 3_000;
const TIMEKEEPERS = ["systemd-timesyncd", "chronyd", "ntpd", "ntpsec", "openntpd"];

export async function examine(
  deps: ExamineDeps,
  config: GatewayConfig,
): Promise<readonly Finding[]> {
  const gateway = await askGateway(config.data, config.http);
  return [
    ...examineFolder(deps, config, gateway !== undefined),
    ...(await examineDevices(deps, config, gateway?.pid)),
    ...(await examineNetwork(deps, config, gateway !== undefined)),
    ...examineClock(deps, gateway?.status),
    ...(gateway === undefined ? [] : judgeRunning(gateway.status)),
  ];
}

type Answering = { readonly pid: number; readonly status: RunningStatus };

/** Undefined: none runs on this folder, or it does not answer. */
async function askGateway(
  folder: string,
  { tokenFile }: GatewayConfig["http"],
): Promise<Answering | undefined> {
  try {
    const token = tokenFile === undefined ? "" : readFileSync(tokenFile, "utf8").trim();
    const { pid, http } = JSON.parse(readFileSync(join(folder, "address.json"), "utf8"));
    const answer = await fetch(`${http}/status.json`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (!answer.ok) return undefined;
    return { pid, status: (await answer.json()) as RunningStatus };
  } catch {
    return undefined;
  }
}

function examineFolder(
  { clock, user, pid }: ExamineDeps,
  { data, outbox }: GatewayConfig,
  answers: boolean,
): readonly Finding[] {
  const facts = probeFolder({ clock }, data, `.doctor-${pid}`);
  return judgeFolder(facts, { uid: user.uid, answers, bytesMax: outbox.bytesMax });
}

async function examineDevices(
  { user, root }: ExamineDeps,
  config: GatewayConfig,
  gatewayPid: number | undefined,
): Promise<readonly Finding[]> {
  const context: DeviceContext = { user, gatewayPid };
  const files = openFiles(root);
  const plugs = pluggedIn(root);
  const kinds: Readonly<Record<string, string>> = {
    scanners: "scanner",
    modbus: "Modbus line",
    lines: "instrument",
  };
  const owners = ownersOf({
    ...config,
    modbus: config.modbus.map(({ id, line }) => ({ id, path: line.path })),
  }).map(({ id, path, at: [list] }) => {
    const profile = config.scanners.find((scanner) => scanner.id === id)?.profile;
    return { about: `${kinds[String(list)]} ${id}`, path, profile };
  });
  const local = owners.filter(({ path }) => !path.includes("://"));
  const probed = local.map((owner) => ({ ...owner, facts: probeDevice(owner.path) }));
  const read = new Set(probed.map(({ facts }) => facts.real));
  const devices = probed.map(({ about, path, profile, facts }): Device => {
    const { real = "", beside } = facts;
    return {
      ...{ ...facts, about, path, profile, isKeyboard: profile === "hid" },
      mistakable: beside.filter((name) => !read.has(probeDevice(name).real)),
      holders: files.holdersOf(real),
      usb: plugs.find(({ device }) => device === real),
    };
  });
  const remote = owners.filter(({ path }) => path.includes("://"));
  const called = await Promise.all(
    remote.map(async ({ about, path }) => {
      const { hostname, port } = new URL(path.replace(/^\w+:/, "http:"));
      // Most device servers take one client; the gateway that runs is that one.
      const reach =
        gatewayPid === undefined
          ? await probeTcp(hostname, Number(port || 80), WAIT_MS)
          : ({ kind: "ok" } as const);
      return { about, address: path, reach };
    }),
  );
  return [
    ...devices.flatMap((device) => judgeDevice(device, context)),
    ...called.flatMap(judgeCalled),
    ...(devices.some(({ isKeyboard }) => !isKeyboard) ? judgeIntruders(intruders(root)) : []),
  ];
}

function intruders(root: string) {
  const folders = ["etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];
  return {
    modemManager: running("ModemManager", root),
    brltty: running("brltty", root),
    rule: folders.some((folder) =>
      list(join(root, folder)).some((name) => /racktrace.*\.rules$/.test(name)),
    ),
  };
}

async function examineNetwork(
  { root, clock }: ExamineDeps,
  config: GatewayConfig,
  isRunning: boolean,
): Promise<readonly Finding[]> {
  const listened = isRunning ? [] : (["http", "mqtt"] as const);
  const ports = await Promise.all(
    listened.map(async (key) => {
      const { host, port } = config[key];
      const state = await probeListening(host, port);
      return { key, host, port, state, holders: state === "taken" ? listenersOn(port, root) : [] };
    }),
  );
  const twin = await probeBroker({
    url: config.twin.url,
    // Our own name there belongs to the gateway that runs: a second one would throw it out.
    clientId: isRunning ? undefined : config.gateway,
    keys: keysFor(config),
    waitMs: WAIT_MS,
  });
  const sources = await Promise.all(config.mqtt.sources.map(examineSource));
  return [
    ...ports.flatMap(judgeListened),
    ...judgeCalled({ about: "twin", address: withoutSecrets(config).twin.url, reach: twin }),
    ...judgeCertificate(
      endOf(openIdentity(join(config.data, IDENTITY_FOLDER)), config.twin.url),
      clock,
    ),
    ...sources.flat(),
  ];
}

/** Those that the gateway was enrolled with; without them the broker's own word is heard. */
function keysFor({ data, twin }: GatewayConfig): TlsKeys | undefined {
  if (!twin.url.startsWith("mqtts:")) return undefined;
  try {
    const identity = openIdentity(join(data, IDENTITY_FOLDER)).read();
    if (identity === undefined) return undefined;
    const { authority: ca, key, certificate: cert } = identity;
    return { ca, key, cert, servername: DOOR_NAME };
  } catch {
    return undefined;
  }
}

type SourceConfig = GatewayConfig["mqtt"]["sources"][number];

async function examineSource(source: SourceConfig): Promise<readonly Finding[]> {
  const about = `broker ${source.id}`;
  const file = source.passwordFile;
  const secret: PasswordFile | undefined =
    file === undefined ? undefined : { about, path: file, state: stateOfSecret(file) };
  const password = secret && secret.state !== "absent" && secret.state !== "unreadable";
  const reach = await probeBroker({
    url: source.url,
    // Its own session there holds messages for it.
    clientId: `${source.clientId}-doctor`,
    username: source.username,
    password: password && file ? passwordIn(file) : undefined,
    waitMs: WAIT_MS,
  });
  return [
    ...(secret === undefined ? [] : judgePassword(secret)),
    ...judgeCalled({ about, address: source.url, reach }),
  ];
}

function stateOfSecret(file: string): PasswordFile["state"] {
  if (!existsSync(file)) return "absent";
  try {
    accessSync(file, constants.R_OK);
  } catch {
    return "unreadable";
  }
  return (statSync(file).mode & 0o004) === 0 ? "well" : "open-to-all";
}

function examineClock({ clock, root }: ExamineDeps, status: RunningStatus | undefined) {
  return judgeClock({
    nowMs: clock.nowMs(),
    quality: clock.quality(),
    twinOffsetS: status?.clock.twinOffsetS ?? null,
    isKept: TIMEKEEPERS.some((name) => running(name, root).length > 0),
  });
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
