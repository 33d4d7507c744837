/**
 * Names how derived rows follow from the evidence: the release's way of deriving, its tables, and
 * the policies of this warehouse. When the name changes, everything is derived again.
 */
import { createHash } from "node:crypto";

/** Raised by whoever changes what rows follow from the same evidence without changing a table. */
const WAY = 2;

export function recipeOf(
  tables: readonly string[],
  policies: Readonly<Record<string, unknown>>,
): string {
  const said = JSON.stringify([WAY, tables, Object.entries(policies).sort()]);
  return createHash("sha256").update(said).digest("hex").slice(0, 32);
}
