/**
 * What an operator means by a run of scans at one scanner (rules 1b, 2, 15, 18). One scan in, the
 * next session and what the scan asserts out. Nothing here depends on where things are: whether a
 * scan makes sense is decided when its assertion is folded.
 */
import type { Act, FindingKind } from "./assertion.ts";
import { isContainer, isFixed, type Kind, type Rules, type ScanOrder } from "./policies.ts";

export type Scan = {
  readonly timeMs: number;
  readonly epoch: string;
  readonly seq: number;
  /** What was read, for telling a bounce from another read. */
  readonly code: string;
  readonly read: Read;
  readonly step: string;
  readonly operator: string;
  readonly marker: string;
  readonly confirmedEmpty: boolean;
  readonly documentMode: boolean;
};

export type Read =
  | { readonly kind: "thing"; readonly thing: number; readonly what: Kind; readonly key: string }
  | { readonly kind: "command"; readonly command: string; readonly value: string }
  /** Nothing that can be moved: `finding` is empty when there is nothing to say about it either. */
  | {
      readonly kind: "nothing";
      readonly finding: FindingKind | "";
      readonly subject: string;
      readonly reason: string;
    };

/** What a scanner is set to when a scan does not say. */
export type ScannerSetting = {
  readonly step: string;
  readonly order: ScanOrder;
  readonly operator: string;
  /** The place a fixed scanner is mounted at; 0 when it is carried about. */
  readonly place: number;
};

type Item = readonly [thing: number, kind: Kind];
type Done = {
  readonly epoch: string;
  readonly seq: number;
  readonly atMs: number;
  readonly operator: string;
  readonly thing: number;
};

export type Session = {
  readonly step: string;
  readonly operator: string;
  readonly lastMs: number;
  /** By command barcode, until the next one. */
  readonly setStep: string;
  readonly setOrder: ScanOrder | "";
  readonly setDocument: boolean;
  readonly setMarker: string;
  readonly badge: string;
  /** Item-first: things that wait for where they go; whether they have received something. */
  readonly waiting: readonly Item[];
  readonly received: boolean;
  readonly document: boolean;
  /** Container-first: the containers that are open, outermost first. */
  readonly stack: readonly Item[];
  /** Place in force; container being unpacked; what was unpacked before a place was named. */
  readonly place: number;
  readonly container: Item | null;
  readonly unpacked: readonly number[];
  readonly count: {
    readonly scope: number;
    readonly startMs: number;
    readonly startSeq: number;
    readonly things: readonly number[];
  } | null;
  readonly recent: readonly (readonly [code: string, atMs: number])[];
  /** What can be undone, oldest first. */
  readonly done: readonly Done[];
};

export const IDLE: Session = {
  step: "",
  operator: "",
  lastMs: 0,
  setStep: "",
  setOrder: "",
  setDocument: false,
  setMarker: "",
  badge: "",
  waiting: [],
  received: false,
  document: false,
  stack: [],
  place: 0,
  container: null,
  unpacked: [],
  count: null,
  recent: [],
  done: [],
};

export type Meaning = {
  readonly next: Session;
  /** In order; the index is the part of the assertion's id. */
  readonly acts: readonly Act[];
  readonly undo: { readonly epoch: string; readonly seq: number } | undefined;
  readonly step: string;
  readonly operator: string;
  readonly bounce: boolean;
};

const DONE_MAX = 32;
/** More than any document has pages or any box has things: whoever scans on has forgotten where they go. */
export const WAITING_MAX = 10_000;

export function understand(
  before: Session,
  scan: Scan,
  setting: ScannerSetting,
  rules: Rules,
): Meaning {
  const { policies } = rules;
  const undoing = isUndo(scan);
  const named = undoing ? before.step : scan.step || before.setStep || setting.step;
  const step = named || "storing";
  const operator = scan.operator || before.badge || setting.operator;
  const code = `${scan.marker} ${scan.code}`;
  const recent = before.recent.filter(
    ([, atMs]) => scan.timeMs - atMs <= policies.sameSymbolWindowMs,
  );
  const bounce = recent.some(([one]) => one === code);
  const idle =
    scan.timeMs - before.lastMs > policies.sessionTimeoutSeconds * 1000 ||
    step !== before.step ||
    operator !== before.operator;
  let s: Session = {
    ...(idle ? rested(before) : before),
    step,
    operator,
    lastMs: scan.timeMs,
    recent: [...recent.filter(([one]) => one !== code), [code, scan.timeMs]],
  };
  const acts: Act[] = [];
  let undo: Meaning["undo"];

  if (bounce) return { next: s, acts, undo, step, operator, bounce: true };
  if (undoing) takeBack();
  else if (scan.read.kind === "nothing") note(scan.read);
  else if (scan.read.kind === "command") command(scan.read.command, scan.read.value);
  else thing([scan.read.thing, scan.read.what], scan.read.key);
  return { next: s, acts, undo, step, operator, bounce: false };

  function emit(act: Act, thing: number): void {
    acts.push(act);
    if (acts.length > 1) return;
    const done = { epoch: scan.epoch, seq: scan.seq, atMs: scan.timeMs, operator, thing };
    s = { ...s, done: [...s.done, done].slice(-DONE_MAX) };
  }

  function note({ finding, subject, reason }: Read & { kind: "nothing" }): void {
    if (finding !== "") acts.push({ kind: "note", finding, subject, reason });
  }

  function takeBack(): void {
    const window = policies.undoWindowSeconds;
    const last = s.done.findLast(
      (done) =>
        done.operator === operator &&
        (window === undefined || scan.timeMs - done.atMs <= window * 1000),
    );
    s = { ...s, waiting: [], received: false, unpacked: [] };
    // What was counted is no event yet: taking it back must not reach behind the count.
    if (s.count && s.count.things.length > 0) {
      s = { ...s, count: { ...s.count, things: s.count.things.slice(0, -1) } };
      return;
    }
    if (last === undefined) return;
    undo = { epoch: last.epoch, seq: last.seq };
    s = {
      ...s,
      done: s.done.filter((done) => done !== last),
      stack: s.stack.filter(([one]) => one !== last.thing),
    };
  }

  function command(name: string, value: string): void {
    switch (name) {
      case "step":
        s = { ...s, setStep: value };
        return;
      case "order":
        s = { ...s, setOrder: value === "container-first" ? value : "item-first" };
        return;
      case "mode":
        s = { ...s, setDocument: value === "document" };
        return;
      case "leave":
        s = { ...s, badge: "" };
        return;
      case "emptied": {
        const last = s.container ?? s.stack.at(-1) ?? s.waiting.at(-1);
        if (last && isContainer(last[1])) emptyAll(last[0]);
        return;
      }
      case "count":
        if (value === "start") s = { ...s, setMarker: "count-start" };
        else if (s.count) endCount(s.count.scope, value === "empty");
        return;
    }
  }

  function thing(item: Item, key: string): void {
    const [id, kind] = item;
    const marker = scan.marker || s.setMarker;
    s = { ...s, setMarker: "" };
    switch (marker) {
      case "count-start":
        beginCount(id);
        return;
      case "count-end":
        endCount(id, scan.confirmedEmpty);
        return;
      case "empty-all":
        s = { ...s, container: item };
        emptyAll(id);
        return;
      case "close":
      case "open":
        if (s.waiting.length > 0 && s.waiting[0]?.[0] !== id) itemFirst(item, key);
        emit({ kind: marker, thing: id }, id);
        return;
    }
    if (kind === "person" && isBadge()) {
      s = { ...s, badge: key };
      return;
    }
    switch (step) {
      case "stock_taking":
        if (s.count) s = { ...s, count: { ...s.count, things: [...s.count.things, id] } };
        else at(item);
        return;
      case "inspecting":
        at(item);
        return;
      case "unpacking":
        unpack(item, key);
        return;
      case "receiving":
        if (isFixed(kind)) s = { ...s, place: id };
        else emit({ kind: "receive", thing: id, ...placed() }, id);
        return;
      case "departing":
        if (!isFixed(kind)) emit({ kind: "ship", thing: id }, id);
        return;
      case "destroying":
        if (!isFixed(kind)) emit({ kind: "destroy", things: [id] }, id);
        return;
      default:
        if ((s.setOrder || setting.order) === "container-first") containerFirst(item);
        else itemFirst(item, key);
    }
  }

  /** A person scanned where nobody can be handed anything says who is working. */
  function isBadge(): boolean {
    if (step === "dispensing") return false;
    if (step === "storing" || step === "packing")
      return s.waiting.length === 0 && s.stack.length === 0;
    return true;
  }

  function placed(): { place?: number } {
    const place = s.place || setting.place;
    return place === 0 ? {} : { place };
  }

  function at(item: Item): void {
    if (isFixed(item[1])) s = { ...s, place: item[0] };
    else emit({ kind: "observe", things: [item[0]], ...placed() }, item[0]);
  }

  function itemFirst(item: Item, key: string): void {
    const [id, kind] = item;
    const top = s.waiting[0];
    const doc = scan.documentMode || s.setDocument;
    if (top === undefined) {
      s = { ...s, waiting: [item], received: false, document: doc };
      return;
    }
    if (s.waiting.some(([one]) => one === id)) {
      // Once more what is waiting: alone it begins anew, among others it waits on.
      if (s.waiting.length === 1) s = { ...s, received: false, document: doc };
      return;
    }
    const lower = rules.rank(kind) < rules.rank(top[1]);
    if (rules.higher(kind, top[1]) || (lower && kind !== "page" && !s.received)) {
      const things = s.waiting.map(([one]) => one);
      const document = s.document || doc;
      emit({ kind: "add", parent: id, things, ...(document ? { document } : {}) }, id);
      s = { ...s, waiting: [item], received: true, document: false };
      return;
    }
    const joins = !s.received && rules.rank(kind) === rules.rank(top[1]);
    const isTooMany = joins && s.waiting.length === WAITING_MAX;
    if (isTooMany) forgotten(key);
    s =
      joins && !isTooMany
        ? { ...s, waiting: [...s.waiting, item], document: s.document || doc }
        : { ...s, waiting: [item], received: false, document: doc };
  }

  function containerFirst(item: Item): void {
    const [id, kind] = item;
    const again = s.stack.findIndex(([one]) => one === id);
    const stack = again === -1 ? [...s.stack] : s.stack.slice(0, again);
    while (stack.length > 0 && !rules.higher(stack.at(-1)?.[1] ?? kind, kind)) stack.pop();
    const parent = stack.at(-1);
    const document = scan.documentMode || s.setDocument;
    if (parent !== undefined || kind === "page") {
      if (parent !== undefined)
        emit(
          { kind: "add", parent: parent[0], things: [id], ...(document ? { document } : {}) },
          id,
        );
      else if (setting.place !== 0) emit({ kind: "add", parent: setting.place, things: [id] }, id);
    }
    s = { ...s, stack: kind === "page" ? stack : [...stack, item] };
  }

  function unpack(item: Item, key: string): void {
    const [id, kind] = item;
    if (isFixed(kind)) {
      s = { ...s, place: id };
      if (s.unpacked.length > 0) emit({ kind: "observe", things: s.unpacked, place: id }, id);
      s = { ...s, unpacked: [] };
      return;
    }
    const from = s.container;
    if (isContainer(kind) && !(from && from[0] !== id && rules.higher(from[1], kind))) {
      s = { ...s, container: item };
      emit({ kind: "open", thing: id, ifSealed: true }, id);
      return;
    }
    if (from === null) {
      emit({ kind: "observe", things: [id], ...placed() }, id);
      return;
    }
    emit({ kind: "delete", parent: from[0], things: [id], ...placed() }, id);
    if (placed().place !== undefined) return;
    const isTooMany = s.unpacked.length === WAITING_MAX;
    if (isTooMany) forgotten(key);
    s = { ...s, unpacked: isTooMany ? [id] : [...s.unpacked, id] };
  }

  /** What waited is left as after the session's time-out; from `subject` on it begins anew. */
  function forgotten(subject: string): void {
    const reason = `${WAITING_MAX} things scanned, and not where they go`;
    acts.push({ kind: "note", finding: "missed_container_scan", subject, reason });
  }

  function emptyAll(container: number): void {
    emit({ kind: "delete", parent: container, ...placed() }, container);
  }

  function beginCount(scope: number): void {
    giveUpCount();
    const { timeMs: startMs, seq: startSeq } = scan;
    s = { ...s, count: { scope, startMs, startSeq, things: [] } };
    acts.push({ kind: "count", scope, things: [], startMs, confirmedEmpty: false, begun: true });
  }

  /** A count that was begun and never ended must not keep others from a conclusion. */
  function giveUpCount(): void {
    if (!s.count) return;
    const { scope, startMs, startSeq } = s.count;
    acts.push({
      kind: "count",
      scope,
      things: [],
      startMs,
      confirmedEmpty: false,
      begun: true,
      closes: startSeq,
    });
  }

  function endCount(scope: number, confirmedEmpty: boolean): void {
    const { count } = s;
    const mine = count?.scope === scope ? count : undefined;
    if (!mine) giveUpCount();
    s = { ...s, count: null };
    emit(
      {
        kind: "count",
        scope,
        things: mine?.things ?? [],
        startMs: mine?.startMs ?? scan.timeMs,
        confirmedEmpty,
        ...(mine ? { closes: mine.startSeq } : {}),
      },
      scope,
    );
  }
}

function isUndo({ read, step, marker }: Scan): boolean {
  return (
    step === "undo" || marker === "undo" || (read.kind === "command" && read.command === "undo")
  );
}

/** A session ends; a count does not, and what was done can still be undone. */
function rested(s: Session): Session {
  return {
    ...s,
    waiting: [],
    received: false,
    document: false,
    stack: [],
    place: 0,
    container: null,
    unpacked: [],
  };
}
