/**
 * The rules of reconciliation once more, written from the specification without a look at src, as
 * simply as they can be said: everything is folded from the beginning for every question. It is
 * slow, keeps no chains, and answers as known after any prefix of what happened.
 */
import { BEGIN_MS, type Deed, GATEWAYS, type Happening, POLICIES, THINGS } from "./history.ts";

const HOUR = 3_600_000;
const KIND = new Map(THINGS.map(([name, , kind]) => [name, kind]));
const FIXED = new Set(["site", "room", "rack", "shelf", "desk", "carrier"]);
const CONTAINERS = new Set(["folder", "box", "envelope"]);
const ALLOWED = new Set(POLICIES.allowedContainment.map(([child, parent]) => `${child} ${parent}`));

type Entity = {
  parent: string;
  lastKnown: string;
  movedAt: number;
  seenAt: number;
  seenBy: string;
  sightings: { site: string; at: number }[];
  doubtful: boolean;
  gone: boolean;
  seal: string;
  shipped: boolean;
  moves: { to: string; at: number }[];
  deliveredAt: number;
};
type Open = { kind: string; subject: string; from: number; to: number; holder: string };

export type NaiveAnswer = {
  readonly path: Readonly<Record<string, string>>;
  readonly certainty: Readonly<Record<string, string>>;
  readonly lastKnown: Readonly<Record<string, string>>;
  readonly open: readonly string[];
  /** Of each debt and order, in the order of their terms: what has become of it. */
  readonly debts: readonly string[];
  readonly orders: readonly string[];
};

export function naive(
  known: readonly Happening[],
  all: readonly Happening[],
  atMs: number,
): NaiveAnswer {
  const world = fold(known, all, atMs);
  const debts: string[] = [];
  const orders: string[] = [];
  const found: string[] = [];
  for (const one of known) {
    if (one.kind === "owe") {
      const since = settledAt(["page1", "page2", "page3", "page4"], "ROOM1", one.issuedMs);
      const late = atMs > one.dueMs ? "overdue" : "debt";
      const status = atMs < one.issuedMs ? "none" : since === undefined ? late : "cleared";
      debts.push(`${one.issuedMs} ${one.dueMs} ${status} ${since ?? ""}`);
    }
    if (one.kind === "order") {
      const { thing, target, issuedMs, deadlineMs } = one;
      const since = settledAt([thing], target, issuedMs);
      const status = since === undefined ? "blocked" : "open";
      orders.push(`${thing} ${target} ${issuedMs} ${deadlineMs} ${status} ${since ?? ""}`);
      if (since !== undefined || atMs < issuedMs) continue;
      if (atMs >= deadlineMs) found.push(`replication_overdue ${thing}`);
      const path = world.way(thing);
      if (world.lastMoved(thing) > issuedMs && path.length > 0 && !path.includes(target))
        found.push(`replication_mismatch ${thing}`);
    }
  }
  const open = [...new Set([...world.answer.open, ...found])].sort();
  return { ...world.answer, open, debts: debts.sort(), orders: orders.sort() };

  /** The first moment, not before it was asked for, at which all were themselves seen in there. */
  function settledAt(names: readonly string[], target: string, sinceMs: number) {
    const moments = known.flatMap((one) => (one.kind === "assert" ? [one.order.timeMs] : []));
    return [sinceMs, ...moments]
      .filter((ms) => ms >= sinceMs && ms <= atMs)
      .sort((a, b) => a - b)
      .find((ms) => {
        const then = fold(known, all, ms);
        return names.every(
          (name) => then.way(name).includes(target) && then.answer.certainty[name] === "observed",
        );
      });
  }
}

/** Everything that had happened by a moment, from the beginning. */
function fold(known: readonly Happening[], all: readonly Happening[], atMs: number) {
  const voided = new Set(
    known.flatMap((one) => {
      const target = one.kind === "void" ? all[one.target] : undefined;
      return target ? [JSON.stringify(target)] : [];
    }),
  );
  const registered = new Set(known.flatMap((one) => (one.kind === "register" ? [one.name] : [])));
  const deeds = known
    .filter((one): one is Deed => one.kind === "assert" && !voided.has(JSON.stringify(one)))
    .filter(({ order }) => order.timeMs <= atMs)
    .sort(
      (a, b) =>
        a.order.timeMs - b.order.timeMs ||
        (a.order.gateway < b.order.gateway ? -1 : a.order.gateway > b.order.gateway ? 1 : 0) ||
        a.order.seq - b.order.seq,
    );
  const counts = known.filter(
    (one): one is Deed =>
      one.kind === "assert" && one.act.kind === "count" && !voided.has(JSON.stringify(one)),
  );

  const things = new Map<string, Entity>();
  const opened: Open[] = [];
  for (const [name, , kind, parent] of THINGS) {
    things.set(name, {
      parent,
      lastKnown: "",
      movedAt: parent === "" ? 0 : BEGIN_MS - 1,
      seenAt: parent === "" ? 0 : BEGIN_MS - 1,
      seenBy: "",
      sightings: [],
      doubtful: false,
      gone: false,
      seal: "",
      shipped: false,
      moves: [],
      deliveredAt: 0,
    });
    if (parent !== "" && !FIXED.has(kind))
      get(name).sightings.push({ site: siteOf(name), at: BEGIN_MS - 1 });
  }
  for (const deed of deeds) perform(deed);

  return {
    way: above,
    lastMoved,
    answer: {
      path: table((name) => above(name).join(" < ")),
      certainty: table(certainty),
      lastKnown: table((name) => (get(name).parent === "" ? get(name).lastKnown : "")),
      open: [
        ...opened
          .filter(({ from, to }) => from <= atMs && atMs < to)
          .filter(({ kind, subject }) => kind !== "unknown_identifier" || !registered.has(subject))
          .filter((one) => !settledByPerson(one))
          .map(({ kind, subject }) => `${kind} ${subject}`),
        ...partialDocuments(),
      ],
    },
  };

  /** A person's word closes what had begun by its moment, from that moment on. */
  function settledByPerson({ kind, subject, from }: Open): boolean {
    return known.some(
      (one) =>
        one.kind === "settle" &&
        one.finding === kind &&
        one.subject === subject &&
        from <= one.timeMs &&
        one.timeMs <= atMs,
    );
  }

  function table(tell: (name: string) => string): Record<string, string> {
    const rows = THINGS.map(([name]) => [name, tell(name)] as const);
    return Object.fromEntries(rows);
  }

  function get(name: string): Entity {
    const found = things.get(name);
    if (found) return found;
    throw new Error(`no ${name}`);
  }

  function kindOf(name: string): string {
    return name.startsWith("carrier:") ? "carrier" : (KIND.get(name) ?? "");
  }

  function above(name: string): string[] {
    const path: string[] = [];
    let next = name;
    for (;;) {
      next = things.get(next)?.parent ?? "";
      if (next === "" || path.length > 40) return path;
      path.push(next);
    }
  }

  function siteOf(name: string): string {
    const top = [name, ...above(name)].at(-1) ?? "";
    return kindOf(top) === "site" ? top : "";
  }

  function inside(parent: string): string[] {
    return THINGS.map(([name]) => name).filter((name) => get(name).parent === parent);
  }

  function certainty(name: string): string {
    const entity = get(name);
    if (entity.gone) return "unknown";
    if (FIXED.has(kindOf(name))) return "observed";
    if (entity.parent === "") return "unknown";
    if (entity.doubtful) return "conflicted";
    return lastMoved(name) <= entity.seenAt ? "observed" : "inferred";
  }

  function lastMoved(name: string): number {
    return Math.max(...[name, ...above(name)].map((one) => things.get(one)?.movedAt ?? 0));
  }

  function partialDocuments(): string[] {
    const pages = ["page1", "page2", "page3", "page4"].map((name) => get(name).parent);
    return new Set(pages).size > 1 || pages.includes("") ? ["partial_document N"] : [];
  }

  function open(kind: string, subject: string, from: number, holder = ""): void {
    opened.push({ kind, subject, from, to: Infinity, holder });
  }

  /** Findings that close by themselves: all whose reason is over after this moment. */
  function settle(at: number): void {
    for (const one of opened) {
      if (one.to !== Infinity) continue;
      const entity = things.get(one.subject);
      if (!entity) continue;
      const over =
        (one.kind === "missing_item" && entity.parent !== "") ||
        (one.kind === "missing_item" && entity.gone) ||
        (one.kind === "missed_container_scan" &&
          (entity.gone || kindOf(entity.parent) !== "shelf")) ||
        (one.kind === "transit_overdue" && !entity.shipped) ||
        (one.kind === "delivered_not_received" && !entity.shipped) ||
        (one.kind === "custody_gap" && entity.parent !== one.holder);
      if (over) one.to = at;
    }
  }

  function perform(deed: Deed): void {
    const { act, order, step } = deed;
    const at = order.timeMs;
    const [, site = "", place = "", unpacking = ""] =
      GATEWAYS.find(([name]) => name === order.gateway) ?? [];
    const list = (field: string) => (act[field] as string[] | undefined) ?? [];
    const text = (field: string) => (act[field] as string | undefined) ?? "";

    const touch = (name: string) => {
      const strange = name === "page5" && !opened.some((one) => one.kind === "unknown_identifier");
      if (strange) open("unknown_identifier", name, at);
    };

    const sight = (name: string): boolean => {
      const entity = get(name);
      touch(name);
      entity.seenAt = at;
      entity.seenBy = order.gateway;
      if (FIXED.has(kindOf(name))) return false;
      const impossible = entity.sightings.some(
        (one) => one.site !== "" && one.site !== site && at - one.at < HOUR,
      );
      entity.sightings.push({ site, at });
      entity.doubtful = impossible;
      return impossible;
    };

    const relocate = (name: string, to: string) => {
      const entity = get(name);
      if (to === "" && entity.parent !== "") entity.lastKnown = entity.parent;
      entity.parent = to;
      entity.movedAt = at;
      entity.shipped = to.startsWith("carrier:");
      entity.moves.push({ to, at });
      entity.deliveredAt = 0;
    };

    const put = (name: string, to: string, storing = false) => {
      const entity = get(name);
      const path = above(name);
      const carried = path.length > 1 && (path.at(-1) ?? "").startsWith("carrier:");
      const [previousBy, previousAt, was] = [entity.seenBy, entity.seenAt, entity.parent];
      const wasLoose = opened.some(
        (one) =>
          one.kind === "missed_container_scan" && one.subject === name && one.to === Infinity,
      );
      const impossible = sight(name);
      const conflict = was !== to && carried && !path.includes(to);
      if (conflict) open("containment_conflict", name, at);
      else if (impossible) open("location_conflict", name, at);
      if (was !== to) {
        const recent = previousBy !== "" && previousBy !== order.gateway && at - previousAt < 2000;
        if (recent && was !== "") open("ambiguous_order", name, at);
        const places = [
          ...entity.moves
            .slice(-4)
            .filter((move) => at - move.at <= HOUR)
            .map((move) => move.to),
          to,
        ];
        const returns = places.filter((one, i) => i > 1 && one === places[i - 2]).length;
        if (returns >= 2) open("duplicate_identifier", name, at);
        relocate(name, to);
        if (kindOf(to) === "person") open("custody_gap", name, at + 2 * HOUR, to);
      }
      const shelved = kindOf(name) === "page" && kindOf(to) === "shelf";
      if (shelved && storing && !wasLoose) open("missed_container_scan", name, at);
    };

    const atHand = (name: string) => {
      const elsewhere = siteOf(name) !== site;
      if (elsewhere && !FIXED.has(kindOf(name))) {
        const { shipped } = get(name);
        put(name, place);
        get(name).shipped = get(name).shipped || shipped;
      } else if (sight(name)) open("location_conflict", name, at);
    };

    /** Why a thing cannot go there, in the order in which it is checked. */
    const objection = (name: string, to: string): string => {
      if (get(name).gone) return "event_after_end_of_life";
      if (!ALLOWED.has(`${kindOf(name)} ${kindOf(to)}`)) return "hierarchy_violation";
      if (name === to || above(to).includes(name)) return "containment_cycle";
      return "";
    };
    const refuse = (name: string, kind: string) => {
      touch(name);
      open(kind, name, at);
    };
    const observe = (name: string, where: string) => {
      if (above(name).includes(where)) put(name, get(name).parent);
      else {
        const why = objection(name, where);
        if (why === "") put(name, where);
        else refuse(name, why);
      }
    };
    const lose = (name: string) => {
      touch(name);
      open("missing_item", name, at);
      relocate(name, "");
    };
    const add = (to: string, names: readonly string[], storing: boolean) => {
      if (things.get(to)?.gone) {
        refuse(to, "event_after_end_of_life");
        for (const name of names) touch(name);
        return;
      }
      const mates =
        act["document"] === true
          ? names
              .filter((name) => /page[1-4]/.test(name) && get(name).parent !== "")
              .flatMap((name) =>
                ["page1", "page2", "page3", "page4"].filter(
                  (mate) => get(mate).parent === get(name).parent,
                ),
              )
          : [];
      const reasons = names.map((name) => [name, objection(name, to)] as const);
      for (const [name, why] of reasons) if (why !== "") refuse(name, why);
      const accepted = reasons.filter(([, why]) => why === "").map(([name]) => name);
      if (accepted.length === 0) return;
      if (!FIXED.has(kindOf(to))) atHand(to);
      for (const name of accepted) put(name, to, storing);
      for (const mate of mates)
        if (!accepted.includes(mate) && !get(mate).gone && get(mate).parent !== to)
          relocate(mate, to);
    };

    switch (act.kind) {
      case "add":
        add(text("parent"), list("things"), step !== "inspecting");
        break;
      case "observe":
        if (step === "storing" && text("place") !== "") add(text("place"), list("things"), true);
        else
          for (const name of list("things"))
            if (get(name).gone) refuse(name, "event_after_end_of_life");
            else if (text("place") === "") atHand(name);
            else observe(name, text("place"));
        break;
      case "delete": {
        const from = text("parent");
        if (get(from).gone) {
          refuse(from, "event_after_end_of_life");
          break;
        }
        const contents = inside(from);
        atHand(from);
        const to = text("place") || unpacking || place;
        if (act["things"] === undefined) {
          for (const name of contents)
            if (get(name).parent !== to && name !== to && !above(to).includes(name))
              relocate(name, to);
          break;
        }
        for (const name of list("things")) {
          const why = objection(name, to);
          if (why !== "") {
            refuse(name, why);
            continue;
          }
          if (!above(name).includes(from)) open("unexpected_item", name, at);
          put(name, to, false);
        }
        break;
      }
      case "close":
      case "open": {
        const name = text("thing");
        if (get(name).gone) {
          refuse(name, "event_after_end_of_life");
          break;
        }
        if (act.kind === "open" && get(name).shipped) open("seal_broken", name, at);
        atHand(name);
        get(name).seal = act.kind === "close" ? "closed" : "open";
        break;
      }
      case "ship": {
        const name = text("thing");
        if (get(name).gone) {
          refuse(name, "event_after_end_of_life");
          break;
        }
        atHand(name);
        const { seenAt } = get(name);
        put(name, text("carrier"));
        get(name).seenAt = seenAt;
        get(name).shipped = true;
        open("transit_overdue", name, at + 2 * HOUR);
        break;
      }
      case "receive": {
        const name = text("thing");
        if (get(name).gone) {
          refuse(name, "event_after_end_of_life");
          break;
        }
        const named = text("place");
        const why = named === "" ? "" : objection(name, named);
        if (why !== "") {
          refuse(name, why);
          break;
        }
        put(name, named || place);
        get(name).shipped = false;
        break;
      }
      case "checkpoint": {
        const entity = get(text("thing"));
        if (act["matches"] === false) open("carrier_mismatch", text("thing"), at);
        else if (entity.parent.startsWith("carrier:") && act["status"] === "delivered") {
          if (entity.deliveredAt === 0)
            open("delivered_not_received", text("thing"), at + 24 * HOUR);
          entity.deliveredAt ||= at;
        }
        break;
      }
      case "destroy":
        for (const name of list("things")) {
          if (get(name).gone) {
            refuse(name, "event_after_end_of_life");
            continue;
          }
          const contents = inside(name);
          sight(name);
          relocate(name, "");
          get(name).gone = true;
          for (const child of contents) lose(child);
        }
        break;
      case "count":
        count(deed, at, { observe, lose, refuse, touch });
        break;
    }
    settle(at);
  }

  function count(
    self: Deed,
    at: number,
    tools: {
      observe: (name: string, where: string) => void;
      lose: (name: string) => void;
      refuse: (name: string, kind: string) => void;
      touch: (name: string) => void;
    },
  ): void {
    const scope = self.act["scope"] as string;
    const start = (one: Deed) => one.act["startMs"] as number;
    const group = [self];
    for (let grown = true; grown; ) {
      const more = counts.filter(
        (one) =>
          one.act["scope"] === scope &&
          !group.some((member) => sameDeed(member, one)) &&
          group.some(
            (member) => start(one) <= member.order.timeMs && start(member) <= one.order.timeMs,
          ),
      );
      group.push(...more);
      grown = more.length > 0;
    }
    const last = group.toSorted(
      (a, b) =>
        b.order.timeMs - a.order.timeMs ||
        (a.order.gateway < b.order.gateway ? 1 : a.order.gateway > b.order.gateway ? -1 : 0) ||
        b.order.seq - a.order.seq,
    )[0];
    if (last && !sameDeed(last, self)) return;

    const from = Math.min(...group.map(start));
    const scanned = [...new Set(group.flatMap((one) => one.act["things"] as string[]))];
    const saidEmpty = group.some((one) => one.act["confirmedEmpty"] === true);
    const conclusive = scanned.length > 0 || saidEmpty;
    for (const one of opened)
      if (one.kind === "count_inconclusive" && one.subject === scope && conclusive)
        one.to = Math.min(one.to, at);
    if (
      !conclusive &&
      !opened.some(
        (one) => one.kind === "count_inconclusive" && one.subject === scope && one.to === Infinity,
      )
    )
      open("count_inconclusive", scope, at);

    const pages = scanned.some((name) => kindOf(name) === "page");
    const expected: string[] = [];
    const look = (parent: string) => {
      for (const name of inside(parent)) {
        if (kindOf(name) === "person") continue;
        if (!FIXED.has(kindOf(name))) expected.push(name);
        const shut = get(name).seal === "closed" && scanned.includes(name);
        if (!shut) look(name);
      }
    };
    if (pages) look(scope);
    else
      expected.push(
        ...inside(scope).filter(
          (name) =>
            CONTAINERS.has(kindOf(name)) || (kindOf(name) === "page" && scanned.length === 0),
        ),
      );
    const restless = (name: string) => {
      const path = [name, ...above(name)];
      const upTo = path.includes(scope) ? path.slice(0, path.indexOf(scope)) : path;
      return upTo.some((one) => !FIXED.has(kindOf(one)) && (things.get(one)?.movedAt ?? 0) >= from);
    };
    const leftOut = new Set([...scanned, ...expected].filter(restless));
    const present = new Set(scanned);
    for (const name of scanned)
      if (expected.includes(name)) for (const one of above(name)) present.add(one);

    for (const name of scanned) {
      if (leftOut.has(name)) tools.touch(name);
      else if (get(name).gone) tools.refuse(name, "event_after_end_of_life");
      else {
        if (!above(name).includes(scope)) open("unexpected_item", name, at);
        tools.observe(name, scope);
      }
    }
    if (!conclusive) return;
    for (const name of expected) if (!present.has(name) && !leftOut.has(name)) tools.lose(name);
  }
}

function sameDeed(a: Deed, b: Deed): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
