/**
 * A load of MQTT devices in a process of its own: raw sockets, packets made beforehand, and an eye on
 * every PUBACK (each one once, in order). It must cost less than what it measures.
 *
 *   node mqtt-load.ts '{"port":1883,"connections":16,"window":256,"warmUpMs":1000,"ms":3000}'
 *
 * Prints one JSON line: how many were acknowledged in the measured time, and how long that took each.
 */
import { connect, type Socket } from "node:net";

export type MqttLoad = {
  readonly port: number;
  readonly connections: number;
  /** Messages of one connection that wait for their PUBACK. */
  readonly window: number;
  readonly warmUpMs: number;
  readonly ms: number;
  /** Messages a second over all connections; absent: as many as go. */
  readonly rate?: number;
};

export type MqttLoadResult = {
  /** In the measured time. */
  readonly acknowledged: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** In all, for comparison with what was stored. */
  readonly total: number;
};

/** Packets written in one go. */
const BLOCK = 32;
/** Different packets of a connection. */
const ROUND = 1024;

async function main(load: MqttLoad): Promise<void> {
  const devices = await Promise.all(
    Array.from({ length: load.connections }, (_, at) => openDevice(load, at)),
  );
  for (const device of devices) device.start();
  await pause(load.warmUpMs);
  const before = sum(devices);
  for (const device of devices) device.measure();
  const startedMs = performance.now();
  await pause(load.ms);
  const acknowledged = sum(devices) - before;
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(devices.map((device) => device.stop()));
  const waits = Float64Array.from(devices.flatMap(({ waitsMs }) => waitsMs)).sort();
  const result: MqttLoadResult = {
    acknowledged,
    seconds,
    p50Ms: waits[Math.floor(waits.length * 0.5)] ?? 0,
    p99Ms: waits[Math.floor(waits.length * 0.99)] ?? 0,
    total: sum(devices),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function openDevice(load: MqttLoad, at: number) {
  const socket = connect(load.port, "127.0.0.1").setNoDelay(true);
  socket.write(connectPacket(`load-${at}`));
  await answer(socket, 4);
  const round = publishPackets(`dc1/sensor-${at}/climate`);
  const blockEveryMs = load.rate && (BLOCK * load.connections * 1000) / load.rate;

  let sent = 0;
  let acknowledged = 0;
  let measuring = false;
  let stopping: (() => void) | undefined;
  let earliestMs = performance.now();
  const sentAtMs: number[] = [];
  const waitsMs: number[] = [];
  let half = -1;

  const fill = () => {
    while (!stopping && sent - acknowledged <= load.window - BLOCK) {
      if (blockEveryMs) {
        const nowMs = performance.now();
        if (nowMs < earliestMs) {
          setTimeout(fill, earliestMs - nowMs);
          return;
        }
        earliestMs += blockEveryMs;
      }
      socket.write(round.block(sent));
      sentAtMs.push(performance.now());
      sent += BLOCK;
    }
    if (stopping && sent === acknowledged) stopping();
  };

  socket.on("data", (bytes: Buffer) => {
    // Each PUBACK is 40 02 and the packet id; a chunk may end within one.
    for (let at = 0; at < bytes.length; at++) {
      const place = (acknowledged * 4 + half + 1) % 4;
      const id = (acknowledged % 65_535) + 1;
      const wanted = [0x40, 2, id >> 8, id & 255][place];
      if (bytes[at] !== wanted) throw new Error(`PUBACK ${acknowledged + 1} is not in order`);
      half = (half + 1) % 4;
      if (place < 3) continue;
      half = -1;
      acknowledged += 1;
      if (acknowledged % BLOCK !== 0) continue;
      const waitedMs = performance.now() - (sentAtMs.shift() ?? 0);
      if (measuring) waitsMs.push(waitedMs);
    }
    fill();
  });
  socket.on("error", (error) => {
    throw error;
  });

  return {
    waitsMs,
    acknowledged: () => acknowledged,
    start: fill,
    measure() {
      measuring = true;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        stopping = () => {
          socket.destroy();
          resolve();
        };
        fill();
      }),
  };
}

/** A round of PUBLISH packets, QoS 1, of which blocks are written again and again with new ids. */
function publishPackets(topic: string) {
  const packets = Array.from({ length: ROUND }, (_, at) => {
    const temperature = (20 + (at % 80) / 10).toFixed(1);
    const humidity = (40 + (at % 50) / 10).toFixed(1);
    const ts = 1_700_000_000_000 + at * 997;
    const payload = `{"ts":${ts},"temperature":${temperature},"humidity":${humidity}}`;
    const body = Buffer.concat([text(topic), Buffer.from([0, 0]), Buffer.from(payload)]);
    return Buffer.concat([Buffer.from([0x32, body.length]), body]);
  });
  const size = packets[0]?.length ?? 0;
  if (packets.some(({ length }) => length !== size)) throw new Error("packets differ in length");
  const idAt = 2 + 2 + Buffer.byteLength(topic);
  const bytes = Buffer.concat(packets);
  return {
    block(sent: number): Buffer {
      const first = sent % ROUND;
      const block = Buffer.from(bytes.subarray(first * size, (first + BLOCK) * size));
      for (let n = 0; n < BLOCK; n++)
        block.writeUInt16BE(((sent + n) % 65_535) + 1, n * size + idAt);
      return block;
    },
  };
}

function connectPacket(clientId: string): Buffer {
  const body = Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 0]), text(clientId)]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function answer(socket: Socket, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (bytes: Buffer) =>
      bytes.length === size ? resolve(bytes) : reject(new Error("no CONNACK")),
    );
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sum(devices: readonly { acknowledged(): number }[]): number {
  return devices.reduce((total, device) => total + device.acknowledged(), 0);
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}") as MqttLoad);
