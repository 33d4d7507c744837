/**
 * Compares what the twin answers at a checkpoint with what the case expects. A field that is not
 * evaluated is reported as such and never counted as passed.
 */
import type { Named } from "../../store/answers.ts";
import { entriesOf, same } from "./compare.ts";
import type { Case, Expect, Level, Subject } from "./format.ts";
import { furtherFields } from "./further.ts";
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

/** What a field is compared by, and where the outcome goes. */
export type Asked = {
  readonly world: World;
  readonly one: Case;
  readonly level: Level;
  readonly at: number;
  readonly known: number;
  readonly where: (thing: string) => Whereabouts | undefined;
  readonly compare: (field: string, expected: unknown, got: unknown) => void;
  readonly differ: (field: string, expected: unknown, got: unknown) => void;
  /** One comparison for each name in the expected object. */
  readonly each: (field: string, expected: unknown, got: (name: string) => unknown) => void;
  /** The field, or the part of it that is named, cannot be answered at this level. */
  readonly skip: (field: string) => void;
};

export type Fields = Readonly<Record<string, (expected: unknown) => void>>;

type Whereabouts = Extract<ReturnType<World["answers"]["where"]>, { ok: true }>;
const SEEN_TOLERANCE_MS = 10_000;
const META: ReadonlySet<string> = new Set(["at", "asKnownAt", "oracleChecked"]);
const INFO: ReadonlySet<string> = new Set(["unrecorded_move", "late_event", "replication_pending"]);

export function check(world: World, one: Case, expect: Expect, level: Level): Checked {
  const { answers } = world;
  const at = Date.parse(expect.at);
  const known = Date.parse(expect.asKnownAt);
  const differences: Difference[] = [];
  const notEvaluated: string[] = [];
  const asked: Asked = {
    world,
    one,
    level,
    at,
    known,
    where(thing) {
      const answer = answers.where(world.keyOf(thing), at, known);
      return answer.ok ? answer : undefined;
    },
    compare(field, expected, got) {
      if (!same(expected, got)) differences.push({ field, expected, got });
    },
    differ: (field, expected, got) => differences.push({ field, expected, got }),
    each(field, expected, got) {
      for (const [thing, value] of entriesOf(expected))
        asked.compare(`${field}.${thing}`, value, got(thing));
    },
    skip: (field) => notEvaluated.push(field),
  };

  const core = coreFields(asked);
  const further = furtherFields(asked);
  for (const [field, expected] of Object.entries(expect)) {
    if (META.has(field)) continue;
    const isCore = Object.hasOwn(core, field);
    const evaluate = isCore ? core[field] : Object.hasOwn(further, field) && further[field];
    if (!evaluate) notEvaluated.push(field);
    else
      try {
        evaluate(expected);
      } catch (error) {
        const got = error instanceof Error ? error.message : String(error);
        if (isCore) differences.push({ field, expected, got });
        else notEvaluated.push(`${field} (${got})`);
      }
  }
  return { differences, notEvaluated };
}

function coreFields({ world, one, level, at, known, where, compare, differ, each }: Asked): Fields {
  const { answers } = world;
  const name = ({ key }: Named) => world.nameOf(key);
  /** An order is pending for as long as its gate is shut. */
  const pending = () =>
    answers
      .gates(at, known)
      .filter(({ status, since, issued }) => status === "blocked" || since !== issued)
      .map(({ entity }) => ({ kind: "replication_pending", subject: entity, reason: "" }));
  return {
    path(expected) {
      for (const [thing, value] of entriesOf(expected))
        compare(`path.${thing}`, value ?? [], where(thing)?.path.map(name) ?? []);
    },
    contents(expected) {
      for (const [thing, value] of entriesOf(expected)) {
        const answer = answers.contents(world.keyOf(thing), at, 1000, known);
        const got = answer.ok ? answer.children.map(name).sort() : [];
        compare(`contents.${thing}`, [...((value ?? []) as string[])].sort(), got);
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
          const called = wanted.find(
            (text) => text.startsWith(`${kind} `) && names(one, subject, text.slice(12)),
          );
          return called ?? `${kind} ${subject}`;
        });
      const must = wanted.filter((text) => !INFO.has(text.split(" ")[0] ?? ""));
      compare("openDiscrepancies", [...new Set(must)].sort(), [...new Set(got)].sort());
    },
    info(expected) {
      const all = [...answers.recorded(at, known), ...pending()];
      for (const one of expected as readonly Record<string, unknown>[]) {
        const { kind, subject, gateway, latenessSeconds } = one;
        const found = all.some(
          (finding) =>
            finding.kind === kind &&
            world.nameOf(finding.subject) === (subject ?? gateway) &&
            (latenessSeconds === undefined || finding.reason === `${latenessSeconds} s late`),
        );
        if (!found) differ("info", one, "not recorded");
      }
    },
    certainty: (expected) => each("certainty", expected, (thing) => where(thing)?.certainty),
    lastSeen(expected) {
      for (const [thing, value] of entriesOf(expected)) {
        const got = where(thing)?.lastSeen ?? null;
        const near =
          got !== null &&
          Math.abs(Date.parse(got) - Date.parse(String(value))) <= SEEN_TOLERANCE_MS;
        if (!near && got !== value) differ(`lastSeen.${thing}`, value, got);
      }
    },
    lastKnown(expected) {
      for (const [thing, value] of entriesOf(expected)) {
        const path = (where(thing)?.lastKnown ?? []).map(name);
        compare(`lastKnown.${thing}`, value, Array.isArray(value) ? path : (path[0] ?? null));
      }
    },
    checkpoint: (expected) => each("checkpoint", expected, (thing) => where(thing)?.checkpoint),
    debt(expected) {
      const all = answers.debts(at, known);
      each("debt", expected, (id) => all.find(({ document }) => document === id)?.status ?? "none");
    },
    gates(expected) {
      const all = answers.gates(at, known);
      for (const [id, value] of entriesOf(expected)) {
        const status = (value as { status?: unknown } | null)?.status ?? value;
        const got = all.find((gate) => gate.name === id)?.status;
        compare(`gates.${id}`, status === "re-blocked" ? "blocked" : status, got);
      }
    },
  };
}

/** Whether a case may call an event so, which the twin names by gateway, epoch and seq, or by its id. */
function names(one: Case, subject: string, called: string): boolean {
  const [gateway = "", , number = ""] = subject.split("/");
  const events = one.assertions.filter(
    ({ from_scans, eventID, ...a }) =>
      eventID === subject ||
      (a.gateway === gateway && a.seq === Number(number)) ||
      one.events.some(
        (scan) =>
          scan.gateway === gateway && scan.seq === Number(number) && from_scans.includes(scan.n),
      ),
  );
  const ids = events.flatMap(({ id, eventID }) => [eventID ?? id, id]);
  if ([subject, gateway, ...ids].includes(called)) return true;
  const places = [{ gateway, seq: Number(number) }, ...events];
  return places.some(
    ({ gateway: at, seq }) =>
      at && called.startsWith(at) && new RegExp(`\\b${seq}$`).test(called.slice(at.length)),
  );
}
