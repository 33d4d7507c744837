/** Looking into an outbox while its gateway writes, as `racktrace outbox` does. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import { openOutbox, openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
import { examineOutbox } from "../../src/store/outbox-salvage.ts";
import { encodeEvent } from "../../src/wire/codec.ts";
import { run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";

const PUTS = 300;

test("whoever looks while it is written sees a whole outbox at each moment", async () => {
  const folder = temporaryFolder();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  onTestFinished(() => outbox.close());
  const inspector = openOutboxInspector(join(folder, OUTBOX_FILE));
  onTestFinished(() => inspector.close());

  let stored = 0;
  const writing = (async () => {
    for (let n = 1; n <= PUTS; n++) {
      await outbox.put("telemetry", [{ bytes: Buffer.from(String(n)), origin: undefined }]);
      stored = n;
    }
  })();
  while (stored < PUTS) {
    // The writer is another thread: it goes on while this looks.
    const before = stored;
    const [first] = inspector.events("telemetry", 0);
    if (before > 0) expect(first).toMatchObject({ seq: 1 });
    if (before % 10 === 0) expect(examineOutbox(join(folder, OUTBOX_FILE))).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  expect(inspector.lane("telemetry")).toMatchObject({ lastSeq: PUTS });
});

test("what devices call themselves moves no cursor of whoever looks", async () => {
  const folder = temporaryFolder();
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const { outbox } = openOutbox({ path: join(folder, OUTBOX_FILE), nowMs: Date.now }, limits);
  const odd = "no\u001b[2J\u009b8m\u202e/mapping\nscan 1";
  const event = encodeEvent({
    ...{ boot: 1, gatewayTimeMs: 1, monotonicMs: 1, clock: "synced", sourceTimeMs: undefined },
    ...{
      device: "d",
      body: { kind: "sensor", readings: [{ property: odd, value: 1, unit: "1" }] },
    },
  });
  const put = { bytes: event, origin: undefined, retransmission: false };
  outbox.flush([
    { kind: "put", lane: "telemetry", events: [put] },
    {
      kind: "quarantine",
      entry: { source: odd, reason: odd, bytes: Buffer.from("x"), atMs: 1 },
    },
  ]);
  outbox.close("stopped");

  for (const look of ["list", "quarantine"]) {
    const { stdout } = await run(["outbox", look, "--data", folder]);
    expect(stdout).toContain("no\\x1b[2J\\x9b8m\\u{202e}/mapping\\x0ascan 1");
    expect(stdout).toMatch(/^[^\p{Cc}\p{Cf}]*\n$/u);
  }
});
