/**
 * Plans the days: what is printed, signed, packed, sent, received and filed, by whom and in which
 * order. Pure: scenario and seed decide, so the same day can be lived again.
 *
 *   print desk ─► sign desk ─► pack ─► depart ··· carrier ··· receive ─► folder, shelf, rack
 *
 * The jobs of one scanner are done in the order of the plan, and a job waits for jobs that were
 * planned before it only, so no two operators ever wait for each other.
 */
import { createStation, type Job, type Station, type Step } from "./acts.ts";
import { type Bundle, createFiling } from "./filing.ts";
import { envelope, type Label, page } from "./keys.ts";
import { createPrng, type Prng } from "./prng.ts";
import type { Role, Scenario } from "./scenario.ts";
import { type Document, envelopeNumber, type World } from "./world.ts";

export type Planner = {
  /** To be asked for day 1, 2, 3, ... in this order. */
  day(day: number): readonly Job[];
};

export type PlannerDeps = { readonly world: World; readonly seed: number };

/** An envelope under way: what is in it, and the job that handed it to the carrier. */
type Shipment = {
  readonly envelope: Label;
  readonly bundles: readonly Bundle[];
  readonly departed: Job;
  readonly dueMs: number;
  readonly haste: number;
};

const AUDIT_MS = 60_000;

export function createPlanner({ world, seed }: PlannerDeps, scenario: Scenario): Planner {
  const stations = (role: Role) => stationsOf(scenario, seed, role);
  const [prints, signs, packs] = [stations("print"), stations("sign"), stations("pack")];
  const [departs, receives] = [stations("depart"), stations("receive")];
  const archive = createPrng(seed, "archive");
  const filing = createFiling({ world, prng: archive }, stations("file"), scenario);
  let envelopes = 0;
  let clockMs = 0;

  function day(number: number): readonly Job[] {
    const prng = createPrng(seed, `day-${number}/office`);
    const office: Job[] = [];
    const shipments: Shipment[] = [];
    const warmUpPages = number === 1 ? scenario.warmUp.pages : 0;
    let pages = 0;
    for (const documents of envelopesOf(world.documents(number), prng, scenario, warmUpPages)) {
      const haste = pages < warmUpPages ? scenario.warmUp.haste : 1;
      pages += documents.reduce((sum, { pageSerials }) => sum + pageSerials.length, 0);
      const { jobs, shipment } = officeWork(documents, prng, haste);
      office.push(...jobs);
      shipments.push(shipment);
      clockMs += (prng.within(scenario.day.envelopeEverySeconds) * 1_000) / haste;
    }
    const jobs = pages === 0 ? audit() : [...office, ...archiveWork(shipments)];
    return jobs.toSorted((a, b) => a.startMs - b.startMs);
  }

  function officeWork(documents: readonly Document[], prng: Prng, haste: number) {
    const turn = envelopes++;
    const [print, sign] = [inTurn(prints, turn), inTurn(signs, turn)];
    const number = envelopeNumber(seed, turn);
    const paper = envelope(number);
    const bundles = documents.map(({ pageSerials }) =>
      pageSerials.map((serial) => page(serial, print.scanner.symbol)),
    );
    const pages = bundles.flat();
    const printed = print.plan([], clockMs, onto(deskOf(print), [...pages, paper]), haste);
    const signed = sign.plan([printed], printed.endMs, onto(deskOf(sign), pages), haste);
    const filled = { label: paper, moves: pages.map((thing) => ({ thing, into: paper })) };
    const inside = [...pages.map((label) => ({ label })), filled];
    const packed = inTurn(packs, turn).plan([signed], signed.endMs, inside, haste);
    const gone = { label: paper, moves: [{ thing: paper, into: { carrier: scenario.carrier } }] };
    const departed = inTurn(departs, turn).plan([packed], packed.endMs, [gone], haste);
    const underwayMs = (prng.within(scenario.day.transitSeconds) * 1_000) / haste;
    const dueMs = departed.endMs + underwayMs;
    const shipment: Shipment = { envelope: paper, bundles, departed, dueMs, haste };
    return { jobs: [printed, signed, packed, departed], shipment };
  }

  /** Envelopes come in as the carrier brings them, not as they were sent. */
  function archiveWork(shipments: readonly Shipment[]): readonly Job[] {
    const jobs: Job[] = [];
    let owed = { reshelves: 0, refiles: 0 };
    for (const [turn, shipment] of shipments.toSorted((a, b) => a.dueMs - b.dueMs).entries()) {
      const { envelope: paper, bundles, departed, dueMs, haste } = shipment;
      const arrived = { label: paper, moves: [{ thing: paper, into: world.archive }] };
      const received = inTurn(receives, turn).plan([departed], dueMs, [arrived], haste);
      jobs.push(received, ...filing.file(bundles, received, received.endMs, haste));
      owed = addChores(owed, bundles.flat().length);
      const [reshelves, refiles] = [Math.floor(owed.reshelves), Math.floor(owed.refiles)];
      jobs.push(...filing.tidyUp(reshelves, refiles, received.endMs));
      owed = { reshelves: owed.reshelves - reshelves, refiles: owed.refiles - refiles };
    }
    return jobs;
  }

  function addChores(owed: { reshelves: number; refiles: number }, pages: number) {
    const { reshelvesPer100Pages, refilesPer100Pages } = scenario.day;
    return {
      reshelves: owed.reshelves + (pages * reshelvesPer100Pages) / 100,
      refiles: owed.refiles + (pages * refilesPer100Pages) / 100,
    };
  }

  /** No paper is left in this world, but the archive lives on: a day of putting things in order. */
  function audit(): readonly Job[] {
    const chores = addChores({ reshelves: 1, refiles: 1 }, scenario.day.pages);
    const startMs = clockMs;
    clockMs += AUDIT_MS;
    return filing.tidyUp(Math.ceil(chores.reshelves), Math.ceil(chores.refiles), startMs);
  }

  function deskOf({ scanner }: Station): Label {
    const desk = world.desks.get(scanner.desk ?? "");
    if (desk === undefined) throw new RangeError(`${scanner.id} has no desk`);
    return desk;
  }

  return { day };
}

/** What goes into one envelope: whole documents, until it is as thick as it should be. */
function envelopesOf(
  documents: readonly Document[],
  prng: Prng,
  { day }: Scenario,
  warmUpPages: number,
): readonly (readonly Document[])[] {
  const envelopes: Document[][] = [];
  let pages = 0;
  let room = 0;
  for (const document of documents) {
    if (room <= 0) {
      envelopes.push([]);
      // In the warm-up two thick envelopes: the second is printed while the first is signed.
      room = pages < warmUpPages ? warmUpPages / 2 : prng.wholeWithin(day.pagesPerEnvelope);
    }
    envelopes.at(-1)?.push(document);
    pages += document.pageSerials.length;
    room -= document.pageSerials.length;
  }
  return envelopes;
}

/** Place first, then what lies there: the order of the step inspecting. */
function onto(desk: Label, things: readonly Label[]): readonly Step[] {
  const laid = things.map((thing) => ({ label: thing, moves: [{ thing, into: desk }] }));
  return [{ label: desk }, ...laid];
}

function stationsOf(scenario: Scenario, seed: number, role: Role): readonly Station[] {
  return scenario.scanners
    .filter((scanner) => scanner.role === role)
    .map((scanner) =>
      createStation(scanner, createPrng(seed, `scanner/${scanner.id}`), {
        ...scenario.hand,
        upsets: scanner.upsets ?? scenario.upsets,
      }),
    );
}

function inTurn(stations: readonly Station[], turn: number): Station {
  const station = stations[turn % stations.length];
  if (station === undefined) throw new RangeError("a role without a scanner");
  return station;
}
