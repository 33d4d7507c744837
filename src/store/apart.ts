/**
 * Documents that are not together by all that is known now, so that nobody has to look through
 * millions of them. Follows the pages that moved; kept only where documents are checked.
 */
import type { Link } from "../reconcile/engine.ts";
import { END } from "./assertions.ts";
import type { Database } from "./database.ts";
import type { StoredLedger } from "./ledger.ts";

export const apartSchema = `
  CREATE TABLE apart (document INTEGER PRIMARY KEY) STRICT;
`;

export function openApart(db: Database, ledger: StoredLedger) {
  const insert = db.prepare<[number]>("INSERT OR IGNORE INTO apart VALUES (?)");
  const remove = db.prepare<[number]>("DELETE FROM apart WHERE document = ?");
  const touched = new Set<number>();

  function isApart(document: number): boolean {
    const pages = ledger.pagesOf(document);
    const parents = new Set(pages.map((page) => ledger.linkBefore(page, END)?.state.parent ?? 0));
    return parents.size > 1 || parents.has(0);
  }

  return {
    /** Links of these came or went. */
    moved(links: readonly Link[]): void {
      for (const { thing } of links) {
        const { document } = ledger.thing(thing);
        if (document !== 0) touched.add(document);
      }
    },
    /** It has other pages than before. */
    changed(document: number): void {
      if (document !== 0) touched.add(document);
    },
    flush(): void {
      for (const document of touched)
        if (isApart(document)) insert.run(document);
        else remove.run(document);
      touched.clear();
    },
    forget(): void {
      touched.clear();
    },
  };
}
