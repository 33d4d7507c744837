/**
 * Gateway and twin as two processes on the same machine as their load: what is sustained from a
 * sensor's PUBLISH to the reconciled twin without a growing backlog, and how fast a backlog drains.
 */
import type { Bench, Figure } from "./figures.ts";
import { runLoad } from "./ingest.ts";
import { openSite, type Site } from "./site.ts";

const RATE = 25_000;
const LOAD = { connections: 16, window: 256, warmUpMs: 1_000 };
const RATED_MS = 15_000;
const FULL_MS = 10_000;
const BACKLOG_MS = 8_000;
const LOOK_MS = 20;

export const bench: Bench = {
  async run() {
    const site = await openSite();
    try {
      const rated = await measure(site, RATED_MS, RATE);
      const full = await measure(site, FULL_MS, undefined);
      const drain = await drainBacklog(site);
      return [
        {
          name: `offered ${RATE}/s: acknowledged`,
          value: rated.accepted,
          unit: "events/s",
          goal: `>= ${RATE}`,
        },
        {
          name: `offered ${RATE}/s: waiting on the gateway at the end`,
          value: rated.waiting,
          unit: "events",
        },
        { name: `offered ${RATE}/s: not reconciled at the end`, value: rated.lag, unit: "events" },
        { name: `offered ${RATE}/s: then drained in`, value: rated.drainedMs, unit: "ms" },
        { name: `offered ${RATE}/s: PUBACK p99`, value: rated.p99Ms, unit: "ms" },
        { name: "as many as go: acknowledged", value: full.accepted, unit: "events/s" },
        {
          name: "as many as go: through to the reconciled twin",
          value: full.through,
          unit: "events/s",
        },
        {
          name: "as many as go: waiting on the gateway at the end",
          value: full.waiting,
          unit: "events",
        },
        ...drain,
      ];
    } finally {
      await site.close();
    }
  },
};

async function measure(site: Site, ms: number, rate: number | undefined) {
  const before = await site.taken();
  const startedMs = performance.now();
  const load = await runLoad({ ...LOAD, port: site.mqttPort, ms, ...(rate ? { rate } : {}) });
  const [waiting, { lag }] = [await site.waiting(), await site.taken()];
  const endedMs = performance.now();
  await drained(site);
  const drainedAtMs = performance.now();
  const { latest } = await site.taken();
  return {
    accepted: load.acknowledged / load.seconds,
    p99Ms: load.p99Ms,
    waiting,
    lag,
    drainedMs: drainedAtMs - endedMs,
    through: ((latest - before.latest) * 1000) / (drainedAtMs - startedMs),
  };
}

async function drainBacklog(site: Site): Promise<Figure[]> {
  await site.stopTwin();
  await runLoad({ ...LOAD, port: site.mqttPort, ms: BACKLOG_MS });
  const backlog = await site.waiting();
  await site.startTwin();
  const startedMs = performance.now();
  while ((await site.waiting()) > 0) await pause(LOOK_MS);
  const takenMs = performance.now() - startedMs;
  await drained(site);
  const reconciledMs = performance.now() - startedMs;
  return [
    { name: "backlog", value: backlog, unit: "events" },
    {
      name: "backlog taken in by the twin",
      value: (backlog * 1000) / takenMs,
      unit: "events/s",
      goal: ">= 40,000",
    },
    {
      name: "backlog taken in and reconciled",
      value: (backlog * 1000) / reconciledMs,
      unit: "events/s",
    },
  ];
}

async function drained(site: Site): Promise<void> {
  while ((await site.waiting()) > 0 || (await site.taken()).lag > 0) await pause(LOOK_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
