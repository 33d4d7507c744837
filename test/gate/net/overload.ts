/**
 * Far more than the gateway is rated for: publishers that send as fast as they can, some of which wait for no
 * acknowledgement, one that never reads what it is sent, and sockets that say nothing, while rated devices
 * go on.
 *
 * Always: the gateway lives, its memory stays bounded, the rated devices get nine of ten of the
 * acknowledgements that they get without all that, and what they were acknowledged is in the twin once.
 *
 * Seen to fail when `io/mqtt-connection.ts` reads on from whoever sends faster than it is worked off.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { runLoad } from "../../bench/ingest.ts";
import { connectPacket, publishPacket, subscribe } from "../../support/raw-mqtt.ts";
import { type Asked, brokenBy, type Found, type Gate, pause } from "../gate.ts";
import { openSite } from "../site.ts";
import { startWitness } from "../witness/witness.ts";

export const gate: Gate = {
  name: "net/overload",
  shows:
    "publishers far beyond the rate, a slow subscriber, idle sockets: rated devices are served",
  unit: "seconds of flood",
  full: 600,
  quick: 3,
  run,
};

const RSS_MB_MAX = 400;
const SERVED_MIN = 0.9;
/** What two cores took in beside the twin is derived in a multiple of the time. */
const DRAIN_MS = 6_000;
const CALM_MS = 3_000;
const IDLE_SOCKETS = 2_000;
const IDLE_QUICK = 200;
const QUICK_BELOW = 60;
/** A device that reports twice a second. */
const RATED = { publishers: 4, paceMs: 500 };
/** Each as fast as its socket takes it. */
const HEEDLESS = 2;
const HEEDLESS_PACKETS = 500;
/** What is accepted is kept until the twin has it, however much it is. */
const OUTBOX = { bytesMax: 8 * 2 ** 30, telemetryBytesMax: 7 * 2 ** 30 };
const FLOOD = { connections: 16, window: 1_024, warmUpMs: 0 };

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const witness = startWitness(folder);
  const site = await openSite({
    folder,
    gateway: { outbox: OUTBOX },
  });
  const sockets: Socket[] = [];
  try {
    await site.start("twin");
    await site.start("gateway");
    await witness.load({ mqttUrl: site.mqttUrl, ...RATED });
    await pause(CALM_MS / 4);
    const before = (await witness.tally()).readings;
    const calmSinceMs = performance.now();
    await pause(CALM_MS);
    const after = (await witness.tally()).readings;
    // A busy machine may count late what was acknowledged before.
    const calm = Math.min(
      (after - before) / ((performance.now() - calmSinceMs) / 1000),
      (RATED.publishers * 1000) / RATED.paceMs,
    );

    const idle = size < QUICK_BELOW ? IDLE_QUICK : IDLE_SOCKETS;
    for (let n = 0; n < idle; n++) sockets.push(openSocket(site.mqttPort));
    const deaf = openSocket(site.mqttPort);
    deaf.write(connectPacket({ clientId: "deaf" }));
    deaf.write(subscribe(1, "dc1/+/climate"));
    deaf.pause();
    sockets.push(deaf);
    for (let n = 0; n < HEEDLESS; n++) sockets.push(pourOut(site.mqttPort, n));
    const startedMs = performance.now();
    const atStart = (await witness.tally()).readings;
    let flooded = 0;
    for (let second = 0; second < size; second += 5) {
      const { total } = await runLoad({
        ...FLOOD,
        port: site.mqttPort,
        ms: Math.min(5, size) * 1000,
      });
      flooded += total;
      asked.done(Math.min(size, second + 5));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const served = ((await witness.tally()).readings - atStart) / seconds / calm;
    const rss = mostMbOf(site.pid("gateway"));
    for (const socket of sockets) socket.destroy();
    await witness.rest();
    await site.drained(Math.max(600_000, size * DRAIN_MS));
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    return {
      figures: [
        { name: "rated devices, calm", value: calm, unit: "readings/s" },
        { name: "  served under flood", value: served, unit: "of calm", goal: `>= ${SERVED_MIN}` },
        { name: "flood acknowledged", value: flooded / seconds, unit: "readings/s" },
        { name: "idle sockets", value: idle, unit: "" },
        { name: "gateway RSS, most", value: rss, unit: "MB", goal: `<= ${RSS_MB_MAX}` },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(rss > RSS_MB_MAX ? [`the gateway took ${Math.round(rss)} MB`] : []),
        ...(served < SERVED_MIN ? [`rated devices were served ${served.toFixed(2)} of calm`] : []),
      ],
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await site.close();
    witness.close();
  }
}

function openSocket(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  return socket;
}

/** Waits for nothing; what it is told, it drops. */
function pourOut(port: number, n: number): Socket {
  const socket = openSocket(port);
  socket.resume();
  socket.write(connectPacket({ clientId: `heedless-${n}` }));
  const packets = Buffer.concat(
    Array.from({ length: HEEDLESS_PACKETS }, (_, at) =>
      publishPacket({
        ...{ topic: `load/heedless-${n}/count`, payload: String(at), qos: 1, id: at + 1 },
      }),
    ),
  );
  const pour = () => {
    while (!socket.destroyed && socket.write(packets));
  };
  socket.on("drain", pour);
  pour();
  return socket;
}

/** The most it ever held, as the kernel saw it. */
function mostMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
