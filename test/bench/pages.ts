/**
 * Many pages with a life behind them (printed, signed, gathered, filed: up to four moves each): how
 * long questions take, how many bytes a page costs at rest, and how fast all is derived again.
 *
 * `--count N` is the number of pages, `--moves N` how many moves each has made (4), `--rebuild N` how
 * many events are derived again (all). `--folder DIR` keeps what was built, and when it holds pages
 * already only asks about them. Each round of questions runs in a process of its own. Cold is its
 * first round: nothing in the process's memory, and nothing in the kernel's when the bench may empty
 * that (root, /proc/sys/vm/drop_caches); warm is the second round over the same kind of pages.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openAnswers } from "../../src/store/answers.ts";
import { openReader } from "../../src/store/database.ts";
import type { Bench, Figure } from "./figures.ts";
import {
  code,
  createGateways,
  flag,
  GATEWAYS,
  idOf,
  loadMasterData,
  openTwin,
  PAGES_A_DOCUMENT,
  PAGES_A_FOLDER,
  progress,
  quantile,
  rackOf,
  rebuild,
  STARTED_MS,
  shelfOf,
  temporaryFolder,
} from "./stock.ts";

const SCAN_MS = 20;
const QUESTIONS = 2_000;
const BUILT_FILE = "built.json";
const DESKS = ["print", "sign", "gather"] as const;
const GOALS = { where: "<= 1", history: "<= 5", contents: undefined, "as known": "<= 10" } as const;
type Question = keyof typeof GOALS;

export const bench: Bench = {
  run() {
    const folder = folderFor(flag("folder"));
    try {
      const built = builtIn(folder.path) ?? build(folder.path);
      const emptied = emptyKernelCache();
      const cold = emptied ? "cold" : "cold process, warm kernel";
      const found = askInOwnProcess(join(folder.path, "twin.db"), built);
      const figures = [...built.figures];
      for (const [round, times] of [
        [cold, found.cold],
        ["warm", found.warm],
      ] as const)
        for (const question of Object.keys(GOALS) as Question[])
          figures.push(...latency(`${question}, ${round}`, times[question], GOALS[question]));
      return Promise.resolve(figures);
    } finally {
      folder.remove();
    }
  },
};

type Built = {
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly figures: readonly Figure[];
};

export function folderFor(kept: string | undefined): { readonly path: string; remove(): void } {
  if (kept === undefined) return temporaryFolder();
  mkdirSync(kept, { recursive: true });
  return { path: kept, remove: () => undefined };
}

export function builtIn(folder: string): Built | undefined {
  const path = join(folder, BUILT_FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Built) : undefined;
}

export function build(folder: string): Built {
  const count = Math.ceil(Number(flag("count") ?? 1_000_000) / PAGES_A_FOLDER) * PAGES_A_FOLDER;
  const moves = Number(flag("moves") ?? DESKS.length + 1);
  const twin = openTwin(folder);
  loadMasterData(twin, { pages: count, folders: count / PAGES_A_FOLDER, boxes: 0 });
  const { rate, ...span } = live(twin, count, moves);
  const events = twin.evidence.latest();
  const bytes = twin.bytes();
  const again = Math.min(events, Number(flag("rebuild") ?? events));
  process.stderr.write("rebuilding\n");
  const rebuilt = rebuild(twin, folder, again);
  twin.close();
  const figures = [
    { name: "pages", value: count, unit: "" },
    { name: "moves a page", value: moves, unit: "" },
    { name: "events", value: events, unit: "" },
    { name: "built, scans", value: rate, unit: "events/s" },
    { name: "bytes a page, evidence", value: bytes.evidence / count, unit: "" },
    {
      name: "bytes a page, derived",
      value: bytes.derived / count,
      unit: "",
      goal: "<= 200 with the evidence",
    },
    { name: "events rebuilt", value: again, unit: "" },
    { name: "rebuilt", value: rebuilt.byClock, unit: "events/s", goal: ">= 200,000" },
    { name: "rebuilt: a second of processor time", value: rebuilt.byProcessor, unit: "events" },
  ];
  const built = { count, ...span, figures };
  writeFileSync(join(folder, BUILT_FILE), JSON.stringify(built));
  return built;
}

function latency(
  name: string,
  tookMs: readonly number[],
  goal: string | undefined,
): readonly Figure[] {
  return [
    { name: `${name}: p50`, value: quantile(tookMs, 0.5), unit: "ms" },
    { name: `${name}: p99`, value: quantile(tookMs, 0.99), unit: "ms", ...(goal ? { goal } : {}) },
  ];
}

/** Each gateway takes a folder's worth of pages through the desks, then files document by document. */
function live(twin: ReturnType<typeof openTwin>, count: number, moves: number) {
  const gateways = createGateways(STARTED_MS + 60_000);
  const fromMs = gateways.nowMs();
  const tell = progress("pages filed", count);
  const startedMs = performance.now();
  const before = twin.evidence.latest();
  const send = (must: boolean) => {
    const delivery = gateways.deliver(must);
    if (delivery === undefined) return;
    twin.take(delivery);
    twin.derive();
  };
  const folders = count / PAGES_A_FOLDER;
  for (let first = 0; first < folders; first += GATEWAYS) {
    const some = Array.from({ length: Math.min(GATEWAYS, folders - first) }, (_, i) => first + i);
    const lives = some.map((folder) => scansOf(folder, moves));
    const most = Math.max(...lives.map(({ length }) => length));
    for (let i = 0; i < most; i++)
      for (const [gateway, scans] of lives.entries()) {
        const scan = scans[i];
        if (scan) gateways.scan(gateway, scan);
        gateways.pass(SCAN_MS);
      }
    send(false);
    tell(first * PAGES_A_FOLDER);
  }
  send(true);
  const seconds = (performance.now() - startedMs) / 1000;
  const rate = (twin.evidence.latest() - before) / seconds;
  return { fromMs, toMs: gateways.nowMs(), rate };
}

function scansOf(folder: number, moves: number) {
  const pages = Array.from({ length: PAGES_A_FOLDER }, (_, i) => folder * PAGES_A_FOLDER + i);
  const desks = DESKS.slice(0, moves - 1).flatMap((scanner) =>
    pages.map((page) => ({ scanner, code: code.page(page) })),
  );
  const shelf = shelfOf(folder);
  const places = [code.folder(folder), code.shelf(shelf), code.rack(rackOf(shelf))];
  const documents = pages.filter((page) => page % PAGES_A_DOCUMENT === 0);
  const filed = documents.flatMap((page) => [
    ...Array.from({ length: PAGES_A_DOCUMENT }, (_, i) => code.page(page + i)),
    ...places,
  ]);
  return [...desks, ...filed.map((one) => ({ scanner: "file" as const, code: one }))];
}

/** True when the kernel has forgotten what it had read; only root may ask it to. */
function emptyKernelCache(): boolean {
  spawnSync("sync");
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}

type Times = Readonly<Record<Question, number[]>>;
type Found = { readonly cold: Times; readonly warm: Times };

function askInOwnProcess(path: string, { count, fromMs, toMs }: Built): Found {
  const told = JSON.stringify({ path, count, fromMs, toMs });
  const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, told], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Found;
}

function ask(told: { path: string; count: number; fromMs: number; toMs: number }): Found {
  const answers = openAnswers(openReader(told.path));
  const middleMs = Math.floor((told.fromMs + told.toMs) / 2);
  let drawn = 12_345;
  const any = (below: number) => {
    drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((drawn / 2 ** 32) * below);
  };
  const questions: Readonly<Record<Question, () => { readonly ok: boolean }>> = {
    where: () => answers.where(idOf.page(any(told.count))),
    history: () => answers.history(idOf.page(any(told.count))),
    contents: () => answers.contents(idOf.folder(any(told.count / PAGES_A_FOLDER))),
    "as known": () => answers.where(idOf.page(any(told.count)), middleMs, middleMs),
  };
  const round = (): Times => {
    const times: Times = { where: [], history: [], contents: [], "as known": [] };
    for (let i = 0; i < QUESTIONS; i++)
      for (const [name, question] of Object.entries(questions)) {
        const startedMs = performance.now();
        const { ok } = question();
        times[name as Question].push(performance.now() - startedMs);
        if (!ok) throw new Error(`${name} has no answer`);
      }
    return times;
  };
  return { cold: round(), warm: round() };
}

if (import.meta.main)
  process.stdout.write(JSON.stringify(ask(JSON.parse(process.argv[2] ?? "{}"))));
