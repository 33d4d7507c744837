/**
 * The Things Stack v3: v3/<app>@<tenant>/devices/<device>/up
 * (thethingsindustries.com/docs/concepts/data-formats).
 *
 * - Its server speaks QoS 0 only: what the gateway misses is gone, and nobody can promise otherwise.
 * - Fields that are 0, false or empty are left out of a message. A frame counter that is not there is
 *   0; a reading that is not there may be 0 °C or may not have been measured, so only the
 *   configuration can say that it is 0 (`absentIsZero`), and only of an uplink that was decoded: one of MAC
 *   commands measured nothing, and what a formatter that failed would have said nobody knows.
 * - An uplink that somebody typed into the console says `simulated` and measured nothing.
 */
import { type Convention, type DecoderSetting, meaning, NOTHING, unclear } from "./convention.ts";
import { readFlat } from "./flat.ts";
import { at, isObject, numberOf, objectOf, textAt } from "./json.ts";
import { isoTime } from "./moment.ts";
import { compileNames } from "./names.ts";

export function compileTtn({ base = "v3", readings }: DecoderSetting): Convention {
  const names = compileNames(readings);
  const own = `${base}/`;
  const parse = (topic: string) =>
    topic.startsWith(own) ? /^[^/]+\/devices\/([^/]+)\/(.+)$/.exec(topic.slice(own.length)) : null;
  return {
    owns: (topic) => parse(topic) !== null,
    decode(message) {
      const [, device = "", event] = parse(message.topic) ?? [];
      if (event !== "up") return NOTHING;
      const document = objectOf(message);
      if (typeof document === "string") return unclear(document);
      if (document["simulated"] === true) return NOTHING;
      const uplink = document["uplink_message"];
      if (!isObject(uplink)) return unclear("there is no uplink_message");
      const counter = numberOf(uplink["f_cnt"]) ?? 0;
      const session = textAt(uplink, "session_key_id");
      const decoded = uplink["decoded_payload"];
      if (!isObject(decoded))
        return textAt(uplink, "frm_payload") === undefined
          ? NOTHING
          : unclear("the uplink has no decoded_payload: give the device a payload formatter");
      const flat = readFlat(decoded, names);
      // It says the same with each uplink, so the first of them is kept, and not all.
      if (flat.readings.length === 0 && flat.unread.length === 0)
        return meaning({ unread: ["the decoded payload has no number"] });
      const sourceTimeMs = isoTime(at(uplink, "received_at")) ?? isoTime(document["received_at"]);
      const id = session === undefined ? undefined : `${session} ${counter}`;
      const report = { device, readings: flat.readings, sourceTimeMs, id };
      const reports = flat.readings.length === 0 ? [] : [report];
      return meaning({ reports, unread: flat.unread });
    },
  };
}
