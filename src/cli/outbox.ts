/**
 * `racktrace outbox`: what waits on a gateway, whether it runs or not. Reads only, but for
 * `clear-quarantine` and `renew-chain`, which need the gateway stopped.
 *
 * Data goes to stdout as lines for people or, with --json and for `export`, as JSON Lines: one event
 * a line, raw bytes in base64, so that nothing a scanner sent is lost on the way into another tool.
 */
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { createNewFile } from "../io/new-file.ts";
import { OUTBOX_FILE } from "../io/outbox-thread.ts";
import { Fault } from "../kernel/fault.ts";
import type { Lane } from "../ports.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { clearQuarantine, type OutboxInspector, openOutboxInspector } from "../store/outbox.ts";
import { renewChain } from "../store/outbox-backlog.ts";
import type { Salvaged } from "../store/outbox-salvage.ts";
import type { QuarantineRow } from "../store/quarantine.ts";
import { decodeEvent, type EventBody, WireError } from "../wire/codec.ts";
import { exportBacklog } from "./backlog.ts";
import { forTerminal } from "./for-terminal.ts";
import { loadGatewayConfig } from "./gateway-config.ts";
import { check, type RepairOptions, salvage } from "./outbox-repair.ts";

type Options = {
  readonly data: string;
  readonly lane?: Lane;
  readonly limit?: number;
  readonly json?: boolean;
  readonly out?: string;
};

type BacklogOptions = {
  readonly data?: string;
  readonly backlog?: string;
  readonly config?: string;
  readonly name?: string;
};

const LANES: readonly Lane[] = ["scan", "telemetry"];
const LIST_LIMIT = 20;

export function define(command: Command): void {
  const laneOption = () => new Option("--lane <LANE>", "only this lane").choices([...LANES]);
  const limitOption = (usual?: number) =>
    new Option("--limit <N>", "at most so many").argParser(wholeNumber).default(usual);
  const sub = (name: string, summary: string) =>
    command
      .command(name)
      .description(summary)
      .exitOverride()
      .option("--data <DIR>", "the gateway's data folder", ".racktrace/gateway");

  sub("count", "how much waits, in each lane")
    .option("--json", "as JSON")
    .action((options: Options) => inspect(options, count));
  sub("list", "the oldest events that wait")
    .addOption(laneOption())
    .addOption(limitOption(LIST_LIMIT))
    .option("--json", "as JSON Lines")
    .action((options: Options) => inspect(options, list));
  sub("export", "all events that wait: as JSON Lines, or to be carried to the twin")
    .addOption(laneOption())
    .addOption(limitOption())
    .option("--out <FILE>", "write there instead of to stdout; must not exist yet")
    .option("--backlog <FILE>", "write signed batches there, for `racktrace import` at the twin")
    .option("--config <FILE>", "with --backlog: the gateway's configuration, for name and folder")
    .option("--name <NAME>", "with --backlog: the gateway's name, where there is no configuration")
    .addHelpText(
      "after",
      `
With --backlog both lanes are written as signed batches, beside a running gateway too. Nothing leaves the
outbox by that: the gateway forgets it when the twin itself has said that it has it, at the next connection.`,
    )
    .action((options: Options & BacklogOptions, self: Command) => {
      if (options.backlog === undefined) return inspect(options, exportEvents);
      const { data: _usual, ...rest } = options;
      const isSaid = self.getOptionValueSource("data") !== "default";
      // The configuration names the folder, where nobody does here.
      return carryAway(isSaid || options.config === undefined ? options : rest, options.backlog);
    });
  sub("renew-chain", "begin the chain of signatures anew; the gateway must be stopped")
    .addHelpText(
      "after",
      `
For an outbox that was put back from an old copy, when the twin says that its events do not go on where the
numbering ends there. racktrace verify at the twin tells of it from then on.`,
    )
    .action(renew);
  sub("check", "whether the outbox is sound, and what was set aside")
    .option("--file <FILE>", "look at this file instead")
    .option("--json", "as JSON")
    .action((options: RepairOptions) => print([check(options).trimEnd()]));
  sub("salvage", "what can still be read of an outbox that was set aside, as JSON Lines")
    .option("--file <FILE>", "this file; without it: all that were set aside in the data folder")
    .option("--out <FILE>", "write there instead of to stdout; must not exist yet")
    .action((options: RepairOptions & Options) => print(salvaged(options), options.out));
  sub("quarantine", "messages that could not be understood, and why")
    .addOption(limitOption(LIST_LIMIT))
    .option("--json", "as JSON Lines, bytes in base64")
    .action((options: Options) => inspect(options, listQuarantine));
  sub("clear-quarantine", "forget quarantined messages up to an id; the gateway must be stopped")
    .requiredOption(
      "--through <ID>",
      "the last id to forget, as `quarantine` shows it",
      wholeNumber,
    )
    .action(clear);
}

function clear({ data, through }: { readonly data: string; readonly through: number }): void {
  // Says so when there is no outbox, instead of making one.
  openOutboxInspector(join(data, OUTBOX_FILE)).close();
  const lock = lockFolder(data);
  try {
    const cleared = clearQuarantine(join(data, OUTBOX_FILE), through);
    process.stderr.write(`${cleared} quarantined messages forgotten\n`);
  } finally {
    lock.release();
  }
}

function carryAway({ data, config, name }: BacklogOptions, file: string): void {
  const flags = {
    ...(data !== undefined && { data }),
    ...(name !== undefined && { gateway: name }),
  };
  const { gateway, data: folder } = loadGatewayConfig(config, flags);
  const { scan, telemetry } = exportBacklog(folder, gateway, file);
  process.stderr.write(
    `${file}: ${scan} scans and ${telemetry} events of telemetry of ${gateway}. ` +
      `At the twin: racktrace import ${file}\n`,
  );
}

function renew({ data }: { readonly data: string }): void {
  openOutboxInspector(join(data, OUTBOX_FILE)).close();
  const lock = lockFolder(data);
  try {
    renewChain(join(data, OUTBOX_FILE));
  } finally {
    lock.release();
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("write a whole number");
  return Number(text);
}

async function inspect(
  options: Options,
  look: (outbox: OutboxInspector, options: Options) => Promise<void>,
): Promise<void> {
  const outbox = openOutboxInspector(join(options.data, OUTBOX_FILE));
  try {
    await look(outbox, options);
  } finally {
    outbox.close();
  }
}

function count(outbox: OutboxInspector, { json }: Options): Promise<void> {
  const lanes = LANES.map((lane) => outbox.lane(lane));
  const quarantine = outbox.quarantineCount();
  if (json) return print([JSON.stringify({ lanes, quarantine, clean: outbox.clean })]);
  const rows = lanes.map(({ lane, waiting, waitingBytes, firstSeq, lastSeq, evicted }) => {
    const span = waiting > 0 ? `${firstSeq}-${lastSeq}` : "-";
    return [lane, `${waiting}`, `${waitingBytes}`, span, `${evicted}`];
  });
  rows.push(["quarantine", `${quarantine.rows}`, `${quarantine.bytes}`, "", ""]);
  return print(table([["lane", "waiting", "bytes", "numbers", "evicted"], ...rows]));
}

function list(outbox: OutboxInspector, options: Options): Promise<void> {
  const events = waiting(outbox, options);
  return print(options.json ? mapped(events, (event) => asJson(event)) : mapped(events, asLine));
}

function exportEvents(outbox: OutboxInspector, options: Options): Promise<void> {
  return print(
    mapped(waiting(outbox, options), (event) => asJson(event)),
    options.out,
  );
}

function* salvaged(options: RepairOptions): Iterable<string> {
  const asText = ({ altered, gone, ...event }: Salvaged) =>
    asJson(event, altered ? { altered } : {});
  for (const told of salvage(options, asText)) {
    if ("line" in told) yield told.line;
    else process.stderr.write(`${told.summary}\n`);
  }
}

function listQuarantine(outbox: OutboxInspector, { json, limit }: Options): Promise<void> {
  const asText = ({ id, atMs, source, reason, bytes }: QuarantineRow) =>
    json
      ? JSON.stringify({ id, at: iso(atMs), source, reason, bytes: base64(bytes) })
      : forTerminal(`${id}  ${iso(atMs)}  ${source}  ${reason}  ${readable(bytes)}`);
  return print(mapped(first(outbox.quarantine(1), limit), asText));
}

type Waiting = {
  readonly lane: Lane;
  readonly epoch: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
};

function* waiting(outbox: OutboxInspector, { lane: only, limit }: Options): Iterable<Waiting> {
  for (const lane of LANES.filter((name) => only === undefined || name === only)) {
    const { epoch, firstSeq } = outbox.lane(lane);
    for (const { seq, bytes } of first(outbox.events(lane, firstSeq), limit))
      yield { lane, epoch, seq, bytes };
  }
}

function* first<T>(items: Iterable<T>, limit: number | undefined): Iterable<T> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  for (const item of items) {
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
}

function* mapped<T>(items: Iterable<T>, asText: (item: T) => string): Iterable<string> {
  for (const item of items) yield asText(item);
}

function asJson({ bytes, ...name }: Waiting, more: object = {}): string {
  const event = decoded(bytes);
  if (event instanceof WireError)
    return JSON.stringify({ ...name, ...more, notUnderstood: event.message, bytes: base64(bytes) });
  const { gatewayTimeMs, sourceTimeMs, body, ...rest } = event;
  return JSON.stringify({
    ...name,
    ...more,
    ...rest,
    gatewayTime: iso(gatewayTimeMs),
    sourceTime: sourceTimeMs === undefined ? null : iso(sourceTimeMs),
    ...bodyAsJson(body),
  });
}

function bodyAsJson(body: EventBody): object {
  return body.kind === "scan" ? { ...body, raw: base64(body.raw) } : body;
}

function asLine({ lane, seq, bytes }: Waiting): string {
  const event = decoded(bytes);
  if (event instanceof WireError) return `${lane} ${seq}  not understood: ${event.message}`;
  const { gatewayTimeMs, device, body } = event;
  return forTerminal(`${lane} ${seq}  ${iso(gatewayTimeMs)}  ${device}  ${bodyAsText(body)}`);
}

function bodyAsText(body: EventBody): string {
  switch (body.kind) {
    case "scan":
      return readable(body.raw);
    case "sensor":
      return body.readings.map((r) => `${r.property} ${r.value} ${r.unit}`).join(", ");
    case "statement":
      return `${body.statement} ${body.json}`;
    case "device-state":
      return `${body.state} ${body.reason}`;
  }
}

function decoded(bytes: Uint8Array) {
  try {
    return decodeEvent(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** Byte for byte: what is not ASCII is shown as \x1d and the like. */
function readable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 200)).toString("latin1");
  const shown = text.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return bytes.length > 200 ? `${shown}...` : shown;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Lines to stdout or a new file, at the pace at which they are taken. */
async function print(lines: Iterable<string>, file?: string): Promise<void> {
  const withEnds = mapped(lines, (line) => `${line}\n`);
  if (file === undefined) {
    await pipeline(withEnds, process.stdout, { end: false });
    return;
  }
  const made = createNewFile(file);
  try {
    for (const line of withEnds) made.write(Buffer.from(line));
    made.finish();
  } catch (cause) {
    made.abandon();
    if (cause instanceof Fault) throw cause;
    throw new Fault("DATA_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
