/** Devices are let in as a technician does it: the command, the gateway that runs, and the way out again. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

test("a device is added, let in with what was printed once, and sent away when it is removed", async () => {
  const data = temporaryFolder();
  const file = join(data, "gateway.yaml");
  const door = { host: "127.0.0.1", port: 0, transport: "tls", access: "known-devices" };
  writeFileSync(
    file,
    JSON.stringify({
      ...{ version: 1, gateway: "gw-a", data, http: { port: 0 }, mqtt: door },
      // None: a twin that happens to run here is not for it.
      twin: { url: "mqtt://127.0.0.1:1" },
    }),
  );
  const device = (...words: string[]) => run(["device", ...words, "--config", file]);
  const gateway = await startProgram(["gateway", "--config", file], data);
  onTestFinished(() => gateway.kill());

  const added = await device("add", "clim-1", "--publish", "hall/clim-1/#");
  expect(added.stdout).toMatch(/^\S{43}\n$/);
  const ca = (await device("authority")).stdout;
  const come = (password: string) =>
    mqtt.connectAsync(
      gateway.address["mqtt"] ?? "",
      { ca, clientId: "clim-1", username: "clim-1", password, reconnectPeriod: 0 },
      false,
    );
  const client = await come(added.stdout.trim());
  client.on("error", () => {});
  onTestFinished(() => client.endAsync(true));
  await client.publishAsync("hall/clim-1/temperature", "21", { qos: 1 });

  const gone = new Promise<void>((resolve) => client.once("close", () => resolve()));
  expect((await device("remove", "clim-1")).status).toBe(0);
  await gone;
  await expect(come(added.stdout.trim())).rejects.toMatchObject({ code: 4 });
  await until("the journal says why", () => gateway.log().includes("there is no device clim-1"));
  expect(gateway.log()).not.toContain(added.stdout.trim());
  for (const name of ["devices.db", "authority.pem", "door.pem"])
    expect(statSync(join(data, "devices", name)).mode & 0o077, name).toBe(0);
  expect(await device("add", "all", "--publish", "#")).toMatchObject({ status: 2, stdout: "" });
}, 240_000);
