/**
 * Serves one opened line of a scanner that waits for an answer, until it ends.
 *
 *   line ─► deframer ─► conversation ─┬─► keep ─► outbox.put ─► stored | refused ─┐
 *     ▲                     ▲         └─► write ─► line                           │
 *     └── answer            └───────── the twin's word, the time ◄────────────────┘
 *
 * All decisions are in the conversation; this file carries them out. The line is read while a scan is
 * on its way to disk, since the scanner may repeat it meanwhile. What the outbox refuses is refused to
 * the scanner, which keeps it: nothing waits here but what the disk is too busy for, for as long as
 * the scanner waits.
 *
 * What the twin wants done waits until no scan is under way: the scanner would take it for an answer. One
 * that speaks SSI and may sleep is woken before.
 *
 * When it is told to stop it takes no more scans, answers those it has, and closes the line: a scan
 * that is on disk and unanswered would come again after the restart.
 */
import type { Cut } from "../devices/framing/cut.ts";
import { createDeframer } from "../devices/framing/deframer.ts";
import type {
  Conversation,
  ConversationEffect,
  ConversationInput,
} from "../devices/scanners/conversation.ts";
import { WAKEUP } from "../devices/scanners/ssi-packet.ts";
import { assert, never } from "../kernel/assert.ts";
import { createBackoff } from "../kernel/backoff.ts";
import type { NewEvent, Put } from "../ports.ts";
import type { Acted } from "./directives.ts";
import { startEnquiring } from "./enquire.ts";
import { createNoiseLog, gapMsOf, hear } from "./hear.ts";
import type { ReaderDeps, ReaderOptions } from "./reader.ts";
import { say } from "./say.ts";
import { createScanEvents } from "./scan-event.ts";
import { type ScannerCommand, utter } from "./scanner-acts.ts";
import type { Verdicts } from "./verdicts.ts";
import type { TakenAct } from "./waiting-acts.ts";

export type ConverseDeps = ReaderDeps & {
  /** Outlives the line: what was said on the one before counts on this one. */
  readonly conversation: Conversation;
  readonly verdicts: Verdicts;
};

/** Share of the scanner's time-out that a busy disk is given. */
const PATIENCE = 0.8;

const OBEYED: Readonly<Record<"done" | "refused" | "silent", Acted>> = {
  done: { outcome: "done", reason: "" },
  refused: {
    outcome: "failed",
    reason: "the scanner refused it (CMD_NAK): it has no such tone or lamp",
  },
  silent: { outcome: "uncertain", reason: "the scanner did not say whether it was done" },
};

/** Returns when the line has ended and what came on it is on disk or refused. */
export async function runConversation(
  deps: ConverseDeps,
  options: ReaderOptions,
  stop: AbortSignal,
): Promise<void> {
  const { clock, outbox, conversation, verdicts, state, record, acts } = deps;
  const { scanner, silentMs } = options;
  const { settleMs } = scanner;
  const { answer } = scanner;
  assert(answer !== undefined, "a scanner that waits for no answer is only read");
  const deframer = createDeframer(scanner.framing, scanner.frameBytesMax);
  const eventOf = createScanEvents(deps, scanner);
  const tellNoise = createNoiseLog(deps, { scanner: scanner.id, everyMs: options.noiseEveryMs });
  const keeping = new Set<Promise<void>>();
  const over = new AbortController();
  const ordered = new Map<number, (acted: Acted) => void>();
  let orders = 0;
  let cancelDue = () => {};
  const leave = () => closeWhenIdle();
  stop.addEventListener("abort", leave, { once: true });
  closeWhenIdle();
  let obeying = false;
  acts.whenPut(() => void obey());
  void obey();
  const mayAsk = () => !stop.aborted && !conversation.isBusy();
  const stopEnquiring = startEnquiring(deps, { ...scanner, mayAsk });

  const gapMs = gapMsOf(scanner.framing);
  const junk = (bytes: number) => tellNoise("settling", bytes);

  for await (const heard of hear(deps, { gapMs, silentMs, settleMs, junk })) {
    switch (heard.kind) {
      case "bytes":
        state.become("open", "");
        take(deframer.push(heard.bytes));
        break;
      case "quiet":
        take(deframer.quiet());
        break;
      case "silent":
        state.become("silent", `nothing was heard for ${Math.round(silentMs / 60_000)} minutes`);
        break;
      default:
        never(heard);
    }
  }
  for (const cut of deframer.close()) if (cut.kind === "noise") tellNoise(cut.why, cut.bytes);
  stopEnquiring();
  acts.whenPut(() => undefined);
  over.abort();
  play({ kind: "cut", atMs: clock.monotonicMs() });
  stop.removeEventListener("abort", leave);
  await Promise.all(keeping);
  cancelDue();

  function closeWhenIdle(): void {
    if (stop.aborted && !conversation.isBusy()) void deps.line.close();
  }

  function take(cuts: readonly Cut[]): void {
    if (stop.aborted) return;
    for (const cut of cuts) {
      if (cut.kind === "noise") tellNoise(cut.why, cut.bytes);
      play({ kind: "cut-out", cut, atMs: clock.monotonicMs() });
    }
  }

  function play(input: ConversationInput): void {
    for (const effect of conversation.step(input)) perform(effect);
    cancelDue();
    closeWhenIdle();
    void obey();
    const dueMs = conversation.dueMs();
    if (dueMs === undefined) return;
    cancelDue = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () =>
      play({ kind: "due", atMs: clock.monotonicMs() }),
    );
  }

  function mayTell(): boolean {
    return !over.signal.aborted && !stop.aborted && conversation.isFree();
  }

  async function obey(): Promise<void> {
    if (obeying) return;
    obeying = true;
    while (mayTell() && acts.waits()) {
      const act = await acts.take();
      if (act === undefined) continue;
      if (act.work.kind === "ssi") await wake();
      if (mayTell()) order(act);
      else act.giveBack();
    }
    obeying = false;
  }

  async function wake(): Promise<void> {
    if (!mayTell() || scanner.flowControl === "hardware") return;
    await say(deps.line, WAKEUP.bytes);
    await clock.sleep(WAKEUP.waitMs, over.signal);
  }

  function order(act: TakenAct<ScannerCommand>): void {
    const { work, settle } = act;
    if (work.kind === "bytes") {
      record.answered("directive");
      void utter(deps.line, work.bytes, act);
      return;
    }
    const number = ++orders;
    ordered.set(number, settle);
    const { opcode, data } = work;
    play({ kind: "order", number, opcode, data, atMs: clock.monotonicMs() });
  }

  function perform(effect: ConversationEffect): void {
    switch (effect.kind) {
      case "write":
        record.answered(effect.says);
        void say(deps.line, effect.bytes);
        break;
      case "note":
        record.noted(effect.what);
        break;
      case "obeyed":
        ordered.get(effect.number)?.(OBEYED[effect.how]);
        ordered.delete(effect.number);
        break;
      case "keep": {
        const kept = keep(effect);
        keeping.add(kept);
        void kept.finally(() => keeping.delete(kept));
        break;
      }
      default:
        never(effect);
    }
  }

  async function keep({
    number,
    frame,
    again,
    suspected,
  }: ConversationEffect & { kind: "keep" }): Promise<void> {
    const put = await store(eventOf.repeatable(frame, { again, suspected }));
    const atMs = clock.monotonicMs();
    if (!put.ok) return play({ kind: "refused", number, atMs });
    if (!again) record.scans(1);
    play({ kind: "stored", number, commit: put.commit, atMs });
    if (again || answer?.verdictMs === 0) return;
    const { epoch } = outbox.state("scan");
    const told = verdicts.expect({ epoch, seq: put.commit.lastSeq }, (verdict, reason) => {
      if (!over.signal.aborted)
        play({ kind: "verdict", number, verdict, reason, atMs: clock.monotonicMs() });
    });
    if (told) return;
    const verdict = eventOf.isMisread(frame) ? "unknown" : "none";
    play({ kind: "verdict", number, verdict, atMs });
  }

  async function store(event: NewEvent): Promise<Put> {
    const patience = createBackoff(options.retry, deps.chance);
    const untilMs = clock.monotonicMs() + PATIENCE * (answer?.timeoutMs ?? 0);
    for (;;) {
      const put = await outbox.put("scan", [event]);
      if (put.ok) return put;
      record.refused(put.why);
      const waitMs = patience.nextMs();
      const inTime = clock.monotonicMs() + waitMs < untilMs;
      if (put.why !== "busy" || !inTime || stop.aborted) return put;
      await clock.sleep(waitMs, stop);
    }
  }
}
