/**
 * A crowd at the doors for devices and for gateways, from 64 addresses at once, none of which ever becomes
 * anybody (net/crowd.ts): sockets that say nothing, that say one byte at a time, that announce 256 MiB and
 * pour, that talk of something else, that subscribe before they say who they are, that say it at length and
 * each time otherwise, and one address that comes alone and ever again. Beside them eight devices publish
 * at their rated pace from one connection each, one device and one gateway come anew each time, and while
 * the one address presses some of other addresses are slow to say who they are.
 *
 * Always: the most that both programs ever held in memory is bounded, and does not go on growing; so are
 * what they write in their journals, the sockets that they hold, and how long a stranger holds one; and of
 * what the rated and the slow do at least nine of ten is answered in time.
 *
 * Seen to fail without each single limit of `io/mqtt-guard.ts`: the time of a stranger, the bytes of his first
 * packet, his neighbours of one address, the places of all strangers; and where each refusal stands in the
 * journal, in the stranger's own words. How many connections there may be in all is not reached by
 * strangers: test/contract/mqtt-door.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { connectPacket, publishPacket } from "../../support/raw-mqtt.ts";
import { type Asked, type Found, type Gate, pause, quantile } from "../gate.ts";
import { rssMbOf } from "../memory.ts";
import { openSite, PASSWORD } from "../site.ts";
import { startCrowd, type Wave } from "./crowd.ts";

export const gate: Gate = {
  name: "net/flood",
  shows: "whoever holds the doors without saying who he is costs little, and keeps nobody out",
  unit: "seconds",
  full: 600,
  quick: 10,
  run: ({ size, ...asked }) => flood({ ...asked, seconds: size }),
};

const PARTS = ["gateway", "twin"] as const;
const RATED = { devices: 8, everyMs: 100, inTimeMs: 2_000 };
/** What each second of a round is like. */
const ROUND: readonly Wave[] = [
  ...(["press", "press"] as const),
  ...(["pour", "pour"] as const),
  ...(["name", "name"] as const),
  ...(["single", "single", "single", "single"] as const),
];
/** Those who hesitate between connecting and CONNECT, each from an address of its own. */
const SLOW = { gateway: 14, twin: 6, fromMs: 500, hesitateMs: 1_500 };
/** All whom the gateway lets in. */
const DEVICES = [
  ...Array.from({ length: RATED.devices + 1 }, (_, n) => `rated-${n}`),
  "rated-anew",
  ...Array.from({ length: SLOW.gateway }, (_, n) => `gw-slow-${n}`),
];
/** For the gateway it is what its unit gives it before it is slowed down. */
const PEAK_MB_MAX = { gateway: 384, twin: 500 };
/** So much is not to be explained any more, and the machine is others', too. */
const PEAK_MB_ENDS = 4_000;
/** What the crowd of the second half takes beyond what that of the first half took. */
const GROWTH_MB_MAX = 32;
/** In a few seconds a heap only warms up; the peak is judged then as well. */
const GROWTH_JUDGED_FROM_S = 60;
/** 256 who are told apart, twice in ten seconds, in some 300 characters; and what is said besides. */
const JOURNAL_KB_PER_S_MAX = 40;
/** Places for strangers (256 and 64), and as many sockets for all others as are here. */
const SOCKETS_MAX = { gateway: 256 + 64, twin: 64 + 64 };
/** Five seconds, and what a busy machine adds to them. */
const HELD_S_MAX = 8;
/** Who came last in a first wave has then been here for longer than that, if nobody sends him away. */
const EBB_MS = 3_000;
const LOOKS_PER_S = 5;
const SERVED_MIN = 0.9;

export async function flood(
  asked: Omit<Asked, "size"> & { readonly seconds: number },
): Promise<Found> {
  const { folder, seconds, seed } = asked;
  const site = await openSite({ folder, devices: DEVICES });
  const stop = new AbortController();
  const { mqttPort, brokerPort } = site;
  const crowd = startCrowd({ ports: [mqttPort, brokerPort], seed });
  try {
    await site.start("twin");
    await site.start("gateway");
    const first = await serve(mqttPort, 0, stop.signal, 1);
    if (first.served === 0)
      return { figures: [], broken: ["no device was served before the crowd"] };
    // Their passwords are hardened; tried once, each is known again while the program runs.
    for (const clientId of DEVICES) await greet(mqttPort, { clientId });
    const watched = PARTS.map((part) => watch(part, site.pid(part)));

    const rated = [
      ...Array.from({ length: RATED.devices }, (_, n) => serve(mqttPort, n + 1, stop.signal)),
      serveAnew(mqttPort, stop.signal),
      greetAnew(brokerPort, stop.signal),
    ];
    const slow: Promise<Served>[] = [];
    let before: Wave = "ebb";
    for (let second = 1; second <= seconds; second++) {
      const wave = ROUND[(second - 1) % ROUND.length] ?? "ebb";
      if (wave !== before) crowd.turnTo(wave);
      if (wave !== before && wave === "single") slow.push(comeSlowly(mqttPort, brokerPort));
      before = wave;
      for (let look = 0; look < LOOKS_PER_S; look++) {
        await pause(1_000 / LOOKS_PER_S);
        for (const one of watched) one.look(Number(second > seconds / 2));
      }
      asked.done(second);
      if (watched.some((one) => one.peakMb() > PEAK_MB_ENDS)) break;
    }
    crowd.turnTo("ebb");
    const slowly = sum(await Promise.all(slow));
    await pause(EBB_MS);
    stop.abort();
    const results = sum(await Promise.all(rated));
    const { came, longestMs } = crowd.seen();
    const heldS = longestMs / 1_000;
    const memory = watched.map(({ part, peakMb, growthMb, sockets }) => ({
      ...{ part, peak: peakMb(), growth: growthMb(), sockets: sockets() },
    }));
    const journals = PARTS.map((part) => ({ part, kb: site.logged(part) / 1024 / seconds }));
    const shares = [
      { who: "rated", share: shareOf(results) },
      ...(slow.length > 0 ? [{ who: "slow", share: shareOf(slowly) }] : []),
    ];
    const broken = [
      ...shares.flatMap(({ who, share }) =>
        share < SERVED_MIN ? [`only ${(share * 100).toFixed(1)} % of the ${who} were served`] : [],
      ),
      ...(heldS > HELD_S_MAX ? [`a stranger held his place for ${heldS.toFixed(1)} s`] : []),
      ...journals.flatMap(({ part, kb }) =>
        kb > JOURNAL_KB_PER_S_MAX
          ? [`the ${part} wrote ${kb.toFixed(0)} KB a second in its journal`]
          : [],
      ),
      ...memory.flatMap(({ part, peak, growth, sockets }) => [
        ...(seconds >= GROWTH_JUDGED_FROM_S && growth > GROWTH_MB_MAX
          ? [`the ${part} went on growing, by ${growth.toFixed(0)} MB`]
          : []),
        ...(peak > PEAK_MB_MAX[part] ? [`the ${part} held ${peak.toFixed(0)} MB`] : []),
        ...(sockets > SOCKETS_MAX[part] ? [`the ${part} held ${sockets} sockets`] : []),
      ]),
    ];
    return {
      figures: [
        { name: "sockets of the crowd", value: came, unit: "" },
        { name: "longest hold of a place", value: heldS, unit: "s", goal: `<= ${HELD_S_MAX}` },
        ...shares.map(({ who, share }) => ({
          ...{ name: `${who} served`, value: share * 100, unit: "%", goal: ">= 90" },
        })),
        { name: "rated, acknowledged p99", value: quantile(results.waitsMs, 0.99), unit: "ms" },
        ...journals.map(({ part, kb }) => ({
          ...{ name: `${part}, journal`, value: kb, unit: "KB/s" },
          goal: `<= ${JOURNAL_KB_PER_S_MAX}`,
        })),
        ...memory.flatMap(({ part, peak, growth, sockets }) => [
          {
            ...{ name: `${part}, sockets at once`, value: sockets, unit: "" },
            goal: `<= ${SOCKETS_MAX[part]}`,
          },
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
    await crowd.disperse();
    await site.close();
  }
}

/** What a program holds, as the kernel sees it. */
function watch(part: (typeof PARTS)[number], pid: number) {
  const open = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = open();
  const rssMb = [0, 0];
  let most = 0;
  return {
    part,
    look(half: number) {
      rssMb[half] = Math.max(rssMb[half] ?? 0, rssMbOf(pid));
      most = Math.max(most, open() - before);
    },
    /** Of its whole life: what was there between two looks counts. */
    peakMb() {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
    },
    growthMb: () => Math.max(0, (rssMb[1] ?? 0) - (rssMb[0] ?? 0)),
    /** Beyond what it held before the crowd. */
    sockets: () => most,
  };
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
    const packet = publishPacket({ topic: `load/rated-${n}/count`, payload: `${id}`, id });
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
    const packet = publishPacket({ topic: "load/rated-anew/count", payload: "1" });
    count(result, await line.say(packet), from);
    line.end();
    await pause(RATED.everyMs * 2);
  }
  return result;
}

/** A gateway that comes, is let in, and goes. */
async function greetAnew(port: number, stop: AbortSignal): Promise<Served> {
  const result: Served = { tried: 0, served: 0, waitsMs: [] };
  while (!stop.aborted) {
    const from = performance.now();
    count(result, await greet(port, { clientId: "gw-anew" }), from);
    await pause(RATED.everyMs * 2);
  }
  return result;
}

async function comeSlowly(mqttPort: number, brokerPort: number): Promise<Served> {
  const result: Served = { tried: 0, served: 0, waitsMs: [] };
  await pause(SLOW.fromMs);
  await Promise.all(
    Array.from({ length: SLOW.gateway + SLOW.twin }, async (_, n) => {
      const greeted = await greet(n < SLOW.gateway ? mqttPort : brokerPort, {
        clientId: `gw-slow-${n}`,
        localAddress: `127.0.2.${1 + n}`,
        hesitateMs: SLOW.hesitateMs,
      });
      count(result, greeted, performance.now());
    }),
  );
  return result;
}

/** Whether CONNECT is answered in time, by the CONNACK that lets in. */
function greet(
  port: number,
  asked: {
    readonly clientId: string;
    readonly localAddress?: string;
    readonly hesitateMs?: number;
  },
): Promise<boolean> {
  const { clientId, localAddress = "127.0.0.1", hesitateMs = 0 } = asked;
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  const say = setTimeout(() => socket.write(connectPacket(as(clientId))), hesitateMs);
  return new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), hesitateMs + RATED.inTimeMs);
    socket
      .on("error", () => {})
      .on("close", () => resolve(false))
      .on("data", (bytes: Buffer) => resolve(bytes[0] === 0x20 && bytes[3] === 0));
  }).finally(() => {
    clearTimeout(say);
    socket.destroy();
  });
}

/** A gateway's name alone counts at the twin's door, which is plain here. */
function as(clientId: string) {
  return { clientId, username: clientId, password: PASSWORD };
}

function sum(results: readonly Served[]): Served {
  return {
    tried: results.reduce((all, one) => all + one.tried, 0),
    served: results.reduce((all, one) => all + one.served, 0),
    waitsMs: results.flatMap(({ waitsMs }) => waitsMs),
  };
}

function shareOf({ tried, served }: Served): number {
  return tried === 0 ? 0 : served / tried;
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
  socket.write(connectPacket(as(clientId)));
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
