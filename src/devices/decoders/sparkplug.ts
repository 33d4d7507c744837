/**
 * Sparkplug B, as the host of its edge nodes: spBv1.0/<group>/<type>/<edge node>[/<device>]
 * (Eclipse Sparkplug 3.0).
 *
 *   NBIRTH ─► metrics, their aliases and units ─► NDATA, DDATA by alias ─► NDEATH
 *      ▲ seq 0                                       │ seq + 1, modulo 256
 *      └──────────────── rebirth asked for ◄─────────┘ a gap, an unknown alias, no birth heard
 *
 * After a gap the aliases may be those of a birth that was lost, and a value under the wrong name is
 * worse than none: such messages wait in quarantine until the rebirth. A death counts when it is that
 * of the session that was born (`bdSeq`): brokers deliver last wills late.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import {
  type Ask,
  type BornMetric,
  type Convention,
  type DecoderSetting,
  type DeviceNews,
  type EdgeNode,
  type Meaning,
  type Memory,
  type Message,
  meaning,
  NOTHING,
  presence,
  type Recall,
  type Report,
  unclear,
} from "./convention.ts";
import { unixTime } from "./moment.ts";
import {
  asProperty,
  compileNames,
  NAME_CHARS_MAX,
  type Names,
  type Quantity,
  short,
} from "./names.ts";
import {
  decodePayload,
  encodeRebirth,
  type Metric,
  type MetricValue,
  type Payload,
} from "./sparkplug-payload.ts";
import { ucumOfWritten } from "./units.ts";

export const SPARKPLUG = "spBv1.0";
const REBIRTH_EVERY_MS = 10_000;

/** Of the specification's data types, those that are numbers; 11 is a boolean, the others are texts. */
const INT8 = 1;
const INT16 = 2;
const INT32 = 3;
const INT64 = 4;
const NUMBERS_LAST = 10;
const BOOLEAN = 11;

type Address = {
  readonly group: string;
  readonly type: string;
  readonly edge: string;
  /** Empty: the edge node itself. */
  readonly device: string;
};

export function compileSparkplug({ readings }: DecoderSetting): Convention {
  const names = compileNames(readings);
  return {
    owns: (topic) => topic.startsWith(`${SPARKPLUG}/`),
    decode(message, recall) {
      const address = addressOf(message.topic);
      if (address === undefined) return NOTHING;
      const payload = decodePayload(message.bytes);
      if (typeof payload === "string") return unclear(payload);
      return decodeAt(address, payload, { message, recall, names });
    },
  };
}

const TYPES = new Set(["NBIRTH", "NDEATH", "DBIRTH", "DDEATH", "NDATA", "DDATA"]);

/** Undefined for commands and hosts' states, which tell nothing of a device. */
function addressOf(topic: string): Address | undefined {
  const [, group = "", type = "", edge = "", device = "", ...rest] = topic.split("/");
  const whole = type.startsWith("D") === (device !== "");
  return TYPES.has(type) && edge !== "" && whole && rest.length === 0
    ? { group, type, edge, device }
    : undefined;
}

type Context = { readonly message: Message; readonly recall: Recall; readonly names: Names };

function decodeAt(address: Address, payload: Payload, context: Context): Meaning {
  const key = `edge-node ${address.group}/${address.edge}`;
  const found = context.recall(key);
  const node = found?.kind === "edge-node" ? found : undefined;
  switch (address.type) {
    case "NBIRTH":
      return nodeBorn(address, payload, { ...context, key });
    case "NDEATH":
      return nodeDied(address, payload, { key, node });
    default:
      return deviceTold(address, payload, { ...context, key, node });
  }
}

function nodeBorn(
  address: Address,
  payload: Payload,
  { key, names, message }: Context & { readonly key: string },
): Meaning {
  const { seq } = payload;
  if (seq === undefined) return unclear("a birth without seq");
  const session = sessionOf(payload);
  const metrics = bornMetrics(new Map(), "", payload.metrics);
  const node: EdgeNode = {
    kind: "edge-node",
    session,
    seq,
    metrics,
    devices: [],
    trusted: true,
    askedAtMs: undefined,
  };
  const read = readMetrics(address, payload, { node, names, message });
  const news: DeviceNews[] = [{ device: nameOf(address), state: "open", reason: "it was born" }];
  return meaning({ ...read, news, remember: [[key, node]] });
}

function nodeDied(
  address: Address,
  payload: Payload,
  { key, node }: { readonly key: string; readonly node: EdgeNode | undefined },
): Meaning {
  const session = sessionOf(payload);
  if (node === undefined) return presence(nameOf(address), false, "it died");
  if (node.session !== undefined && session !== undefined && node.session !== session)
    return NOTHING;
  const gone = ["", ...node.devices].map((device): DeviceNews => {
    return {
      device: nameOf({ ...address, device }),
      state: "absent",
      reason: "its edge node died",
    };
  });
  return meaning({ news: gone, remember: [[key, undefined]] });
}

function deviceTold(
  address: Address,
  payload: Payload,
  {
    key,
    node,
    names,
    message,
  }: Context & { readonly key: string; readonly node: EdgeNode | undefined },
): Meaning {
  const mistrust = (why: string): Meaning => {
    const { remember, ask } = rebirth(address, key, node, message.atMs);
    return unclear(`${why}; a rebirth was asked for`, { remember, ask });
  };
  if (node === undefined) return mistrust("no birth of the edge node was heard");
  if (!node.trusted) return mistrust("the edge node's birth is out of date");
  const { seq } = payload;
  if (seq === undefined) return unclear("a message without seq");
  // The same number is the same message, sent again.
  if (seq !== node.seq && seq !== (node.seq + 1) % 256)
    return mistrust(`seq ${seq} after ${node.seq}: something was lost`);

  const born = address.type === "DBIRTH";
  if (!born && address.device !== "" && !node.devices.includes(address.device))
    return mistrust(`no birth of the device was heard`);
  const next: EdgeNode = {
    ...node,
    seq,
    ...(born ? withDevice(node, address.device, payload) : {}),
  };
  if (address.type === "DDEATH") {
    const devices = next.devices.filter((device) => device !== address.device);
    const gone = presence(nameOf(address), false, "it died");
    return { ...gone, remember: [[key, { ...next, devices }]] };
  }
  const unknown = payload.metrics.find(
    (metric) => metric.alias !== undefined && bornOf(metric, address.device, next) === undefined,
  );
  if (unknown !== undefined) return mistrust(`the alias ${unknown.alias} was never born`);
  const read = readMetrics(address, payload, { node: next, names, message });
  const news: DeviceNews[] = born
    ? [{ device: nameOf(address), state: "open", reason: "it was born" }]
    : [];
  return meaning({ ...read, news, remember: [[key, next]] });
}

function withDevice(node: EdgeNode, device: string, payload: Payload): Partial<EdgeNode> {
  const devices = node.devices.includes(device) ? node.devices : [...node.devices, device];
  return { devices, metrics: bornMetrics(node.metrics, device, payload.metrics) };
}

/** Asks for a rebirth unless it has just been asked for. */
function rebirth(
  { group, edge }: Address,
  key: string,
  node: EdgeNode | undefined,
  atMs: number,
): { remember: readonly (readonly [string, Memory])[]; ask: readonly Ask[] } {
  const askedAtMs = node?.askedAtMs;
  if (askedAtMs !== undefined && Math.abs(atMs - askedAtMs) < REBIRTH_EVERY_MS)
    return { remember: [], ask: [] };
  const waiting: EdgeNode = {
    ...(node ?? { kind: "edge-node", session: undefined, seq: 0, metrics: new Map(), devices: [] }),
    trusted: false,
    askedAtMs: atMs,
  };
  const topic = `${SPARKPLUG}/${group}/NCMD/${edge}`;
  return { remember: [[key, waiting]], ask: [{ topic, bytes: encodeRebirth(atMs) }] };
}

function sessionOf({ metrics }: Payload): number | undefined {
  const value = metrics.find(({ name }) => name === "bdSeq")?.value;
  if (value?.kind === "long") return Number(value.value);
  return value?.kind === "int" ? value.value : undefined;
}

function bornMetrics(
  before: ReadonlyMap<string, BornMetric>,
  device: string,
  metrics: readonly Metric[],
): ReadonlyMap<string, BornMetric> {
  const born = new Map([...before].filter(([, metric]) => metric.device !== device));
  for (const { name, alias, datatype, unit } of metrics) {
    if (name === undefined || datatype === undefined) continue;
    const metric: BornMetric = { device, name, datatype, unit };
    born.set(namedKey(device, name), metric);
    if (alias !== undefined) born.set(`#${alias}`, metric);
  }
  return born;
}

const namedKey = (device: string, name: string) => `${device} ${name}`;

/** Aliases are one set for an edge node and all its devices. */
function bornOf({ alias, name }: Metric, device: string, node: EdgeNode): BornMetric | undefined {
  const born = alias === undefined ? undefined : node.metrics.get(`#${alias}`);
  if (born !== undefined) return born;
  return name === undefined ? undefined : node.metrics.get(namedKey(device, name));
}

function readMetrics(
  address: Address,
  payload: Payload,
  { node, names, message }: { node: EdgeNode; names: Names; message: Message },
): { reports: readonly Report[]; unread: readonly string[] } {
  const moments = new Map<string, Report & { readonly readings: Reading[] }>();
  const unread: string[] = [];
  const device = nameOf(address);
  // Sequence numbers come round each 256 messages; with the time they name one.
  const id = `${payload.seq} ${payload.timestampMs ?? message.atMs}`;
  for (const metric of payload.metrics) {
    const born = bornOf(metric, address.device, node);
    const name = born?.name ?? metric.name ?? "";
    if (metric.isNull || isControl(name)) continue;
    const value = numberOf(metric.value, metric.datatype ?? born?.datatype);
    if (value === undefined) continue;
    if (name.length > NAME_CHARS_MAX) {
      unread.push(`the name "${short(name)}" is longer than ${NAME_CHARS_MAX} characters`);
      continue;
    }
    const quantity = quantityOf(name, metric, born, names);
    if (typeof quantity === "string") {
      unread.push(quantity);
      continue;
    }
    const past = metric.historical;
    const sourceTimeMs = unixTime(
      metric.timestampMs ?? (past ? undefined : payload.timestampMs),
      "ms",
    );
    if (past && sourceTimeMs === undefined) {
      unread.push(`"${name}" is of the past and does not say of when`);
      continue;
    }
    const moment = past ? `${sourceTimeMs} past` : `${sourceTimeMs}`;
    const report = moments.get(moment) ?? {
      ...{ device, readings: [], sourceTimeMs, id: `${id} ${moment}` },
      ...(past && { past }),
    };
    const { property, unit, inverted = false } = quantity;
    report.readings.push({ property, unit, value: inverted ? 1 - value : value });
    moments.set(moment, report);
  }
  return { reports: [...moments.values()], unread };
}

function isControl(name: string): boolean {
  return name === "bdSeq" || /^(Node Control|Device Control|Properties|Node Info)\//.test(name);
}

function quantityOf(
  name: string,
  metric: Metric,
  born: BornMetric | undefined,
  names: Names,
): Quantity | string {
  const datatype = metric.datatype ?? born?.datatype;
  const property = asProperty(name);
  if (datatype === BOOLEAN) return names.flag(name) ?? { property, unit: "1" };
  const said = names.configured(name);
  if (said !== undefined) return said;
  const usual = names.number(name);
  const written = metric.unit ?? born?.unit;
  if (written === undefined)
    return usual ?? `no unit is known for "${name}"; name it under readings`;
  // What the edge node says of its own metric goes before what the name usually means: 72 may be °F.
  const unit = ucumOfWritten(written);
  return unit === undefined
    ? `the unit "${short(written)}" of "${name}" has no UCUM code here`
    : { property: usual?.property ?? property, unit };
}

/** Signed integers travel as the unsigned number of the same bits. */
function numberOf(
  value: MetricValue | undefined,
  datatype: number | undefined,
): number | undefined {
  if (value === undefined || value.kind === "other") return undefined;
  if (value.kind === "boolean") return Number(value.value);
  if (datatype !== undefined && datatype > NUMBERS_LAST) return undefined;
  switch (value.kind) {
    case "real":
      return Number.isFinite(value.value) ? value.value : undefined;
    case "int":
      return signed(value.value, datatype);
    case "long": {
      const number = Number(datatype === INT64 ? BigInt.asIntN(64, value.value) : value.value);
      return Number.isSafeInteger(number) ? number : undefined;
    }
  }
}

function signed(value: number, datatype: number | undefined): number {
  switch (datatype) {
    case INT8:
      return (value << 24) >> 24;
    case INT16:
      return (value << 16) >> 16;
    case INT32:
      return value | 0;
    default:
      return value;
  }
}

function nameOf({ group, edge, device }: Pick<Address, "group" | "edge" | "device">): string {
  return device === "" ? `${group}/${edge}` : `${group}/${edge}/${device}`;
}

/** What an edge node subscribes to: commands to it and to its devices, and its host's state. */
export function isCommandFilter(filter: string): boolean {
  return (
    /^spBv1\.0\/[^/+#]+\/[ND]CMD\/[^/+#]+(\/(#|[^/+#]+))?$/.test(filter) ||
    /^(spBv1\.0\/)?STATE\/[^/+#]+$/.test(filter)
  );
}
