/**
 * The twin against what really happened: a simulated archive day, run at speed, through real ttys,
 * real MQTT, the real gateway and the real twin, and asked through the command line as a person would.
 * The simulator wrote its own truth and shares no code with the product.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeWarehouse } from "../../src/cli/demo/warehouse.ts";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const SIMULATOR = join(ROOT, "firmware-sim/main.ts");
const SCENARIO = join(ROOT, "firmware-sim/scenarios/busy-archive.yaml");
const PAGES = Number(process.env["PAGES"] ?? 1_200);
const SEED = process.env["SEED"] ?? "11";
const SPEED = process.env["SPEED"] ?? "60";

test(`after an archive day of ${PAGES} pages the twin agrees with the building on each of them (SEED=${SEED})`, {
  timeout: 400_000,
}, async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "ports"));
  const world = ["--scenario", SCENARIO, "--seed", SEED, "--pages", String(PAGES)];
  const described = spawnSync(process.execPath, [SIMULATOR, "world", ...world], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  expect(described.stderr).toBe("");
  const site = writeWarehouse(folder, SCENARIO, described.stdout, {
    twinHttp: await freePort(),
    twinBroker: await freePort(),
    gatewayHttp: await freePort(),
    gatewayMqtt: await freePort(),
  });
  const twin = await startProgram(["twin", "--config", site.twinConfig], site.twinData);
  const gateway = await startProgram(["gateway", "--config", site.gatewayConfig], site.gatewayData);
  const { http } = twin.address;

  await simulate([
    ...["run", ...world, "--speed", SPEED, "--ports", site.ports],
    ...["--mqtt", String(gateway.address["mqtt"]), "--truth", site.truth],
  ]);
  await until("all that was scanned is reconciled", async () => {
    const waiting = await ask(`${gateway.address["http"]}/healthz`);
    const lag = await ask(`${http}/healthz`);
    const lanes = waiting["lanes"] as { waiting: number }[];
    return lanes.every((lane) => lane.waiting === 0) && lag["lag"] === 0;
  });

  const truth = finals(site.truth);
  expect(truth.size).toBeGreaterThanOrEqual(PAGES);
  const answers = where([...truth.keys()], String(http));
  const differences = [...truth].flatMap(([id, path]) => {
    const got = answers.get(id)?.join(" < ") ?? "missing";
    return got === path.join(" < ") ? [] : [{ id, truth: path.join(" < "), got }];
  });
  expect(differences).toEqual([]);

  expect(await gateway.stop()).toBe(0);
  expect(await twin.stop()).toBe(0);
});

function simulate(words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SIMULATOR, ...words], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    let complaints = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaints = (complaints + chunk).slice(-10_000);
    });
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`the simulator ended with ${code}: ${complaints}`)),
    );
  });
}

/** Where each page is at the end of the day, direct parent first. */
function finals(file: string): Map<string, readonly string[]> {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const all = lines.map((line) => JSON.parse(line) as { kind: string; id: string; path: string[] });
  return new Map(all.filter(({ kind }) => kind === "final").map(({ id, path }) => [id, path]));
}

/** `racktrace where - --json`, one answer a line. */
function where(ids: readonly string[], twin: string): Map<string, readonly string[]> {
  const words = [join(ROOT, "src/cli/main.ts"), "where", "-", "--json", "--twin", twin];
  const asked = spawnSync(process.execPath, words, {
    input: ids.join("\n"),
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  expect(asked.stderr).toBe("");
  const answers = asked.stdout.trim().split("\n");
  return new Map(
    answers.map((line) => {
      const answer = JSON.parse(line) as {
        elementString: string;
        path: { elementString: string }[];
      };
      return [answer.elementString, answer.path.map((place) => place.elementString)];
    }),
  );
}

async function ask(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url);
  return (await response.json()) as Record<string, unknown>;
}
