/**
 * The gateway's outbox under load, as a program that is recorded or troubled: `node outbox-load.ts FOLDER
 * COMMITS`. The real thread, the real file. Says each acknowledgement on its standard output when it has it:
 *
 *   A lane seq count n   events n, n+1, ... of the lane are kept under seq, seq+1, ...
 *   R lane through       it is going to release so far
 *   N why                a put was refused; it is asked again, as a device would
 *
 * When the writer cannot go on it ends with status 3, as the gateway ends for its supervisor.
 */
import { writeSync } from "node:fs";
import { openOutboxThread } from "../../../src/io/outbox-thread.ts";
import type { Lane } from "../../../src/ports.ts";
import { outboxLimits } from "../../../src/store/outbox.ts";
import { payload } from "./payload.ts";

const [, , folder = ".", commits = "100"] = process.argv;
/** The numbers of events go on where an earlier run ended. */
const FIRST = Number(process.env["FIRST"] ?? 1);
/** A program that hangs is a finding; it must end to be one. */
setTimeout(() => process.exit(4), 60_000).unref();
const say = (line: string) => writeSync(1, `${line}\n`);
const quiet = { note: () => undefined, warn: () => undefined, error: () => undefined };
// A small ballast: it is bytes like any others, and recorded like them.
const room = { freeBytesMin: 0, ballastBytes: 64 * 1024 };
const limits = { ...outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 }), room };
const TRIES_MAX = 3;
const n: Record<Lane, number> = { scan: FIRST, telemetry: FIRST };

const half = Math.ceil(Number(commits) / 2);
await work(half);
// Closed in order once, so that a checkpoint, a deleted log and a new one are part of it.
await work(half);

async function work(rounds: number): Promise<void> {
  const outbox = await openOutboxThread({ journal: quiet }, { folder, limits }).catch((fault) => {
    say(`F ${fault.code}`);
    process.exit(3);
  });
  void outbox.failed.then((fault) => {
    say(`F ${fault.code}`);
    process.exit(3);
  });
  const put = async (lane: Lane, count: number) => {
    const first = n[lane];
    n[lane] += count;
    const events = Array.from({ length: count }, (_, at) => ({
      bytes: payload(lane, first + at),
      origin: BigInt(first + at),
    }));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // As the intake says it of what was refused and comes again.
      const retransmission = tries > 0 && "earlier-start";
      const kept = await outbox.put(
        lane,
        events.map((event) => ({ ...event, retransmission })),
      );
      if (kept.ok) say(`A ${lane} ${kept.commit.firstSeq} ${count} ${first}`);
      if (kept.ok) return;
      say(`N ${kept.why}`);
    }
  };
  for (let round = 1; round <= rounds; round++) {
    await Promise.all([
      put("scan", 1 + (round % 3)),
      put("telemetry", 1 + (round % 7) * 3),
      ...(round % 11 === 0
        ? [outbox.quarantine({ source: "s", reason: "r", bytes: payload("q", round), atMs: round })]
        : []),
    ]);
    if (round % 9 !== 0) continue;
    for (const lane of ["scan", "telemetry"] as const) {
      const through = Math.max(0, outbox.state(lane).lastSeq - 20);
      say(`R ${lane} ${through}`);
      await outbox.release(lane, through);
    }
  }
  await outbox.close();
}
