/**
 * Keeps one scanner's line open: opens it, reads it until it ends, and opens it again, for ever.
 *
 * An absent, unplugged or busy port is a state and never ends anything. Attempts spread out with full
 * jitter; a plug that goes in is noticed at once where the system tells, and does not wait for them.
 */
import { type Conversation, createConversation } from "../devices/scanners/conversation.ts";
import { createBackoff } from "../kernel/backoff.ts";
import { Fault } from "../kernel/fault.ts";
import type { ByteLine, OpenLine } from "../ports.ts";
import { runConversation } from "./converse.ts";
import { type Appears, watchForPlug } from "./plug.ts";
import { type ReaderDeps, type ReaderOptions, runReader } from "./reader.ts";
import type { Verdicts } from "./verdicts.ts";

export type SuperviseDeps = Omit<ReaderDeps, "line"> & {
  readonly verdicts: Verdicts;
  readonly open: OpenLine;
  readonly appears: Appears;
};

export type SuperviseOptions = ReaderOptions & {
  readonly reopen: { readonly firstMs: number; readonly lastMs: number };
  /** A line that stayed open for so long was a good one: the next failure starts over. */
  readonly steadyMs: number;
};

export const SUPERVISE_DEFAULTS: Omit<SuperviseOptions, "scanner"> = {
  reopen: { firstMs: 250, lastMs: 5_000 },
  steadyMs: 2_000,
  silentMs: 8 * 60 * 60 * 1000,
  retry: { firstMs: 20, lastMs: 2_000 },
  noiseEveryMs: 10_000,
};

/** Returns when `stop` is aborted. */
export async function superviseScanner(
  deps: SuperviseDeps,
  options: SuperviseOptions,
  stop: AbortSignal,
): Promise<void> {
  const { clock, state, record } = deps;
  const { path } = options.scanner;
  const backoff = createBackoff(options.reopen, deps.chance);
  const conversation = beginConversation(deps, options);

  while (!stop.aborted) {
    const plug = watchForPlug(deps, path, stop);
    state.become("opening", "");
    const line = await open();
    if (line !== undefined) {
      const openedMs = clock.monotonicMs();
      await read(line);
      if (clock.monotonicMs() - openedMs >= options.steadyMs) backoff.reset();
    }
    if (!stop.aborted && (await plug.orWait(backoff.nextMs())) === "plug") backoff.reset();
    plug.end();
  }

  async function open(): Promise<ByteLine | undefined> {
    try {
      const isKeyboard = options.scanner.profile === "hid";
      return await deps.open({ ...options.scanner, isKeyboard }, stop);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      const absent = fault.detail.startsWith(`${path} is absent`);
      state.become(absent ? "absent" : "faulted", fault.message);
      return undefined;
    }
  }

  async function read(line: ByteLine): Promise<void> {
    record.opened();
    state.become("open", "");
    if (conversation === undefined) await runReader({ ...deps, line }, options, stop);
    else await runConversation({ ...deps, line, conversation }, options, stop);
    await line.close();
    if (!stop.aborted) state.become("absent", `${path} was unplugged`);
  }
}

/** Undefined: the scanner waits for no answer. */
function beginConversation(
  { outbox, clock }: SuperviseDeps,
  { scanner: { id, answer, frameBytesMax } }: SuperviseOptions,
): Conversation | undefined {
  if (answer === undefined) return undefined;
  const last = outbox.lastScans.find(({ device }) => device === id);
  return createConversation(
    answer.style === "ssi" ? { ...answer, style: "ssi", frameBytesMax } : answer,
    last && {
      frame: last.frame,
      heardMs: clock.monotonicMs() - Math.max(0, clock.nowMs() - last.gatewayTimeMs),
      verdict: undefined,
    },
  );
}
