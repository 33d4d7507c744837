/**
 * What stands still: site, rooms, desks, racks and shelves, the people, and the paper that will be
 * printed. Everything follows from scenario and seed, so that `world` can print the master data
 * before the first page exists.
 */
import {
  envelope,
  folder,
  folderTypeElement,
  type Label,
  pageElement,
  person,
  place,
} from "./keys.ts";
import { createPrng } from "./prng.ts";
import type { Role, ScannerSpec, Scenario } from "./scenario.ts";

export type Place = {
  readonly label: Label;
  readonly kind: "site" | "room" | "rack" | "shelf" | "desk";
  readonly name: string;
  readonly parent: Label | undefined;
};

export type Shelf = { readonly label: Label; readonly rack: Label };

export type Document = { readonly id: string; readonly pageSerials: readonly string[] };

export type World = {
  readonly seed: number;
  readonly places: readonly Place[];
  readonly archive: Label;
  readonly shelves: readonly Shelf[];
  /** By the name a scenario calls the desk. */
  readonly desks: ReadonlyMap<string, Label>;
  readonly operators: ReadonlyMap<string, Label>;
  /** The documents printed on a day, 1 being the first; none after the last day of the scenario. */
  documents(day: number): readonly Document[];
};

const SITE = place(10);
const BUILDING = 100;
const FIRST_PERSON = 77;
/** How often a consignment note has 1, 2, ... 6 pages. */
const PAGE_WEIGHTS = [20, 30, 22, 14, 9, 5];
/** Seeds do not share paper: a second run beside the first prints other documents. */
export const NUMBERS_PER_SEED = 100_000;
/** What fits into the nine digits of an envelope's serial reference. */
const ENVELOPE_NUMBERS = 1_000_000_000;

/** The serial reference of the n-th envelope of a run, from 0. */
export const envelopeNumber = (seed: number, at: number): number =>
  ((seed - 1) * NUMBERS_PER_SEED + at + 1) % ENVELOPE_NUMBERS;

/** What the step of a scanner is, for each thing an operator does with one. */
const STEPS: Readonly<Record<Role, string>> = {
  print: "inspecting",
  sign: "inspecting",
  pack: "packing",
  depart: "departing",
  receive: "receiving",
  file: "storing",
};

export function createWorld(scenario: Scenario, seed: number): World {
  const archive = room("ARCH", "Archive");
  const office = room("OFFICE", "Office");
  const mail = room("MAIL", "Mail room");
  const unpacking = desk("ARCH-DESK", archive);
  const desks = namesOf(scenario.scanners, ({ desk }) => desk).map((name) => desk(name, office));
  const { racks, shelves } = shelving(scenario, archive);
  const people = namesOf(scenario.scanners, ({ operator }) => operator);
  return {
    seed,
    places: [site(scenario), archive, office, mail, unpacking, ...desks, ...racks, ...shelves],
    archive: archive.label,
    shelves: shelves.map(({ label, parent }) => ({ label, rack: parent as Label })),
    desks: new Map(desks.map(({ name, label }) => [name, label])),
    operators: new Map(people.map((name, at) => [name, person(FIRST_PERSON + at)])),
    documents: (day) => documents(scenario, seed, day),
  };
}

/** The format of the twin's master data file, for all that can be scanned in this scenario. */
export function masterData(scenario: Scenario, world: World): unknown {
  const days = Array.from({ length: scenario.day.worldDays }, (_, index) => index + 1);
  const made = days.flatMap(world.documents);
  // More labels than will be used: a folder or an envelope holds at least one document.
  const folders = made.map((_, at) => folder(at + 1));
  const envelopes = made.map((_, at) => envelope(envelopeNumber(world.seed, at)));
  return {
    version: 1,
    places: world.places.map(({ label, kind, name, parent }) => ({
      id: label.element,
      kind,
      name,
      ...(parent === undefined ? {} : { parent: parent.element }),
    })),
    assetTypes: [{ id: folderTypeElement(), kind: "folder" }],
    gateways: [
      {
        id: scenario.gateway,
        site: SITE.element,
        defaultPlace: world.archive.element,
        unpackingPlace: inBuilding("ARCH-DESK").element,
      },
    ],
    scanners: scenario.scanners.map(({ id, role, operator }) => ({
      gateway: scenario.gateway,
      id,
      step: STEPS[role],
      order: "item-first",
      operator: world.operators.get(operator)?.element,
    })),
    persons: [...world.operators].map(([name, { element }]) => ({ id: element, name })),
    things: [
      ...folders.map(({ element }) => ({ id: element, kind: "folder" })),
      ...envelopes.map(({ element }) => ({ id: element, kind: "envelope" })),
    ],
    documents: made.map(({ id, pageSerials }) => ({
      id,
      class: "consignment-note",
      pages: pageSerials.map(pageElement),
    })),
  };
}

function documents(scenario: Scenario, seed: number, day: number): readonly Document[] {
  const { pages, worldDays } = scenario.day;
  if (day > worldDays) return [];
  const prng = createPrng(seed, `day-${day}/documents`);
  const made: Document[] = [];
  for (let left = pages; left > 0; ) {
    const size = Math.min(left, 1 + prng.weighted(PAGE_WEIGHTS));
    const number = (seed - 1) * NUMBERS_PER_SEED + (day - 1) * pages + made.length + 1;
    const id = `N${String(number).padStart(5, "0")}`;
    const serials = Array.from(
      { length: size },
      (_, at) => `${id}P${String(at + 1).padStart(2, "0")}`,
    );
    made.push({ id, pageSerials: serials });
    left -= size;
  }
  return made;
}

function shelving(scenario: Scenario, room: Place): { racks: Place[]; shelves: Place[] } {
  const { racks, shelvesPerRack } = scenario.archive;
  const made = Array.from({ length: racks }, (_, at): Place => {
    const name = `R${String(at + 1).padStart(2, "0")}`;
    return { label: inBuilding(name), kind: "rack", name: `Rack ${name}`, parent: room.label };
  });
  const shelves = made.flatMap(({ label, name }) =>
    Array.from({ length: shelvesPerRack }, (_, at): Place => {
      const extension = `${name.slice("Rack ".length)}-S${at + 1}`;
      const shelf = inBuilding(extension);
      return { label: shelf, kind: "shelf", name: `Shelf ${extension}`, parent: label };
    }),
  );
  return { racks: made, shelves };
}

function site({ site: name }: Scenario): Place {
  return { label: SITE, kind: "site", name, parent: undefined };
}

function room(extension: string, name: string): Place {
  return { label: inBuilding(extension), kind: "room", name, parent: SITE };
}

function desk(name: string, room: Place): Place {
  return { label: inBuilding(name), kind: "desk", name, parent: room.label };
}

const inBuilding = (extension: string): Label => place(BUILDING, extension);

function namesOf(
  scanners: readonly ScannerSpec[],
  name: (scanner: ScannerSpec) => string | undefined,
): readonly string[] {
  return [...new Set(scanners.map(name).filter((each) => each !== undefined))];
}
