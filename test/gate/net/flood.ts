/**
 * A crowd at the doors for devices and for gateways, from 64 addresses at once, none of which ever becomes
 * anybody: sockets that say nothing, that say one byte at a time, that announce 256 MiB, that talk of
 * something else, that subscribe before they say who they are. Beside them eight devices publish at their
 * rated pace from one connection each, and one more that comes anew each time.
 *
 * Always: what both programs hold in memory is bounded, and does not go on growing, and of what the rated devices do
 * at least nine of ten is acknowledged in time. The crowd is told apart from them by nothing but time.
 *
 * Not seen to fail yet: without the limits of `io/mqtt-guard.ts` a small run still held.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Prng } from "../../../firmware-sim/prng.ts";
import { connectPacket, publishPacket, subscribe } from "../../support/raw-mqtt.ts";
import { type Asked, type Found, type Gate, pause, quantile } from "../gate.ts";
import { openSite } from "../site.ts";

export const gate: Gate = {
  name: "net/flood",
  shows: "whoever holds the doors without saying who he is costs little, and keeps nobody out",
  unit: "seconds",
  full: 600,
  quick: 8,
  run: ({ size, ...asked }) => flood({ ...asked, seconds: size }),
};

const ADDRESSES = 64;
const AT_ONCE_MAX = 1_500;
const PARTS = ["gateway", "twin"] as const;
const RATED = { devices: 8, everyMs: 100, inTimeMs: 2_000 };
const PEAK_MB_MAX = { gateway: 300, twin: 500 };
/** What the crowd of the second half takes beyond what that of the first half took. */
const GROWTH_MB_MAX = 32;
/** In a few seconds a heap only warms up; the peak is judged then as well. */
const GROWTH_JUDGED_FROM_S = 60;
const SERVED_MIN = 0.9;
/** Crowd and measurement begin after the programs have come to rest. */
const SETTLE_MS = 1_000;

export async function flood(
  asked: Omit<Asked, "size"> & { readonly seconds: number },
): Promise<Found> {
  const { folder, seconds } = asked;
  const chance = asked.chance("crowd");
  const site = await openSite({ folder });
  const stop = new AbortController();
  try {
    await site.start("twin");
    await site.start("gateway");
    const pids = { gateway: site.pid("gateway"), twin: site.pid("twin") };
    const first = await serve(site.mqttPort, 0, stop.signal, 1);
    if (first.served === 0)
      return { figures: [], broken: ["no device was served before the crowd"] };
    await pause(SETTLE_MS);
    const peaks = { gateway: [0, 0], twin: [0, 0] };

    const crowd = createCrowd([site.mqttPort, site.brokerPort], chance, stop.signal);
    const rated = [
      ...Array.from({ length: RATED.devices }, (_, n) => serve(site.mqttPort, n + 1, stop.signal)),
      serveAnew(site.mqttPort, stop.signal),
    ];
    for (let second = 1; second <= seconds; second++) {
      await pause(1_000);
      const half = Number(second > seconds / 2);
      for (const part of PARTS)
        peaks[part][half] = Math.max(peaks[part][half] ?? 0, rssMb(pids[part]));
      asked.done(second);
    }
    stop.abort();
    const results = await Promise.all(rated);
    const came = await crowd;
    const tried = results.reduce((sum, one) => sum + one.tried, 0);
    const served = results.reduce((sum, one) => sum + one.served, 0);
    const waits = results.flatMap(({ waitsMs }) => waitsMs);
    const share = tried === 0 ? 0 : served / tried;
    const memory = PARTS.map((part) => {
      const [early = 0, late = 0] = peaks[part];
      return { part, peak: Math.max(early, late), growth: Math.max(0, late - early) };
    });
    const broken = [
      ...(share < SERVED_MIN
        ? [`only ${(share * 100).toFixed(1)} % of the rated were served`]
        : []),
      ...memory.flatMap(({ part, peak, growth }) => [
        ...(seconds >= GROWTH_JUDGED_FROM_S && growth > GROWTH_MB_MAX
          ? [`the ${part} went on growing, by ${growth.toFixed(0)} MB`]
          : []),
        ...(peak > PEAK_MB_MAX[part] ? [`the ${part} held ${peak.toFixed(0)} MB`] : []),
      ]),
    ];
    return {
      figures: [
        { name: "sockets of the crowd", value: came, unit: "" },
        { name: "rated served", value: share * 100, unit: "%", goal: ">= 90" },
        { name: "rated, acknowledged p99", value: quantile(waits, 0.99), unit: "ms" },
        ...memory.flatMap(({ part, peak, growth }) => [
          { name: `${part}, peak`, value: peak, unit: "MB", goal: `<= ${PEAK_MB_MAX[part]}` },
          {
            name: `${part} grew in the second half`,
            value: growth,
            unit: "MB",
            ...(seconds >= GROWTH_JUDGED_FROM_S && { goal: `<= ${GROWTH_MB_MAX}` }),
          },
        ]),
      ],
      broken,
    };
  } finally {
    stop.abort();
    await site.close();
  }
}

/** Keeps the doors crowded until it is told to stop; resolves with how many came. */
async function createCrowd(ports: readonly number[], chance: Prng, stop: AbortSignal) {
  const held = new Set<Socket>();
  let came = 0;
  while (!stop.aborted) {
    for (let n = 0; n < 25 && held.size < AT_ONCE_MAX; n++) {
      came += 1;
      const socket = connect({
        port: ports[came % 5 === 0 ? 1 : 0] ?? 0,
        host: "127.0.0.1",
        localAddress: `127.0.1.${1 + chance.below(ADDRESSES)}`,
      });
      held.add(socket);
      socket.on("error", () => {}).on("close", () => held.delete(socket));
      misbehave(socket, chance.below(6));
    }
    await pause(10);
  }
  for (const socket of held) socket.destroy();
  return came;
}

function misbehave(socket: Socket, how: number): void {
  const junk = Buffer.alloc(48 * 1024, 0x5a);
  socket.once("connect", () => {
    if (how === 1) socket.write(Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f));
    else if (how === 2) socket.write(Buffer.concat([Uint8Array.of(0x10, 0xff, 0xff, 0x03), junk]));
    else if (how === 3) socket.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    else if (how === 4) socket.write(Buffer.concat([subscribe(1, "#"), junk]));
    else if (how === 5) {
      const drip = setInterval(() => socket.write(Uint8Array.of(0x10)), 500);
      socket.once("close", () => clearInterval(drip));
    }
  });
}

type Served = { tried: number; served: number; waitsMs: number[] };

/** One device that publishes at its pace over one connection, and comes again when that is lost. */
async function serve(
  port: number,
  n: number,
  stop: AbortSignal,
  times = Infinity,
): Promise<Served> {
  const result: Served = { tried: 0, served: 0, waitsMs: [] };
  let line: Line | undefined;
  for (let id = 1; !stop.aborted && result.tried < times; id = (id % 60_000) + 1) {
    const from = performance.now();
    line ??= openLine(port, `rated-${n}`);
    const packet = publishPacket({ topic: `dc1/rated-${n}/power`, payload: `${id}`, id });
    count(result, await line.say(packet), from);
    if (line.over()) line = undefined;
    await pause(Math.max(0, RATED.everyMs - (performance.now() - from)));
  }
  line?.end();
  return result;
}

/** One that connects for each message, as a sensor does that sleeps between them. */
async function serveAnew(port: number, stop: AbortSignal): Promise<Served> {
  const result: Served = { tried: 0, served: 0, waitsMs: [] };
  while (!stop.aborted) {
    const from = performance.now();
    const line = openLine(port, "rated-anew");
    const packet = publishPacket({ topic: "dc1/rated-anew/power", payload: "1" });
    count(result, await line.say(packet), from);
    line.end();
    await pause(RATED.everyMs * 2);
  }
  return result;
}

function count(result: Served, isServed: boolean, fromMs: number): void {
  result.tried += 1;
  if (!isServed) return;
  result.served += 1;
  result.waitsMs.push(performance.now() - fromMs);
}

type Line = {
  /** Whether it was acknowledged in time. */
  say(packet: Uint8Array): Promise<boolean>;
  over(): boolean;
  end(): void;
};

function openLine(port: number, clientId: string): Line {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  let over = false;
  let heard: (() => void) | undefined;
  let connected = false;
  socket
    .on("error", () => {})
    .on("close", () => {
      over = true;
      heard?.();
    });
  socket.on("data", (bytes: Buffer) => {
    // CONNACK is four bytes, and so is each PUBACK; nothing else is said to it.
    const acknowledgements = bytes.length / 4 - (connected ? 0 : 1);
    connected = true;
    if (acknowledgements >= 1) heard?.();
  });
  socket.write(connectPacket({ clientId }));
  return {
    async say(packet) {
      const answer = new Promise<boolean>((resolve) => {
        heard = () => resolve(!over);
        setTimeout(() => resolve(false), RATED.inTimeMs);
      });
      socket.write(packet);
      const isServed = over ? false : await answer;
      if (!isServed) {
        over = true;
        socket.destroy();
      }
      return isServed;
    },
    over: () => over,
    end: () => socket.destroy(),
  };
}

function rssMb(pid: number): number {
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return (Number(pages) * 4_096) / 1e6;
}
