/**
 * A correction as a person or another system states it: an assertion in the words of the EPCIS
 * mapping, with names instead of numbers. Also the form of assertions in conformance cases.
 */
import type { Act } from "../reconcile/assertion.ts";

export type Stated = {
  readonly type: string;
  readonly time: string;
  readonly parent?: string | undefined;
  /** Null: everything that is in the parent. */
  readonly children?: readonly string[] | null | undefined;
  readonly inferredChildren?: readonly string[] | undefined;
  readonly documentMode?: boolean | undefined;
  readonly place?: string | undefined;
  readonly epc?: string | undefined;
  readonly epcs?: readonly string[] | undefined;
  readonly scanned?: readonly string[] | undefined;
  readonly start?: string | undefined;
  readonly depth?: string | undefined;
  readonly confirmedEmpty?: boolean | undefined;
  readonly status?: string | undefined;
  readonly shipmentOriginMatches?: boolean | undefined;
  readonly carrier?: string | undefined;
  readonly tracking?: string | undefined;
};

/** `thing` gives names their numbers. Undefined: a type that is not known here. */
export function actOf(stated: Stated, thing: (name: string) => number): Act | undefined {
  const { place, parent, epc, carrier, tracking } = stated;
  const things = (stated.children ?? stated.epcs ?? stated.scanned ?? []).map(thing);
  const about = epc === undefined ? (things[0] ?? 0) : thing(epc);
  const all = things.length > 0 ? things : [about];
  const placed = () => (place === undefined ? {} : { place: thing(place) });
  const carried = carrier === undefined ? {} : { carrier: thing(`carrier:${carrier}`) };
  switch (stated.type) {
    case "ADD": {
      const along = (stated.inferredChildren ?? []).map(thing);
      const document = stated.documentMode === true ? { document: true } : {};
      return { kind: "add", parent: thing(parent ?? place ?? ""), things, along, ...document };
    }
    case "DELETE": {
      const from = thing(parent ?? "");
      return stated.children
        ? { kind: "delete", parent: from, things, ...placed() }
        : { kind: "delete", parent: from, ...placed() };
    }
    case "OBSERVE":
      return { kind: "observe", things: all, ...placed() };
    case "CLOSE":
      return { kind: "close", thing: about };
    case "OPEN":
      return { kind: "open", thing: about };
    case "SHIP":
      return {
        kind: "ship",
        thing: about,
        ...carried,
        ...(tracking === undefined ? {} : { tracking }),
      };
    case "RECEIVE":
      return { kind: "receive", thing: about, ...placed() };
    case "DISCARD":
    case "DESTROY":
      return { kind: "destroy", things: all };
    case "CARRIER":
      return {
        kind: "checkpoint",
        thing: about,
        status: stated.status ?? "",
        place: place ?? "",
        matches: stated.shipmentOriginMatches !== false,
        ...carried,
      };
    case "COUNT":
      return {
        kind: "count",
        scope: thing(place ?? ""),
        things: (stated.scanned ?? []).map(thing),
        startMs: Date.parse(stated.start ?? stated.time),
        confirmedEmpty: stated.confirmedEmpty ?? false,
        ...(stated.depth === "pages" ? { depth: "pages" as const } : {}),
      };
    default:
      return undefined;
  }
}
