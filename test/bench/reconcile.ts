/**
 * What reconciling costs in a warehouse of many pages: scans a second with every batch of evidence
 * on stable storage first, a scan that comes late, and a box moved with all that is in it.
 *
 * `--pages N` is the size of the warehouse, `--scans N` how many scans are measured, `--locality`
 * `document` (the pages of a document follow one another, then folder, shelf, rack) or `random`
 * (any pages) measures only that.
 */
import type { Bench, Figure } from "./figures.ts";
import {
  code,
  createGateways,
  type Delivery,
  flag,
  GATEWAYS,
  loadMasterData,
  openTwin,
  PAGES_A_DOCUMENT,
  PAGES_A_FOLDER,
  progress,
  quantile,
  rackOf,
  type Scan,
  STARTED_MS,
  shelfOf,
  shuffled,
  type Twin,
  temporaryFolder,
} from "./stock.ts";

const SCAN_MS = 20;
const LATE_SCANS = 500;
const MOVES = 50;

type Locality = "document" | "random";

export const bench: Bench = {
  run() {
    const pages = Number(flag("pages") ?? 1_000_000);
    const scans = Number(flag("scans") ?? Math.min(400_000, pages));
    const only = flag("locality") as Locality | undefined;
    const boxed = Math.min(1_000_000, pages);
    const folder = temporaryFolder();
    try {
      const twin = openTwin(folder.path);
      const total = pages + boxed;
      loadMasterData(twin, { pages: total, folders: total / PAGES_A_FOLDER, boxes: 1 });
      const gateways = createGateways(STARTED_MS + 60_000);
      fill(twin, gateways, { pages, boxed });
      const figures: Figure[] = [{ name: "pages in the warehouse", value: total, unit: "" }];
      if (only !== "random") figures.push(...file(twin, gateways, "document", { pages, scans }));
      if (only !== "document") figures.push(...file(twin, gateways, "random", { pages, scans }));
      figures.push(...late(twin, gateways, pages), ...moveBox(twin, gateways, boxed));
      twin.close();
      return Promise.resolve(figures);
    } finally {
      folder.remove();
    }
  },
};

type Gateways = ReturnType<typeof createGateways>;

/** All pages lie on a desk, but for those of the box: they are in folders, and those are in it. */
function fill(
  twin: Twin,
  gateways: Gateways,
  { pages, boxed }: { readonly pages: number; readonly boxed: number },
): void {
  const tell = progress("pages scanned", pages + boxed);
  const send = (must: boolean) => {
    const delivery = gateways.deliver(must);
    if (delivery === undefined) return;
    twin.take(delivery);
    twin.derive();
  };
  for (let page = 0; page < pages; page++) {
    gateways.scan(page % GATEWAYS, { scanner: "print", code: code.page(page) });
    gateways.pass(SCAN_MS);
    send(false);
    if (page % 1024 === 0) tell(page);
  }
  for (let page = pages; page < pages + boxed; page += PAGES_A_FOLDER) {
    const folder = page / PAGES_A_FOLDER;
    const codes = Array.from({ length: PAGES_A_FOLDER }, (_, i) => code.page(page + i));
    for (const one of [...codes, code.folder(folder), code.box(0)]) {
      gateways.scan(folder % GATEWAYS, { scanner: "file", code: one });
      gateways.pass(SCAN_MS);
    }
    send(false);
    tell(page);
  }
  send(true);
}

/** Documents go from the desk into folders: five pages, then where they are. */
function file(
  twin: Twin,
  gateways: Gateways,
  locality: Locality,
  { pages, scans }: { readonly pages: number; readonly scans: number },
): readonly Figure[] {
  const half = Math.floor(pages / 2 / PAGES_A_FOLDER) * PAGES_A_FOLDER;
  const pageAt = shuffled(half);
  const documentAt = shuffled(half / PAGES_A_DOCUMENT);
  const deliveries: Delivery[] = [];
  let made = 0;
  const collect = (must: boolean) => {
    const delivery = gateways.deliver(must);
    if (delivery !== undefined) deliveries.push(delivery);
  };
  // Each half of the desk is filed once: one for each locality.
  const documents = Math.min(Math.floor(scans / 8), half / PAGES_A_DOCUMENT);
  for (let i = 0; i < documents; i++) {
    const first = documentAt(i) * PAGES_A_DOCUMENT;
    const here = Array.from({ length: PAGES_A_DOCUMENT }, (_, n) =>
      locality === "document" ? first + n : half + pageAt(i * PAGES_A_DOCUMENT + n),
    );
    const folder = Math.floor((locality === "document" ? first : (here[0] ?? 0)) / PAGES_A_FOLDER);
    const shelf = shelfOf(folder);
    const places = [code.folder(folder), code.shelf(shelf), code.rack(rackOf(shelf))];
    for (const one of [...here.map(code.page), ...places]) {
      const scan: Scan = { scanner: "file", code: one };
      gateways.scan(i % GATEWAYS, scan);
      gateways.pass(SCAN_MS);
      made += 1;
    }
    collect(false);
  }
  collect(true);
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  for (const delivery of deliveries) {
    twin.take(delivery);
    twin.derive();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const name = locality === "document" ? "a document's pages together" : "random pages";
  const goal = locality === "document" ? ">= 50,000" : ">= 20,000";
  return [
    { name: `scans reconciled, ${name}`, value: made / seconds, unit: "scans/s", goal },
    {
      name: `scans reconciled, ${name}: a second of processor time`,
      value: (made * 1e6) / (user + system),
      unit: "scans",
    },
  ];
}

/** A gateway that was away brings scans from between the pages' other scans. */
function late(twin: Twin, gateways: Gateways, pages: number): readonly Figure[] {
  const pageAt = shuffled(pages);
  const stepMs = (gateways.nowMs() - STARTED_MS) / 2 / LATE_SCANS;
  const firstMs = gateways.nowMs() - LATE_SCANS * stepMs;
  const tookMs: number[] = [];
  for (let i = 0; i < LATE_SCANS; i++) {
    gateways.scan(GATEWAYS, { scanner: "sign", code: code.page(pageAt(i)) }, firstMs + i * 40_000);
    deliver(twin, gateways);
    const startedMs = performance.now();
    twin.derive();
    tookMs.push(performance.now() - startedMs);
  }
  return [
    { name: "a late scan, p50", value: quantile(tookMs, 0.5), unit: "ms" },
    { name: "a late scan, p99", value: quantile(tookMs, 0.99), unit: "ms" },
  ];
}

function moveBox(twin: Twin, gateways: Gateways, boxed: number): readonly Figure[] {
  const { db } = twin.derived;
  const links = db.prepare<[], number>("SELECT count(*) FROM link").pluck();
  const tookMs: number[] = [];
  const before = links.get() ?? 0;
  for (let i = 0; i < MOVES; i++) {
    gateways.pass(60_000);
    gateways.scan(0, { scanner: "file", code: code.box(0) });
    gateways.pass(SCAN_MS);
    gateways.scan(0, { scanner: "file", code: code.shelf(i % 2) });
    deliver(twin, gateways);
    const startedMs = performance.now();
    twin.derive();
    tookMs.push(performance.now() - startedMs);
  }
  const rows = ((links.get() ?? 0) - before) / MOVES;
  return [
    { name: "a box moved: things in it", value: boxed + boxed / PAGES_A_FOLDER, unit: "" },
    { name: "a box moved: rows of residence", value: rows, unit: "", goal: "= 1" },
    { name: "a box moved, p50", value: quantile(tookMs, 0.5), unit: "ms" },
    { name: "a box moved, p99", value: quantile(tookMs, 0.99), unit: "ms", goal: "< 5" },
  ];
}

function deliver(twin: Twin, gateways: Gateways): void {
  const delivery = gateways.deliver(true);
  if (delivery !== undefined) twin.take(delivery);
}
