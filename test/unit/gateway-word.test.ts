/** What gateways say of themselves: how much waits there, and how their clocks stand. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { createGatewayStandings } from "../../src/twin/gateway-standings.ts";
import { batchWord, createGatewayWords, type GatewayWord } from "../../src/twin/gateway-word.ts";
import {
  type Batch,
  type ClockQuality,
  decodeBatch,
  encodeBatch,
  encodeEvent,
} from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";

const MINUTE_MS = 60_000;

test("a clock is as far ahead as the message says that was shortest on its way", () => {
  const { says, aheadMs } = heard();
  for (const [sentAtMs, takenInAtMs] of [
    [10_000, 10_900],
    [20_000, 20_040],
    [30_000, 37_000],
  ] as const)
    says(sentAtMs, takenInAtMs);

  expect(aheadMs()).toBe(-40);
});

test("a clock that drifts is told by its last minutes, and one that was set by what came since", () => {
  const { says, aheadMs } = heard();
  says(MINUTE_MS + 5_000, MINUTE_MS);
  for (let n = 2; n <= 4; n++) says(n * MINUTE_MS - 3_000, n * MINUTE_MS);
  expect(aheadMs()).toBe(-3_000);

  says(5 * MINUTE_MS - 9_000, 5 * MINUTE_MS, "stepped");
  expect(aheadMs()).toBe(-9_000);
});

test("of a gateway that is away, a twin that was restarted tells the last word that came with events", () => {
  const { evidence, append } = evidenceWith();
  append(batch({ seq: 1, count: 2, outlook: { lastSeq: 9, clock: "unsynced" } }), 50_000);
  const standings = createGatewayStandings({
    ...{ evidence, words: createGatewayWords(), connected: () => [], sinceMs: () => undefined },
  });

  const [standing] = standings.list();

  expect(standing).toMatchObject({ connected: false, sinceMs: undefined, heardAtMs: 50_000 });
  expect(standing?.lanes).toMatchObject([{ through: 2, waiting: { events: 7, atMs: 50_000 } }]);
  expect(standing?.clock).toMatchObject({ quality: "unsynced", aheadMs: -40_000 });
});

test("what has come since the word does not wait there any more, nor what was lost there", () => {
  const { evidence, append } = evidenceWith();
  const words = createGatewayWords();
  const standings = createGatewayStandings({
    ...{ evidence, words, connected: () => ["gw"], sinceMs: () => 1 },
  });
  const waiting = () => standings.list()[0]?.lanes[0]?.waiting?.events;

  words.hear(wordOf({ lastSeq: 10 }));
  expect(waiting()).toBe(10);
  append(batch({ seq: 1, count: 4 }));
  expect(waiting()).toBe(6);
  words.hear(wordOf({ lastSeq: 10, goneThrough: 7 }));
  expect(waiting()).toBe(3);
});

test("a gateway of an earlier release, or a browser, says nothing of what waits, and neither do we", () => {
  const { evidence, append } = evidenceWith();
  append(batch({ seq: 1, count: 2 }));
  const standings = createGatewayStandings({
    ...{ evidence, words: createGatewayWords(), connected: () => ["gw"], sinceMs: () => 1 },
  });

  expect(standings.list()).toMatchObject([{ clock: undefined, lanes: [{ waiting: undefined }] }]);
  expect(batchWord(batch({ seq: 1, count: 2 }), 1)).toBeUndefined();
});

test("what a batch says of its gateway comes over the wire", () => {
  const outlook = { lastSeq: 512, clock: "stepped" } as const;
  expect(decodeBatch(encodeBatch(batch({ seq: 1, count: 1, outlook }))).outlook).toEqual(outlook);
});

function heard() {
  const words = createGatewayWords();
  return {
    says(sentAtMs: number, atMs: number, quality: ClockQuality = "synced") {
      words.hear({ gateway: "gw", atMs, lanes: [], clock: { quality, sentAtMs } });
    },
    aheadMs: () => words.of("gw")?.clock?.aheadMs,
  };
}

function wordOf({ lastSeq, goneThrough = 0 }: { lastSeq: number; goneThrough?: number }) {
  const lanes = [{ epoch: "e", lane: "scan", lastSeq, goneThrough }] as const;
  return { gateway: "gw", atMs: 1, lanes } satisfies GatewayWord;
}

function evidenceWith() {
  const path = join(temporaryFolder(), "evidence.db");
  const db = openDatabase(path, evidenceSchema, "durable");
  onTestFinished(() => void db.close());
  const evidence = openEvidence(db, path);
  return {
    evidence,
    append: (made: Batch, nowMs = 1_000) =>
      evidence.keep(() => evidence.append(made, encodeBatch(made), nowMs)),
  };
}

function batch({
  seq,
  count,
  ...more
}: { seq: number; count: number } & Pick<Partial<Batch>, "outlook">): Batch {
  const events = Array.from({ length: count }, () =>
    encodeEvent({
      ...{ boot: 1, gatewayTimeMs: 10_000, monotonicMs: 1, clock: "synced", device: "d" },
      ...{ sourceTimeMs: undefined, body: { kind: "sensor", readings: [] } },
    }),
  );
  return {
    ...{ gateway: "gw", epoch: "e", lane: "scan", firstSeq: seq, goneThrough: 0, boot: 1 },
    ...{ sentAtMs: 10_000, sentMonotonicMs: 1, events, ...more },
  };
}
