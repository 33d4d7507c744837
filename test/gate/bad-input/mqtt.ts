/**
 * MQTT packets that were right and are no more, on hundreds of sockets, at the gateway's door for devices,
 * while well-behaved devices go on publishing.
 *
 * Always: the gateway lives, answers /healthz, serves the well-behaved, and what they were acknowledged is in
 * the twin once; its memory stays bounded. What a mutated packet meant is nobody's loss.
 *
 * Seen to fail when
 *  - `io/mqtt-strict.ts` throws what is malformed instead of telling the parser: the gateway died
 */
import { connect, type Socket } from "node:net";
import type { Prng } from "../../../firmware-sim/prng.ts";
import {
  connectPacket,
  PINGREQ,
  publishPacket,
  pubrel,
  subscribe,
} from "../../support/raw-mqtt.ts";
import { type Asked, brokenBy, type Found, type Gate } from "../gate.ts";
import { heapMbOf, keptMb, rssMbOf } from "../memory.ts";
import { openSite } from "../site.ts";
import { startWitness } from "../witness/witness.ts";
import { mutated } from "./mutate.ts";

export const gate: Gate = {
  name: "bad-input/mqtt",
  shows: "whatever packets come, the gateway lives and serves those who behave",
  unit: "packets",
  full: 1_000_000,
  quick: 8_000,
  run,
};

const SOCKETS = 40;
const PACKETS_EACH = 8;
const LINGER_MS = 40;
const KEPT_MB_MAX = 16;
const RSS_MB_MAX = 350;
const LOOKS = 400;
const UNCAUGHT = /Uncaught|unhandled|ERR_UNHANDLED|Bug:/;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const witness = startWitness(folder);
  const site = await openSite({ folder });
  const chance = asked.chance("packets");
  try {
    await site.start("twin");
    await site.start("gateway");
    const pid = site.pid("gateway");
    await witness.load({ mqttUrl: site.mqttUrl, publishers: 2, paceMs: 10 });
    let ended = false;
    void site.ended("gateway").then(() => {
      ended = true;
    });
    let rssMb = 0;
    const heapMb: number[] = [];
    const lookEvery = Math.max(1, Math.floor(size / LOOKS));
    for (let sent = 0; sent < size && !ended; ) {
      const sockets = Math.min(SOCKETS, Math.ceil((size - sent) / PACKETS_EACH));
      await Promise.all(Array.from({ length: sockets }, () => misbehave(site.mqttPort, chance)));
      sent += sockets * PACKETS_EACH;
      rssMb = Math.max(rssMb, rssMbOf(pid));
      if (heapMb.length < sent / lookEvery && !ended) heapMb.push(await heapMbOf(site.gatewayHttp));
      asked.done(Math.min(size, sent));
    }
    if (ended)
      return { figures: [], broken: [`the gateway died: ${site.log("gateway").slice(-600)}`] };
    const heldMb = keptMb(heapMb);
    await witness.rest();
    await site.drained();
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    const uncaught = site
      .log("gateway")
      .split("\n")
      .filter((line) => UNCAUGHT.test(line));
    return {
      figures: [
        { name: "readings of the well-behaved, accepted", value: judged.readings, unit: "" },
        { name: "  lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "  doubled", value: judged.doubled.length, unit: "", goal: "0" },
        {
          name: "gateway heap, kept from the second quarter to the last",
          value: heldMb,
          unit: "MB",
          goal: `<= ${KEPT_MB_MAX}`,
        },
        { name: "gateway RSS, most", value: rssMb, unit: "MB", goal: `<= ${RSS_MB_MAX}` },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...brokenBy("errors nobody caught", uncaught),
        ...(heldMb > KEPT_MB_MAX ? [`the gateway kept ${Math.round(heldMb)} MB more`] : []),
        ...(rssMb > RSS_MB_MAX ? [`the gateway took ${Math.round(rssMb)} MB`] : []),
        ...(judged.readings === 0 ? ["the well-behaved were not served"] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
  }
}

/** One connection: mostly a right CONNECT, then packets of which most are wrong. */
function misbehave(port: number, chance: Prng): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, "127.0.0.1");
    const over = () => {
      socket.destroy();
      resolve();
    };
    socket.on("error", over);
    socket.on("close", over);
    socket.resume();
    const hello = connectPacket({
      clientId: `bad-${chance.below(200)}`,
      clean: chance.chance(0.5),
    });
    socket.write(chance.chance(0.8) ? hello : mutated(hello, chance));
    for (let n = 1; n < PACKETS_EACH; n++) socket.write(mutated(right(chance), chance));
    setTimeout(over, LINGER_MS);
  });
}

function right(chance: Prng): Uint8Array {
  const id = chance.wholeWithin([0, 65_535]);
  const qos = chance.pick([0, 1, 2] as const);
  switch (chance.below(5)) {
    case 0:
      return subscribe(id, chance.pick(["#", "$SYS/#", "a/+/b", "+", "a//b"]));
    case 1:
      return pubrel(id);
    case 2:
      return PINGREQ;
    case 3:
      return connectPacket({ clientId: "twice", will: { topic: "w", payload: "gone" } });
    default:
      return publishPacket({
        topic: chance.pick([
          "load/bad/count",
          "load/\u0000/count",
          "$SYS/x",
          "a/#",
          "x".repeat(300),
        ]),
        payload: chance.pick(["1", "{", "x".repeat(2_000)]),
        ...{ qos, id, dup: chance.chance(0.3), retain: chance.chance(0.2) },
      });
  }
}
