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

const name = (what: string) => ({
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
  description: `${what}: letters, digits, dot, dash, underscore and colon, at most 64 characters`,
});

const line = {
  path: {
    type: "string",
    minLength: 1,
    maxLength: 4096,
    description:
      "Device path, such as /dev/serial/by-id/...; or tcp://HOST:PORT, or rfc2217://HOST:PORT",
  },
  baudRate: { type: "integer", minimum: 50, maximum: 4000000, default: 9600 },
  dataBits: { enum: [7, 8], default: 8 },
  parity: { enum: ["none", "even", "odd"], default: "none" },
  stopBits: { enum: [1, 2], default: 1 },
} as const;

const order = {
  enum: ["abcd", "cdab", "badc", "dcba"],
  description:
    "Places of a number's bytes: abcd the usual, cdab words swapped, badc bytes swapped, dcba both",
} as const;

const everyMs = { type: "integer", minimum: 50, maximum: 86400000 } as const;
const timeoutMs = { type: "integer", minimum: 20, maximum: 60000 } as const;

const register = {
  type: "object",
  additionalProperties: false,
  required: ["table", "address", "property", "unit"],
  properties: {
    table: {
      enum: ["coil", "discrete", "holding", "input"],
      description: "coil (function 1), discrete (2), holding (3) or input (4)",
    },
    address: {
      type: "integer",
      minimum: 0,
      maximum: 65535,
      description: "As the request has it, from 0; a document that says 30002 means input 1",
    },
    type: {
      enum: ["bool", "int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64"],
      description: "How the registers make a number; int16 unless said",
    },
    order,
    bit: { type: "integer", minimum: 0, maximum: 15, description: "A single bit, 0 the lowest" },
    scale: { type: "number", description: "The value is raw times scale plus offset" },
    offset: { type: "number" },
    invalid: {
      type: "array",
      maxItems: 16,
      items: { type: "number" },
      description: "Raw values by which the device says that it has none, such as 32767",
    },
    property,
    unit: ucum,
  },
} as const;

const slave = {
  type: "object",
  additionalProperties: false,
  required: ["id", "slave"],
  properties: {
    id: name("Name of the device"),
    slave: { type: "integer", minimum: 1, maximum: 255, description: "Its address on the line" },
    everyMs: { ...everyMs, default: 10000, description: "How often it is asked" },
    timeoutMs: {
      ...timeoutMs,
      description: "How long its answer may take; the line's unless said",
    },
    countMax: {
      type: "integer",
      minimum: 1,
      maximum: 125,
      description: "Most registers it sends at once",
    },
    profile: {
      enum: ["sht20", "xy-md02"],
      description: "Registers of a device that is known: sht20 or xy-md02",
    },
    order,
    registers: { type: "array", maxItems: 512, items: register },
  },
} as const;

export const modbus = {
  type: "object",
  additionalProperties: false,
  required: ["id", "path", "slaves"],
  description: "A line with Modbus slaves",
  properties: {
    id: name("Name of the line"),
    ...line,
    carrier: {
      enum: ["rtu", "tcp"],
      default: "rtu",
      description:
        "rtu on a serial line or through a device server; tcp for Modbus TCP, path tcp://HOST:502",
    },
    echoes: { type: "boolean", default: false, description: "The adapter hears what it sends" },
    timeoutMs: { ...timeoutMs, default: 500, description: "How long an answer may take" },
    slaves: { type: "array", minItems: 1, maxItems: 247, items: slave },
  },
} as const;

export const instrument = {
  type: "object",
  additionalProperties: false,
  required: ["id", "path", "format", "readings"],
  description: "An instrument that sends lines of text",
  properties: {
    id: name("Name of the device"),
    ...line,
    lineBytesMax: { type: "integer", minimum: 8, maximum: 4096, default: 512 },
    format: {
      type: "object",
      discriminator: { propertyName: "kind" },
      required: ["kind"],
      oneOf: [
        {
          additionalProperties: false,
          required: ["kind"],
          properties: {
            kind: { const: "pairs" },
            separator: { type: "string", minLength: 1, maxLength: 8, default: ";" },
            equals: { type: "string", minLength: 1, maxLength: 8, default: "=" },
          },
        },
        {
          additionalProperties: false,
          required: ["kind"],
          properties: {
            kind: { const: "csv" },
            separator: { type: "string", minLength: 1, maxLength: 8, default: "," },
          },
        },
        {
          additionalProperties: false,
          required: ["kind", "pattern"],
          properties: {
            kind: { const: "pattern" },
            pattern: {
              type: "string",
              minLength: 1,
              maxLength: 1024,
              description: "A regular expression with named groups, such as T=(?<t>[-\\d.]+)",
            },
          },
        },
      ],
    },
    checksum: {
      enum: ["none", "nmea"],
      default: "none",
      description: "nmea: $...*hh, the XOR of what is between",
    },
    decimal: { enum: [".", ","], default: ".", description: "What parts the decimals of a number" },
    begins: {
      type: "string",
      maxLength: 64,
      description: "Only lines that begin so, such as WIMDA",
    },
    readings: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["field", "property", "unit"],
        properties: {
          field: {
            type: ["string", "integer"],
            minimum: 1,
            description: "Name of a pair or a group; place in a list, from 1",
          },
          property,
          unit: ucum,
          scale: { type: "number" },
          offset: { type: "number" },
        },
      },
    },
  },
} as const;

const seconds = { type: "integer", minimum: 1, maximum: 31536000 } as const;

export const sensorRule = {
  type: "object",
  additionalProperties: false,
  required: ["device"],
  description: "What of a device is worth keeping; the first rule that fits is used",
  properties: {
    device: {
      type: "string",
      minLength: 1,
      maxLength: 128,
      description: "Name of a device; * stands for any part of it",
    },
    property,
    deadband: {
      type: "number",
      minimum: 0,
      description: "A value that differs by less from the last one kept is dropped",
    },
    heartbeatS: { ...seconds, description: "But one is kept this often; 900 unless said" },
    stuckAfterS: {
      ...seconds,
      description: "A value that never moves for so long is told as stuck",
    },
    silentAfterS: {
      ...seconds,
      description:
        "A device that says nothing for so long is told as silent; one that spoke since the gateway started, or that is named without a *",
    },
  },
} as const;

export const source = {
  type: "object",
  additionalProperties: false,
  required: ["id", "url", "topics"],
  description: "A broker of somebody else where devices publish",
  properties: {
    id: name("Name of the broker"),
    url: {
      type: "string",
      pattern: "^mqtts?://[^\\s/@]+$",
      description:
        "Its address, such as mqtt://10.0.0.2:1883; user and password have keys of their own",
    },
    clientId: {
      type: "string",
      pattern: "^[^+#/\\s]{1,64}$",
      description: "Our name there, and nobody else's; racktrace-GATEWAY-ID unless said",
    },
    topics: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      items: { type: "string", minLength: 1, maxLength: 1024 },
      description: "Filters to subscribe to, such as zigbee2mqtt/#",
    },
    username: { type: "string", minLength: 1, maxLength: 256 },
    passwordFile: {
      type: "string",
      minLength: 1,
      maxLength: 4096,
      description: "File whose first line is the password; readable for this user only",
    },
  },
} as const;
