/**
 * Brings what waits in the queue to the twin, in order. Of all open tabs one sends, where the browser
 * has locks; without them two may, and the twin takes in each scan once all the same.
 *
 * Nothing leaves the queue before the twin has said that it is on its disk. Whatever goes wrong, the
 * scans stay and are sent again: after a pause, when the network comes back, or with the next scan.
 */
import { after, backoffMs, deviceMs, monotonicMs } from "../clock.ts";
import { type Answer, ENTERED, tell } from "../http.ts";
import type { PhoneRecord, QueuedScan, ScanQueue } from "./queue.ts";
import type { Verdict } from "./told.ts";

export type SendState =
  /** Nothing waits, or it is on its way. */
  | { readonly kind: "sending" }
  | { readonly kind: "unreachable" }
  /** Nobody is logged in, or who is may not scan. */
  | { readonly kind: "not-allowed"; readonly detail: string }
  | { readonly kind: "refused"; readonly detail: string }
  /** The twin has several sites, and nobody has said at which this phone is used. */
  | { readonly kind: "site-wanted"; readonly sites: readonly Site[] };

export type Site = { readonly key: string; readonly name: string | null };

export type Sender = {
  /** Something waits, or what hindered may be gone. */
  wake(): void;
  close(): void;
};

export type SenderDeps = {
  readonly queue: ScanQueue;
  readonly label: string;
  readonly sites: () => Promise<Answer<{ readonly sites: readonly Site[] }>>;
  readonly onState: (state: SendState) => void;
  /** Something was acknowledged, or another name is given. */
  readonly onChange: () => void;
};

const LOCK = "racktrace.scans.sender";
const SCANS_MAX = 100;
/** The twin's door takes 64 KiB. */
const BYTES_MAX = 48 * 1024;
const ANSWER_MS_MAX = 15_000;
/** A scan of a moment ago without the twin's word on it: so often it is asked for, so far apart. */
const [ASK_AGAIN_TIMES, ASK_AGAIN_MS, FRESH_MS] = [2, 1_000, 3_000];

export function runSender({ queue, label, sites, onState, onChange }: SenderDeps): Sender {
  const stop = new AbortController();
  let tries = 0;
  let greeted = false;
  let unheard = 0;
  let askAtMs = 0;
  let wanted = true;
  let awake = () => {};

  async function drain(): Promise<void> {
    while (!stop.signal.aborted) {
      wanted = false;
      // A storage that fails is tried again like a network that does: what it holds is not lost by that.
      const next = await sendOnce().catch((error: unknown) =>
        settle({ kind: "refused", detail: String(error) }, "later" as const),
      );
      if (stop.signal.aborted) return;
      if (next === "again") tries = 0;
      else if (next === "later") await rest(backoffMs(tries++, { mostMs: 20_000 }));
      else await rest(unheard > 0 ? ASK_AGAIN_MS : undefined);
    }
  }

  /** Until woken, or for so long. */
  function rest(ms: number | undefined): Promise<void> {
    if (wanted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = ms === undefined ? () => {} : after(ms, () => awake());
      awake = () => {
        cancel();
        resolve();
      };
    });
  }

  async function sendOnce(): Promise<"again" | "rest" | "later"> {
    const record = await queue.record();
    const scans = fitting(await queue.waiting(SCANS_MAX));
    // What is asked first is how far the twin is: a storage that went back in time is told by it.
    const idle = scans.length === 0 && greeted;
    if (idle && (unheard === 0 || monotonicMs() < askAtMs))
      return settle({ kind: "sending" }, "rest");
    if (record.gateway === undefined) return enrol(record);
    const sent = greeted ? scans : [];
    const [lastSent] = sent.slice(-1);
    // Written down before it leaves: what the twin has and was never sent from here is of another time.
    if (lastSent !== undefined) await queue.sending(lastSent.seq);
    const answer: Answer<Taken> = await inTime(
      post({ ...record, gateway: record.gateway }, sent, queue.boot),
    );
    if (answer.kind !== "ok") return hindered(answer, record);
    const { through, verdicts } = answer.value;
    // Asked again after the answer: another tab may have sent meanwhile.
    const { sentThrough, lastSeq } = await queue.record();
    if (through > (sentThrough ?? lastSeq)) {
      await queue.renew();
      onChange();
      return "again";
    }
    greeted = true;
    if (through < record.through && record.goneThrough < record.through) {
      await queue.rewind(through);
      onChange();
      return "again";
    }
    const advanced = through > record.through || verdicts.length > 0;
    await queue.acknowledge(through, verdicts);
    if (advanced) onChange();
    if (sent.length > 0 && !advanced) return settle(REFUSED, "later");
    const fresh = sent.filter(({ timeMs }) => deviceMs() - timeMs <= FRESH_MS);
    if (idle) unheard -= 1;
    else unheard = verdicts.length < fresh.length ? ASK_AGAIN_TIMES : 0;
    askAtMs = monotonicMs() + ASK_AGAIN_MS;
    return settle({ kind: "sending" }, idle ? "rest" : "again");
  }

  async function enrol(record: PhoneRecord): Promise<"again" | "rest" | "later"> {
    let { site } = record;
    if (site === undefined) {
      const known = await inTime(sites());
      if (known.kind !== "ok") return hindered(known, record);
      const [first, ...others] = known.value.sites;
      if (others.length > 0)
        return settle({ kind: "site-wanted", sites: known.value.sites }, "rest");
      site = first?.key ?? "";
    }
    const { epoch, key } = record;
    const said = { epoch, key, label, ...(site !== "" && { site: idOf(site) }) };
    const answer: Answer<Named> = await inTime(tell("phones", said, epoch));
    if (answer.kind !== "ok") return hindered(answer, record);
    await queue.set({ gateway: answer.value.gateway, site });
    onChange();
    return "again";
  }

  async function hindered(
    answer: Exclude<Answer<unknown>, { readonly kind: "ok" }>,
    record: PhoneRecord,
  ): Promise<"again" | "rest" | "later"> {
    if (answer.kind === "unreachable" || answer.status >= 500)
      return settle({ kind: "unreachable" }, "later");
    const { status, detail } = answer;
    if (status === 401) return settle({ kind: "not-allowed", detail }, "later");
    // A twin that does not know this phone, as after it began anew, gives the name again.
    if (status === 403 && record.gateway !== undefined && detail.includes(record.gateway)) {
      await queue.set({ gateway: undefined });
      return "later";
    }
    const kind = status === 403 ? "not-allowed" : "refused";
    return settle({ kind, detail }, "later");
  }

  function settle<T>(state: SendState, next: T): T {
    onState(state);
    return next;
  }

  function wake(): void {
    wanted = true;
    awake();
  }

  for (const event of ["online", ENTERED]) addEventListener(event, wake, { signal: stop.signal });
  document.addEventListener("visibilitychange", wake, { signal: stop.signal });
  void alone(drain, stop.signal);

  return {
    wake,
    close() {
      stop.abort();
      awake();
    },
  };
}

type Named = { readonly gateway: string };
type Taken = {
  readonly through: number;
  readonly verdicts: readonly (Verdict & { readonly seq: number })[];
};
type Enrolled = PhoneRecord & { readonly gateway: string };

const REFUSED: SendState = { kind: "refused", detail: "" };

/** While another tab sends, this one waits to take over. */
async function alone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  if (navigator.locks === undefined) return work();
  try {
    await navigator.locks.request(LOCK, { signal }, work);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function post(
  record: Enrolled,
  scans: readonly QueuedScan[],
  boot: number,
): Promise<Answer<Taken>> {
  const { gateway, key, epoch, through, goneThrough } = record;
  const firstSeq = scans[0]?.seq ?? through + 1;
  const body = {
    ...{ gateway, key, epoch, boot, firstSeq, goneThrough, sentAtMs: deviceMs() },
    scans: scans.map(({ boot: madeIn, timeMs, monotonicMs: atMs, raw, step, marker }) => ({
      ...{ boot: madeIn, timeMs, monotonicMs: Math.floor(atMs), raw: base64(raw), step },
      ...(marker !== undefined && { marker }),
    })),
  };
  return tell("phones/scans", body, `${epoch}/${firstSeq}`);
}

/** A request that nobody answers is given up; what it brought after all is known by its numbers. */
function inTime<T>(answer: Promise<Answer<T>>): Promise<Answer<T>> {
  return new Promise((resolve) => {
    const cancel = after(ANSWER_MS_MAX, () => resolve({ kind: "unreachable" }));
    void answer.then((given) => {
      cancel();
      resolve(given);
    });
  });
}

function fitting(scans: readonly QueuedScan[]): readonly QueuedScan[] {
  let bytes = 0;
  const end = scans.findIndex(({ raw }, index) => {
    bytes += Math.ceil(raw.length * 1.4) + 220;
    return index > 0 && bytes > BYTES_MAX;
  });
  return end === -1 ? scans : scans.slice(0, end);
}

function idOf(key: string): string {
  return `https://id.gs1.org/${key}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
