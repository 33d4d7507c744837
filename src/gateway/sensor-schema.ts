/** The part of the configuration's schema that is about sensors; config-schema.ts holds the whole. */

const ucum = {
  type: "string",
  minLength: 1,
  maxLength: 32,
  description: 'UCUM code of the unit, such as Cel, "%", W, or "1" for a plain number',
} as const;

const property = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
  description: "What is measured, such as temperature or relative_humidity",
} as const;

export const decoder = {
  type: "object",
  additionalProperties: false,
  required: ["decoder"],
  description: "A convention that devices of a vendor keep to",
  properties: {
    decoder: {
      enum: [
        "tasmota",
        "zigbee2mqtt",
        "shelly",
        "esphome",
        "homeassistant",
        "senml",
        "sparkplug",
        "chirpstack",
        "ttn",
      ],
      description:
        "tasmota, zigbee2mqtt, shelly (Gen2 and later), esphome, homeassistant (discovery: units of what others publish), senml, sparkplug, chirpstack (v4) or ttn (v3)",
    },
    base: {
      type: "string",
      pattern: "^[^+#]{1,256}$",
      description:
        "First levels of the topics where they are not the usual ones: tele, zigbee2mqtt, homeassistant, senml, application, v3; none for shelly and esphome",
    },
    utcOffset: {
      type: "string",
      pattern: "^[+-](0\\d|1[0-4]):[0-5]\\d$",
      description:
        "For tasmota, whose clocks tell local time without a zone: such as +03:00; without it their times do not count",
    },
    host: {
      type: "string",
      pattern: "^[^+#/]{1,64}$",
      description:
        "For sparkplug: the primary host that edge nodes wait for; without it none is announced",
    },
    readings: {
      type: "array",
      maxItems: 256,
      description: "Names in payloads whose meaning or unit the convention does not say",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "property", "unit"],
        properties: {
          name: {
            type: "string",
            minLength: 1,
            maxLength: 256,
            description: "As the payload has it; levels are parted by dots",
          },
          property,
          unit: ucum,
          absentIsZero: {
            type: "boolean",
            description: "The source leaves zeros out: a message without this name says 0",
          },
        },
      },
    },
  },
} as const;
