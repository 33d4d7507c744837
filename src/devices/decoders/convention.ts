/**
 * What a vendor's MQTT convention is to the gateway: a pure function from one message, and what the
 * same convention remembered of earlier ones, to readings, news of devices, and things to remember.
 *
 * Nothing is kept in here: memory goes in and comes out as values, so that a test, or a gateway that
 * started anew, can hand over any past.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";

export type DecoderName =
  | "tasmota"
  | "zigbee2mqtt"
  | "shelly"
  | "esphome"
  | "homeassistant"
  | "senml"
  | "sparkplug"
  | "chirpstack"
  | "ttn";

/** What a name in a payload stands for, where the vendor's own names do not say it. */
export type NamedReading = {
  /** As the payload has it; levels are parted by dots. */
  readonly name: string;
  readonly property: string;
  /** UCUM code. */
  readonly unit: string;
  /** The source leaves zeros out (protobuf): a message without this name says 0. */
  readonly absentIsZero?: boolean | undefined;
};

export type DecoderSetting = {
  readonly decoder: DecoderName;
  /** The first levels of the convention's topics, where they are not the usual ones. */
  readonly base?: string | undefined;
  /** Of a device whose clock tells local time without a zone, such as +03:00. */
  readonly utcOffset?: string | undefined;
  /** Name of the host that Sparkplug's edge nodes look for. */
  readonly host?: string | undefined;
  readonly readings?: readonly NamedReading[] | undefined;
};

export type Message = {
  readonly topic: string;
  readonly bytes: Uint8Array;
  /** Undefined when the bytes are not UTF-8. */
  readonly text: string | undefined;
  /** The gateway's wall clock. */
  readonly atMs: number;
};

/** Readings of one device at one moment. */
export type Report = {
  readonly device: string;
  readonly readings: readonly Reading[];
  /** The device's own claim; undefined when it makes none, or its clock was never set. */
  readonly sourceTimeMs: number | undefined;
  /** Names the message among those of its topic, so that a repetition is known. */
  readonly id: string | undefined;
  /** The source kept them while it could not send: they tell what was, and nothing of now. */
  readonly past?: boolean | undefined;
};

/** The source says that a device is there, or is not. */
export type DeviceNews = {
  readonly device: string;
  readonly state: "open" | "absent";
  readonly reason: string;
};

/** What a convention keeps of the past, by kind. */
export type Memory =
  | { readonly kind: "entities"; readonly entities: readonly Entity[] }
  | { readonly kind: "provisioned"; readonly keys: readonly string[] }
  | { readonly kind: "sleeper" }
  | EdgeNode;

/** A value that a discovery message described. */
export type Entity = {
  /** Topic of the discovery message, and the component's name in it. */
  readonly origin: string;
  readonly device: string;
  readonly property: string;
  readonly unit: string;
  /** Where in a JSON payload the value is; undefined: it is the whole payload. */
  readonly path: readonly string[] | undefined;
  /** Payloads of a binary sensor. */
  readonly on: string | undefined;
  readonly off: string | undefined;
  /** The state topic tells whether the device is there, and no value. */
  readonly availability: boolean;
};

/** A Sparkplug edge node since its birth. */
export type EdgeNode = {
  readonly kind: "edge-node";
  /** Number of the session, as birth and death name it; undefined when they do not. */
  readonly session: number | undefined;
  /** Of the last message, 0 to 255. */
  readonly seq: number;
  /** Metrics as their birth described them, by `#alias` and by `device name`. */
  readonly metrics: ReadonlyMap<string, BornMetric>;
  readonly devices: readonly string[];
  /** False: a rebirth was asked for, and until it comes aliases are not to be trusted. */
  readonly trusted: boolean;
  readonly askedAtMs: number | undefined;
};

export type BornMetric = {
  readonly device: string;
  readonly name: string;
  readonly datatype: number;
  readonly unit: string | undefined;
};

export type Recall = (key: string) => Memory | undefined;

/** Something to say back to the device. */
export type Ask = { readonly topic: string; readonly bytes: Uint8Array };

export type Meaning =
  | {
      readonly ok: true;
      readonly reports: readonly Report[];
      readonly news: readonly DeviceNews[];
      /** Values without a known meaning or unit, each with its reason. */
      readonly unread: readonly string[];
      readonly remember: readonly (readonly [key: string, memory: Memory | undefined])[];
      readonly ask: readonly Ask[];
    }
  | {
      readonly ok: false;
      readonly why: string;
      readonly remember: readonly (readonly [key: string, memory: Memory | undefined])[];
      readonly ask: readonly Ask[];
    };

export type Convention = {
  /** Whether messages under the topic are of this convention. */
  owns(topic: string): boolean;
  decode(message: Message, recall: Recall): Meaning;
};

type Parts = Partial<Omit<Extract<Meaning, { ok: true }>, "ok">>;

export function meaning(parts: Parts): Meaning {
  return { ok: true, reports: [], news: [], unread: [], remember: [], ask: [], ...parts };
}

/** Understood, and it measures nothing. */
export const NOTHING: Meaning = meaning({});

export function unclear(
  why: string,
  parts: Partial<Pick<Meaning, "remember" | "ask">> = {},
): Meaning {
  return { ok: false, why, remember: [], ask: [], ...parts };
}

/** The device is there or not, in the words of the source. */
export function presence(device: string, there: boolean, reason: string): Meaning {
  return meaning({ news: [{ device, state: there ? "open" : "absent", reason }] });
}
