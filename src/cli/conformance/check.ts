/**
 * Compares what the twin answers at a checkpoint with what the case expects. A field that is not
 * evaluated is reported as such and never counted as passed.
 */
import type { Named } from "../../store/answers.ts";
import { epochOf } from "./feed.ts";
import type { Case, Expect, Level, Subject } from "./format.ts";
import type { World } from "./world.ts";

export type Difference = {
  readonly field: string;
  readonly expected: unknown;
  readonly got: unknown;
};
export type Checked = {
  readonly differences: readonly Difference[];
  readonly notEvaluated: readonly string[];
};

type ByName = Readonly<Record<string, unknown>>;

const SEEN_TOLERANCE_MS = 10_000;
const META: ReadonlySet<string> = new Set(["at", "asKnownAt", "oracleChecked"]);
const INFO: ReadonlySet<string> = new Set(["unrecorded_move", "late_event", "replication_pending"]);

export function check(world: World, one: Case, expect: Expect, level: Level): Checked {
  const { answers } = world;
  const at = Date.parse(expect.at);
  const known = Date.parse(expect.asKnownAt);
  const differences: Difference[] = [];
  const notEvaluated: string[] = [];

  const name = ({ key }: Named) => world.nameOf(key);
  const where = (thing: string) => {
    const answer = answers.where(world.keyOf(thing), at, known);
    return answer.ok ? answer : undefined;
  };
  const compare = (field: string, expected: unknown, got: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(got))
      differences.push({ field, expected, got });
  };
  /** One comparison for each name in the expected object. */
  const each = (field: string, expected: unknown, got: (name: string) => unknown): void => {
    for (const [thing, value] of Object.entries(expected as ByName))
      compare(`${field}.${thing}`, value, got(thing));
  };

  const fields: Readonly<Record<string, (expected: unknown) => void>> = {
    path: (expected) => each("path", expected, (thing) => where(thing)?.path.map(name) ?? []),
    contents(expected) {
      for (const [thing, value] of Object.entries(expected as ByName)) {
        const answer = answers.contents(world.keyOf(thing), at, 1000, known);
        const got = answer.ok ? answer.children.map(name).sort() : [];
        compare(`contents.${thing}`, [...(value as string[])].sort(), got);
      }
    },
    openDiscrepancies(expected) {
      const wanted = (expected as readonly Subject[]).flatMap(({ kind, subject, subjectAlt }) =>
        (level === "scans" && subjectAlt ? subjectAlt : [subject]).map((one) => `${kind} ${one}`),
      );
      const got = answers
        .discrepancies(at, known)
        .open.filter(({ kind }) => !INFO.has(kind))
        .map(({ kind, subject }) => {
          if (kind !== "id_conflict") return `${kind} ${world.nameOf(subject)}`;
          const name = eventNames(one, subject).find((text) => wanted.includes(`${kind} ${text}`));
          return `${kind} ${name ?? subject}`;
        });
      const must = wanted.filter((text) => !INFO.has(text.split(" ")[0] ?? ""));
      compare("openDiscrepancies", [...new Set(must)].sort(), [...new Set(got)].sort());
    },
    info(expected) {
      const all = answers.recorded(at, known);
      for (const one of expected as readonly Record<string, unknown>[]) {
        const { kind, subject, gateway, latenessSeconds } = one;
        const found = all.some(
          (finding) =>
            finding.kind === kind &&
            world.nameOf(finding.subject) === (subject ?? gateway) &&
            (latenessSeconds === undefined || finding.reason === `${latenessSeconds} s late`),
        );
        if (!found) differences.push({ field: "info", expected: one, got: "not recorded" });
      }
    },
    certainty: (expected) => each("certainty", expected, (thing) => where(thing)?.certainty),
    lastSeen(expected) {
      for (const [thing, value] of Object.entries(expected as ByName)) {
        const got = where(thing)?.lastSeen ?? null;
        const near =
          got !== null &&
          Math.abs(Date.parse(got) - Date.parse(String(value))) <= SEEN_TOLERANCE_MS;
        if (!near && got !== value)
          differences.push({ field: `lastSeen.${thing}`, expected: value, got });
      }
    },
    lastKnown: (expected) =>
      each("lastKnown", expected, (thing) => {
        const [first] = where(thing)?.lastKnown ?? [];
        return first ? name(first) : null;
      }),
    checkpoint: (expected) => each("checkpoint", expected, (thing) => where(thing)?.checkpoint),
    tracking: (expected) => each("tracking", expected, (thing) => where(thing)?.tracking),
    disposition: (expected) => each("disposition", expected, (thing) => where(thing)?.disposition),
    debt(expected) {
      const all = answers.debts(at, known);
      each("debt", expected, (id) => all.find(({ document }) => document === id)?.status ?? "none");
    },
    gates(expected) {
      const all = answers.gates(at, known);
      each("gates", expected, (id) => all.find((gate) => gate.name === id)?.status);
    },
    who: (expected) =>
      each("who", expected, (thing) => {
        const history = answers.history(world.keyOf(thing), at, known);
        return history.ok ? history.moves.at(-1)?.by : undefined;
      }),
    moveCount: (expected) =>
      each("moveCount", expected, (thing) => {
        const history = answers.history(world.keyOf(thing), at, known);
        return history.ok ? history.moves.filter(({ action }) => action !== "place").length : 0;
      }),
    custodian: (expected) =>
      each("custodian", expected, (thing) => {
        const person = where(thing)?.path.find(({ kind }) => kind === "person");
        return person ? name(person) : null;
      }),
    documentLocations(expected) {
      for (const [document, value] of Object.entries(expected as ByName)) {
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
    countResult: (expected) => {
      const counts = one.assertions.filter(({ type }) => type === "COUNT");
      const place = counts.at(-1)?.place ?? "";
      const got = answers.countResult(world.keyOf(place), at, known);
      const names = (keys: readonly string[]) => keys.map(world.nameOf).sort();
      compare(
        "countResult",
        expected,
        got && { ...got, missing: names(got.missing), unexpected: names(got.unexpected) },
      );
    },
    correctedTime: (expected) =>
      each("correctedTime", expected, (id) => {
        const a = one.assertions.find((assertion) => assertion.id === id);
        const scan = one.events.find(({ n }) => n === a?.from_scans.at(-1));
        if (scan === undefined) return undefined;
        const got = answers.eventTime({ ...scan, epoch: epochOf(scan) }, known);
        return got?.replace(".000Z", "Z");
      }),
    resolved(expected) {
      const all = answers.resolved(at, known);
      for (const { kind, subject, by } of expected as readonly Record<string, string>[]) {
        const found = all.some(
          (one) => one.kind === kind && world.nameOf(one.subject) === subject && one.by === by,
        );
        if (!found)
          differences.push({ field: "resolved", expected: `${kind} ${subject} ${by}`, got: all });
      }
    },
  };

  for (const [field, expected] of Object.entries(expect)) {
    if (META.has(field)) continue;
    const evaluate = fields[field];
    if (evaluate) evaluate(expected);
    else notEvaluated.push(field);
  }
  return { differences, notEvaluated };
}

/** What a case may call an event that the product names by gateway, epoch and seq. */
function eventNames(one: Case, subject: string): readonly string[] {
  const [gateway = "", , seq = ""] = subject.split("/");
  const scans = one.events.filter((scan) => scan.gateway === gateway && scan.seq === Number(seq));
  const events = one.assertions.filter(({ from_scans }) =>
    scans.some(({ n }) => from_scans.includes(n)),
  );
  const ids = events.flatMap(({ id, eventID }) => [eventID ?? id, id]);
  return [subject, `${gateway}/${seq}`, `${gateway}:${seq}`, `${gateway}#${seq}`, ...ids, gateway];
}
