/**
 * Lines between devices, gateway and twin that delay, reset, go silent with both ends open, and end in the
 * middle of a packet; and second clients that come with the name of the first.
 *
 * Always: what was accepted is in the twin exactly once.
 *
 * Seen to fail when
 *  - `gateway/unsure.ts` (take) recognises nothing: doubled
 */
import mqtt from "mqtt";
import { type Asked, brokenBy, type Found, type Gate, pause } from "../gate.ts";
import { openSite } from "../site.ts";
import { startWitness } from "../witness/witness.ts";
import { type LineFault, openProxy } from "./proxy.ts";

export const gate: Gate = {
  name: "net/chaos",
  shows: "whatever the lines do, what was accepted is in the twin exactly once",
  unit: "faults",
  full: 2_000,
  quick: 25,
  run,
};

const FAULTS: readonly (LineFault | "same-name")[] = [
  ...(["reset", "half-open", "delay", "truncate", "same-name"] as const),
];
const LENGTH_MS = [20, 400] as const;
const BETWEEN_MS = [10, 120] as const;
const SAME_NAME_MS = 60;
const SCANNERS = ["ssi"] as const;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const lines = { devices: await openProxy(), uplink: await openProxy() };
  const witness = startWitness(folder);
  const { paths } = await witness.open({ folder, scanners: SCANNERS });
  const site = await openSite({
    folder,
    scanners: paths.map((path) => ({ path, kind: "ssi" })),
    twinUrl: `mqtt://127.0.0.1:${lines.uplink.port}`,
  });
  lines.devices.leadTo(site.mqttPort);
  lines.uplink.leadTo(site.brokerPort);
  const chance = asked.chance("faults");
  const counts = new Map<string, number>();
  try {
    await site.start("twin");
    await site.start("gateway");
    const mqttUrl = `mqtt://127.0.0.1:${lines.devices.port}`;
    await witness.load({ mqttUrl, publishers: 4, paceMs: 5 });
    for (let fault = 1; fault <= size; fault++) {
      await pause(chance.within(BETWEEN_MS));
      const side = chance.chance(0.5) ? "devices" : "uplink";
      const what = chance.pick(FAULTS);
      counts.set(what, (counts.get(what) ?? 0) + 1);
      if (what !== "same-name") await lines[side].spoil(what, chance.within(LENGTH_MS));
      else if (side === "devices") await comeAs("p0", site.mqttPort);
      else await comeAs("gw-gate", site.brokerPort);
      asked.done(fault);
    }
    await witness.rest();
    await site.drained();
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    return {
      figures: [
        ...[...counts].map(([name, value]) => ({ name, value, unit: "" })),
        { name: "readings accepted", value: judged.readings, unit: "" },
        { name: "scans accepted", value: judged.scans, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(judged.readings < size ? [`too little was accepted: ${judged.readings}`] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
    for (const line of Object.values(lines)) line.close();
  }
}

/** Somebody with the same client id; a broker that does not let him in is right, too. */
async function comeAs(clientId: string, port: number): Promise<void> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId, reconnectPeriod: 0 });
  client.on("error", () => undefined);
  await pause(SAME_NAME_MS);
  await client.endAsync(true).catch(() => undefined);
}
