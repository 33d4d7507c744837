/**
 * The fields of a checkpoint that are no core: asked of the same answers that the API gives. What a
 * twin without scans cannot know is skipped at level assertions.
 */
import type { Named } from "../../store/answers.ts";
import { type EventName, eventText } from "../../store/assertions.ts";
import type { Asked, Fields } from "./check.ts";
import { entriesOf, type Item, unlike } from "./compare.ts";
import { epochOf } from "./feed.ts";
import type { FileAssertion, FileScan } from "./format.ts";

type ByName = Readonly<Record<string, unknown>>;

const LIST_MAX = 1000;
const REFUSED: ReadonlySet<string> = new Set(["misread", "wrong_class", "refused"]);

export function furtherFields(asked: Asked): Fields {
  const { world, one, at, known, where, compare, differ, each, skip } = asked;
  const { answers } = world;
  const name = ({ key }: Named) => world.nameOf(key);
  const list = (field: string, expected: unknown, items: readonly Item[]) => {
    const got = unlike(expected, items);
    if (got !== undefined) differ(field, expected, got);
  };
  const moves = (thing: string) => {
    const history = answers.history(world.keyOf(thing), at, known);
    return history.ok ? history.moves : [];
  };
  const reviews = (kind: "process" | "reminder"): readonly Item[] =>
    world
      .reviews()
      .list(at, known, LIST_MAX)
      .reviews.filter((review) => review.kind === kind)
      .map(({ about, what, time, by }) => {
        return { names: [about, what], gate: about, document: about, process: what, time, by };
      });

  const question = { fromMs: 0, at, asKnownAt: known, limit: LIST_MAX };
  const events = () =>
    world
      .audit()
      .events(question)
      .events.map((event) => {
        const ids = one.assertions.filter((a) => isOf(a, event)).map(({ id }) => id);
        return { ...event, ids, names: [...ids, ...event.things.map(name)] };
      });
  /** The file's own scans by what became of them. */
  const reads = () =>
    Object.keys(world.file.gateways)
      .flatMap((gateway) => world.audit().reads(gateway, question).reads)
      .map((read) => {
        const first = one.events.find((scan) => isNamed(scan, read));
        return { ...read, n: first?.n, names: [String(first?.n), read.scanner, read.gateway] };
      });

  return {
    tracking: (expected) => each("tracking", expected, (thing) => where(thing)?.tracking),
    disposition: (expected) => each("disposition", expected, (thing) => where(thing)?.disposition),
    who: (expected) => each("who", expected, (thing) => moves(thing).at(-1)?.by),
    moveCount: (expected) =>
      each(
        "moveCount",
        expected,
        (thing) => moves(thing).filter(({ action }) => action !== "place").length,
      ),
    custodian: (expected) =>
      each("custodian", expected, (thing) => {
        const person = where(thing)?.path.find(({ kind }) => kind === "person");
        return person ? name(person) : null;
      }),
    documentLocations(expected) {
      for (const [document, value] of entriesOf(expected)) {
        const pages = Object.entries(world.file.entities).filter(([, { doc }]) => doc === document);
        const parents = pages.map(([page]) => where(page)?.path[0]);
        const got = new Set(parents.map((parent) => (parent ? name(parent) : "unknown")));
        compare(`documentLocations.${document}`, [...(value as string[])].sort(), [...got].sort());
      }
    },
    trackingHistory: (expected) =>
      each("trackingHistory", expected, (thing) =>
        answers.trackings(world.keyOf(thing), at, known),
      ),
    countResult(expected) {
      if (expected !== null && Object.keys(expected as object).every((key) => isPlace(key)))
        for (const [place, result] of entriesOf(expected)) counted(place, result);
      else {
        const counts = one.assertions.filter(
          ({ type, time, recordTime }) =>
            type === "COUNT" && Date.parse(time) <= at && Date.parse(recordTime) <= known,
        );
        counted(counts.at(-1)?.place ?? "", expected);
      }
    },
    correctedTime: (expected) => each("correctedTime", expected, (id) => timeOf(id)),
    order(expected) {
      if (Array.isArray(expected)) ordered("order", expected);
      else
        for (const [of, value] of entriesOf(expected))
          if ((value as unknown[]).every((one) => isThing(String(one))))
            compare(`order.${of}`, value, parentsOf(of));
          else ordered(`order.${of}`, value as unknown[]);
    },
    resolved(expected) {
      const all = answers.resolved(at, known);
      for (const { kind, subject, by } of expected as readonly Record<string, string>[]) {
        const found = all.some(
          (one) =>
            one.kind === kind &&
            world.nameOf(one.subject) === subject &&
            (by === undefined || one.by === by),
        );
        if (!found) differ("resolved", `${kind} ${subject} ${by ?? ""}`, all);
      }
    },
    provisional: (expected) =>
      list(
        "provisional",
        expected,
        world
          .discrepancies()
          .list({ status: "open", kind: "missing_item", at, asKnownAt: known, limit: LIST_MAX })
          .open.filter(({ awaits }) => awaits.length > 0)
          .map(({ kind, subject }) => {
            const called = world.nameOf(subject);
            return { names: [called, kind, `${kind} ${called}`], kind, subject: called };
          }),
      ),
    remindersToReview: (expected) => list("remindersToReview", expected, reviews("reminder")),
    reviewExecuted: (expected) => list("reviewExecuted", expected, reviews("process")),
    eventCount: (expected) =>
      list(
        "eventCount",
        expected,
        events().filter(({ voided }) => voided === null),
      ),
    auditEvents(expected) {
      const declarations = events()
        .filter(({ voided }) => voided !== null)
        .map(({ ids }) => {
          const voids = one.assertions.filter(({ target }) => ids.includes(target ?? ""));
          return { names: voids.map(({ id }) => id) };
        });
      list("auditEvents", expected, [...events(), ...declarations]);
    },
    readsCollapsed(expected) {
      if (asked.level === "assertions")
        skip("readsCollapsed at level assertions, which has no reads");
      else
        list(
          "readsCollapsed",
          expected,
          reads().filter(({ became }) => became === "bounce"),
        );
    },
    rejectedScans,
  };

  /** Whether the twin calls the event of an assertion so. */
  function isOf({ from_scans, seq }: FileAssertion, event: EventName): boolean {
    const last = one.events.find(({ n }) => n === from_scans.at(-1));
    if (last === undefined) return false;
    return isNamed({ ...last, seq: asked.level === "scans" ? last.seq : (seq ?? last.seq) }, event);
  }

  function isNamed(scan: FileScan, { gateway, epoch, seq }: EventName): boolean {
    return scan.gateway === gateway && epochOf(scan) === epoch && scan.seq === seq;
  }

  /**
   * Reads that were refused, alone or with the event they were part of. One that is only set aside
   * (a foreign symbol, a number that came again with other content) may be listed by a case or not.
   */
  function rejectedScans(expected: unknown): void {
    const listed = (n: unknown) => Array.isArray(expected) && expected.includes(n);
    const conflicts = answers.recorded(at, known).filter(({ kind }) => kind === "id_conflict");
    const aside = one.events.filter(
      (scan) =>
        scan.conflict === true &&
        listed(scan.n) &&
        conflicts.some(
          ({ subject }) =>
            subject === eventText({ ...scan, epoch: epochOf(scan) }) ||
            one.assertions.some((a) => a.eventID === subject && a.from_scans.includes(scan.n)),
        ),
    );
    if (asked.level === "scans") {
      const refused = reads().filter(
        ({ became, n }) => REFUSED.has(became) || (became === "foreign" && listed(n)),
      );
      const also = aside.map(({ n }) => ({ names: [String(n)] }));
      list("rejectedScans", expected, [...refused, ...also]);
      return;
    }
    const named = new Set(one.assertions.flatMap(({ from_scans }) => from_scans));
    const rest = Array.isArray(expected) ? expected.filter((n) => named.has(n)) : expected;
    if (Array.isArray(rest) && rest.length < (expected as unknown[]).length)
      skip("rejectedScans of no assertion, at level assertions");
    const scans = events().flatMap((event) => {
      const { refused } = event;
      if (refused === null || event.voided !== null) return [];
      const a = one.assertions.find((assertion) => isOf(assertion, event));
      const things = refused.things.map(({ key }) => world.nameOf(key));
      return (a?.from_scans ?? []).filter((n) => {
        const entity = one.events.find((scan) => scan.n === n)?.entity ?? "";
        return refused.whole || things.includes(entity);
      });
    });
    const all = new Set([...scans, ...aside.map(({ n }) => n)]);
    list(
      "rejectedScans",
      rest,
      [...all].map((n) => ({ names: [String(n)] })),
    );
  }

  function isThing(called: string): boolean {
    return Object.hasOwn(world.file.entities, called);
  }

  function isPlace(called: string): boolean {
    return isThing(called);
  }

  /** Only what the case asks of a count is compared. */
  function counted(place: string, expected: unknown): void {
    const found = answers.countResult(world.keyOf(place), at, known);
    const names = (keys: readonly string[]) => keys.map(world.nameOf).sort();
    const got: ByName | undefined = found && {
      ...found,
      missing: names(found.missing),
      unexpected: names(found.unexpected),
    };
    if (expected === null || got === undefined) {
      compare("countResult", expected, got ?? null);
      return;
    }
    for (const [field, value] of entriesOf(expected)) {
      if (!Object.hasOwn(got, field)) skip(`countResult.${field}`);
      else if (Array.isArray(value) && typeof got[field] === "number")
        compare(`countResult.${field}`, value.length, got[field]);
      else if (Array.isArray(value)) compare(`countResult.${field}`, [...value].sort(), got[field]);
      else if (typeof value === "number" && Array.isArray(got[field]))
        compare(`countResult.${field}`, value, (got[field] as unknown[]).length);
      else compare(`countResult.${field}`, value, got[field]);
    }
  }

  /** The scan by which the twin names an event that a case calls by its assertion or its scan. */
  function eventOf(called: unknown): { a?: FileAssertion; scan?: FileScan } {
    const a = one.assertions.find(({ id, eventID }) => id === called || eventID === called);
    if (a) return { a, ...scanWith((scan) => scan.n === a.from_scans.at(-1)) };
    const number = Number(called);
    return scanWith(one.events.some(({ n }) => n === number) ? ({ n }) => n === number : bySeq);
    function bySeq({ seq }: FileScan): boolean {
      return seq === number;
    }
  }

  function scanWith(is: (scan: FileScan) => boolean): { scan?: FileScan } {
    const scan = one.events.find(is);
    return scan === undefined ? {} : { scan };
  }

  function timeOf(called: unknown): string | null {
    const { a, scan } = eventOf(called);
    if (scan === undefined) return null;
    const seq = asked.level === "assertions" ? (a?.seq ?? scan.seq) : scan.seq;
    return answers.eventTime({ gateway: scan.gateway, epoch: epochOf(scan), seq }, known);
  }

  /** Events in the order of the fold: by corrected time, then gateway, then number. */
  function ordered(field: string, expected: readonly unknown[]): void {
    const events = expected.map((called) => {
      return { called, scan: eventOf(called).scan, timeMs: Date.parse(timeOf(called) ?? "") };
    });
    const gateways = new Set(events.map(({ scan }) => scan?.gateway));
    const timed = events.every(({ timeMs }) => !Number.isNaN(timeMs));
    if (events.some(({ scan }) => scan === undefined) || (!timed && gateways.size > 1)) {
      skip(field);
      return;
    }
    const by = (a: (typeof events)[number], b: (typeof events)[number]): number =>
      (timed ? a.timeMs - b.timeMs : 0) ||
      (a.scan?.gateway ?? "").localeCompare(b.scan?.gateway ?? "") ||
      (a.scan?.seq ?? 0) - (b.scan?.seq ?? 0);
    compare(
      field,
      expected,
      [...events].sort(by).map(({ called }) => called),
    );
  }

  function parentsOf(thing: string): readonly (string | null)[] {
    return moves(thing)
      .filter(({ action }) => action !== "place")
      .map(({ parent }) => (parent ? name(parent) : null));
  }
}
