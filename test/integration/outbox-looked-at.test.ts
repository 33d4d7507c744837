/** Looking into an outbox while its gateway writes, as `racktrace outbox` does. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import { openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
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
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  expect(inspector.lane("telemetry")).toMatchObject({ lastSeq: PUTS });
});
