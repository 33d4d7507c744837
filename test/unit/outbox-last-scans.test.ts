/** What a gateway that was killed remembers of its scanners, so that a scan that comes again is known. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Outbox, openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { type EventBody, encodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";

test("after a kill each scanner's last scan is known as it was sent, unless it is long ago", () => {
  const folder = temporaryFolder();
  const outbox = open(folder);
  put(outbox, "old", scan("long ago"), 1_000_000);
  put(outbox, "desk", scan("first"), 1_100_000);
  put(outbox, "rack", { ...scan("]C1read"), sent: Buffer.from("Kread") }, 1_130_000);
  put(outbox, "desk", scan("second"), 1_130_000);

  expect(open(killed(folder)).lastScans).toEqual([
    { device: "desk", frame: text("second"), gatewayTimeMs: 1_130_000 },
    { device: "rack", frame: text("Kread"), gatewayTimeMs: 1_130_000 },
  ]);
});

test("after an orderly stop everything was answered, and nothing is in doubt", () => {
  const folder = temporaryFolder();
  const outbox = open(folder);
  put(outbox, "desk", scan("first"), 1_000_000);
  outbox.close("stopped");

  expect(open(folder).lastScans).toEqual([]);
});

function open(folder: string): Outbox {
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  return openOutbox({ path: join(folder, "outbox.db"), nowMs: Date.now }, limits).outbox;
}

/** The files as a kill leaves them. */
function killed(folder: string): string {
  const copy = join(temporaryFolder(), "copy");
  cpSync(folder, copy, { recursive: true });
  return copy;
}

type ScanBody = Extract<EventBody, { kind: "scan" }>;

function scan(raw: string): ScanBody {
  return {
    kind: "scan",
    raw: Buffer.from(raw),
    framing: "delimiter",
    aim: "",
    step: undefined,
    operator: undefined,
    documentMode: undefined,
  };
}

function put(outbox: Outbox, device: string, body: ScanBody, gatewayTimeMs: number): void {
  const stamp = { boot: 1, monotonicMs: 1, clock: "synced", sourceTimeMs: undefined } as const;
  const bytes = encodeEvent({ ...stamp, gatewayTimeMs, device, body });
  const flushed = outbox.flush([{ kind: "put", lane: "scan", events: [{ bytes, origin: 1n }] }]);
  expect(flushed.ok).toBe(true);
}

function text(of: string): Uint8Array {
  return new TextEncoder().encode(of);
}
