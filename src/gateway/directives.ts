/**
 * What the twin wants done by devices here: told at least once, done at most once.
 *
 *   directive ─► waits for its device ─► begun, on disk ─► the device acts ─► done | failed | uncertain, on disk ─► the twin
 *                     │ stop, reload            │ known already: it may have been done, and is not done again
 *                     └ nothing is told: the twin tells the directive again
 *
 * "begun" stands in the lane of scans, which never loses a row unsent, under an origin of its own: a
 * gateway that was killed while a device acted finds it there when the twin tells the directive again.
 * Whether the device has acted nobody knows then, and that is what the twin hears.
 */
import { assert } from "../kernel/assert.ts";
import { createBackoff } from "../kernel/backoff.ts";
import type { Chance, Clock, Journal, NewEvent, OutboxPort } from "../ports.ts";
import { type Directive, decodeDirectives, encodeEvent, WireError } from "../wire/codec.ts";
import { createOrigins } from "./origin.ts";

export type Acted = {
  readonly outcome: "done" | "failed" | "uncertain";
  readonly reason: string;
};

/** Awaited right before the device is told. False: leave it, the box knows what came of it. */
export type Begin = () => Promise<boolean>;

/**
 * `what` is as the twin said it, unchecked. `over` is aborted when its time is over, and while nothing
 * has begun also when the gateway stops or the device is configured anew.
 */
export type Act = (
  order: { readonly kind: string; readonly what: Readonly<Record<string, unknown>> },
  over: AbortSignal,
  begin: Begin,
) => Promise<Acted>;

/** Makes a device able to act; the returned function takes that back, and with it what only waits. */
export type Serve = (device: string, act: Act) => () => void;

/** What is counted of it. */
export type DirectiveRecord = { acted(outcome: Acted["outcome"]): void };

export type DirectiveBox = {
  /** A message of the twin. */
  hear(message: Uint8Array): void;
  readonly serve: Serve;
  /** Takes nothing more in hand; what was begun and ends in a short time is told. */
  close(): Promise<void>;
};

const RETRY = { firstMs: 50, lastMs: 2_000 };
/** How long a stop waits for a device that acts. */
const FAREWELL_MS = 500;
/** So long after its end it is not said of a device that there is none. */
const RELOAD_MS = 10_000;
/** Ids of this process; older ones are known by the outbox. */
const KNOWN_MAX = 4_096;

export function createDirectiveBox({
  clock,
  chance,
  journal,
  outbox,
  record,
}: {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly record?: DirectiveRecord;
}): DirectiveBox {
  const origins = createOrigins();
  const acts = new Map<string, Served>();
  /** When devices were last taken back, on the monotonic clock. */
  const left = new Map<string, number>();
  const known = new Set<string>();
  const inHand = new Set<Promise<void>>();
  const stop = new AbortController();

  const eventOf = ({ id, device }: Directive, outcome: string, reason: string): NewEvent => {
    const bytes = encodeEvent({
      boot: outbox.state("scan").boot,
      gatewayTimeMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      clock: clock.quality(),
      sourceTimeMs: undefined,
      device,
      body: {
        kind: "statement",
        statement: "directive-outcome",
        json: JSON.stringify({ id, outcome, reason }),
      },
    });
    // The first word of each sort counts: an outcome that is known is not followed by "uncertain".
    const word = outcome === "begun" ? "begun" : "ended";
    const origin = origins.ofClaim(`directive ${id}`, word, NOTHING);
    return { bytes, origin, retransmission: true };
  };

  /** Undefined: it could not be kept. */
  const begin = async (directive: Directive): Promise<"new" | "known" | undefined> => {
    const before = outbox.state("scan").lastSeq;
    const put = await outbox.put("scan", [eventOf(directive, "begun", "")]);
    if (!put.ok) return undefined;
    return put.commit.lastSeq > before ? "new" : "known";
  };

  const tell = async (directive: Directive, { outcome, reason }: Acted): Promise<void> => {
    const patience = createBackoff(RETRY, chance);
    for (;;) {
      const before = outbox.state("scan").lastSeq;
      const put = await outbox.put("scan", [eventOf(directive, outcome, reason)]);
      if (put.ok && put.commit.lastSeq > before) record?.acted(outcome);
      // At the next start the twin tells it again, and hears that it was begun.
      if (put.ok || put.why === "stopping" || stop.signal.aborted) return;
      await clock.sleep(patience.nextMs(), stop.signal);
    }
  };

  const take = async (directive: Directive): Promise<void> => {
    const { id, device, kind, remainingMs } = directive;
    const served = acts.get(device);
    if (served === undefined && isBetween(device)) {
      known.delete(id);
      return;
    }
    const what = parsed(directive.json);
    let begun: ReturnType<typeof begin> | undefined;
    const once = () => {
      begun ??= begin(directive);
      return begun;
    };
    const over = new AbortController();
    let halted = false;
    const halt = () => {
      if (begun !== undefined) return;
      halted = true;
      over.abort();
    };
    const cancel = clock.after(remainingMs, () => over.abort());
    stop.signal.addEventListener("abort", halt, { once: true });
    served?.gone.addEventListener("abort", halt, { once: true });
    const acted =
      served === undefined
        ? failed(`no device here is called ${device}`)
        : what === undefined
          ? failed("it does not say what to do")
          : await served.act({ kind, what }, over.signal, async () => (await once()) === "new");
    cancel();
    stop.signal.removeEventListener("abort", halt);
    served?.gone.removeEventListener("abort", halt);
    assert(acted.outcome === "failed" || begun !== undefined, "what was done had been begun");
    // Told again later: by whoever serves the device then, or when there is room to remember that it was done.
    const how = halted ? undefined : await once();
    if (how === undefined) {
      known.delete(id);
      return;
    }
    const outcome = how === "known" ? CUT_SHORT : acted;
    journal.note("directive", { id, device, kind, ...outcome });
    await tell(directive, outcome);
  };

  /** A reload ends what it changes before that begins anew; the twin tells the directive again. */
  const isBetween = (device: string): boolean => {
    const leftMs = left.get(device);
    return leftMs !== undefined && clock.monotonicMs() - leftMs < RELOAD_MS;
  };

  const accept = (directive: Directive): void => {
    const { id, remainingMs } = directive;
    if (stop.signal.aborted || remainingMs <= 0 || known.has(id)) return;
    known.add(id);
    const [oldest] = known;
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    const taking = take(directive);
    inHand.add(taking);
    void taking.finally(() => inHand.delete(taking));
  };

  return {
    hear(message) {
      try {
        decodeDirectives(message).forEach(accept);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        journal.warn("directives-not-understood", { why: error.message });
      }
    },
    serve(device, act) {
      const gone = new AbortController();
      const served = { act, gone: gone.signal };
      acts.set(device, served);
      return () => {
        if (acts.get(device) === served) acts.delete(device);
        left.set(device, clock.monotonicMs());
        gone.abort();
      };
    },
    async close() {
      stop.abort();
      const enough = new AbortController();
      await Promise.race([Promise.all(inHand), clock.sleep(FAREWELL_MS, enough.signal)]);
      enough.abort();
    },
  };
}

type Served = { readonly act: Act; readonly gone: AbortSignal };

const CUT_SHORT: Acted = {
  outcome: "uncertain",
  reason: "the gateway stopped while it was being done",
};

function failed(reason: string): Acted {
  return { outcome: "failed", reason };
}

const NOTHING = new Uint8Array(0);

function parsed(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
