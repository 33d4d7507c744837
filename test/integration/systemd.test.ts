/** Notifications to systemd, through a stand-in for `systemd-notify` that writes down what it is told. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClock } from "../../src/io/clock.ts";
import { createSystemd } from "../../src/io/systemd.ts";
import type { Journal } from "../../src/ports.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

test("ready is told once, and then a beat at half the interval", async () => {
  const { systemd, told } = start({ WATCHDOG_USEC: "40000" }, () => Promise.resolve(true));
  systemd.ready();
  await until(
    "two beats were told",
    () => told().filter((word) => word === "WATCHDOG=1").length >= 2,
  );
  expect(told().filter((word) => word === "READY=1")).toHaveLength(1);
  systemd.close();
});

test("a program whose work is stuck withholds the beat, and beats again when it goes on", async () => {
  let moving = false;
  const { systemd, told, journalled } = start({ WATCHDOG_USEC: "20000" }, () =>
    moving ? Promise.resolve(true) : Promise.reject(new Error("no answer")),
  );
  systemd.ready();
  await until("beats were withheld", () => journalled.length >= 3);
  expect(new Set(journalled)).toEqual(new Set(["watchdog-withheld"]));
  expect(told()).not.toContain("WATCHDOG=1");

  moving = true;
  await until("a beat was told", () => told().includes("WATCHDOG=1"));
  systemd.close();
});

test("one bad moment does not use up the time that systemd waits", async () => {
  const asked: number[] = [];
  const { systemd } = start({ WATCHDOG_USEC: "2400000" }, () => {
    asked.push(performance.now());
    return Promise.resolve(asked.length > 1);
  });
  systemd.ready();
  await until("it was asked again", () => asked.length >= 2);
  systemd.close();
  const [first = 0, second = 0] = asked;
  // A beat is due each 1,200 ms.
  expect(second - first).toBeLessThan(1_000);
});

test("an answer that never comes is no beat", async () => {
  let asked = 0;
  const { systemd, told } = start({ WATCHDOG_USEC: "10000" }, () => {
    asked += 1;
    return new Promise(() => {});
  });
  systemd.ready();
  await until("the work was asked and ready was told", () => asked > 0 && told().length > 0);
  expect(asked).toBe(1);
  expect(told()).toEqual(["READY=1"]);
  systemd.close();
});

test("without systemd, or with a watchdog of another process, nothing is asked", async () => {
  const asked: string[] = [];
  const alive = (who: string) => () => {
    asked.push(who);
    return Promise.resolve(true);
  };
  const outside = start({ NOTIFY_SOCKET: undefined, WATCHDOG_USEC: "10000" }, alive("outside"));
  const other = start({ WATCHDOG_USEC: "10000", WATCHDOG_PID: "1" }, alive("other"));
  const ours = start({ WATCHDOG_USEC: "10000", WATCHDOG_PID: "4711" }, alive("ours"));
  for (const { systemd } of [outside, other, ours]) systemd.ready();
  await until("our own watchdog was served", () => ours.told().includes("WATCHDOG=1"));
  for (const { systemd } of [outside, other, ours]) systemd.close();
  expect(new Set(asked)).toEqual(new Set(["ours"]));
  expect(outside.told()).toEqual([]);
});

test("a missing systemd-notify is journalled and stops nothing", async () => {
  const { systemd, journalled } = start({}, () => Promise.resolve(true), "/nonexistent/notify");
  systemd.ready();
  await until("it was journalled", () => journalled.includes("systemd-notify-failed"));
  systemd.close();
});

function start(
  environment: Record<string, string | undefined>,
  alive: () => Promise<boolean>,
  command?: string,
) {
  const folder = temporaryFolder();
  const said = join(folder, "said");
  const script = join(folder, "notify");
  writeFileSync(script, `#!/bin/sh\n[ -n "$NOTIFY_SOCKET" ] && echo "$1" >> ${said}\n`, {
    mode: 0o755,
  });
  const journalled: string[] = [];
  const keep = (what: string) => void journalled.push(what);
  const journal: Journal = { note: keep, warn: keep, error: keep };
  const systemd = createSystemd(
    { clock: createClock(), journal },
    {
      environment: { PATH: process.env["PATH"], NOTIFY_SOCKET: "/run/notify", ...environment },
      pid: 4711,
      alive,
      command: command ?? script,
    },
  );
  const told = () => (existsSync(said) ? readFileSync(said, "utf8").trim().split("\n") : []);
  return { systemd, told, journalled };
}
