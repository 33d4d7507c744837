/**
 * The witness: a process of its own that uses the gateway as devices and people do, writes down what
 * was accepted, and judges the twin by that afterwards. Shares no code with src, and reads none of the
 * product's files or logs: it hears acknowledgements, and asks the twin's API as anybody may.
 */
import { join } from "node:path";
import { openAccepted } from "./accepted.ts";
import { type Desk, labelIn, openDesk } from "./desk.ts";
import type { Answer, Judgement, Tally, Wish } from "./protocol.ts";
import { type Publisher, startPublisher } from "./publisher.ts";

const [, , folder = "."] = process.argv;
const NUMBERS_EACH = 1_000_000_000;
const IN_FLIGHT = 20;
const PAGE = 5_000;

const accepted = openAccepted(join(folder, "accepted.txt"));
let desk: Desk | undefined;
let publishers: readonly Publisher[] = [];
let names: readonly string[] = [];

process.on("message", ({ id, wish }: { id: number; wish: Wish }) => {
  perform(wish).then(
    (answer) => process.send?.({ id, answer }),
    (error) => process.send?.({ id, error: String(error?.stack ?? error) }),
  );
});
// Whoever started it is gone: so is the reason to go on.
process.on("disconnect", () => process.exit());

async function perform(wish: Wish): Promise<Answer[Wish["kind"]]> {
  switch (wish.kind) {
    case "open":
      desk = openDesk((label) => accepted.note("s", label), {
        folder: wish.folder,
        kinds: wish.scanners,
        handMs: wish.handMs ?? 0,
      });
      return { paths: desk.paths };
    case "load":
      names = Array.from({ length: wish.publishers }, (_, n) => `p${n}`);
      publishers = names.map((name, n) =>
        startPublisher((value) => accepted.note("r", String(value)), {
          url: wish.mqttUrl,
          name,
          first: n * NUMBERS_EACH,
          inFlightMax: IN_FLIGHT,
          paceMs: wish.paceMs,
        }),
      );
      desk?.begin();
      return null;
    case "tally":
      return tally();
    case "unplug":
      await desk?.unplug(wish.scanner, wish.ms);
      return null;
    case "rest":
      await Promise.all([...publishers.map((one) => one.finish()), desk?.finish()]);
      return tally();
    case "judge":
      return judge(wish.http, wish.headers);
  }
}

function tally(): Tally {
  return { readings: accepted.count("r"), scans: accepted.count("s") };
}

async function judge(http: string, headers: Readonly<Record<string, string>>): Promise<Judgement> {
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${http}${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const readings = new Map<string, number>();
  const scans = new Map<string, number>();
  const count = (map: Map<string, number>, what: string) => map.set(what, (map.get(what) ?? 0) + 1);
  let others = 0;
  let suspected = 0;
  for (let after = 0; ; ) {
    const page = await ask<Page>(`/api/v1/events?after=${after}&limit=${PAGE}`);
    if (page.events.length === 0) break;
    for (const event of page.events) {
      // Somebody else may say anything, and have it kept.
      const mine = names.includes(event.device ?? "");
      const own = (event.readings ?? []).filter(({ property }) => mine && property === "count");
      for (const { value } of own) count(readings, String(value));
      if (event.readings !== undefined && own.length === 0) others += 1;
      // Told as one that may be the scan before it, and so not taken for another.
      if (event.scan?.suspectedRepeat === true) suspected += 1;
      else if (event.scan) count(scans, labelIn(event.scan.text));
    }
    after = page.next;
  }
  const doubled = [...readings, ...scans].filter(([, times]) => times > 1).map(([what]) => what);
  const missing = (kind: "r" | "s", held: ReadonlyMap<string, number>) =>
    accepted.all(kind).filter((what) => !held.has(what));
  const plain = desk?.plain() ?? [];
  return {
    ...tally(),
    lost: [...missing("r", readings), ...missing("s", scans)],
    doubled,
    suspected,
    inEvidence: readings.size,
    inSeries: await inSeries(ask),
    others,
    plain: { scanned: plain.length, lost: plain.filter((label) => !scans.has(label)).length },
  };
}

type Page = {
  readonly events: readonly {
    readonly device?: string;
    readonly readings?: readonly { readonly property: string; readonly value: number }[];
    readonly scan?: { readonly text: string; readonly suspectedRepeat?: boolean };
  }[];
  readonly next: number;
};

async function inSeries(ask: <T>(path: string) => Promise<T>): Promise<number> {
  let total = 0;
  for (const name of names) {
    const { buckets } = await ask<{ buckets: { count: number }[] }>(
      `/api/v1/series/data?device=${name}&property=count&from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&points=2000`,
    );
    for (const bucket of buckets) total += bucket.count;
  }
  return total;
}
