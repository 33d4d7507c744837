/** The whole path as a technician walks it: the programs, the commands, the files, and the way out again. */
import { chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, type Program, startProgram } from "../support/programs.ts";
import { DAY_MS, openTlsTwin } from "../support/tls-twin.ts";
import { until } from "../support/until.ts";
import { wanted } from "../support/wanted.ts";

test("a gateway is invited, enrolled, heard, and sent away when it is revoked", async () => {
  // Enrolling is the first thing that is done on a box: its folder is not there yet.
  const [twinData, gatewayData] = [temporaryFolder(), join(temporaryFolder(), "gateway")];
  const twin = await start(["twin", "--config", twinConfig(twinData)], twinData);
  const url = twin.address["broker"] ?? "";
  expect(url).toMatch(/^mqtts:/);
  const words = ["--data", gatewayData, "--twin", url];

  const invited = await run(["twin", "enrol", "gw-a", "--data", twinData]);
  expect(invited.stdout).toMatch(/^rt1\.gw-a\.\S+\n$/);
  const enrolled = await run(["gateway", "enrol", ...words], invited.stdout);
  expect(enrolled).toMatchObject({ status: 0, stdout: "" });
  const again = await run(
    ["gateway", "enrol", "--data", temporaryFolder(), "--twin", url],
    invited.stdout,
  );
  expect(again.status).toBe(1);
  expect(again.stderr).toContain("INVITATION_REFUSED: this invitation has been used");

  const gateway = await start(
    ["gateway", "--name", "gw-a", ...words, "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    gatewayData,
  );
  const device = await connectAsync(gateway.address["mqtt"] ?? "");
  onTestFinished(() => device.endAsync(true));
  await until("the gateway is connected", () => twin.log().includes("gateway-connected"));
  // What it signs its events with came with the enrolment, and no other key is taken from then on.
  const { stdout: fingerprint } = await run(["gateway", "key", "--data", gatewayData]);
  expect(enrolled.stderr).toContain(fingerprint.trim());
  const proven = await run(["verify", "--data", twinData, "--json"]);
  expect(JSON.parse(proven.stdout).keys).toContainEqual(
    expect.objectContaining({ gateway: "gw-a", how: "enrolment", fingerprint: fingerprint.trim() }),
  );
  expect((await run(["twin", "gateways", "--data", twinData])).stdout).toMatch(
    /^gw-a {2}good until/,
  );

  const told = async (program: Program, path: string) => {
    const answer = await fetch(`${program.address["http"]}${path}`, { headers: program.headers });
    return answer.text();
  };
  const daysLeft = (metrics: string, name: string) => {
    const line = metrics
      .split("\n")
      .find((one) => one.startsWith(`racktrace_${name}_certificate_ends_`));
    return (Number(line?.split(" ").at(-1)) - Date.now() / 1000) / 86_400;
  };
  expect(daysLeft(await told(gateway, "/metrics"), "gateway")).toBeCloseTo(365, 0);
  await until("the twin tells it, too", async () => {
    return Math.round(daysLeft(await told(twin, "/metrics"), "twin")) === 365;
  });
  expect(await told(gateway, "/healthz")).not.toContain("certificate-ends");

  const revoked = await run(["twin", "revoke", "gw-a", "--data", twinData, "--why", "given away"]);
  expect(revoked.status).toBe(0);
  expect(daysLeft(await told(twin, "/metrics"), "twin")).toBeNaN();
  await until("it is sent away", () => twin.log().includes("gateway-sent-away"));
  await until("it is refused when it comes again, and the journal says why", () =>
    twin
      .log()
      .split("\n")
      .some((line) => line.includes("turned-away") && line.includes("given away")),
  );

  for (const [folder, names] of [
    [
      twinData,
      ["authority/authority.pem", "authority/door.pem", "identities.db", "signing-key.pem"],
    ],
    [gatewayData, ["identity/identity.pem", "signing-key.pem"]],
  ] as const)
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
  const secrets = [invited.stdout.trim().split(".").at(-1) ?? "", "PRIVATE KEY"];
  for (const secret of secrets)
    for (const log of [twin.log(), gateway.log()]) expect(log).not.toContain(secret);
  expect(readdirSync(join(gatewayData, "identity"))).toEqual(["identity.pem"]);
}, 240_000);

test.each([
  ["who is let in", ["gateways"]],
  ["that a stolen box is let in no more", ["revoke", "gw-a"]],
  ["that an authority which was copied has ended", ["new-authority"]],
])(
  "where no gateway was ever invited nobody is told %s, and nothing is made",
  async (_what, words) => {
    // Such as the folder that one happens to be in, when the configuration is left out.
    const elsewhere = temporaryFolder();
    const told = await run(["twin", ...words, "--data", elsewhere]);
    expect([told.status, told.stdout]).toEqual([1, ""]);
    expect(told.stderr).toContain(
      "no gateway was ever invited there; name the twin's configuration",
    );
    expect(readdirSync(elsewhere)).toEqual([]);
  },
);

test("a certificate that is near its end is told by health, metric and doctor, before it ends", async () => {
  const elsewhere = await openTlsTwin();
  elsewhere.setClock(-340 * DAY_MS);
  const { key, certificate, authority } = (await elsewhere.enrol("gw-a")).read() ?? {};
  const data = temporaryFolder();
  mkdirSync(join(data, "identity"));
  writeFileSync(join(data, "identity/identity.pem"), `${key}${certificate}${authority}`);
  // Nobody is there who would renew it.
  const url = `mqtts://127.0.0.1:${await freePort()}`;
  const config = join(data, "gateway.yaml");
  const http = { host: "127.0.0.1", port: 0 };
  writeFileSync(
    config,
    JSON.stringify({ version: 1, gateway: "gw-a", data, http, mqtt: http, twin: { url } }),
  );

  const gateway = await start(["gateway", "--config", config], data);

  const health = await fetch(`${gateway.address["http"]}/healthz`);
  expect(await health.json()).toMatchObject({
    status: "degraded",
    reasons: expect.arrayContaining([
      { what: "certificate-ends", detail: expect.stringMatching(/ends in 2[45] days/) },
    ]),
  });
  const doctor = await run(["doctor", "--config", config, "--json"]);
  const found = doctor.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(found).toContainEqual(
    expect.objectContaining({ code: "certificate-ends", about: "twin" }),
  );
}, 120_000);

test("a gateway whose key files are damaged collects what is said to it, and tells what to do", async () => {
  const twin = await openTlsTwin();
  const { key, certificate, authority } = (await twin.enrol("gw-a")).read() ?? {};
  const data = temporaryFolder();
  mkdirSync(join(data, "identity"));
  const damaged = `${key}${certificate}${authority}`.replaceAll(/-\n\w{8}/g, "-\nAAAAAAAA");
  writeFileSync(join(data, "identity/identity.pem"), damaged);
  writeFileSync(join(data, "signing-key.pem"), "");
  const http = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const gateway = await start(
    ["gateway", "--name", "gw-a", "--data", data, "--twin", twin.url, ...http],
    data,
  );
  await until("it says what to do", () =>
    /KEY_DAMAGED.*identity.*enrolled again/.test(gateway.log()),
  );
  expect(gateway.log()).toContain("signing-key-set-aside");
  const device = await connectAsync(gateway.address["mqtt"] ?? "");
  await device.publishAsync("clim/1/temperature", "21.5", { qos: 1 });
  await device.endAsync();
  expect(await gateway.stop()).toBe(0);
}, 120_000);

test("a twin does not listen in plain text beyond its own machine unless told in so many words", async () => {
  const data = temporaryFolder();
  const broker = (part: object) => {
    const file = join(data, "twin.yaml");
    writeFileSync(file, JSON.stringify({ version: 1, data, broker: part }));
    return run(["twin", "--config", file, "--check"]);
  };
  expect(await broker({ host: "0.0.0.0", transport: "plain" })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("whoever is on the way could read and write it"),
  });
  expect(await broker({ host: "0.0.0.0" })).toMatchObject({ status: 0 });
  const told = await broker({
    host: "0.0.0.0",
    transport: "plain-readable-and-writable-by-anyone",
  });
  expect(told.status).toBe(0);
}, 120_000);

const isRoot = wanted(
  "a folder of another user, as an enrolment finds it",
  process.getuid?.() === 0,
  "Run it as root, or in a container.",
);

test.skipIf(!isRoot)(
  "a command that would leave files which the program cannot read says so instead",
  async () => {
    const data = temporaryFolder();
    chownSync(data, 12_345, 12_345);
    const refused = await run(["twin", "enrol", "gw-a", "--data", data]);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("belongs to user 12345");
    expect(readdirSync(data)).toEqual([]);
  },
);

async function start(words: readonly string[], data: string): Promise<Program> {
  const program = await startProgram(words, data);
  onTestFinished(() => program.kill());
  return program;
}

function twinConfig(data: string): string {
  const file = join(data, "twin.yaml");
  const config = {
    version: 1,
    data,
    http: { host: "127.0.0.1", port: 0 },
    broker: { host: "127.0.0.1", port: 0, transport: "tls" },
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}
