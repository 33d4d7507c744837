/**
 * A cable that is pulled and put back, over and over, in the middle of scans and among noise, while another
 * scanner on the same gateway is in use.
 *
 *   CYCLES=1000 SEED=7 npx vitest run --config test/vitest.config.ts test/integration/scanner-hotplug.test.ts
 */
import { readdirSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { createPrng } from "../../firmware-sim/prng.ts";
import { createSsiScanner } from "../../firmware-sim/ssi.ts";
import type { Tty } from "../../firmware-sim/tty.ts";
import { SUPERVISE_DEFAULTS } from "../../src/gateway/supervise.ts";
import { type Desk, openCable, openDesk } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

const CYCLES = Number(process.env["CYCLES"] ?? 60);
const SEED = Number(process.env["SEED"] ?? 1);
const REOPEN_MS_MAX = 2_000;
const STX = "\x02";
const ETX = "\x03";

test(`${CYCLES} times unplugged: no descriptor leaks, no frame is spliced, open again in 2 s, the neighbour works on (SEED=${SEED})`, {
  timeout: 60_000 + CYCLES * 1_000,
}, async () => {
  const prng = createPrng(SEED, "hotplug");
  const { reopen } = SUPERVISE_DEFAULTS;
  const cable = openCable();
  const words = "profile: generic, framing: { kind: stx-etx }";
  const desk = await openDesk({ scanner: words, path: cable.path, reopen });
  await desk.untilOpen();
  const neighbour = await startNeighbour();
  await cycle(desk, cable);
  const before = descriptors();

  const sent: string[] = ["WARM-UP"];
  const reopenedMs: number[] = [];
  for (let n = 0; n < CYCLES; n++) {
    const scan = `SCAN-${n}`;
    sent.push(scan);
    await cable.write(noise());
    await cable.write(Buffer.from(`${STX}${scan}${ETX}`));
    await cable.write(Buffer.concat([noise(), Buffer.from(`${STX}HALF-${n}`)]));
    await until("the scan is kept", async () => (await desk.scans()).length >= sent.length, {
      everyMs: 2,
    });
    reopenedMs.push(await cycle(desk, cable));
  }

  const others = await neighbour.stop();
  const leaked = descriptors() - before;
  expect(await desk.scans()).toEqual(sent);
  expect(Math.max(...reopenedMs)).toBeLessThan(REOPEN_MS_MAX);
  expect(leaked).toBeLessThanOrEqual(1);
  expect(
    others.outcomes.filter(({ how, sent: times }) => how !== "acknowledged" || times > 1),
  ).toEqual([]);
  expect(others.kept).toEqual(others.sent);
  process.stderr.write(
    `${CYCLES} cycles, ${leaked} descriptors more, open again after ${Math.round(median(reopenedMs))} ms (median), ${Math.round(Math.max(...reopenedMs))} ms (worst); the neighbour's ${others.sent.length} scans all acknowledged at once\n`,
  );

  /** Bytes of a bad contact: anything but what starts or ends a scan. */
  function noise(): Uint8Array {
    return Uint8Array.from({ length: prng.wholeWithin([0, 40]) }, () => prng.wholeWithin([4, 255]));
  }
});

/** Out and in again; how long it took from the plug to the open line. */
async function cycle(desk: Desk, cable: Tty): Promise<number> {
  if ((await desk.scans()).length === 0) {
    await cable.write(Buffer.from(`${STX}WARM-UP${ETX}`));
    await until("the scan is kept", async () => (await desk.scans()).length === 1);
  }
  cable.unplug();
  await until("the unplugging is seen", () => desk.state().state !== "open", { everyMs: 1 });
  cable.plug();
  const pluggedMs = performance.now();
  await until("the line is open", () => desk.state().state === "open", { everyMs: 1 });
  return performance.now() - pluggedMs;
}

async function startNeighbour() {
  const cable = openCable();
  const desk = await openDesk({ scanner: "profile: zebra-ssi", path: cable.path });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: 2_000, type: 3 });
  onTestFinished(scanner.close);
  const sent: string[] = [];
  const outcomes: Awaited<ReturnType<typeof scanner.scan>>[] = [];
  let going = true;
  const done = (async () => {
    while (going) {
      sent.push(`]C0N-${sent.length}`);
      outcomes.push(await scanner.scan(`N-${sent.length - 1}`));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
      return { sent, outcomes, kept: await desk.scans() };
    },
  };
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
