/**
 * Acts as they lie in rows. The kinds that there are millions of are packed numbers; the rest, rare
 * and of many shapes, is JSON.
 */
import type { Act } from "../reconcile/assertion.ts";
import { createNumberReader, createNumberWriter, type NumberReader } from "./packing.ts";

/** The index is what stands in the row: appended to, never reordered. */
export const ACT_KINDS: readonly Act["kind"][] = [
  "add",
  "observe",
  "delete",
  "place",
  "close",
  "open",
  "ship",
  "receive",
  "destroy",
  "checkpoint",
  "label",
  "count",
  "note",
];

export const COUNT_KIND = ACT_KINDS.indexOf("count");

const writer = createNumberWriter();

export function packAct(act: Act): Buffer | string {
  switch (act.kind) {
    case "add":
      writer.put((act.document ? 1 : 0) + (act.along ? 2 : 0));
      writer.put(act.parent);
      putList(act.things);
      if (act.along) putList(act.along);
      return writer.take();
    case "observe":
      writer.put(act.place === undefined ? 0 : 1);
      if (act.place !== undefined) writer.put(act.place);
      putList(act.things);
      return writer.take();
    case "delete":
      writer.put((act.place === undefined ? 0 : 1) + (act.things ? 2 : 0));
      writer.put(act.parent);
      if (act.place !== undefined) writer.put(act.place);
      if (act.things) putList(act.things);
      return writer.take();
    case "place":
      writer.put(act.thing);
      writer.put(act.parent);
      return writer.take();
    default: {
      const { kind, ...rest } = act;
      return JSON.stringify(rest);
    }
  }
}

export function unpackAct(kindNumber: number, packed: Buffer | string): Act {
  const kind = ACT_KINDS[kindNumber];
  if (typeof packed === "string") return { kind, ...JSON.parse(packed) } as Act;
  const reader = createNumberReader(packed);
  switch (kind) {
    case "add": {
      const flags = reader.get();
      const parent = reader.get();
      const things = getList(reader);
      return {
        kind,
        parent,
        things,
        ...(flags >= 2 ? { along: getList(reader) } : {}),
        ...(flags % 2 === 1 ? { document: true } : {}),
      };
    }
    case "observe": {
      const place = reader.get() === 1 ? { place: reader.get() } : {};
      return { kind, ...place, things: getList(reader) };
    }
    case "delete": {
      const flags = reader.get();
      const parent = reader.get();
      const place = flags % 2 === 1 ? { place: reader.get() } : {};
      const things = flags >= 2 ? { things: getList(reader) } : {};
      return { kind, parent, ...place, ...things };
    }
    default:
      return { kind: "place", thing: reader.get(), parent: reader.get() };
  }
}

export function sameAct(a: Act, b: Act): boolean {
  if (a.kind !== b.kind) return false;
  const [one, other] = [packAct(a), packAct(b)];
  return typeof one === "string" || typeof other === "string" ? one === other : one.equals(other);
}

/** Things of one act were often made one after the other: their numbers are near. */
function putList(things: readonly number[]): void {
  writer.put(things.length);
  let before = 0;
  for (const thing of things) {
    writer.putSigned(thing - before);
    before = thing;
  }
}

function getList(reader: NumberReader): readonly number[] {
  const things: number[] = [];
  let before = 0;
  for (let left = reader.get(); left > 0; left--) {
    before += reader.getSigned();
    things.push(before);
  }
  return things;
}
