/**
 * The archive room: which page goes into which folder, and which folder stands on which shelf.
 *
 * Each archive scanner has folders of its own, so that its operator knows where they stand. A
 * document stays together. Folders are filled to different degrees, as in a real archive.
 */
import type { Job, Station, Step } from "./acts.ts";
import { folder as folderLabel, type Label } from "./keys.ts";
import type { Prng } from "./prng.ts";
import type { Scenario } from "./scenario.ts";
import type { Shelf, World } from "./world.ts";

/** The pages of one document, as they lie in the operator's hand. */
export type Bundle = readonly Label[];

export type Filing = {
  /** Files what came in one envelope, at the scanner that is free first. */
  file(bundles: readonly Bundle[], received: Job, readyMs: number, haste: number): readonly Job[];
  /** Folders change shelves and documents change folders, without anything new coming in. */
  tidyUp(reshelves: number, refiles: number, readyMs: number): readonly Job[];
};

type Folder = {
  readonly label: Label;
  readonly pagesMax: number;
  readonly bundles: Bundle[];
  /** Where it belongs, and where it stood last; a new folder has stood nowhere yet. */
  shelf: Shelf;
  stood: Shelf | undefined;
};

type Desk = { readonly station: Station; readonly open: Folder[]; readonly full: Folder[] };

export type FilingDeps = { readonly world: World; readonly prng: Prng };

export function createFiling(
  { world, prng }: FilingDeps,
  stations: readonly Station[],
  scenario: Scenario,
): Filing {
  const { archive } = scenario;
  const standing = new Map<Shelf, number>(world.shelves.map((shelf) => [shelf, 0]));
  const desks = stations.map((station): Desk => ({ station, open: [], full: [] }));
  /** A document that was moved once stays: a page that goes back and forth looks like a copied label. */
  const refiled = new Set<Bundle>();
  let folders = 0;

  function file(bundles: readonly Bundle[], received: Job, readyMs: number, haste: number): Job[] {
    const desk = freeFirst(desks);
    const byFolder = new Map<Folder, Bundle[]>();
    for (const bundle of bundles) {
      const folder = folderFor(desk, bundle);
      folder.bundles.push(bundle);
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), bundle]);
    }
    return [...byFolder].map(([folder, filed]) =>
      desk.station.plan([received], readyMs, chain(folder, filed.flat()), haste),
    );
  }

  function folderFor(desk: Desk, bundle: Bundle): Folder {
    while (desk.open.length < archive.openFoldersPerScanner) desk.open.push(newFolder());
    const at = prng.below(desk.open.length);
    const folder = desk.open[at] as Folder;
    if (pagesIn(folder) + bundle.length <= folder.pagesMax) return folder;
    desk.full.push(folder);
    const next = newFolder();
    desk.open[at] = next;
    return next;
  }

  function newFolder(): Folder {
    folders += 1;
    return {
      label: folderLabel(folders),
      pagesMax: Math.max(6, Math.round(archive.pagesPerFolder * prng.within([0.6, 1]))),
      bundles: [],
      shelf: shelfWithRoom(undefined),
      stood: undefined,
    };
  }

  /** Takes a place on a shelf. An archive that is full squeezes one more in where it is least tight. */
  function shelfWithRoom(other: Shelf | undefined): Shelf {
    const shelves = world.shelves.filter((shelf) => shelf !== other);
    const loose = shelves.filter((shelf) => load(shelf) < archive.foldersPerShelf);
    const [first, ...rest] = shelves;
    if (first === undefined) return other as Shelf;
    const chosen =
      loose.length > 0
        ? prng.pick(loose)
        : rest.reduce((a, b) => (load(b) < load(a) ? b : a), first);
    standing.set(chosen, load(chosen) + 1);
    return chosen;
  }

  const load = (shelf: Shelf): number => standing.get(shelf) ?? 0;

  /** Page, page, ..., folder, shelf, rack: each into the next. */
  function chain(folder: Folder, pages: readonly Label[]): Step[] {
    const { label, shelf, stood } = folder;
    const fetched = stood === undefined ? [{ thing: label, into: world.archive }] : [];
    const put = stood === shelf ? [] : [{ thing: label, into: shelf.label }];
    folder.stood = shelf;
    return [
      ...pages.map((page) => ({ label: page })),
      { label, moves: [...fetched, ...pages.map((page) => ({ thing: page, into: label }))] },
      { label: shelf.label, moves: put },
      { label: shelf.rack },
    ];
  }

  function reshelve({ station, open, full }: Desk, readyMs: number): Job | undefined {
    const folders = [...open, ...full].filter(({ stood }) => stood !== undefined);
    if (folders.length === 0 || world.shelves.length < 2) return undefined;
    const folder = prng.pick(folders);
    const from = folder.shelf;
    folder.shelf = shelfWithRoom(from);
    standing.set(from, load(from) - 1);
    return station.plan([], readyMs, chain(folder, []), 1);
  }

  function refile(desk: Desk, readyMs: number): Job | undefined {
    const from = [...desk.open, ...desk.full].filter(({ bundles }) => bundles.some(unmoved));
    if (from.length === 0) return undefined;
    const folder = prng.pick(from);
    const bundle = prng.pick(folder.bundles.filter(unmoved));
    const target = folderFor(desk, bundle);
    if (target === folder) return undefined;
    refiled.add(bundle);
    folder.bundles.splice(folder.bundles.indexOf(bundle), 1);
    target.bundles.push(bundle);
    return desk.station.plan([], readyMs, chain(target, bundle), 1);
  }

  const unmoved = (bundle: Bundle): boolean => !refiled.has(bundle);

  return {
    file,
    tidyUp(reshelves, refiles, readyMs) {
      const kinds = [
        ...Array.from({ length: reshelves }, () => reshelve),
        ...Array.from({ length: refiles }, () => refile),
      ];
      return kinds.map((act) => act(freeFirst(desks), readyMs)).filter((job) => job !== undefined);
    },
  };
}

function freeFirst(desks: readonly Desk[]): Desk {
  const [first, ...rest] = desks;
  if (first === undefined) throw new RangeError("an archive needs a scanner");
  return rest.reduce((a, b) => (b.station.freeMs() < a.station.freeMs() ? b : a), first);
}

function pagesIn({ bundles }: Folder): number {
  return bundles.reduce((sum, bundle) => sum + bundle.length, 0);
}
