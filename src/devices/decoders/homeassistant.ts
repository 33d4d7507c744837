/**
 * Home Assistant discovery: <base>/<component>/[<node>/]<object>/config, retained, describes what comes
 * under other topics, with unit and device class (home-assistant.io/integrations/mqtt). Both forms are
 * read, one entity a message and a device with its components; abbreviated keys too. An empty message
 * takes the description back.
 *
 * Templates are programs. Those that only say where the value is are understood; for the others the
 * description waits in quarantine, and the configuration has to say what they mean.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import { TOPIC_CHARS_MAX } from "../mqtt-mapping/topic.ts";
import {
  type Convention,
  type DecoderSetting,
  type Entity,
  type Meaning,
  type Memory,
  type Message,
  meaning,
  NOTHING,
  type Recall,
  unclear,
} from "./convention.ts";
import { entitiesUnder, stateKey, withEntities } from "./entities.ts";
import { at, isObject, type JsonObject, numberOf, objectOf, parseJson, textAt } from "./json.ts";
import { asProperty, NAME_CHARS_MAX, short } from "./names.ts";
import { ucumOfWritten } from "./units.ts";

// homeassistant/components/mqtt/abbreviations.py, as far as it concerns us.
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  avty_t: "availability_topic",
  cmps: "components",
  dev: "device",
  dev_cla: "device_class",
  ids: "identifiers",
  obj_id: "object_id",
  p: "platform",
  pl_avail: "payload_available",
  pl_not_avail: "payload_not_available",
  pl_off: "payload_off",
  pl_on: "payload_on",
  stat_t: "state_topic",
  uniq_id: "unique_id",
  unit_of_meas: "unit_of_measurement",
  val_tpl: "value_template",
};
/** Under one topic: each message there tells all of them. */
const ENTITIES_MAX = 1024;
const MEASURING = new Set(["sensor", "binary_sensor"]);

export function compileHomeAssistant({ base = "homeassistant" }: DecoderSetting): Convention {
  const own = `${base}/`;
  return {
    owns: (topic) => topic.startsWith(own),
    decode(message, recall) {
      const levels = message.topic.slice(own.length).split("/");
      if (levels.at(-1) !== "config" || levels.length < 3 || levels.length > 4) return NOTHING;
      const origin = message.topic;
      if (message.bytes.length === 0) return meaning({ remember: forgotten(origin, recall) });
      const document = objectOf(message);
      if (typeof document === "string") return unclear(document);
      return describe(
        { origin, component: levels[0] ?? "", object: levels.at(-2) ?? "" },
        expand(document),
        recall,
      );
    },
  };
}

type Place = { readonly origin: string; readonly component: string; readonly object: string };
type Described = { readonly topic: string; readonly entity: Entity };

function describe(place: Place, config: JsonObject, recall: Recall): Meaning {
  const parts = partsOf(place, config);
  const found: Described[] = [];
  const unread: string[] = [];
  for (const part of parts) {
    const read = entityOf(part.place, part.config);
    if (typeof read === "string") unread.push(read);
    else if (read.every(isFit)) found.push(...read);
    else unread.push(`the description of "${short(part.place.object)}" is too long to be kept`);
  }
  const values = found.filter(({ entity }) => !entity.availability);
  const byTopic = Map.groupBy(values, ({ topic }) => topic);
  const crowded = new Set([...byTopic.keys()].filter(isCrowded));
  for (const topic of crowded)
    unread.push(`more than ${ENTITIES_MAX} values are described under "${short(topic)}"`);
  const kept = found.filter(({ topic, entity }) => entity.availability || !crowded.has(topic));
  return meaning({ remember: remembered(place.origin, kept, recall), unread });

  function isCrowded(topic: string): boolean {
    const others = entitiesUnder(topic, recall).filter(
      ({ origin, availability }) => origin !== place.origin && !availability,
    );
    return others.length + (byTopic.get(topic)?.length ?? 0) > ENTITIES_MAX;
  }
}

/** It is kept in memory, and what a device says of itself there has no other limit. */
function isFit({ topic, entity }: Described): boolean {
  const { device, on = "", off = "", path = [] } = entity;
  const texts = [device, on, off, ...path];
  return topic.length <= TOPIC_CHARS_MAX && texts.every((text) => text.length <= NAME_CHARS_MAX);
}

/** One description, or those of a device's components, which share what the device says. */
function partsOf(place: Place, config: JsonObject): { place: Place; config: JsonObject }[] {
  if (place.component !== "device") return [{ place, config }];
  const components = config["components"];
  if (!isObject(components)) return [];
  const { components: _parts, ...shared } = config;
  return Object.entries(components).flatMap(([object, part]) => {
    if (!isObject(part)) return [];
    const expanded = expand(part);
    const component = textAt(expanded, "platform") ?? "";
    return [{ place: { ...place, component, object }, config: { ...shared, ...expanded } }];
  });
}

function entityOf(place: Place, config: JsonObject): readonly Described[] | string {
  const { origin, component, object } = place;
  const device = deviceOf(config) ?? object;
  const found: Described[] = [];
  const base = { origin, device, path: undefined, on: undefined, off: undefined };

  const available = topicAt(config, "availability_topic");
  if (available !== undefined)
    found.push({
      topic: available,
      entity: {
        ...base,
        property: "",
        unit: "",
        on: textAt(config, "payload_available") ?? "online",
        off: textAt(config, "payload_not_available") ?? "offline",
        availability: true,
      },
    });
  const topic = topicAt(config, "state_topic");
  if (!MEASURING.has(component) || topic === undefined) return found;

  const path = pathOf(textAt(config, "value_template"));
  if (path === "unknown")
    return `"${short(object)}" has a value template beyond this gateway; say under mappings what it means`;
  const property = propertyOf(object, textAt(config, "device_class"));
  if (property.length > NAME_CHARS_MAX)
    return `the name "${short(object)}" is longer than ${NAME_CHARS_MAX} characters`;
  if (component === "binary_sensor") {
    const on = payloadAt(config, "payload_on") ?? "ON";
    const off = payloadAt(config, "payload_off") ?? "OFF";
    found.push({
      topic,
      entity: { ...base, property, unit: "1", path, on, off, availability: false },
    });
    return found;
  }
  const written = textAt(config, "unit_of_measurement");
  // Without a unit it is a text, a count or an enumeration: nothing to measure in.
  if (written === undefined) return found;
  const unit = ucumOfWritten(written);
  if (unit === undefined)
    return `the unit "${short(written)}" of "${short(object)}" has no UCUM code here`;
  found.push({ topic, entity: { ...base, property, unit, path, availability: false } });
  return found;
}

/** The class says what it is, unless the device has several of one class and names them apart. */
function propertyOf(object: string, deviceClass: string | undefined): string {
  const name = asProperty(object);
  if (deviceClass === undefined) return name;
  const named = deviceClass === "humidity" ? "relative_humidity" : asProperty(deviceClass);
  const own = asProperty(deviceClass);
  return name === own || name.endsWith(`_${own}`) ? named : name;
}

function deviceOf(config: JsonObject): string | undefined {
  const device = config["device"];
  if (!isObject(device)) return undefined;
  const expanded = expand(device);
  const ids = expanded["identifiers"];
  const first = Array.isArray(ids) ? ids[0] : ids;
  return typeof first === "string" && first !== "" ? first : textAt(expanded, "name");
}

/** As Home Assistant compares it with what a template gives: a boolean or a number is its text. */
function payloadAt(config: JsonObject, key: string): string | undefined {
  const payload = config[key];
  return typeof payload === "boolean" || typeof payload === "number"
    ? String(payload)
    : textAt(config, key);
}

function topicAt(config: JsonObject, key: string): string | undefined {
  const topic = textAt(config, key);
  const base = textAt(config, "~");
  if (topic === undefined || base === undefined) return topic;
  if (topic.startsWith("~")) return base + topic.slice(1);
  return topic.endsWith("~") ? topic.slice(0, -1) + base : topic;
}

// Each blank can be matched in one way only: with two, the time to find no match doubles with each filter.
const TEMPLATE =
  /^\{\{\s*(value_json|value)((?:\.\w+|\[\s*(?:'[^']+'|"[^"]+")\s*\])*)\s*(?:\|\s*(?:float|int|is_defined|round)\s*(?:\(\s*(?:[-\d.]+\s*)?\)\s*)?)*\}\}$/;

/** Where the template takes the value from; undefined: it is the whole payload. */
function pathOf(template: string | undefined): readonly string[] | undefined | "unknown" {
  if (template === undefined) return undefined;
  const match = TEMPLATE.exec(template.trim());
  if (match === null) return "unknown";
  const [, root, steps = ""] = match;
  if (root === "value") return steps === "" ? undefined : "unknown";
  return [...steps.matchAll(/\.(\w+)|\[\s*'([^']+)'\s*\]|\[\s*"([^"]+)"\s*\]/g)].map(
    ([, plain, single, double]) => plain ?? single ?? double ?? "",
  );
}

function expand(config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [ABBREVIATIONS[key] ?? key, value]),
  );
}

type Remembered = readonly (readonly [string, Memory | undefined])[];
const originKey = (origin: string) => `config ${origin}`;

function remembered(origin: string, found: readonly Described[], recall: Recall): Remembered {
  const byTopic = Map.groupBy(found, ({ topic }) => topic);
  const gone = topicsOf(origin, recall).filter((topic) => !byTopic.has(topic));
  return [
    ...gone.map((topic) => withEntities(topic, origin, [], recall)),
    ...[...byTopic].map(([topic, own]) => {
      const entities = own.map(({ entity }) => entity);
      return withEntities(topic, origin, entities, recall);
    }),
    [
      originKey(origin),
      byTopic.size === 0 ? undefined : { kind: "provisioned", keys: [...byTopic.keys()] },
    ],
  ];
}

function forgotten(origin: string, recall: Recall): Remembered {
  return remembered(origin, [], recall);
}

function topicsOf(origin: string, recall: Recall): readonly string[] {
  const memory = recall(originKey(origin));
  return memory?.kind === "provisioned" ? memory.keys : [];
}

/** Messages under topics that discovery described. */
export const discovered = {
  owns: (topic: string, recall: Recall): boolean => recall(stateKey(topic)) !== undefined,
  decode(message: Message, recall: Recall): Meaning {
    const { topic, text } = message;
    if (text === undefined) return unclear("the payload is not UTF-8");
    const entities = entitiesUnder(topic, recall);
    const readings = new Map<string, Reading[]>();
    const unread: string[] = [];
    for (const entity of entities) {
      if (entity.availability) continue;
      const value = entityValue(entity, text);
      if (value === "absent") continue;
      if (typeof value === "string") unread.push(value);
      else {
        const { property, unit } = entity;
        const own = readings.get(entity.device) ?? [];
        own.push({ property, value, unit });
        readings.set(entity.device, own);
      }
    }
    const reports = [...readings].map(([device, own]) => {
      return { device, readings: own, sourceTimeMs: undefined, id: undefined };
    });
    const news = newsOf(entities, text);
    if (reports.length === 0 && news.length === 0 && unread.length > 0)
      return unclear(unread[0] ?? "");
    return meaning({ reports, news, unread });
  },
};

function newsOf(entities: readonly Entity[], text: string) {
  const devices = new Map(
    entities
      .filter(({ availability, on, off }) => availability && (text === on || text === off))
      .map(({ device, on }) => [device, text === on]),
  );
  return [...devices].map(([device, there]) => {
    return {
      device,
      state: there ? ("open" as const) : ("absent" as const),
      reason: `it says ${text}`,
    };
  });
}

/** Devices send these where a value would stand, when they have none. */
const NO_VALUE = new Set(["", "nan", "none", "null", "unknown", "unavailable"]);
// Digits can be matched in one way only: with two, the time to find no number grows with their square.
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

function entityValue(
  { path, on, off, property }: Entity,
  text: string,
): number | "absent" | string {
  let value: unknown = text.trim();
  if (path !== undefined) {
    const parsed = parseJson(text);
    if (parsed === undefined) return "the payload is not JSON";
    value = at(parsed.value, ...path);
  }
  if (value === undefined || value === null) return "absent";
  const written = String(value);
  if (on !== undefined) {
    // A template writes true as True.
    const isSaid = (payload: string | undefined) =>
      written === payload || (typeof value === "boolean" && written === payload?.toLowerCase());
    if (isSaid(on)) return 1;
    if (isSaid(off)) return 0;
    return `"${property}" is neither ${short(on)} nor ${short(off ?? "")}`;
  }
  if (NO_VALUE.has(written.toLowerCase())) return "absent";
  const number =
    typeof value === "number"
      ? numberOf(value)
      : NUMBER.test(written)
        ? Number(written)
        : undefined;
  return number !== undefined && Number.isFinite(number) ? number : `"${property}" is not a number`;
}
