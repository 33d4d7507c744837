/**
 * How long a keystroke takes at the server, with many pages. Serials, names, numbers of documents and
 * of carriers, and what is nowhere, each typed a character at a time as a person types it.
 *
 * `--count N` is the number of pages (10,000,000 for the promise), `--moves N` how many moves each has
 * made; `--folder DIR` keeps what was built, also by the bench `pages`, and asks it again.
 */
import { join } from "node:path";
import { openAnswers } from "../../src/store/answers.ts";
import { openReader } from "../../src/store/database.ts";
import { openFind } from "../../src/store/find.ts";
import { openPlaces } from "../../src/store/places.ts";
import { openTrackings } from "../../src/store/trackings.ts";
import type { Bench, Figure } from "./figures.ts";
import { nowMs } from "./moment.ts";
import { build, builtIn, folderFor } from "./pages.ts";
import { flag, idOf, PAGES_A_DOCUMENT, PAGES_A_FOLDER, quantile, shuffled } from "./stock.ts";

const WORDS = 400;
const RESULTS = 12;
const GOAL = "<= 50";

export const bench: Bench = {
  run() {
    const folder = folderFor(flag("folder"));
    try {
      const { count } = builtIn(folder.path) ?? build(folder.path);
      const db = openReader(join(folder.path, "twin.db"));
      const answers = openAnswers(db);
      const trackings = openTrackings(db, answers);
      const find = openFind({ answers, places: openPlaces(db, answers), trackings });
      const page = shuffled(count);
      const all: number[] = [];
      const figures: Figure[] = [{ name: "pages", value: count, unit: "" }];
      for (const [what, wordOf] of kinds(page)) {
        const took: number[] = [];
        for (let n = 0; n < WORDS; n++) {
          const word = wordOf(n);
          for (let typed = 1; typed <= word.length; typed++) {
            const startedMs = nowMs();
            // What is sent is the text; making it belongs to the answer.
            JSON.stringify(find(word.slice(0, typed), RESULTS));
            took.push(nowMs() - startedMs);
          }
        }
        all.push(...took);
        figures.push(...spread(`a keystroke of ${what}`, took));
      }
      figures.push(...spread("a keystroke", all, GOAL));
      db.close();
      return Promise.resolve(figures);
    } finally {
      folder.remove();
    }
  },
};

function kinds(page: (n: number) => number): readonly (readonly [string, (n: number) => string])[] {
  const serial = (n: number) => idOf.page(page(n)).slice("(253)9521234000013".length);
  return [
    ["a page's serial", serial],
    ["a page's barcode", (n) => idOf.page(page(n))],
    ["a folder's barcode", (n) => idOf.folder(Math.floor(page(n) / PAGES_A_FOLDER))],
    ["a document", (n) => `N${Math.floor(page(n) / PAGES_A_DOCUMENT)}`],
    ["a name", (n) => ["Archive", "Site", "archive"][n % 3] ?? ""],
    ["a carrier's number", (n) => `JJD00039000788${n}`],
    ["what is nowhere", (n) => `${serial(n).slice(0, -2)}X9`],
  ];
}

function spread(name: string, tookMs: readonly number[], goal?: string): readonly Figure[] {
  return [
    { name: `${name}, p50`, value: quantile(tookMs, 0.5), unit: "ms" },
    { name: `${name}, p99`, value: quantile(tookMs, 0.99), unit: "ms", ...(goal && { goal }) },
  ];
}
