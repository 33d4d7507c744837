/**
 * Many pages with a life behind them (printed, signed, gathered, filed: four moves each): how long
 * questions take, how many bytes a page costs at rest, and how fast all is derived again.
 *
 * `--count N` is the number of pages. Each round of questions runs in a process of its own. Cold is
 * its first round: nothing in the process's memory, and nothing in the kernel's when the bench may
 * empty that (root, /proc/sys/vm/drop_caches); warm is the second round over the same kind of pages.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
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
const DESKS = ["print", "sign", "gather"] as const;
const GOALS = { where: "<= 1", history: "<= 5", contents: undefined, "as known": "<= 10" } as const;
type Question = keyof typeof GOALS;

export const bench: Bench = {
  run() {
    const count = Math.ceil(Number(flag("count") ?? 1_000_000) / PAGES_A_FOLDER) * PAGES_A_FOLDER;
    const folder = temporaryFolder();
    try {
      const twin = openTwin(folder.path);
      loadMasterData(twin, { pages: count, folders: count / PAGES_A_FOLDER, boxes: 0 });
      const span = live(twin, count);
      const events = twin.evidence.latest();
      const bytes = twin.bytes();
      const figures: Figure[] = [
        { name: "pages", value: count, unit: "" },
        { name: "events", value: events, unit: "" },
        { name: "built, scans", value: span.rate, unit: "events/s" },
        { name: "bytes a page, evidence", value: bytes.evidence / count, unit: "" },
        {
          name: "bytes a page, derived",
          value: bytes.derived / count,
          unit: "",
          goal: "<= 200 with the evidence",
        },
      ];
      process.stderr.write("rebuilding\n");
      const rate = rebuild(twin, folder.path);
      figures.push(
        { name: "rebuilt", value: rate.byClock, unit: "events/s", goal: ">= 200,000" },
        { name: "rebuilt: a second of processor time", value: rate.byProcessor, unit: "events" },
      );
      twin.close();
      const emptied = emptyKernelCache();
      const cold = emptied ? "cold" : "cold process, warm kernel";
      const { derived } = twin.files();
      const found = askInOwnProcess(derived, count, span.fromMs, span.toMs);
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
function live(twin: ReturnType<typeof openTwin>, count: number) {
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
    const lives = some.map(scansOf);
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

function scansOf(folder: number) {
  const pages = Array.from({ length: PAGES_A_FOLDER }, (_, i) => folder * PAGES_A_FOLDER + i);
  const desks = DESKS.flatMap((scanner) =>
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

function askInOwnProcess(path: string, count: number, fromMs: number, toMs: number): Found {
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
