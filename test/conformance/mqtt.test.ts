/**
 * MQTT 3.1.1 at both brokers, statement by statement (mqtt-statements.ts). What they do otherwise stands in
 * src/README.md, and this holds it there. None is packaged that we could run instead; this one was written from
 * the standard.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { come, type Door, openDevices, openGateways, tell } from "./mqtt-doors.ts";
import { STATEMENTS, type Verdict } from "./mqtt-statements.ts";

const OPEN = { devices: openDevices, gateways: openGateways };
const KINDS = ["devices", "gateways"] as const;
const all = STATEMENTS.flatMap(({ devices, gateways }) => [devices, gateways]);
const count = (kind: Verdict["kind"]) => all.filter((one) => one.kind === kind).length;
process.stdout.write(
  `MQTT 3.1.1: ${STATEMENTS.length} statements at two brokers: ${count("kept")} kept, ${count("otherwise")} otherwise, ${count("absent")} not there to be tried\n`,
);

describe.each(KINDS)("MQTT 3.1.1 at the door for %s", (kind) => {
  let door: Door;
  beforeAll(async () => {
    door = await OPEN[kind]();
  });
  afterAll(() => door.close());

  for (const statement of STATEMENTS) {
    const verdict = statement[kind];
    if (verdict.kind === "absent") continue;
    const but = verdict.kind === "otherwise" ? " (otherwise)" : "";
    test(`[MQTT-${statement.id}] ${statement.says}${but}`, () => verdict.attempt(door));
  }

  test("goes on after all of it", async () => {
    await tell(door, await come(door), "1");
  });
});

test("each statement of appendix B is there once, in its order", () => {
  const ids = STATEMENTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const chapters = new Map<string, number[]>();
  for (const id of ids) {
    const [section = "", number] = id.split("-");
    chapters.set(section, [...(chapters.get(section) ?? []), Number(number)]);
  }
  const found = [...chapters].map(([section, numbers]) => `${section}: ${numbers.length}`);
  expect(found).toEqual(SECTIONS);
  for (const [section, numbers] of chapters)
    expect(numbers, section).toEqual(numbers.map((_, at) => at + 1));
});

test("what the brokers do otherwise is what src/README.md says", () => {
  const page = readFileSync(new URL("../../src/README.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => /^\| \d\.\d+\.\d+-\d+ /.test(line));
  expect(rows).toEqual(tableRows());
});

/** How many statements each section of the standard has. */
const SECTIONS = [
  ...["1.5.3: 3", "2.2.2: 2", "2.3.1: 7", "3.1.0: 2", "3.1.2: 24", "3.1.3: 11", "3.1.4: 5"],
  ...["3.2.0: 1", "3.2.2: 6", "3.3.1: 12", "3.3.2: 3", "3.3.4: 1", "3.3.5: 2", "3.6.1: 1"],
  ...["3.8.1: 1", "3.8.3: 4", "3.8.4: 6", "3.9.3: 2", "3.10.1: 1", "3.10.3: 2", "3.10.4: 6"],
  ...["3.12.4: 1", "3.14.1: 1", "3.14.4: 3", "4.1.0: 2", "4.3.1: 1", "4.3.2: 2", "4.3.3: 2"],
  ...["4.4.0: 1", "4.5.0: 2", "4.6.0: 6", "4.7.1: 3", "4.7.2: 1", "4.7.3: 4", "4.8.0: 2"],
  ...["6.0.0: 4", "7.0.0: 2", "7.1.1: 1", "7.1.2: 1"],
];

function tableRows(): string[] {
  const told = (verdict: Verdict) => (verdict.kind === "kept" ? "as it says" : verdict.why);
  return STATEMENTS.filter((one) => KINDS.some((kind) => one[kind].kind === "otherwise")).map(
    ({ id, says, devices, gateways }) =>
      `| ${id} | ${says} | ${told(devices)} | ${told(gateways)} |`,
  );
}
