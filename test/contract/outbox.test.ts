import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Sqlite from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { Journal } from "../../src/ports.ts";
import { type OutboxLimits, openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { checkOutbox } from "./outbox.ts";

describe("the outbox in its thread", () => {
  checkOutbox(() => open());

  test("nothing is answered while the disk has not taken it", async () => {
    const folder = temporaryFolder();
    const outbox = await open({ folder });
    const other = new Sqlite(join(folder, OUTBOX_FILE));
    other.exec("BEGIN IMMEDIATE");
    let answered = false;
    const put = outbox.put("scan", [{ bytes: Buffer.from("a"), origin: undefined }]);
    void put.then(() => {
      answered = true;
    });
    await until("the writer has it", () => outbox.figures.queued === 1);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    other.exec("ROLLBACK");
    other.close();
    expect(await put).toMatchObject({ ok: true });
  });

  test("many puts are one flush", async () => {
    const outbox = await open();
    const event = { bytes: Buffer.alloc(100), origin: undefined };
    await Promise.all(Array.from({ length: 10_000 }, () => outbox.put("telemetry", [event])));
    expect(outbox.figures).toMatchObject({ events: 10_000, queued: 0 });
    expect(outbox.figures.flushes).toBeLessThan(100);
  });

  test("a full memory refuses at once, and what waits is kept all the same", async () => {
    const outbox = await open();
    const event = { bytes: Buffer.alloc(50_000), origin: undefined };
    const puts = Array.from({ length: 100 }, () => outbox.put("scan", Array(20).fill(event)));
    const answers = await Promise.all(puts);
    const refused = answers.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map((put) => !put.ok && put.why))).toEqual(new Set(["busy"]));
    expect(outbox.state("scan").lastSeq).toBe(20 * (100 - refused.length));
  });

  test("a damaged file is set aside, and the journal says where", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, OUTBOX_FILE), "not a database ".repeat(500));
    const told: unknown[] = [];
    const outbox = await open({ folder, warn: (what, details) => told.push([what, details]) });
    expect(outbox.setAside?.path).toContain(".corrupt-");
    expect(told).toEqual([["outbox-set-aside", outbox.setAside]]);
  });

  test("a file of a later release is refused, and left alone", async () => {
    const folder = temporaryFolder();
    const db = new Sqlite(join(folder, OUTBOX_FILE));
    db.pragma("user_version = 99");
    db.close();
    await expect(open({ folder })).rejects.toMatchObject({ code: "STORE_NEWER" });
  });

  test("a refused flush is refused whole, and the next one goes on", async () => {
    const outbox = await open({ limits: { fileBytesMax: 256 * 1024 } });
    const big = Array(5).fill({ bytes: Buffer.alloc(60_000), origin: undefined });
    const small = { bytes: Buffer.from("a"), origin: undefined };
    expect(await Promise.all([outbox.put("scan", [small]), outbox.put("scan", big)])).toEqual([
      { ok: false, why: "full" },
      { ok: false, why: "full" },
    ]);
    expect(await outbox.put("scan", [small])).toMatchObject({ ok: true, commit: { firstSeq: 1 } });
  });

  test("one failing write is survived with the file opened anew; two in a row end the writer", async () => {
    const program = await writer(temporaryFolder());
    expect(await program.ask("put")).toBe("kept 1");

    await program.filesMayHave("1");
    expect(await program.ask("put")).toBe("refused failed");
    await program.filesMayHave("unlimited");
    expect(await program.ask("put")).toBe("kept 2");

    await program.filesMayHave("1");
    expect(await program.ask("put")).toBe("refused failed");
    expect(await program.ask("put")).toBe("refused failed");
    expect(await program.ask("fault")).toBe("fault STORE_FAILED");
    await program.filesMayHave("unlimited");
    expect(await program.ask("put")).toBe("refused failed");
  });

  test("what was answered is there after SIGKILL, also when the answer was the last thing heard", async () => {
    const folder = temporaryFolder();
    const program = await writer(folder);
    const answers = await Promise.all(Array.from({ length: 500 }, () => program.ask("put")));
    program.kill();
    await program.ended;
    const inspector = openOutboxInspector(join(folder, OUTBOX_FILE));
    onTestFinished(() => inspector.close());
    expect(answers.at(-1)).toBe("kept 500");
    expect([...inspector.events("scan", 0)]).toHaveLength(500);
    expect(inspector.clean).toBe(false);
  });
});

async function open({
  folder = temporaryFolder(),
  limits = {},
  warn = () => undefined,
}: {
  folder?: string;
  limits?: Partial<OutboxLimits>;
  warn?: Journal["warn"];
} = {}) {
  const budgets = { bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 };
  const outbox = await openOutboxThread(
    { journal: { note: () => undefined, warn, error: warn } },
    { folder, limits: { ...outboxLimits(budgets), ...limits } },
  );
  onTestFinished(() => outbox.close());
  return outbox;
}

/** The outbox in a process of its own, whose files can be kept from growing, and which can be killed. */
async function writer(folder: string) {
  const path = new URL("../support/outbox-writer.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [path, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  let heard = 0;
  const next = async () => {
    const wanted = heard++;
    await until("the writer answers", () => lines.length > wanted);
    return lines[wanted];
  };
  await next();
  return {
    ended,
    kill: () => child.kill("SIGKILL"),
    ask(what: "put" | "fault") {
      child.stdin.write(`${what}\n`);
      return next();
    },
    async filesMayHave(bytes: string) {
      const prlimit = spawn("prlimit", ["--pid", `${child.pid}`, `--fsize=${bytes}:unlimited`]);
      const [status] = await once(prlimit, "exit");
      expect(status).toBe(0);
    },
  };
}
