import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { OutboxReply, OutboxRequest } from "../../src/io/outbox-worker.ts";
import type { LaneState } from "../../src/ports.ts";
import type { Work } from "../../src/store/outbox.ts";
import { outboxLimits } from "../../src/store/outbox.ts";
import { unpack } from "../../src/store/outbox-packing.ts";
import { temporaryFolder } from "../support/folder.ts";

const writer = vi.hoisted(() => ({ asked: [] as unknown[], say: (_reply: unknown) => {} }));

vi.mock("node:worker_threads", () => ({
  Worker: class extends EventEmitter {
    constructor() {
      super();
      writer.say = (reply) => this.emit("message", reply);
      queueMicrotask(() => writer.say(OPENED));
    }
    postMessage(request: unknown) {
      writer.asked.push(request);
    }
  },
}));

test("a release that is refused while its lane gets a new epoch is not tried again under the new numbers", async () => {
  const journal = { note() {}, warn() {}, error() {} };
  const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 22 });
  const outbox = await openOutboxThread({ journal }, { folder: temporaryFolder(), limits });
  const put = () => void outbox.put("scan", [{ bytes: Buffer.from("a"), origin: undefined }]);
  void outbox.release("scan", 50);
  expect(await written()).toEqual(["release"]);
  refuse();
  put();
  expect(await written()).toEqual(["put", "release"]);

  const renumbered = outbox.renumber("scan", { epoch: "before", fromSeq: 51 });
  refuse();
  writer.say({ kind: "renumbered", lane: "scan", done: true, lanes: LANES });
  expect(await renumbered).toBe(true);
  put();
  expect(await written()).toEqual(["put"]);
});

const STATE: LaneState = {
  ...{ epoch: "before", lane: "scan", boot: 1, firstSeq: 1, lastSeq: 60, waiting: 60 },
  ...{ waitingBytes: 60, evicted: 0 },
};
const LANES = { scan: STATE, telemetry: STATE };
const OPENED = {
  ...{ kind: "opened", lanes: LANES, setAside: undefined },
  ...{ unsure: new BigInt64Array(), lastScans: [] },
} satisfies OutboxReply;

/** What the writer is told to write next. */
async function written(): Promise<readonly Work["kind"][]> {
  await setImmediate();
  const flush = lastFlush();
  return unpack(flush.buffer, flush.used).map(({ kind }) => kind);
}

function refuse(): void {
  const { buffer } = lastFlush();
  const done = { ok: false, why: "busy", detail: "another writes" } as const;
  const reply = { kind: "flushed", buffer, done, lanes: LANES, tookMs: 0, walBytes: 0 } as const;
  writer.say(reply satisfies OutboxReply);
}

function lastFlush(): OutboxRequest & { kind: "flush" } {
  const asked = writer.asked as readonly OutboxRequest[];
  const flush = asked.findLast((request) => request.kind === "flush");
  if (flush === undefined) throw new Error("nothing is to be written");
  return flush;
}
