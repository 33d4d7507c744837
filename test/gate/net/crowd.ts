/**
 * The crowd of `net/flood`, on a thread of its own: what it costs to be many is not taken from those who
 * measure. It comes in waves, since one way of holding the doors hides another: who presses with
 * newcomers drives out the one that pours, and the one that would stay for ever.
 *
 * None of it ever becomes anybody, and what it sends is bounded, so that doors without limits show what
 * they lack and do not take the machine with them.
 */
import { connect, type Socket } from "node:net";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { createPrng } from "../../../firmware-sim/prng.ts";
import { connectPacket, subscribe } from "../../support/raw-mqtt.ts";

/**
 * press: as many as will connect, from all addresses, each with a vice of its own; pour: few enough to be
 * left alone, that announce 256 MiB and send; name: some, that say whole CONNECTs and come again when they
 * are answered, each time under another name, as long as the door hears it; single: one address alone, as
 * often as it can; ebb: nobody.
 */
export type Wave = "press" | "pour" | "name" | "single" | "ebb";

/** So far. */
export type Seen = {
  readonly came: number;
  /** The longest that one of them has held its place, whether it still does or not. */
  readonly longestMs: number;
};

export type Crowd = {
  turnTo(wave: Wave): void;
  seen(): Seen;
  disperse(): Promise<unknown>;
};

type Asked = { readonly ports: readonly [number, number]; readonly seed: number };

const ADDRESSES = 64;
const AT_ONCE_MAX = 3_000;
const TICK_MS = 10;
const NEW_EACH_TICK = 25;
const LOOK_MS = 250;
/** Fewer than the places of each door, so that who is let stay is not driven out by his own. */
const POURERS = [100, 24] as const;
const POURED = Buffer.alloc(8 * 1024 * 1024, 0x5a);
const JUNK = POURED.subarray(0, 48 * 1024);
/** CONNECT of 256 MiB, of just under 64 KiB, and of 16,000 bytes. */
const ANNOUNCED = Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f);
const LONG = Uint8Array.of(0x10, 0xff, 0xff, 0x03);
const SHORT = Uint8Array.of(0x10, 0x80, 0x7d);
/** Fewer than wait to be accepted: who is dropped there believes for ever that he is connected. */
const NAMED_AT_ONCE = 64;
/** What is left of the first packet for a name, at each door. */
const NAME_BYTES = [60_000, 16_000] as const;

export function startCrowd(asked: Asked): Crowd {
  const worker = new Worker(new URL(import.meta.url), { workerData: asked });
  let seen: Seen = { came: 0, longestMs: 0 };
  worker.on("message", (message: Seen) => {
    seen = message;
  });
  return {
    turnTo: (wave) => worker.postMessage(wave),
    seen: () => seen,
    disperse: () => worker.terminate(),
  };
}

function crowd({ ports, seed }: Asked, tell: (seen: Seen) => void): (wave: Wave) => void {
  const chance = createPrng(seed, "net/flood/crowd");
  const since = new Map<Socket, number>();
  let wave: Wave = "ebb";
  let named = 0;
  let came = 0;
  let longestMs = 0;

  function come(door: number, address: number, then: (socket: Socket) => void): Socket {
    came += 1;
    const socket = connect({
      ...{ port: ports[door] ?? 0, host: "127.0.0.1" },
      localAddress: `127.0.1.${1 + address}`,
    });
    since.set(socket, Number.POSITIVE_INFINITY);
    socket.on("error", () => {}).on("close", () => since.delete(socket));
    socket.once("connect", () => {
      since.set(socket, performance.now());
      then(socket);
    });
    return socket.resume();
  }

  function tick(): void {
    if (wave !== "press" && wave !== "name" && wave !== "single") return;
    for (let n = 0; n < NEW_EACH_TICK && since.size < AT_ONCE_MAX; n++) {
      const door = came % 5 === 0 ? 1 : 0;
      if (wave === "single") come(door, 0, () => {});
      else if (wave === "name" && named < NAMED_AT_ONCE) comeAs(door);
      else if (wave === "name") break;
      else come(door, chance.below(ADDRESSES), (socket) => misbehave(socket, chance.below(6)));
    }
  }

  function comeAs(door: 0 | 1): void {
    // Controls take six characters each in a journal.
    const name = `${came} ${chance.below(1_000_000)} `.padEnd(NAME_BYTES[door], "\u0001x");
    const greeting = door === 0 ? { clientId: "x", username: name } : { clientId: name };
    named += 1;
    const socket = come(door, chance.below(ADDRESSES), () => socket.write(connectPacket(greeting)));
    socket.once("close", () => {
      named -= 1;
    });
  }

  function look(): void {
    const now = performance.now();
    for (const from of since.values()) longestMs = Math.max(longestMs, now - from);
    tell({ came, longestMs });
  }

  setInterval(tick, TICK_MS);
  // Behind what has come meanwhile: who was sent away is gone, however late this thread hears of it.
  setInterval(() => setImmediate(look), LOOK_MS);

  return (next) => {
    wave = next;
    if (wave !== "pour") return;
    for (const [door, many] of POURERS.entries())
      for (let n = 0; n < many; n++)
        come(door, n % ADDRESSES, (socket) => {
          socket.write(ANNOUNCED);
          socket.write(POURED);
        });
  };
}

function misbehave(socket: Socket, how: number): void {
  if (how === 1) socket.write(ANNOUNCED);
  else if (how === 2) socket.write(Buffer.concat([LONG, JUNK]));
  else if (how === 3) socket.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  else if (how === 4) socket.write(Buffer.concat([subscribe(1, "#"), JUNK]));
  else if (how === 5) {
    socket.write(SHORT);
    const drip = setInterval(() => socket.write(Uint8Array.of(0)), 500);
    socket.once("close", () => clearInterval(drip));
  }
}

const port = parentPort;
if (port !== null)
  port.on(
    "message",
    crowd(workerData, (seen) => port.postMessage(seen)),
  );
