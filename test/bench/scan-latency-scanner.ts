/**
 * An SSI scanner on a real tty that notes when it is answered. It hears through the event loop and not
 * at intervals, since what is measured is a few milliseconds.
 */
import { spawnSync } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { ReadStream } from "node:tty";
import { ssiPacket } from "../../firmware-sim/ssi.ts";
import { nowMs } from "./moment.ts";

type Native = {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
};

const native = createRequire(import.meta.url)(
  `@lydell/node-pty-${process.platform}-${process.arch}/pty.node`,
) as Native;

const DECODER = 0;
const CMD_ACK = 0xd0;
const BEEP = 0xe6;
const DECODE_DATA = 0xf3;
const GS1_DATAMATRIX = 0xc1;
const PATIENCE_MS = 1_000;

export function openTimedScanner() {
  const { master, slave, pty } = native.open(80, 24);
  spawnSync("stty", ["-F", pty, "raw", "-echo"]);
  const acknowledgedMs: (number | undefined)[] = [];
  const toneMs: (number | undefined)[] = [];
  let scans = 0;
  let held = Buffer.alloc(0);
  let answered = () => {};

  const say = (opcode: number, data: Uint8Array = new Uint8Array(0)) =>
    writeSync(master, ssiPacket(opcode, DECODER, 0, data));

  const ears = new ReadStream(master);
  ears.on("error", () => {});
  ears.on("data", (chunk: Buffer) => {
    const atMs = nowMs();
    held = Buffer.concat([held, chunk]);
    for (let size = packetSize(); size > 0; size = packetSize()) {
      const opcode = held[1];
      held = held.subarray(size);
      if (opcode === CMD_ACK) acknowledgedMs[scans - 1] ??= atMs;
      if (opcode !== BEEP) continue;
      toneMs[scans - 1] ??= atMs;
      say(CMD_ACK);
      answered();
    }
  });

  function packetSize(): number {
    const size = (held[0] ?? 0) + 2;
    return held.length >= Math.max(size, 6) ? size : 0;
  }

  return {
    path: pty,
    /** Resolves when its tone is heard, or when nobody would wait for it any more. */
    scan(text: string): Promise<void> {
      scans += 1;
      say(DECODE_DATA, Uint8Array.of(GS1_DATAMATRIX, ...Buffer.from(text, "latin1")));
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        answered = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    close() {
      ears.destroy();
      closeSync(slave);
      return { acknowledgedMs, toneMs };
    },
  };
}
