/** A gate that nobody runs shows nothing. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const folder = new URL("../gate/", import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, folder), "utf8");

test("each gate is run, by the name of its file", () => {
  const gates = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .filter((path) => textOf(path).includes("export const gate: Gate"));
  expect(gates.length).toBeGreaterThan(10);
  const main = textOf("main.ts");
  expect(gates.filter((path) => !main.includes(`"./${path}"`))).toEqual([]);
  expect(gates.filter((path) => !textOf(path).includes(`name: "${path.slice(0, -3)}"`))).toEqual(
    [],
  );
});
