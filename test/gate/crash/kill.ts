/**
 * SIGKILL at random moments under load from ttys and MQTT clients, and a witness who judges.
 *
 * Always: what was accepted is in the twin exactly once, in the evidence and in what follows from it.
 * After each kill the program is ready again within five seconds (on a machine so busy that a first
 * start takes longer than a third of that: three times such a start); the files of the dead are whole
 * by SQLite's own full check, looked at every so often.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Asked, brokenBy, type Found, pause, quantile } from "../gate.ts";
import { damageOfCopy } from "../integrity.ts";
import { type GateSite, openSite, type Part } from "../site.ts";
import { startWitness } from "../witness/witness.ts";

const READY_MS_MAX = 5_000;
const BETWEEN_MS = [150, 850] as const;
const PUBLISHERS = 4;
const PACE_MS = 5;
const SCANNERS = ["ssi", "host-ack", "plain"] as const;
/** Files are checked in full after the first kills and then after each tenth. */
const CHECKED_FIRST = 5;
const CHECKED_EVERY = 10;
const UNTROUBLED_TIMES = 3;
/** Of fewer starts the 99th percentile is the one that the machine was busiest at: the median is judged. */
const P99_FROM = 100;

const FILES: Readonly<Record<Part, readonly string[]>> = {
  gateway: ["outbox.db"],
  twin: ["evidence.db", "twin.db"],
};

export async function killUnderLoad(asked: Asked, victims: readonly Part[]): Promise<Found> {
  const { size, folder } = asked;
  const chance = asked.chance("moments");
  const witness = startWitness(folder);
  const { paths } = await witness.open({ folder, scanners: SCANNERS });
  const site = await openSite({
    folder,
    scanners: paths.map((path, at) => ({ path, kind: SCANNERS[at] ?? "plain" })),
  });
  const readyMs: number[] = [];
  const damaged: string[] = [];
  try {
    const untroubledMs = Math.max(await site.start("twin"), await site.start("gateway"));
    const readyMsMax = Math.max(READY_MS_MAX, UNTROUBLED_TIMES * untroubledMs);
    await witness.load({ mqttUrl: site.mqttUrl, publishers: PUBLISHERS, paceMs: PACE_MS });
    for (let kill = 1; kill <= size; kill++) {
      await pause(chance.within(BETWEEN_MS));
      // Both: at two moments, and started again in either order.
      const order = chance.chance(0.5) ? victims : victims.toReversed();
      for (const part of order) {
        await site.kill(part);
        if (kill <= CHECKED_FIRST || kill % CHECKED_EVERY === 0)
          damaged.push(...damageIn(site, part, folder));
        if (victims.length > 1) await pause(chance.within([0, 120]));
      }
      for (const part of chance.chance(0.5) ? victims : victims.toReversed())
        readyMs.push(await site.start(part));
      asked.done(kill);
    }
    const accepted = await witness.rest();
    asked.say(`${accepted.readings} readings and ${accepted.scans} scans accepted; draining`);
    await site.drained();
    const { twinHttp: http } = site;
    const judged = await witness.judge({ http, headers: site.headers() });
    const setAside = readdirSync(site.data.gateway).filter((name) => name.includes(".corrupt-"));
    const [p50, p99] = [quantile(readyMs, 0.5), quantile(readyMs, 0.99)];
    const readyJudgedMs = readyMs.length < P99_FROM ? p50 : p99;
    return {
      figures: [
        { name: "readings accepted (MQTT)", value: judged.readings, unit: "" },
        { name: "scans accepted (SSI, Host ACK)", value: judged.scans, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
        { name: "  told as perhaps repeated", value: judged.suspected, unit: "" },
        { name: "ready again, p50", value: p50, unit: "ms" },
        { name: "ready again, p99", value: p99, unit: "ms", goal: `<= ${Math.round(readyMsMax)}` },
        { name: "plain scans, best effort", value: judged.plain.scanned, unit: "" },
        { name: "of them lost with the process", value: judged.plain.lost, unit: "" },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...brokenBy("files damaged", damaged),
        ...brokenBy("files set aside", setAside),
        ...(judged.inSeries === judged.inEvidence
          ? []
          : [`${judged.inEvidence} readings in evidence, ${judged.inSeries} in the series`]),
        ...(readyJudgedMs > readyMsMax
          ? [`ready again only after ${Math.round(readyJudgedMs)} ms`]
          : []),
        ...(judged.readings < size * 10 || judged.scans === 0
          ? [`too little was accepted to show anything: ${judged.readings}, ${judged.scans}`]
          : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
  }
}

function damageIn(site: GateSite, part: Part, scratch: string): readonly string[] {
  return FILES[part]
    .map((name) => join(site.data[part], name))
    .filter((path) => existsSync(path))
    .flatMap((path) => damageOfCopy(path, scratch) ?? []);
}
