/**
 * Master data: what a person says is there, before any scan. The form as JSON Schema draft-07
 * (deploy/master-data.schema.json is this value as a file; a test compares the two), what a schema
 * cannot say about it, and the statements it becomes.
 */
import { decodeTyped } from "../barcode/decode.ts";
import { GATEWAY_NAME } from "../wire/names.ts";
import { STATEMENT_BYTES_MAX, type Statement } from "./statements.ts";

const id = (what: string, example = "(414)9521234001003(254)R1-S1") => ({
  type: "string",
  minLength: 1,
  maxLength: 512,
  description: `${what}, in any barcode form, such as ${example}`,
});

const name = (what: string) => ({
  type: "string",
  minLength: 1,
  maxLength: 256,
  description: what,
});

const list = (what: string, required: readonly string[], properties: object) => ({
  type: "array",
  default: [],
  description: what,
  items: { type: "object", additionalProperties: false, required, properties },
});

export const masterDataSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "racktrace master data",
  type: "object",
  additionalProperties: false,
  required: ["version"],
  properties: {
    version: { const: 1, description: "Version of this form: 1" },
    places: list("Sites, rooms, racks, shelves and desks", ["id", "kind"], {
      id: id("GLN of the place, with extension"),
      kind: {
        enum: ["site", "room", "rack", "shelf", "desk"],
        description: "site, room, rack, shelf or desk",
      },
      name: name("What people call it"),
      parent: id("The place it is in"),
    }),
    assetTypes: list("What the types of returnable assets are", ["id", "kind"], {
      id: id("GRAI without serial"),
      kind: { enum: ["folder", "box"], description: "folder or box" },
      name: name("What people call it"),
    }),
    gateways: list("Gateways and where they stand", ["id", "site"], {
      id: {
        type: "string",
        pattern: GATEWAY_NAME.source,
        description: "Name of the gateway: lower-case letters, digits, dot, dash and underscore",
      },
      site: id("The site it stands in"),
      defaultPlace: id("Where things are that it sees and nobody placed"),
      unpackingPlace: id("Where things are that were taken out of an envelope there"),
    }),
    scanners: list("What scanners are set to; a scan that says otherwise wins", ["gateway", "id"], {
      gateway: name("Name of its gateway"),
      id: name("Name of the scanner"),
      step: name("storing, packing, unpacking, receiving, departing, inspecting, ..."),
      order: {
        enum: ["item-first", "container-first"],
        description: "What is scanned first: item-first or container-first",
      },
      operator: id("GSRN of the person who holds it"),
      place: id("Where it is fixed"),
    }),
    ranges: list(
      "What is allowed of a property of a device: a reading outside is an alarm; neither low nor high lifts it",
      ["gateway", "device", "property", "unit"],
      {
        gateway: name("Name of its gateway"),
        device: name("Name of the device"),
        property: name("temperature, relative_humidity, power, ..."),
        low: { type: "number", description: "The lowest that is allowed; absent: no limit" },
        high: { type: "number", description: "The highest that is allowed; absent: no limit" },
        unit: name("UCUM code of the unit it is read in: Cel, %, W, ..."),
      },
    ),
    persons: list("People who hold things", ["id"], {
      id: id("GSRN of the person"),
      name: name("What people call the person"),
    }),
    parties: list("Customers and others who owe documents", ["id"], {
      id: id("GLN of the party (417)", "(417)9521234000808"),
      name: name("What people call it"),
      responsible: name("Who of us sees to it: a name, or the GSRN of a person"),
    }),
    things: list(
      "Labels issued and in use: folders, boxes, and envelopes booked for dispatch",
      ["id", "kind"],
      {
        id: id("SSCC, GRAI or GDTI on the label"),
        kind: {
          enum: ["envelope", "folder", "box", "page"],
          description: "envelope, folder, box or page",
        },
        name: name("What people call it"),
      },
    ),
    documents: list("Documents and their pages", ["id"], {
      id: name("Number of the document"),
      class: name("consignment-note, invoice, ..."),
      name: name("What people call it"),
      pages: {
        type: "array",
        maxItems: 1_500,
        items: id("GDTI of a page"),
        description: "Its pages, each with a barcode of its own",
      },
    }),
    documentClasses: list(
      "How closely documents of a class are followed, from a moment on; before it the configuration holds",
      ["class", "level"],
      {
        class: name("consignment-note, invoice, ...; * stands for classes that are not named"),
        name: name("What people call it"),
        level: {
          enum: ["none", "received", "tracked"],
          description: "none: not at all; received: whether they came; tracked: every page",
        },
        from: {
          type: "string",
          pattern:
            "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2}))?$",
          description:
            "Since when it holds for what is issued, such as 2026-06-01T00:00:00Z; absent: since it is said",
        },
      },
    ),
  },
} as const;

type Row = Readonly<Record<string, unknown>>;
export type MasterData = Readonly<
  Record<
    | ("places" | "assetTypes" | "gateways" | "scanners" | "ranges" | "persons" | "parties")
    | ("things" | "documents" | "documentClasses"),
    readonly Row[]
  >
>;

/** What each list becomes in the evidence. */
const KINDS = {
  places: "place",
  assetTypes: "asset_type",
  gateways: "gateway",
  scanners: "scanner",
  ranges: "range",
  persons: "person",
  parties: "party",
  things: "registration",
  documents: "document",
  documentClasses: "document_class",
} as const;
const LISTS = Object.keys(KINDS) as (keyof MasterData)[];

/** Fields that hold an id in a barcode form. */
const ID_FIELDS: Readonly<Record<keyof MasterData, readonly string[]>> = {
  places: ["id", "parent"],
  assetTypes: ["id"],
  gateways: ["site", "defaultPlace", "unpackingPlace"],
  scanners: ["operator", "place"],
  ranges: [],
  persons: ["id"],
  parties: ["id"],
  things: ["id"],
  documents: ["pages"],
  documentClasses: [],
};

export type Contradiction = { readonly path: readonly (string | number)[]; readonly what: string };

export function contradictionsIn(data: MasterData): readonly Contradiction[] {
  return LISTS.flatMap((list) => [
    ...data[list].flatMap((row, index) => rowProblems(list, row, [list, index])),
    ...repeats(list, data[list]),
  ]);
}

function rowProblems(
  list: keyof MasterData,
  row: Row,
  path: readonly (string | number)[],
): readonly Contradiction[] {
  const found: Contradiction[] = [];
  for (const field of ID_FIELDS[list])
    for (const id of [row[field]].flat()) {
      const what = typeof id === "string" ? problemOfId(list, id) : undefined;
      if (what !== undefined) found.push({ path: [...path, field], what: `${id}: ${what}` });
    }
  const { responsible, from } = row;
  if (typeof from === "string" && Number.isNaN(Date.parse(from)))
    found.push({ path: [...path, "from"], what: `${from} is no moment` });
  const who = typeof responsible === "string" ? decodeTyped(responsible) : undefined;
  if (who?.kind === "misread")
    found.push({ path: [...path, "responsible"], what: `${responsible}: ${who.why}` });
  const { low, high } = row;
  if (typeof low === "number" && typeof high === "number" && low > high)
    found.push({ path: [...path, "low"], what: `${low} is above the highest, ${high}` });
  const bytes = new TextEncoder().encode(JSON.stringify(row)).length;
  if (bytes > STATEMENT_BYTES_MAX)
    found.push({ path, what: `has ${bytes} bytes; ${STATEMENT_BYTES_MAX} are allowed` });
  return found;
}

/** What is wrong with an id, or nothing. */
function problemOfId(list: keyof MasterData, id: string): string | undefined {
  const decoded = decodeTyped(id);
  switch (decoded.kind) {
    case "key":
      return list === "parties" && decoded.class !== "gln"
        ? "names no party; write its GLN behind (417)"
        : undefined;
    case "misread":
    case "unknown":
      return decoded.why;
    default:
      return "names no place, thing or person; write it with its application identifier";
  }
}

/** Where it is not the id. */
const NAMED_IN: Partial<Record<keyof MasterData, string>> = { documentClasses: "class" };

function repeats(list: keyof MasterData, rows: readonly Row[]): readonly Contradiction[] {
  const seen = new Set<string>();
  return rows.flatMap((row, index) => {
    const subject = subjectOf(list, row);
    if (seen.has(subject))
      return [{ path: [list, index, NAMED_IN[list] ?? "id"], what: `${subject} is there twice` }];
    seen.add(subject);
    return [];
  });
}

/** In the order of the lists: places come before what stands in them. */
export function statementsOf(data: MasterData): readonly Statement[] {
  return LISTS.flatMap((list) =>
    data[list].map((row) => ({
      kind: KINDS[list],
      subject: subjectOf(list, row),
      json: JSON.stringify(sorted(row)),
    })),
  );
}

/** The name of a scanner is its gateway's to give, and so is that of any device. */
function subjectOf(list: keyof MasterData, row: Row): string {
  if (list === "ranges") return JSON.stringify([row["gateway"], row["device"], row["property"]]);
  // Two words on one class are two rows where they hold from two moments.
  if (list === "documentClasses") return `${row["class"]} ${row["from"] ?? ""}`.trim();
  return list === "scanners" ? `${row["gateway"]}/${row["id"]}` : String(row["id"]);
}

/** The order in which a person wrote the fields says nothing. */
function sorted(row: Row): Row {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
