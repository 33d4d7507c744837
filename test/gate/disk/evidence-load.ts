/**
 * The twin's writer thread under load, as a program that is recorded or troubled: `node evidence-load.ts
 * FOLDER BATCHES`. Says each acknowledgement on its standard output when it has it:
 *
 *   A epoch through   all events of the epoch up to here are taken in
 *   N                 an offer was not taken
 *
 * When the writer cannot go on it ends with status 3, as the twin ends for its supervisor. In the middle it is
 * closed in order and begun again, in another process as every twin is: the engine now and then breaks where
 * a second thread with SQLite begins in a process whose first one ended (twice in 3,155 failed calls).
 */
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
// As in the twin, whose first thread reads: where only a worker has loaded it, it is unloaded under what
// the worker's last collection still calls, and now and then the process breaks (its issue 1476).
import "better-sqlite3";
import { startThread } from "../../../src/io/thread.ts";
import { createWriter } from "../../../src/twin/writer.ts";
import { decodeAck } from "../../../src/wire/codec.ts";
import { batchOf, EPOCHS, eventsOf, GATEWAY } from "./evidence-payload.ts";

const [, entry = "", folder = ".", batches = "100", begun] = process.argv;
/** A program that hangs is a finding; it must end to be one. */
setTimeout(() => process.exit(4), 60_000).unref();
const say = (line: string) => writeSync(1, `${line}\n`);

const half = Math.ceil(Number(batches) / 2);
const next: Record<string, number> =
  begun === undefined ? Object.fromEntries(EPOCHS.map((epoch) => [epoch, 1])) : JSON.parse(begun);
await work(half);
if (begun === undefined) {
  const words = [entry, folder, batches, JSON.stringify(next)];
  const { status, signal } = spawnSync(process.execPath, words, { stdio: "inherit" });
  if (signal !== null) process.kill(process.pid, signal);
  process.exitCode = status ?? 4;
}

async function work(rounds: number): Promise<void> {
  const thread = startThread(new URL("../../../src/cli/twin-worker.ts", import.meta.url), {
    folder,
    log: "silent",
    policies: {},
    masterData: [],
  });
  const writer = createWriter({
    thread,
    onNews: () => undefined,
    onAck({ ack }) {
      const { epoch, through, resend, refused } = decodeAck(ack);
      if (refused !== "" || resend) say("N");
      say(`A ${epoch} ${through}`);
    },
  });
  const failed = writer.ended.catch((error) => {
    say(`F ${error.code ?? error.message}`);
    process.exit(3);
  });
  await writer.ready.catch(() => failed);
  for (let round = 1; round <= rounds; round++) {
    const offers = EPOCHS.map((epoch) => {
      const first = next[epoch] ?? 1;
      const events = eventsOf(epoch, first, 1 + ((round * 7) % 40));
      const message = batchOf(epoch, first, events);
      return writer
        .offer({ gateway: GATEWAY, channel: "batch", message })
        .then(() => {
          next[epoch] = first + events.length;
        })
        .catch(() => say("N"));
    });
    await Promise.all(offers);
  }
  await writer.close();
  await failed;
}
