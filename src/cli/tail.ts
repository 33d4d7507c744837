/** `racktrace tail`: live events as the twin takes them in, until Ctrl-C. Comes back after a break. */
import type { Command } from "commander";
import { chance, createClock } from "../io/clock.ts";
import { createBackoff } from "../kernel/backoff.ts";
import { Fault } from "../kernel/fault.ts";
import { createEventCutter, type StreamEvent } from "./event-stream.ts";
import { forTerminal } from "./for-terminal.ts";
import { type Named, pathText, timeText } from "./question.ts";
import { stopSignal } from "./stop-signal.ts";
import { defineTwin, reach, refusedBy, type TwinOptions, twinOf } from "./twin-url.ts";

type Options = TwinOptions & {
  readonly json?: boolean;
  readonly readings?: boolean;
};

export function define(command: Command): void {
  defineTwin(command)
    .option("--json", "one JSON object a line")
    .option("--no-readings", "leave sensor readings out")
    .action((options: Options) => tail(options, stopSignal()));
}

async function tail({ json, readings, ...to }: Options, stop: AbortSignal): Promise<void> {
  const clock = createClock();
  const backoff = createBackoff({ firstMs: 250, lastMs: 5_000 }, chance);
  const twin = twinOf(to);
  const url = `${twin.url}/api/v1/live`;
  let lastId = "";

  for (let first = true; !stop.aborted; first = false) {
    try {
      await listen();
    } catch (error) {
      if (stop.aborted) return;
      if (first || !(error instanceof Fault) || error.code === "NOT_ALLOWED") throw error;
    }
    await clock.sleep(backoff.nextMs(), stop);
  }

  async function listen(): Promise<void> {
    const resume: Record<string, string> = lastId === "" ? {} : { "last-event-id": lastId };
    const headers = { ...twin.headers(), ...resume };
    const response = await reach(url, { headers, signal: stop });
    if (response.status === 401 || response.status === 403) throw await refusedBy(response);
    if (!response.ok || response.body === null)
      throw new Fault("TWIN_UNREACHABLE", `${url} answered ${response.status}`);
    backoff.reset();
    const cut = createEventCutter();
    const text = response.body.pipeThrough(new TextDecoderStream());
    try {
      for await (const chunk of text)
        for (const event of cut(chunk)) {
          if (event.id !== "") lastId = event.id;
          if (readings !== false || event.name !== "reading")
            process.stdout.write(`${json === true ? jsonLine(event) : line(event)}\n`);
        }
    } catch (cause) {
      throw new Fault("TWIN_UNREACHABLE", `${url}: the stream broke off`, { cause });
    }
  }
}

function jsonLine({ id, name, data }: StreamEvent): string {
  return JSON.stringify({ event: name, id: Number(id), ...JSON.parse(data) });
}

// biome-ignore lint/suspicious/noExplicitAny: each event has a shape of its own, promised by the API
type Told = any;

function line({ name, data }: StreamEvent): string {
  const told: Told = JSON.parse(data);
  const time = timeText(told.time ?? told.lastSeen ?? told.since ?? null);
  return forTerminal(`${time}  ${name.padEnd(11)}  ${what(name, told)}`);
}

function what(name: string, told: Told): string {
  switch (name) {
    case "moved":
    case "seen": {
      const thing = told as Named & { path: readonly Named[] };
      return `${thing.elementString}  in  ${pathText(thing.path) || "a place that is not known"}`;
    }
    case "scan":
      return `${told.scanner}  ${told.code}${told.why === undefined ? "" : `  (${told.why})`}`;
    case "reading":
      return `${told.device}  ${told.property} ${told.value} ${told.unit}`;
    case "alarm":
      return `${told.device}  ${told.property} ${told.value} ${told.unit}  alarm ${told.state}, since ${told.since}`;
    case "discrepancy":
      return `${told.severity}: ${told.kind}  ${told.subject}  ${told.reason}`;
    case "retraction":
      return `${told.elementString}  was not in  ${placeOf(told.answer)}  at ${timeText(told.at)}`;
    case "correction":
      return `${told.elementString}  was in  ${placeOf(told.answer)}  at ${timeText(told.at)}`;
    default:
      return told.why ?? "";
  }
}

function placeOf({ path }: { readonly path: readonly Named[] }): string {
  return pathText(path) || "a place that is not known";
}
