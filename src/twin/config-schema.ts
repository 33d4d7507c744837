/**
 * The twin's configuration as JSON Schema draft-07, so that editors complete it and explain each
 * key. deploy/twin.schema.json is this value as a file; a test compares the two.
 *
 * Policies have no defaults here: what is left out is for the reconciliation to say.
 */
import { type BrokerConfig, brokerSchema } from "./broker-config.ts";
import { type HttpConfig, httpSchema } from "./http-config.ts";
import { type LabelConfig, labelsSchema } from "./label-config.ts";

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

const amount = (what: string) => ({
  type: "number",
  minimum: 0,
  maximum: 1_000_000,
  description: what,
});

const documentLevel = {
  enum: ["none", "received", "tracked"],
  description: "none; received: whether it is in debt; tracked: every page and every move",
} as const;

const policies = {
  type: "object",
  additionalProperties: false,
  default: {},
  description: "What this warehouse decides for itself; a kind without its policy is never raised",
  properties: {
    sameSymbolWindowMs: amount("Two reads of one label within this time are one read"),
    sessionTimeoutSeconds: amount("A scanner silent for longer begins a new session"),
    scanOrderDefault: {
      enum: ["item-first", "container-first"],
      description: "Order of scans where neither step nor scanner says it",
    },
    minTravelHours: {
      type: "object",
      additionalProperties: amount("Hours between two sites"),
      description: 'Least hours from site to site, by their names: { "Moscow-Vladivostok": 9 }',
    },
    deliveredNotReceivedHours: amount("Hours until a delivered envelope must be received"),
    transitOverdueHours: amount("Hours until a thing in transit is overdue"),
    custodyGapHours: amount("Hours that a thing may be in nobody's hands"),
    duplicateWindowHours: amount("Window in which a label going to and fro is a duplicate"),
    presumedAfterDays: amount("Days without being seen after which a place is presumed"),
    undoWindowSeconds: amount("Seconds in which UNDO reaches the last event"),
    clockUncertaintySeconds: amount("Times of different gateways closer than this have no order"),
    clockSkewToleranceSeconds: amount("A gateway's clock further off than this is corrected"),
    debtEvidence: {
      enum: ["observed", "inferred"],
      description: "What clears a document's debt: observed or inferred",
    },
    archiveRoom: {
      type: "string",
      maxLength: 512,
      description: "Name or key of the room where documents are archived",
    },
    checkDocuments: {
      type: "boolean",
      description: "Whether documents whose pages are not together are told",
    },
    documentLevels: {
      type: "object",
      maxProperties: 1024,
      description:
        "How closely documents of a class are followed; * stands for classes that are not named",
      additionalProperties: {
        oneOf: [
          documentLevel,
          {
            type: "array",
            minItems: 1,
            maxItems: 64,
            description: "Levels for what was issued from a moment on, oldest first",
            items: {
              type: "object",
              additionalProperties: false,
              required: ["level"],
              properties: {
                level: documentLevel,
                from: {
                  type: "string",
                  pattern:
                    "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2})$",
                  description: "Since when, such as 2026-06-01T00:00:00Z",
                },
              },
            },
          },
        ],
      },
    },
    rankOrder: {
      type: "object",
      additionalProperties: { type: "integer", minimum: 0, maximum: 100 },
      description: "Rank of each kind of thing; the higher holds the lower",
    },
    allowedContainment: {
      type: "array",
      maxItems: 1024,
      description: "Pairs of kinds: what may be in what, as [child, parent]",
      items: { type: "array", items: { type: "string" }, minItems: 2, maxItems: 2 },
    },
  },
} as const;

export const twinSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "racktrace twin",
  type: "object",
  additionalProperties: false,
  required: ["version"],
  properties: {
    version: { const: 1, description: "Version of this form: 1" },
    data: {
      type: "string",
      minLength: 1,
      maxLength: 4096,
      default: ".racktrace/twin",
      description: "Folder for the evidence and what follows from it; it survives a power cut",
    },
    log: {
      enum: ["trace", "debug", "info", "warn", "error", "silent"],
      default: "info",
      description: "Least level that is logged: trace, debug, info, warn, error or silent",
    },
    http: httpSchema(host("HTTP"), port("page and API", 8780)),
    broker: brokerSchema(host("MQTT for gateways"), port("MQTT for gateways", 1884)),
    masterData: {
      type: "string",
      minLength: 1,
      maxLength: 4096,
      description: "File with places, kinds, people and documents; read at each start",
    },
    policies,
    labels: labelsSchema,
  },
} as const;

export type TwinConfig = {
  readonly version: 1;
  readonly data: string;
  readonly log: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  readonly http: HttpConfig;
  readonly broker: BrokerConfig;
  readonly masterData?: string;
  readonly policies: Readonly<Record<string, unknown>>;
  readonly labels: LabelConfig;
};
