/** What is installed on a box: samples that load, units that verify, paths that agree. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readMasterData, readTwinConfig } from "../../src/cli/twin-config.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { temporaryFolder } from "../support/folder.ts";
import { hasProgram, wanted } from "../support/wanted.ts";

const deploy = new URL("../../deploy/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, deploy), "utf8");
const units = ["gateway", "twin"] as const;

test("the sample configuration of the gateway is taken without a word", () => {
  const result = readGatewayConfig(read("gateway.sample.yaml"));
  expect(result).toMatchObject({ ok: true, config: { gateway: "gw-archive" } });
});

test("the sample configuration of the twin is taken without a word", () => {
  const config = readTwinConfig(new URL("twin.sample.yaml", deploy).pathname, {});
  expect(config).toMatchObject({ http: { host: "127.0.0.1", port: 8780 } });
});

test("the sample master data is taken, and speaks of the gateway and the scanners of the sample", () => {
  const statements = readMasterData(new URL("master-data.sample.yaml", deploy).pathname);
  const text = JSON.stringify(statements);
  for (const name of ["gw-archive", "scn-archive-1", "scn-archive-2", "N00001", "M00001"])
    expect(text).toContain(name);
});

test.each(units)("the unit of the %s runs what is installed, on the data of the sample", (unit) => {
  const text = read(`racktrace-${unit}.service`);
  const bin = JSON.parse(read("../package.json")).bin.racktrace as string;
  const config = unit === "twin" ? "/etc/racktrace/twin.yaml" : "/etc/racktrace/gateway.yaml";
  expect(text).toContain(`/opt/racktrace/${bin} ${unit} --config ${config}\n`);
  expect(text).toContain(`StateDirectory=racktrace/${unit}\n`);
  expect(read(`${unit}.sample.yaml`)).toContain(`data: /var/lib/racktrace/${unit} `);
  expect(read("racktrace.sysusers.conf")).toContain(`u racktrace-${unit} `);
});

const hasSystemd = wanted(
  "the units, by systemd itself",
  hasProgram("systemd-analyze", "--version"),
  "apt-get install systemd",
);

test.skipIf(!hasSystemd).each(units)(
  "systemd finds nothing wrong with the unit of the %s",
  (unit) => {
    const file = join(temporaryFolder(), `racktrace-${unit}.service`);
    // Verification wants a program that exists here.
    const text = read(`racktrace-${unit}.service`).replace("/opt/node/bin/node", process.execPath);
    writeFileSync(file, text);
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
      encoding: "utf8",
      env: { ...process.env, SYSTEMD_LOG_LEVEL: "warning" },
    });
    const own = stderr.split("\n").filter((line) => line.includes(`racktrace-${unit}`));
    expect(own).toEqual([]);
    expect(status).toBe(0);
  },
);

/** Of 10, by systemd 252; what is left is the network, the devices, and the compiler inside Node. */
const EXPOSURE_MAX = { gateway: 2.2, twin: 1.8 };

test.skipIf(!hasSystemd).each(units)(
  "systemd finds the unit of the %s closed but for what it needs",
  (unit) => {
    const file = new URL(`racktrace-${unit}.service`, deploy).pathname;
    const { stdout, stderr } = spawnSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", file],
      { encoding: "utf8" },
    );
    const [, exposure = "none"] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(exposure), stderr).toBeLessThanOrEqual(EXPOSURE_MAX[unit]);
  },
);

test("in the container both programs start as their units start them, with the configuration filled in", () => {
  const bin = temporaryFolder();
  const entry = join(bin, "racktrace");
  symlinkSync(new URL("container-entry.sh", deploy).pathname, entry);
  writeFileSync(join(bin, "node"), '#!/bin/sh\necho "$MALLOC_ARENA_MAX node $*"\n', {
    mode: 0o755,
  });
  const env = { PATH: `${bin}:${process.env["PATH"]}`, MALLOC_ARENA_MAX: "" };
  const shown = (...words: string[]) =>
    execFileSync("sh", [entry, ...words], { encoding: "utf8", env }).trim();
  const main = "/opt/racktrace/dist/src/cli/main.js";
  const options = "--max-semi-space-size=4 --max-old-space-size=160";
  expect(shown("twin")).toBe(`node ${main} twin --config /etc/racktrace/twin.yaml`);
  expect(shown("gateway", "--check")).toBe(`2 node ${options} ${main} gateway --check`);
  expect(shown("doctor")).toBe(`node ${main} doctor`);
});
