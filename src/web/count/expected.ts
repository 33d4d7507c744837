/**
 * What a count of a place expects: the pages in it, and containers that hold none. A container is
 * there when one of its pages is.
 */
import { contents, idOf } from "../api.ts";
import type { Answer } from "../http.ts";
import type { Child, Thing } from "../twin-api.ts";

const CHILDREN_MAX = 1_000;
/** Containers looked into; a place with more is counted by its containers. */
const CONTAINERS_MAX = 80;
const CONTAINERS = new Set(["folder", "box", "envelope"]);

/** `at`: when the count began; what it finds changes what is there from then on. Undefined: now. */
export async function expectedIn(
  id: string,
  at: string | undefined,
  signal: AbortSignal,
): Promise<Answer<readonly Thing[]>> {
  const then = { at, asKnownAt: undefined };
  const inside = await contents(id, then, CHILDREN_MAX, signal);
  if (inside.kind !== "ok") return inside;
  const { children } = inside.value;
  const containers = children.filter(({ kind }) => CONTAINERS.has(kind)).slice(0, CONTAINERS_MAX);
  const answers = await Promise.all(
    containers.map(({ key }) => contents(idOf(key), then, CHILDREN_MAX, signal)),
  );
  const within = answers.map<readonly Child[]>((one) =>
    one.kind === "ok" ? one.value.children : [],
  );
  const filled = new Set(containers.filter((_, n) => (within[n]?.length ?? 0) > 0));
  return { kind: "ok", value: [...children.filter((one) => !filled.has(one)), ...within.flat()] };
}
