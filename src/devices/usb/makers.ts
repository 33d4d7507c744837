/**
 * Whose device it is, by the number of its USB vendor, and how such a device is usually set up.
 *
 * Source: usb.ids. The same makers stand in deploy/99-racktrace.rules.
 */
import type { ProfileName } from "../scanners/profile.ts";

export type Suggestion = {
  readonly maker: string;
  /** Undefined: what hangs on this adapter cannot be known from here. */
  readonly profile: ProfileName | undefined;
  /** The profile whose good tone means "saved", once the scanner is set to it. */
  readonly acknowledged: ProfileName | undefined;
};

type Maker = readonly [maker: string, profile?: ProfileName, acknowledged?: ProfileName];

const MAKERS: Readonly<Record<string, Maker>> = {
  "05e0": ["Zebra (Symbol)", "zebra", "zebra-ssi"],
  "0c2e": ["Honeywell (Metrologic)", "honeywell", "honeywell-host-ack"],
  "0536": ["Honeywell (Hand Held Products)", "honeywell", "honeywell-host-ack"],
  "05f9": ["Datalogic (PSC)", "datalogic", "datalogic-ack-nak"],
  "1eab": ["Newland", "generic"],
  "065a": ["Opticon", "generic"],
  "0403": ["FTDI adapter"],
  "10c4": ["Silicon Labs CP210x adapter"],
  "067b": ["Prolific PL2303 adapter"],
  "1a86": ["WCH CH340 adapter"],
  "0557": ["ATEN adapter"],
  "110a": ["Moxa adapter"],
  "2341": ["Arduino"],
};

/** brltty takes adapters with these chips for Braille displays. */
export const TAKEN_BY_BRLTTY: ReadonlySet<string> = new Set(["0403", "10c4", "1a86"]);

export function suggestionFor(
  vendorId: string | undefined,
  kind: "serial" | "keyboard",
): Suggestion | undefined {
  const [maker, profile, acknowledged] = MAKERS[vendorId ?? ""] ?? [];
  if (maker === undefined) return undefined;
  if (kind === "keyboard")
    return profile && { maker, profile: "hid" as const, acknowledged: undefined };
  return { maker, profile, acknowledged };
}
