/**
 * ChirpStack v4 in JSON: application/<id>/device/<dev EUI>/event/up and /status
 * (chirpstack.io/docs/chirpstack/integrations/events.html).
 *
 * - `deduplicationId` names an uplink: the same one delivered twice is one event. `fCnt` would not do,
 *   since it starts over when the device joins again.
 * - `object` is there when the device profile has a codec. Without one the bytes are kept, and the
 *   reason says what is missing.
 */
import { type Convention, type DecoderSetting, meaning, NOTHING, unclear } from "./convention.ts";
import { readFlat } from "./flat.ts";
import { at, isObject, type JsonObject, numberOf, objectOf, textAt } from "./json.ts";
import { isoTime } from "./moment.ts";
import { compileNames } from "./names.ts";

export function compileChirpstack({ base = "application", readings }: DecoderSetting): Convention {
  const names = compileNames(readings);
  const topicOf = new RegExp(
    `^${escaped(base)}/[^/]+/device/([^/]+)/(event|command|state)/([^/]+)$`,
  );
  return {
    owns: (topic) => topicOf.test(topic),
    decode(message) {
      const [, eui = "", direction, event] = topicOf.exec(message.topic) ?? [];
      if (direction !== "event" || (event !== "up" && event !== "status")) return NOTHING;
      const document = objectOf(message);
      if (typeof document === "string")
        return unclear(`${document}; set the integration's encoding to JSON`);
      const device = eui.toLowerCase();
      const sourceTimeMs = isoTime(document["time"]);
      const id = textAt(document, "deduplicationId");
      const report = { device, sourceTimeMs, id };
      if (event === "status") {
        const told = statusReadings(document);
        return meaning({ reports: told.length === 0 ? [] : [{ ...report, readings: told }] });
      }
      const object = document["object"];
      if (!isObject(object))
        return textAt(document, "data") === undefined
          ? NOTHING
          : unclear("the uplink has no decoded object: give the device profile a codec");
      const flat = readFlat(object, names);
      // It says the same with each uplink, so the first of them is kept, and not all.
      if (flat.readings.length === 0 && flat.unread.length === 0)
        return meaning({ unread: ["the decoded object has no number"] });
      const reports = flat.readings.length === 0 ? [] : [{ ...report, readings: flat.readings }];
      return meaning({ reports, unread: flat.unread });
    },
  };
}

function statusReadings(document: JsonObject) {
  // A device on mains power, or one that cannot tell, sends a level of 0 that means nothing.
  const unknown =
    at(document, "externalPowerSource") === true ||
    at(document, "batteryLevelUnavailable") === true;
  const level = numberOf(at(document, "batteryLevel"));
  const margin = numberOf(at(document, "margin"));
  return [
    ...(level === undefined || unknown
      ? []
      : [{ property: "battery_level", value: level, unit: "%" }]),
    ...(margin === undefined ? [] : [{ property: "radio_margin", value: margin, unit: "dB" }]),
  ];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
