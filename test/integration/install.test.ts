/**
 * What the units start: the built programs, not the sources, with the notifications of systemd.
 * The build goes to a folder of its own inside the repository, so that packages are found from it.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const root = new URL("../../", import.meta.url).pathname;
mkdirSync(join(root, ".racktrace"), { recursive: true });
const built = mkdtempSync(join(root, ".racktrace/build-"));
const main = join(built, "src/cli/main.js");

beforeAll(() => {
  // Type errors are the business of `npm run check`; here it counts that programs come out.
  spawnSync(join(root, "node_modules/.bin/tsc"), ["--outDir", built], { cwd: root });
  cpSync(join(root, "src/wire/racktrace.proto"), join(built, "src/wire/racktrace.proto"));
  cpSync(join(root, "src/io/status-page"), join(built, "src/io/status-page"), { recursive: true });
  if (existsSync(join(root, "dist/web"))) symlinkSync(join(root, "dist/web"), join(built, "web"));
}, 120_000);

afterAll(() => rmSync(built, { recursive: true, force: true }));

test("the built twin and gateway start, tell systemd that they are ready and alive, and stop in order", async () => {
  const folder = temporaryFolder();
  const { environment, told } = pretendedSystemd(folder);
  const twinData = join(folder, "twin");
  const flags = ["--http", "127.0.0.1:0"];
  const twin = await startProgram(
    ["twin", "--data", twinData, "--broker", "127.0.0.1:0", ...flags],
    twinData,
    { main, environment: environment("twin") },
  );
  onTestFinished(() => twin.kill());
  const gatewayData = join(folder, "gateway");
  const gateway = await startProgram(
    [
      "gateway",
      "--data",
      gatewayData,
      "--name",
      "gw-installed",
      "--twin",
      twin.address["broker"] ?? "",
      "--mqtt",
      "127.0.0.1:0",
      ...flags,
    ],
    gatewayData,
    { main, environment: environment("gateway") },
  );

  onTestFinished(() => gateway.kill());

  for (const program of ["twin", "gateway"]) {
    await until(`the ${program} beats`, () => told(program).includes("WATCHDOG=1"));
    expect(told(program)[0]).toBe("READY=1");
  }
  expect((await fetch(`${twin.address["http"]}/healthz`)).status).toBe(200);
  if (existsSync(join(built, "web/index.html")))
    expect(await (await fetch(`${twin.address["http"]}/`)).text()).toContain("<!doctype html>");

  expect(await gateway.stop()).toBe(0);
  expect(await twin.stop()).toBe(0);
  for (const program of ["twin", "gateway"]) expect(told(program)).toContain("STOPPING=1");
});

test("the built command line says which release it is", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const said = spawnSync(process.execPath, [main, "--version"], { encoding: "utf8" });
  expect([said.status, said.stdout, said.stderr]).toEqual([0, `${version}\n`, ""]);
});

test("the built command line checks a configuration and says what is wrong with it", () => {
  const check = (name: string, text: string) => {
    const file = join(temporaryFolder(), `${name}.yaml`);
    writeFileSync(file, text);
    return spawnSync(process.execPath, [main, name, "--config", file, "--check"], {
      encoding: "utf8",
    });
  };
  const sample = (name: string) => readFileSync(join(root, `deploy/${name}.sample.yaml`), "utf8");
  const gateway = check("gateway", sample("gateway"));
  expect(gateway.stderr).toBe("");
  expect(gateway.status).toBe(0);
  expect(check("twin", sample("twin").replace(/^masterData.*$/m, "")).status).toBe(0);

  const wrong = check("gateway", sample("gateway").replace("baudRate:", "baudrate:"));
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toContain("CONFIG_INVALID");
  expect(wrong.stderr).toContain("baudRate");
});

/** Stands where systemd-notify stands on PATH, and writes down what each program tells. */
function pretendedSystemd(folder: string) {
  const said = (program: string) => join(folder, `${program}.said`);
  const script = '#!/bin/sh\necho "$1" >> "$NOTIFY_SOCKET"\n';
  writeFileSync(join(folder, "systemd-notify"), script, { mode: 0o755 });
  return {
    environment: (program: string) => ({
      PATH: `${folder}:${process.env["PATH"]}`,
      NOTIFY_SOCKET: said(program),
      WATCHDOG_USEC: "200000",
    }),
    told: (program: string) =>
      existsSync(said(program)) ? readFileSync(said(program), "utf8").trim().split("\n") : [],
  };
}
