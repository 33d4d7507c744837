/**
 * One scanner of the gateway's configuration as JSON Schema; config-schema.ts says what such a schema is
 * for. What has no default here has that of the scanner's profile (src/devices/scanners/profile.ts).
 */
export const name = (what: string) => ({
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
  description: `${what}: letters, digits, dot, dash, underscore and colon, at most 64 characters`,
});

const character = (what: string) => ({
  type: "integer",
  minimum: 0,
  maximum: 255,
  description: `Character, as a number, ${what}`,
});

const framing = {
  type: "object",
  description: "How the scanner tells where a scan ends; the profile knows the usual way",
  discriminator: { propertyName: "kind" },
  required: ["kind"],
  oneOf: [
    {
      additionalProperties: false,
      required: ["kind", "delimiter"],
      properties: {
        kind: { const: "delimiter" },
        delimiter: {
          enum: ["cr", "lf", "crlf", "any", "tab", "etx"],
          description: "What ends a scan: cr, lf, crlf, or any of these three; tab or etx",
        },
      },
    },
    {
      additionalProperties: false,
      required: ["kind"],
      properties: { kind: { const: "stx-etx" } },
    },
    {
      additionalProperties: false,
      required: ["kind", "bytes"],
      properties: {
        kind: { const: "length" },
        bytes: {
          type: "integer",
          minimum: 1,
          maximum: 512,
          description: "Bytes of each scan, where nothing stands around them",
        },
      },
    },
    {
      additionalProperties: false,
      required: ["kind", "gapMs"],
      properties: {
        kind: { const: "gap" },
        gapMs: {
          type: "integer",
          minimum: 5,
          maximum: 5000,
          description: "Silence that ends a scan, in ms; USB adapters need 20 or more",
        },
      },
    },
  ],
} as const;

export const scannerSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "path"],
  properties: {
    id: name("Name of the scanner"),
    path: {
      type: "string",
      minLength: 1,
      maxLength: 4096,
      description:
        "Device path, such as /dev/serial/by-id/... (stays the same when the plug moves), or /dev/serial/by-path/... for two scanners that are told apart by nothing else; tcp://HOST:PORT of a serial device server, or rfc2217://HOST:PORT of one that can be set up over the network; /dev/input/by-id/...-event-kbd for the profile hid",
    },
    profile: {
      enum: [
        "generic",
        "zebra",
        "zebra-stx-etx",
        "zebra-ssi",
        "honeywell",
        "honeywell-ack-nak",
        "honeywell-host-ack",
        "datalogic",
        "datalogic-ack-nak",
        "datalogic-display",
        "hid",
      ],
      default: "generic",
      description:
        "What the scanner is set to: plain (generic, zebra, honeywell, datalogic), with an acknowledgement after the scan is on disk (zebra-stx-etx, zebra-ssi, honeywell-ack-nak, honeywell-host-ack, datalogic-ack-nak, and datalogic-display for a PowerScan with a display whose cradle is set to ACK from host), or a keyboard (hid)",
    },
    baudRate: {
      type: "integer",
      minimum: 50,
      maximum: 4000000,
      description: "Baud; 9600 if left out",
    },
    dataBits: { enum: [7, 8], description: "8 if left out; 7 with zebra-stx-etx" },
    parity: {
      enum: ["none", "even", "odd"],
      description: "none if left out; even with zebra-stx-etx",
    },
    stopBits: { enum: [1, 2], description: "1 if left out" },
    flowControl: {
      enum: ["none", "hardware", "software"],
      description:
        "hardware: RTS/CTS, as SSI on a serial cable expects it; software: XON/XOFF; none if left out",
    },
    settleMs: {
      type: "integer",
      minimum: 0,
      maximum: 5000,
      default: 0,
      description:
        "What arrives so soon after the port was opened is noise: some adapters say something then",
    },
    framing,
    frameBytesMax: {
      type: "integer",
      minimum: 8,
      maximum: 32768,
      default: 512,
      description:
        "A longer scan is noise: it is dropped up to the next end of a scan, and counted",
    },
    aim: {
      type: "boolean",
      default: true,
      description: "Whether the scanner sends AIM identifiers such as ]C1 before each scan",
    },
    codeId: {
      enum: ["none", "symbol"],
      default: "none",
      description:
        "symbol: the scanner sends a code identifier of Zebra/Symbol, such as K for GS1-128, before each scan",
    },
    separator: {
      type: "string",
      maxLength: 8,
      default: "",
      description:
        'What the scanner is set to send in place of the GS1 separator (GS, 1D hex), such as | or {GS}; "" when it sends GS itself',
    },
    unmarked: {
      enum: ["gs1", "plain"],
      description:
        "What a scan is that comes without any identifier: GS1 element strings, or plain",
    },
    beep: character(
      "sent after each scan that is on disk, to a plain scanner that beeps on it: 7 (BEL) for Zebra, 66 (B) for Datalogic",
    ),
    enquireMs: {
      type: "integer",
      minimum: 100,
      maximum: 9000,
      description:
        "How often the scanner is invited to send, with ENQ (05h), in ms; for Zebra software handshaking ENQ or ACK/NAK with ENQ. Less than the host serial response time-out that is set in the scanner: 500 suits its usual 2 s. While the gateway cannot keep a scan it does not invite, and the scanner sounds its error",
    },
    answer: {
      type: "object",
      additionalProperties: false,
      description:
        "How a scanner that waits for an answer is answered; the profile knows the usual way",
      properties: {
        ack: character("that says: kept; 6 (ACK) if left out"),
        nak: character("that says: not kept; 21 (NAK) if left out"),
        warning: character(
          "that says: kept, but the twin objects. Sent in place of the ACK character, such as 7 (BEL) for Metrologic; with datalogic-ack-nak after it, 70 (F, not on file) if left out",
        ),
        timeoutMs: {
          type: "integer",
          minimum: 200,
          maximum: 60000,
          description:
            "How long the scanner waits for its answer, in ms, as it is set in the scanner; 2000 if left out, 10000 with honeywell-host-ack",
        },
        verdictMs: {
          type: "integer",
          minimum: 0,
          maximum: 10000,
          description:
            "How long a good tone waits for the twin's word, in ms; 0: it never waits; 400 if left out",
        },
      },
    },
  },
} as const;
