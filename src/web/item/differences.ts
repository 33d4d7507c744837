/** In what two answers about one moment differ, of what a page shows of them. Pure. */
import type { Path, Where } from "../twin-api.ts";

export type Difference = "path" | "lastKnown" | "state" | "certainty";

export function differences(one: Where, other: Where): ReadonlySet<Difference> {
  const found = new Set<Difference>();
  if (keysOf(one.path) !== keysOf(other.path)) found.add("path");
  if (keysOf(one.lastKnown) !== keysOf(other.lastKnown)) found.add("lastKnown");
  if (one.state !== other.state) found.add("state");
  if (one.certainty !== other.certainty) found.add("certainty");
  return found;
}

function keysOf(path: Path | null): string {
  return (path ?? []).map(({ key }) => key).join(" ");
}
