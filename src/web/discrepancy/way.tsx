/** The way to what a discrepancy proposes: the form, the map or the page where it is put right. */
import { words } from "../language/spoken.ts";
import { addressOf, itemAddress } from "../route.ts";
import { useMay } from "../session.ts";
import { elementStringOf, isKey, serialOf } from "../thing.ts";
import type { Discrepancy, RegisterList } from "../twin-api.ts";

type Leads = {
  readonly word: string;
  readonly to: string;
  readonly role: "viewer" | "operator" | "archivist";
};

export function Way({
  of,
  about,
}: {
  readonly of: Discrepancy;
  /** `one`: they stand on the page of the thing that they are about. */
  readonly about: "each" | "one";
}) {
  const may = { viewer: true, operator: useMay("operator"), archivist: useMay("archivist") };
  const leads = leadsOf(of);
  if (leads === undefined || !may[leads.role]) return null;
  if (about === "one" && leads.to === itemAddress(of.subject)) return null;
  const subject = isKey(of.subject) ? serialOf(of.subject) : of.subject;
  return (
    <a class="button button-quiet" href={leads.to} aria-label={`${leads.word}: ${subject}`}>
      {leads.word}
    </a>
  );
}

/** Undefined: nothing is to be done but to say what became of it. */
function leadsOf({ kind, subject, place }: Discrepancy): Leads | undefined {
  const text = words.discrepancies.ways;
  const [nearest] = place?.path ?? [];
  switch (kind) {
    case "missing_item":
      if (nearest === undefined) return undefined;
      return {
        word: words.map.show,
        to: addressOf("/map", { find: nearest.key }),
        role: "viewer",
      };
    case "count_inconclusive":
      if (!isKey(subject)) return undefined;
      return { word: words.count.this, to: addressOf("/count", { id: subject }), role: "viewer" };
    case "unknown_identifier":
      if (!isKey(subject)) return undefined;
      return { word: text.register, to: registering(subject), role: "archivist" };
    case "misread":
    case "missed_container_scan":
    case "ambiguous_order":
    case "containment_cycle":
    case "hierarchy_violation":
      return { word: text.scan, to: "/scan", role: "operator" };
    case "duplicate_identifier":
      if (!isKey(subject)) return undefined;
      return {
        word: words.labels.print,
        to: addressOf("/labels", { id: elementStringOf(subject) }),
        role: "operator",
      };
    case "id_conflict":
    case "sequence_gap":
    case "clock_skew":
      return { word: text.gateways, to: "/gateways", role: "viewer" };
    case "partial_document":
      return {
        word: text.document,
        to: addressOf("/documents", { id: subject }),
        role: "viewer",
      };
    case "replication_mismatch":
    case "replication_overdue":
    case "replication_pending":
      return { word: text.gates, to: "/gates", role: "viewer" };
    default:
      if (!isKey(subject)) return undefined;
      return { word: text.history, to: itemAddress(subject), role: "viewer" };
  }
}

/** By what its key begins with; a page is registered as one of its document. */
const LISTS: Readonly<Record<string, RegisterList>> = {
  "253": "documents",
  "414": "places",
  "417": "parties",
  "8018": "persons",
};

function registering(key: string): string {
  const list = LISTS[key.slice(0, key.indexOf("/"))] ?? "things";
  return addressOf("/register", { list, new: elementStringOf(key) });
}
