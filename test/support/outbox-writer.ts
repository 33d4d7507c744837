/** A program that puts a scan for each line "put" it reads, and says what became of it. */
import { createInterface } from "node:readline";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import { outboxLimits } from "../../src/store/outbox.ts";

const [, , folder = "."] = process.argv;
const quiet = { note: () => undefined, warn: () => undefined, error: () => undefined };
const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
const outbox = await openOutboxThread({ journal: quiet }, { folder, limits });
const say = (line: string) => process.stdout.write(`${line}\n`);

say("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "fault") say(`fault ${(await outbox.failed).code}`);
  else
    void outbox.put("scan", [{ bytes: Buffer.from("a scan"), origin: undefined }]).then((put) => {
      say(put.ok ? `kept ${put.commit.lastSeq}` : `refused ${put.why}`);
    });
}
