/** The conventions that the configuration names, in its order: the first that owns a topic reads it. */
import { never } from "../../kernel/assert.ts";
import { compileChirpstack } from "./chirpstack.ts";
import type { Convention, DecoderSetting, Meaning, Message, Recall } from "./convention.ts";
import { compileEsphome } from "./esphome.ts";
import { compileHomeAssistant, discovered } from "./homeassistant.ts";
import { compileSenml } from "./senml.ts";
import { compileShelly } from "./shelly.ts";
import { compileSparkplug } from "./sparkplug.ts";
import { compileTasmota } from "./tasmota.ts";
import { compileTtn } from "./ttn.ts";
import { compileZigbee2mqtt } from "./zigbee2mqtt.ts";

export type Decoders = {
  /** Undefined when no convention owns the topic; what discovery described may change at any time. */
  find(topic: string, recall: Recall): ((message: Message, recall: Recall) => Meaning) | undefined;
};

export function compileDecoders(settings: readonly DecoderSetting[]): Decoders {
  const conventions = settings.map(compile);
  const discovers = settings.some(({ decoder }) => decoder === "homeassistant");
  return {
    find(topic, recall) {
      const convention = conventions.find(({ owns }) => owns(topic));
      if (convention !== undefined) return convention.decode;
      return discovers && discovered.owns(topic, recall) ? discovered.decode : undefined;
    },
  };
}

function compile(setting: DecoderSetting): Convention {
  const { decoder } = setting;
  switch (decoder) {
    case "tasmota":
      return compileTasmota(setting);
    case "zigbee2mqtt":
      return compileZigbee2mqtt(setting);
    case "shelly":
      return compileShelly(setting);
    case "esphome":
      return compileEsphome(setting);
    case "homeassistant":
      return compileHomeAssistant(setting);
    case "senml":
      return compileSenml(setting);
    case "sparkplug":
      return compileSparkplug(setting);
    case "chirpstack":
      return compileChirpstack(setting);
    case "ttn":
      return compileTtn(setting);
    default:
      return never(decoder);
  }
}
