/**
 * Parties, as master data says who they are and who of us sees to each. A document says in its own words
 * who owes it and who sees to it; where these are a party's number (GLN) or a person's (GSRN), in any
 * form, they are brought to one spelling and the name goes with them. Other words stay as they are.
 */
import { elementString, parseKey } from "../barcode/decode.ts";
import type { Database } from "./database.ts";
import type { Entities } from "./entities.ts";
import { keyOf } from "./things.ts";

export const partiesSchema = `
  CREATE TABLE party (
    thing INTEGER PRIMARY KEY,
    responsible TEXT NOT NULL
  ) STRICT;
`;

export type Owing = { readonly debtor: string | null; readonly responsible: string | null };

/** The names are null where nobody of that number has one, or it is no number. */
export type NamedOwing = Owing & {
  readonly debtorName: string | null;
  readonly responsibleName: string | null;
};

export function openParties(db: Database) {
  const put = db.prepare("INSERT OR REPLACE INTO party VALUES (?, ?)");
  return {
    /** `responsible` replaces what was said before; empty: nobody in particular. */
    set(thing: number, responsible: string): void {
      put.run(thing, responsible);
    },
  };
}

/** From any connection. */
export function readParties(db: Database, entities: Entities) {
  const responsibleFor = db
    .prepare<[number], string>("SELECT responsible FROM party WHERE thing = ?")
    .pluck();

  function keyIn(text: string): string | undefined {
    const key = keyOf(text);
    if (key !== undefined) return WHO.has(parseKey(key)?.class ?? "") ? key : undefined;
    // Thirteen digits may be anything: the number of a party where there is one of that number.
    const bare = `417/${text.trim()}`;
    return parseKey(bare) !== undefined && entities.find(bare) !== undefined ? bare : undefined;
  }

  function spelt(text: string): string {
    const key = keyIn(text);
    return key === undefined ? text : elementString(key);
  }

  function nameOf(text: string): string | null {
    const key = keyIn(text);
    return (key !== undefined && entities.find(key)?.name) || null;
  }

  function seesTo(debtor: string): string | null {
    const key = keyIn(debtor);
    const party = key === undefined ? undefined : entities.find(key);
    return (party !== undefined && responsibleFor.get(party.id)) || null;
  }

  return {
    spelt,
    responsibleFor: (thing: number): string => responsibleFor.get(thing) ?? "",
    /** Where a document does not say who sees to it, whoever sees to its debtor does. */
    named({ debtor, responsible: said }: Owing): NamedOwing {
      const responsible = said ?? (debtor === null ? null : seesTo(debtor));
      return {
        debtor: debtor === null ? null : spelt(debtor),
        debtorName: debtor === null ? null : nameOf(debtor),
        responsible: responsible === null ? null : spelt(responsible),
        responsibleName: responsible === null ? null : nameOf(responsible),
      };
    },
  };
}

const WHO: ReadonlySet<string> = new Set(["gln", "gsrn"]);
