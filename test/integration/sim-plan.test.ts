import { join } from "node:path";
import { expect, test } from "vitest";
import { checkDigit } from "../../firmware-sim/keys.ts";
import { createPlanner } from "../../firmware-sim/plan.ts";
import { readScenario } from "../../firmware-sim/scenario.ts";
import { createWorld, masterData } from "../../firmware-sim/world.ts";

const SCENARIOS = ["archive-day", "busy-archive", "rough-day"];

test("check digits are those of keys that others published", () => {
  // From the GS1 General Specifications, GS1's Digital Link tests and a parcel label.
  expect(checkDigit("629104150021")).toBe("3");
  expect(checkDigit("401234500009")).toBe("2");
  expect(checkDigit("37610425002123456")).toBe("9");
});

test.each(SCENARIOS)("the same seed plans the same day of %s, another seed another", (name) => {
  expect(plan(name, 1)).toEqual(plan(name, 1));
  expect(pace(plan(name, 2))).not.toEqual(pace(plan(name, 1)));
});

test.each(SCENARIOS)("the master data of %s covers every key that is scanned", (name) => {
  const scenario = scenarioOf(name);
  const world = createWorld(scenario, 3);
  const known = keysOf(masterData(scenario, world));
  const planner = createPlanner({ world, seed: 3 }, scenario);
  const scanned = Array.from({ length: scenario.day.worldDays }, (_, day) => planner.day(day + 1))
    .flat()
    .flatMap(({ acts }) => acts.map(({ label }) => label));

  // Envelopes are made at the office; no master data knows them beforehand.
  const unknown = scanned
    .filter(({ kind }) => kind !== "envelope")
    .map(({ kind, element }) =>
      kind === "folder" ? element.slice(0, "(8003)".length + 14) : element,
    )
    .filter((element) => !known.has(element));

  expect(unknown).toEqual([]);
  expect(new Set(scanned.map(({ kind }) => kind))).toEqual(
    new Set(["page", "envelope", "folder", "place"]),
  );
  expect(world.operators.size).toBeGreaterThan(0);
  for (const { element } of world.operators.values()) expect(known).toContain(element);
});

test.each(SCENARIOS)("in %s nobody waits for a job that is planned later", (name) => {
  const started = new Set<unknown>();
  for (const job of plan(name, 4)) {
    expect(job.after.filter((earlier) => !started.has(earlier))).toEqual([]);
    started.add(job);
  }
});

test.each(SCENARIOS)(
  "in %s a page goes from scanner to scanner only when it was let go",
  (name) => {
    const holder = new Map<string, ReturnType<typeof plan>[number]>();
    for (const job of plan(name, 5)) {
      for (const { label } of job.acts.filter(({ label: { kind } }) => kind === "page")) {
        const before = holder.get(label.element);
        const letGo =
          before === undefined || before.scanner === job.scanner || follows(job, before);
        expect(letGo, `${label.element} at ${job.scanner}`).toBe(true);
        holder.set(label.element, job);
      }
    }
  },
);

test("a day that the world has no paper for is a day of putting things in order", () => {
  const scenario = scenarioOf("rough-day");
  const planner = createPlanner({ world: createWorld(scenario, 1), seed: 1 }, scenario);
  planner.day(1);

  const jobs = planner.day(2);

  expect(jobs.length).toBeGreaterThan(0);
  expect(new Set(jobs.map(({ scanner }) => scanner.replace(/-\d$/, "")))).toEqual(
    new Set(["scn-archive"]),
  );
});

function scenarioOf(name: string) {
  const folder = new URL("../../firmware-sim/scenarios", import.meta.url).pathname;
  return readScenario(join(folder, `${name}.yaml`), undefined);
}

function plan(name: string, seed: number) {
  const scenario = scenarioOf(name);
  return createPlanner({ world: createWorld(scenario, seed), seed }, scenario).day(1);
}

/** What is left of a plan without the names of things. */
function pace(jobs: readonly Job[]) {
  return jobs.map(({ scanner, startMs, acts }) => [scanner, startMs, acts.length]);
}

type Job = ReturnType<typeof plan>[number];

function follows(job: Job, earlier: Job): boolean {
  return job.after.some((before) => before === earlier || follows(before, earlier));
}

/** Every `id` and every page in it. */
function keysOf(masterData: unknown): Set<string> {
  const keys = new Set<string>();
  JSON.stringify(masterData, (key, value) => {
    if (key === "id") keys.add(value);
    if (key === "pages") for (const page of value) keys.add(page);
    return value;
  });
  return keys;
}
