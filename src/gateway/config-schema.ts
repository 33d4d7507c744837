/**
 * The gateway's configuration as JSON Schema draft-07, so that editors complete it and explain each
 * key. deploy/gateway.schema.json is this value as a file; a test compares the two.
 *
 * `description` is read by people twice: in the editor, and in the message about a value that does
 * not fit. Defaults live here and nowhere else.
 */
import { GATEWAY_NAME } from "../wire/names.ts";
import { doorProperties } from "./door-config.ts";
import { name, scannerSchema } from "./scanner-schema.ts";
import { decoder, instrument, modbus, sensorRule, source } from "./sensor-schema.ts";
import { statusProperties } from "./status-config.ts";

const host = (what: string) => ({
  type: "string",
  minLength: 1,
  maxLength: 253,
  default: "127.0.0.1",
  description: `Address ${what} is listened on; 127.0.0.1 is this machine only`,
});

const port = (what: string, usual: number) => ({
  type: "integer",
  minimum: 0,
  maximum: 65535,
  default: usual,
  description: `Port of ${what}; 0 takes any free one, and address.json in the data folder names it`,
});

const pointer = (what: string) => ({
  type: "string",
  pattern: "^(/([^/~]|~[01])*)+$",
  description: `JSON Pointer to ${what}, such as /temperature or /params/ts`,
});

const mapping = {
  type: "object",
  additionalProperties: false,
  required: ["topic", "device", "payload", "readings"],
  description: "How messages of a topic are read",
  properties: {
    topic: {
      type: "string",
      minLength: 1,
      maxLength: 1024,
      description: "MQTT topic filter; + stands for one level, # at the end for all that follow",
    },
    device: {
      type: "string",
      minLength: 1,
      maxLength: 128,
      description: "Name of the device; {1} is what the first wildcard of the topic stood for",
    },
    payload: { enum: ["json", "number"], description: "Form of the payload: json or number" },
    time: {
      type: "object",
      additionalProperties: false,
      required: ["pointer", "unit"],
      description: "Where a JSON payload says when it was measured",
      properties: {
        pointer: pointer("the time"),
        unit: { enum: ["ms", "s", "iso8601"], description: "Unix ms, Unix s, or ISO 8601 text" },
      },
    },
    id: pointer("the payload's own id, which recognises a retransmission"),
    readings: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      description: "What the payload says",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["property", "unit"],
        properties: {
          pointer: pointer("the value; required for json, left out for number"),
          property: name("What is measured"),
          unit: {
            type: "string",
            minLength: 1,
            maxLength: 32,
            description: 'UCUM code of the unit, such as Cel, "%", W, or "1" for a plain number',
          },
        },
      },
    },
  },
} as const;

export const gatewaySchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "racktrace gateway",
  type: "object",
  additionalProperties: false,
  required: ["version", "gateway"],
  properties: {
    version: { const: 1, description: "Version of this form: 1" },
    gateway: {
      type: "string",
      pattern: GATEWAY_NAME.source,
      description:
        "Name of this gateway, the same on the twin: lower-case letters, digits, dot, dash and underscore",
    },
    data: {
      type: "string",
      minLength: 1,
      maxLength: 4096,
      default: ".racktrace/gateway",
      description: "Folder for what waits for the twin; on a disk that survives a power cut",
    },
    log: {
      enum: ["trace", "debug", "info", "warn", "error", "silent"],
      default: "info",
      description: "Least level that is logged: trace, debug, info, warn, error or silent",
    },
    http: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "Health and metrics",
      properties: {
        host: host("HTTP"),
        port: port("health and metrics", 8781),
        ...statusProperties,
      },
    },
    twin: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "The twin this gateway reports to",
      properties: {
        url: {
          type: "string",
          pattern: "^mqtts?://[^\\s/]+$",
          default: "mqtt://127.0.0.1:1884",
          description: "Address of the twin, such as mqtt://127.0.0.1:1884",
        },
      },
    },
    outbox: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "How much may wait on disk",
      properties: {
        bytesMax: {
          type: "integer",
          minimum: 1048576,
          maximum: 1099511627776,
          default: 2147483648,
          description: "Bytes of scans and telemetry together; when spent, new events are refused",
        },
        telemetryBytesMax: {
          type: "integer",
          minimum: 524288,
          maximum: 1099511627776,
          default: 1073741824,
          description: "Bytes of telemetry; when spent, the oldest is evicted",
        },
        keepSentScans: {
          type: "integer",
          minimum: 0,
          maximum: 10000000,
          default: 100000,
          description:
            "Scans kept though the twin has them, for a twin that is restored from a copy and asks again; the first to make way when bytes are spent",
        },
      },
    },
    mqtt: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "The broker that devices send to",
      properties: {
        host: host("MQTT for devices"),
        port: port("MQTT for devices", 1883),
        ...doorProperties,
        mappings: {
          type: "array",
          maxItems: 1024,
          default: [],
          description: "The first mapping whose topic fits is used; without one: quarantine",
          items: mapping,
        },
        decoders: {
          type: "array",
          maxItems: 64,
          default: [],
          description: "Conventions of vendors, asked in order where no mapping fits",
          items: decoder,
        },
        sources: {
          type: "array",
          maxItems: 16,
          default: [],
          description: "Brokers of somebody else that are listened to as well",
          items: source,
        },
      },
    },
    scanners: { type: "array", maxItems: 256, default: [], items: scannerSchema },
    modbus: { type: "array", maxItems: 64, default: [], items: modbus },
    lines: { type: "array", maxItems: 256, default: [], items: instrument },
    sensors: { type: "array", maxItems: 1024, default: [], items: sensorRule },
  },
} as const;
