/**
 * ESPHome: <node>/sensor/<name>/state with a bare number, <node>/binary_sensor/<name>/state with ON or
 * OFF, and <node>/status (esphome.io/components/mqtt.html).
 *
 * Units are only in the discovery messages that the node sends when it connects, so `homeassistant`
 * goes with this one, or the configuration names what there is. `nan` is a sensor without a value.
 */
import {
  type Convention,
  type DecoderSetting,
  type Meaning,
  type Message,
  meaning,
  NOTHING,
  presence,
  unclear,
} from "./convention.ts";
import { discovered } from "./homeassistant.ts";
import { compileNames, type Names } from "./names.ts";

const KINDS =
  "sensor|binary_sensor|text_sensor|switch|light|fan|cover|climate|number|select|button";

export function compileEsphome({ base, readings }: DecoderSetting): Convention {
  const own = base === undefined ? "" : `${base}/`;
  const names = compileNames(readings);
  const value = new RegExp(`^(.+)/(${KINDS})/([^/]+)/(state|command)$`);
  const status = /^([^/]+)\/(status|debug)$/;
  const parse = (topic: string) => {
    const rest = topic.startsWith(own) ? topic.slice(own.length) : "";
    return { rest, match: value.exec(rest) ?? status.exec(rest) };
  };
  return {
    owns: (topic) => parse(topic).match !== null,
    decode(message, recall) {
      const [, node = "", kind = "", name = "", what = ""] = parse(message.topic).match ?? [];
      if (kind === "status")
        return presence(node, message.text === "online", `it says ${message.text}`);
      if (kind !== "sensor" && kind !== "binary_sensor") return NOTHING;
      if (what === "command") return NOTHING;
      if (discovered.owns(message.topic, recall))
        return named(discovered.decode(message, recall), node);
      return plain(message, { node, kind, name }, names);
    },
  };
}

/** The node's own name, whatever identifier its discovery carries: `status` uses it too. */
function named(found: Meaning, device: string): Meaning {
  if (!found.ok) return found;
  return { ...found, reports: found.reports.map((report) => ({ ...report, device })) };
}

type Place = { readonly node: string; readonly kind: string; readonly name: string };

function plain({ text = "" }: Message, { node, kind, name }: Place, names: Names): Meaning {
  const written = text.trim();
  if (/^-?nan$/i.test(written)) return NOTHING;
  const binary = kind === "binary_sensor";
  const quantity = binary
    ? (names.flag(name) ?? { property: name, unit: "1" })
    : names.number(name);
  if (quantity === undefined)
    return meaning({
      unread: [
        `no unit is known for "${name}": its discovery message was not heard; send it, or name it under readings`,
      ],
    });
  const value = binary ? onOff(written) : Number(written);
  if (written === "" || !Number.isFinite(value))
    return unclear(binary ? "the payload is neither ON nor OFF" : "the payload is not a number");
  const readings = [{ property: quantity.property, value, unit: quantity.unit }];
  return meaning({ reports: [{ device: node, readings, sourceTimeMs: undefined, id: undefined }] });
}

function onOff(written: string): number {
  return written === "ON" ? 1 : written === "OFF" ? 0 : Number.NaN;
}
