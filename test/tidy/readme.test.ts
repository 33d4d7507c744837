/** The README's tables of devices: each row names tests that are there, and no family is left out. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PROFILES as MODBUS_PROFILES } from "../../src/devices/modbus/profiles.ts";
import { PROFILES } from "../../src/devices/scanners/profile.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const TESTS = new URL("../", import.meta.url);

test.each(["Scanners", "Sensors"])(
  "each row of the table of %s names a test that is there",
  (title) => {
    const rows = tableOf(title);
    expect(rows.length).toBeGreaterThan(8);
    for (const cells of rows) {
      const named = namesIn(cells.at(-1) ?? "");
      expect(named, `${cells[0]}: a test that shows it`).not.toEqual([]);
      expect(
        named.filter((name) => !isThere(name)),
        `${cells[0]}: is named and not there`,
      ).toEqual([]);
    }
  },
);

test("tests that the text between the tables names are there", () => {
  const folders = readdirSync(TESTS).filter((name) => !name.includes("."));
  const named = [...README.matchAll(/`((?:test\/)?([a-z]+)\/[\w./-]+)`/g)]
    .filter(([, , folder = ""]) => folders.includes(folder))
    .map(([, name = ""]) => name.replace(/^test\//, "").replace(/\.test\.ts$/, ""));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !isThere(name))).toEqual([]);
});

test("each profile of scanners and instruments, and each decoder, has its row", () => {
  const scanners = tableOf("Scanners").join();
  expect(Object.keys(PROFILES).filter((name) => !scanners.includes(`\`${name}\``))).toEqual([]);
  const sensors = tableOf("Sensors").map(([family = ""]) => family.toLowerCase());
  const decoders = readdirSync(new URL("vectors/mqtt", TESTS))
    .filter((name) => name.endsWith(".txt"))
    .map((name) => name.replace(".txt", ""));
  const families = [...decoders, "sparkplug", ...Object.keys(MODBUS_PROFILES)];
  expect(families.filter((name) => !sensors.join().includes(name))).toEqual([]);
});

/** The cells of its rows, without the heading. */
function tableOf(title: string): readonly (readonly string[])[] {
  const section = README.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

/** A name without a folder stands in that of the name before it. */
function namesIn(cell: string): readonly string[] {
  let folder = "";
  return [...cell.matchAll(/`([\w./-]+)`/g)].map(([, name = ""]) => {
    const cut = name.lastIndexOf("/") + 1;
    if (cut > 0) folder = name.slice(0, cut);
    return folder + name.slice(cut);
  });
}

function isThere(name: string): boolean {
  return [".test.ts", ".txt", ".ts", "/", ""].some((end) => existsSync(new URL(name + end, TESTS)));
}
