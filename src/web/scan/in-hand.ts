/**
 * What waits for a place, and into what the next thing goes: as this phone's own scans tell it, so that
 * it is known without a network.
 *
 * Pure. It follows the twin's own rules (containers nest, UNDO takes back what was put somewhere) by the
 * class of a label alone. Where those do not suffice it names no container, and asks for it again: to scan
 * one once more is always right.
 */
import { type CodeName, isContainer } from "./code.ts";
import type { Order, Verdict } from "./told.ts";

export type Hand = { readonly items: number; readonly into: CodeName | undefined };

export type HandScan = {
  readonly name: CodeName;
  readonly verdict: Verdict | undefined;
  /** What it was scanned for. */
  readonly step: string;
};

type Open = { readonly name: CodeName; readonly items: number };

/** `scans` the newest first. */
export function handOf(scans: readonly HandScan[], order: Order): Hand {
  const end = scans.findIndex(beginsAnew);
  const since = (end === -1 ? scans : scans.slice(0, end)).toReversed();
  const understood = since.filter((scan) => !isMisread(scan));
  return order === "container-first" ? openIn(understood) : waitingIn(understood);
}

function waitingIn(scans: readonly HandScan[]): Hand {
  let items = 0;
  for (const { name } of scans) {
    if (isContainer(name) || isUndo(name)) items = 0;
    else if (name.class === "page") items += 1;
  }
  return { items, into: undefined };
}

function openIn(scans: readonly HandScan[]): Hand {
  /** The outermost first. */
  let open: readonly Open[] = [];
  /** What UNDO takes back, the newest last: the container whose page it was, or one that was put into another. */
  let done: readonly { readonly what: "page" | "container"; readonly name: CodeName }[] = [];
  for (const { name } of scans) {
    if (isUndo(name)) {
      const last = done.at(-1);
      done = done.slice(0, -1);
      open = open.flatMap((one) => {
        if (last === undefined || one.name.name !== last.name.name) return [one];
        return last.what === "page" ? [{ ...one, items: one.items - 1 }] : [];
      });
    } else if (name.class === "page") {
      const into = open.at(-1);
      if (into === undefined) continue;
      open = [...open.slice(0, -1), { ...into, items: into.items + 1 }];
      done = [...done, { what: "page", name: into.name }];
    } else if (isContainer(name)) {
      const around = open.filter((one) => rankOf(one.name) > rankOf(name));
      if (around.length > 0) done = [...done, { what: "container", name }];
      open = [...around, { name, items: 0 }];
    }
  }
  const into = open.at(-1);
  return { items: into?.items ?? 0, into: into?.name };
}

function rankOf({ class: kind }: CodeName): number {
  return kind === "place" ? 2 : 1;
}

function isUndo({ class: kind, name }: CodeName): boolean {
  return kind === "command" && name === "UNDO";
}

/** Whoever begins something else, or scans in another order, has put down what was in hand. */
function beginsAnew({ name: { class: kind, name }, step }: HandScan): boolean {
  if (kind !== "command") return false;
  return name.startsWith("ORDER:") || (name.startsWith("STEP:") && name !== `STEP:${step}`);
}

/** Valid and in no register: it is put where it was scanned like any other. */
const NOT_REGISTERED = "valid key, not registered";

function isMisread({ verdict }: HandScan): boolean {
  return verdict?.kind === "unknown" && verdict.reason !== NOT_REGISTERED;
}
