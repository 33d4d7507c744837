/**
 * What one assertion does, by the numbered rules of the domain. Pure: the outcome follows from the
 * assertion and the view of the world just before it, and from nothing else.
 */
import { never } from "../kernel/assert.ts";
import type { Act, Assertion } from "./assertion.ts";
import { concludeCount } from "./count.ts";
import { isContainer, isFixed, type Rules } from "./policies.ts";
import { createScene, type Outcome, refuse, type Scene, seenAt, type View } from "./scene.ts";

export function evaluate(a: Assertion, view: View, rules: Rules): Outcome {
  const scene = createScene(a, view, rules);
  apply(a, scene, rules);
  const { effects, findings } = scene;
  return { effects, findings };
}

function apply(a: Assertion, scene: Scene, rules: Rules): void {
  const { act } = a;
  switch (act.kind) {
    case "add":
      add(act, a, scene);
      return;
    case "delete":
      takeOut(act, scene);
      return;
    case "observe":
      observe(act, a, scene);
      return;
    case "open":
    case "close":
      seal(act, scene);
      return;
    case "ship":
      ship(act, a, scene, rules);
      return;
    case "receive":
      receive(act, scene);
      return;
    case "destroy":
      for (const thing of act.things) destroy(thing, scene);
      return;
    case "checkpoint":
      checkpoint(act, a, scene, rules);
      return;
    case "label":
      label(act, scene);
      return;
    case "count":
      concludeCount(act, a, scene);
      return;
    case "place":
      place(act, a, scene);
      return;
    case "note":
      scene.find(act.finding, act.subject, act.reason);
      return;
    default:
      never(act);
  }
}

function add(act: Act & { kind: "add" }, a: Assertion, scene: Scene): void {
  const { parent } = act;
  if (scene.state(parent).ended !== "") {
    refuse(scene, parent, "event_after_end_of_life", 0);
    for (const thing of act.things) refuse(scene, thing, "", parent);
    return;
  }
  const mates = act.document === true ? together(act.things, scene) : [];
  const accepted: number[] = [];
  for (const thing of new Set(act.things)) {
    const objection = scene.objection(thing, parent);
    if (objection === "") accepted.push(thing);
    else refuse(scene, thing, objection, parent);
  }
  if (accepted.length === 0) {
    if (!isFixed(scene.view.thing(parent).kind)) refuse(scene, parent, "", 0);
    return;
  }
  meet(parent, scene);
  const storing = a.step !== "inspecting";
  for (const thing of accepted) scene.put(thing, parent, { storing });
  for (const thing of [...(act.along ?? []), ...mates])
    if (!accepted.includes(thing)) scene.carry(thing, parent);
}

/** Whole-document mode: pages of the same document that were in the same place as a scanned one. */
function together(things: readonly number[], scene: Scene): readonly number[] {
  const mates = new Set<number>();
  for (const thing of things) {
    const { document } = scene.view.thing(thing);
    const { parent } = scene.state(thing);
    if (document === 0 || parent === 0) continue;
    for (const page of scene.view.pagesOf(document))
      if (scene.state(page).parent === parent) mates.add(page);
  }
  return [...mates].sort((first, second) => first - second);
}

/** A container or a person that was scanned as the target; a place needs no such record. */
function meet(parent: number, scene: Scene): void {
  const { kind, registered } = scene.view.thing(parent);
  if (!isFixed(kind)) scene.atHand(parent);
  else if (!registered)
    scene.write(parent, scene.state(parent), 0, { moved: false, scanned: true });
}

function observe(act: Act & { kind: "observe" }, a: Assertion, scene: Scene): void {
  const { place } = act;
  if (a.step === "storing" && place !== undefined) {
    add({ kind: "add", parent: place, things: act.things }, a, scene);
    return;
  }
  if (place !== undefined) meet(place, scene);
  for (const thing of new Set(act.things)) {
    if (scene.state(thing).ended !== "")
      refuse(scene, thing, "event_after_end_of_life", place ?? 0);
    else if (place === undefined || thing === place) scene.atHand(thing);
    else seenAt(thing, place, scene);
  }
}

function takeOut(act: Act & { kind: "delete" }, scene: Scene): void {
  const { parent } = act;
  if (scene.state(parent).ended !== "") {
    refuse(scene, parent, "event_after_end_of_life", 0);
    return;
  }
  const inside = scene.view.contents(parent);
  meet(parent, scene);
  const { gateway } = scene;
  const place =
    act.place || gateway?.unpackingPlace || gateway?.defaultPlace || around(parent, scene);
  if (act.things === undefined) {
    for (const thing of inside) scene.carry(thing, place);
    return;
  }
  for (const thing of new Set(act.things)) {
    const held = scene.path(thing).includes(parent);
    const objection = scene.objection(thing, place);
    if (objection !== "") {
      refuse(scene, thing, objection, place);
      continue;
    }
    if (!held) scene.find("unexpected_item", thing, "it was not known to be in there");
    scene.put(thing, place, { from: held ? scene.state(thing).parent : -1 });
  }
}

/** Where an unpacked thing lies when the gateway has no place: where the container stands. */
function around(parent: number, scene: Scene): number {
  return scene.path(parent).find((above) => isFixed(scene.view.thing(above).kind)) ?? 0;
}

function seal(act: Act & { kind: "open" | "close" }, scene: Scene): void {
  const { thing } = act;
  const { ended, shipped, seal } = scene.state(thing);
  if (ended !== "") {
    refuse(scene, thing, "event_after_end_of_life", 0);
    return;
  }
  const opens = act.kind === "open" && (act.ifSealed !== true || seal === "closed");
  if (opens && shipped) scene.find("seal_broken", thing, "opened between departing and receiving");
  scene.atHand(thing);
  const next = act.kind === "close" ? "closed" : opens ? "open" : seal;
  scene.write(thing, { ...scene.state(thing), seal: next }, 0, { moved: false, scanned: true });
}

function ship(act: Act & { kind: "ship" }, a: Assertion, scene: Scene, rules: Rules): void {
  const { thing } = act;
  const before = scene.state(thing);
  if (before.ended !== "") {
    refuse(scene, thing, "event_after_end_of_life", 0);
    return;
  }
  const carrier = act.carrier ?? (before.labelCarrier || scene.view.unknownCarrier());
  const tracking = act.tracking ?? before.labelTracking;
  // At hand first: what departs here was here, and a trip from elsewhere may be impossible.
  scene.atHand(thing);
  scene.put(thing, carrier, { from: scene.state(thing).parent });
  scene.write(
    thing,
    { ...scene.state(thing), shipped: true, tracking, labelCarrier: 0, labelTracking: "" },
    carrier,
    { moved: true, scanned: true },
  );
  const hours = rules.policies.transitOverdueHours;
  if (hours !== undefined)
    scene.find("transit_overdue", thing, `${hours} h on the way`, a.timeMs + hours * 3_600_000);
}

function receive(act: Act & { kind: "receive" }, scene: Scene): void {
  const { thing } = act;
  const before = scene.state(thing);
  const place = act.place || scene.gateway?.defaultPlace || before.parent;
  const objection = scene.objection(thing, act.place ?? 0);
  if (objection !== "") {
    refuse(scene, thing, objection, place);
    return;
  }
  scene.put(thing, place, { from: before.parent });
  const after = scene.state(thing);
  scene.write(thing, { ...after, shipped: false }, place, { moved: false, scanned: true });
}

function destroy(thing: number, scene: Scene): void {
  const before = scene.state(thing);
  if (before.ended !== "") {
    refuse(scene, thing, "event_after_end_of_life", 0);
    return;
  }
  const inside = scene.view.contents(thing);
  const kept = isContainer(scene.view.thing(thing).kind);
  const gone = scene.moved(scene.seen(thing, before), 0);
  scene.write(thing, { ...gone, ended: kept ? "disposed" : "destroyed" }, 0, {
    moved: true,
    scanned: true,
  });
  for (const child of inside) scene.lose(child, "it was not taken out before");
}

function checkpoint(
  act: Act & { kind: "checkpoint" },
  a: Assertion,
  scene: Scene,
  rules: Rules,
): void {
  const { thing } = act;
  const before = scene.state(thing);
  if (!act.matches) {
    scene.refuse(thing, "carrier_mismatch", 0, "the carrier's answer is about another shipment");
    return;
  }
  const here = before.parent !== 0 && scene.view.thing(before.parent).kind === "carrier";
  if (!here || (act.carrier !== undefined && act.carrier !== before.parent)) {
    scene.refuse(thing, "not_with_carrier", 0, "");
    return;
  }
  const delivered = act.status === "delivered" && before.deliveredAt === 0;
  scene.write(
    thing,
    {
      ...before,
      checkpoint: act.place,
      deliveredAt: delivered ? a.timeMs : before.deliveredAt,
    },
    0,
    { moved: false, scanned: false },
  );
  const hours = rules.policies.deliveredNotReceivedHours;
  if (delivered && hours !== undefined)
    scene.find(
      "delivered_not_received",
      thing,
      `delivered, and not received within ${hours} h`,
      a.timeMs + hours * 3_600_000,
    );
}

function label(act: Act & { kind: "label" }, scene: Scene): void {
  const before = scene.state(act.thing);
  scene.write(act.thing, { ...before, labelCarrier: act.carrier, labelTracking: act.tracking }, 0, {
    moved: false,
    scanned: false,
  });
}

function place(act: Act & { kind: "place" }, a: Assertion, scene: Scene): void {
  const before = scene.state(act.thing);
  if (act.parent === 0 || scene.wouldHoldItself(act.thing, act.parent)) return;
  const site = scene.siteOf(act.parent);
  scene.write(
    act.thing,
    {
      ...before,
      parent: act.parent,
      lastKnown: 0,
      movedAt: a.timeMs,
      seenAt: a.timeMs,
      seenSite: isFixed(scene.view.thing(act.thing).kind) ? 0 : site,
      missing: false,
    },
    act.parent,
    { moved: true, scanned: true },
  );
}
