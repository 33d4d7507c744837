/**
 * A scenario: the site, its people and devices, how much there is to do, and what goes wrong.
 * README.md of this folder explains each key. All problems of a file are reported at once.
 *
 * Durations under `day`, `hand` and `warmUp` are simulated time and shrink with --speed; those under
 * `pacing` are real time, because they are what the product on the other side can tell apart.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { DIALECTS } from "./dialects.ts";
import * as shape from "./shape.ts";

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const NAME = /^.{1,80}$/;
const share = shape.number(0, 1);
const seconds = shape.range(0, 86_400);

/** What an operator does with a scanner, and with it the step the scanner is set to. */
const role = shape.oneOf("print", "sign", "pack", "depart", "receive", "file");
export type Role = ReturnType<typeof role>;

const upsets = shape.record({
  bounceShare: shape.otherwise(share, 0),
  doubleReadShare: shape.otherwise(share, 0),
  noiseShare: shape.otherwise(share, 0),
  unplugShare: shape.otherwise(share, 0),
});
export type Upsets = ReturnType<typeof upsets>;
const CALM: Upsets = { bounceShare: 0, doubleReadShare: 0, noiseShare: 0, unplugShare: 0 };

const suffix = shape.oneOf("cr", "lf", "crlf", "stx-etx");
export type Suffix = ReturnType<typeof suffix>;

/** What the scanner is set to: plain, or how it waits for an answer. */
const profile = shape.oneOf(
  "plain",
  "zebra-ssi",
  "zebra-stx-etx",
  "honeywell-ack-nak",
  "honeywell-host-ack",
  "datalogic-ack-nak",
);
export type Profile = ReturnType<typeof profile>;

const scanner = shape.record({
  id: shape.text(ID),
  role,
  /** Where the scanner lies, for the roles print and sign. */
  desk: shape.otherwise(shape.text(/^[A-Z0-9-]{1,20}$/), undefined),
  operator: shape.text(NAME),
  suffix: shape.otherwise(suffix, "cr"),
  aim: shape.otherwise(shape.flag, true),
  /** Other than plain, it frames its scans itself, and `suffix` does not count. */
  profile: shape.otherwise(profile, "plain"),
  /** What the printer beside a print scanner prints on pages. */
  symbol: shape.otherwise(shape.oneOf("datamatrix", "qr"), "datamatrix"),
  upsets: shape.otherwise(upsets, undefined),
});
export type ScannerSpec = ReturnType<typeof scanner>;

const sensor = shape.record({
  id: shape.text(ID),
  kind: shape.oneOf("climate", "door", "power"),
  everySeconds: shape.number(0.05, 3_600),
  /** Whose way a climate sensor publishes in. */
  speaks: shape.otherwise(shape.oneOf(...DIALECTS), "own"),
  /** A device without a clock sends no source time. */
  clock: shape.otherwise(shape.flag, true),
  clockOffsetMs: shape.otherwise(shape.whole(-86_400_000, 86_400_000), 0),
  clockDriftPpm: shape.otherwise(shape.number(-100_000, 100_000), 0),
});
export type SensorSpec = ReturnType<typeof sensor>;

const scenario = shape.record({
  version: shape.oneOf(1),
  name: shape.text(NAME),
  gateway: shape.text(ID),
  site: shape.text(NAME),
  carrier: shape.text(ID),
  archive: shape.record({
    racks: shape.whole(1, 99),
    shelvesPerRack: shape.whole(1, 9),
    foldersPerShelf: shape.whole(1, 200),
    pagesPerFolder: shape.whole(1, 1_000),
    openFoldersPerScanner: shape.whole(1, 50),
  }),
  day: shape.record({
    pages: shape.whole(1, 100_000),
    worldDays: shape.whole(1, 1_000),
    pagesPerEnvelope: shape.range(1, 100),
    envelopeEverySeconds: seconds,
    transitSeconds: seconds,
    reshelvesPer100Pages: shape.number(0, 100),
    refilesPer100Pages: shape.number(0, 100),
  }),
  hand: shape.record({ scanMs: shape.range(0, 50_000), pauseMs: shape.range(0, 600_000) }),
  pacing: shape.record({
    scanMsMin: shape.number(1, 10_000),
    handoverMsMin: shape.number(50, 60_000),
    sameSymbolMsMin: shape.number(1_200, 60_000),
    settleMs: shape.number(0, 60_000),
  }),
  warmUp: shape.otherwise(
    shape.record({ pages: shape.whole(0, 1_000), haste: shape.number(1, 10_000) }),
    { pages: 0, haste: 1 },
  ),
  upsets: shape.otherwise(upsets, CALM),
  scanners: shape.list(scanner),
  climate: shape.record({
    curveMinutes: shape.number(0.1, 1_440),
    temperature: shape.range(-40, 60),
    humidity: shape.range(0, 100),
    doorEverySeconds: seconds,
    doorOpenSeconds: seconds,
  }),
  mqtt: shape.record({
    cutEverySeconds: shape.otherwise(seconds, undefined),
    retainOnReconnect: shape.otherwise(shape.flag, false),
  }),
  sensors: shape.list(sensor),
});
export type Scenario = ReturnType<typeof scenario>;

/** Wrong input of the person who runs the simulator; the message is for that person. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/** Throws ScenarioError with every problem of the file. `pages` replaces the file's pages of a day. */
export function readScenario(path: string, pages: number | undefined): Scenario {
  const problems: string[] = [];
  const read = scenario(parsed(path), "scenario", problems);
  problems.push(...contradictions(read));
  if (problems.length > 0)
    throw new ScenarioError([`${path} cannot be used:`, ...problems].join("\n  "));
  return pages === undefined ? read : { ...read, day: { ...read.day, pages } };
}

function parsed(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ScenarioError(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function contradictions({ scanners, sensors }: Scenario): readonly string[] {
  const problems: string[] = [];
  for (const { id, kind, speaks } of sensors)
    if (speaks !== "own" && kind !== "climate")
      problems.push(`scenario: ${id} is no climate sensor and speaks no ${speaks}`);
  const seen = new Set<string>();
  for (const { id } of [...scanners, ...sensors]) {
    if (seen.has(id)) problems.push(`scenario: two devices are called ${id}`);
    seen.add(id);
  }
  for (const wanted of ["print", "sign", "pack", "depart", "receive", "file"] as const)
    if (!scanners.some((each) => each.role === wanted))
      problems.push(`scenario.scanners: nobody does "${wanted}", so no page reaches the archive`);
  for (const { id, role, desk } of scanners)
    if ((role === "print" || role === "sign") && desk === undefined)
      problems.push(`scenario.scanners: ${id} does "${role}" and needs a desk`);
  return problems;
}
