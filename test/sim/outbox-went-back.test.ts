/**
 * The gateway's disk shows an earlier state of the outbox than the one that was sent from: a drive that lost
 * what it had confirmed, or a copy that was put back. The real outbox, uplink and intake, on a line and in a
 * time of their own.
 */
import { expect, test } from "vitest";
import { renewChain } from "../../src/store/outbox-backlog.ts";
import { named, openTwoDisks, type TwoDisks } from "../support/two-disks.ts";

for (const signed of [true, false])
  test(`${signed ? "signed" : "unsigned"}: what was accepted after the disk went back reaches the twin once, and nothing it had is taken for it`, async () => {
    const site = openTwoDisks({ signed });
    await forget(site);
    // More than what the disk forgot, before the twin is heard: its last number is no higher than ours.
    await site.accept("anew", 20);
    site.connect();
    await site.settle();

    expect(site.atTwin()).toEqual([
      ...named("before", 50),
      ...named("forgotten", 10),
      ...named("anew", 20),
    ]);
    expect(site.waiting()).toBe(0);
    expect(site.told("outbox-went-back")).toHaveLength(1);
    expect(site.told("outbox-went-back")[0]).toMatch(/STORE_WENT_BACK.*up to 60 .*from 51 on/);
  });

test("what waited when the copy was made and is the twin's by now is not sent again under other numbers", async () => {
  const site = openTwoDisks();
  await site.accept("before", 30);
  await site.settle();
  site.disconnect();
  await site.accept("waiting", 20);
  site.keepCopy();
  site.connect();
  await site.settle();
  await site.accept("forgotten", 10);
  await site.settle();
  site.goBack();
  await site.accept("anew", 20);
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 30),
    ...named("waiting", 20),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("with nothing accepted since, the numbers of what comes next are new ones all the same", async () => {
  const site = openTwoDisks();
  await forget(site);
  site.connect();
  await site.settle();
  await site.accept("anew", 20);
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a disk that goes back twice, the second time to before the new numbers, has nothing sent twice", async () => {
  const site = openTwoDisks();
  await forget(site);
  await site.accept("anew", 20);
  site.keepCopy();
  site.connect();
  await site.settle();
  await site.accept("forgotten, too", 10);
  await site.settle();
  site.goBack();
  await site.accept("at last", 5);
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
    ...named("forgotten, too", 10),
    ...named("at last", 5),
  ]);
  expect(site.waiting()).toBe(0);
});

test("an answer that comes so late that the twin was asked anew says no more than it said", async () => {
  const site = openTwoDisks();
  await forget(site);
  await site.accept("anew", 20);
  site.holdBackNextAnswer();
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a question that the twin refuses is asked again, and nothing is released meanwhile", async () => {
  const site = openTwoDisks();
  await forget(site);
  await site.accept("anew", 20);
  site.refuseNextBatch();
  site.connect();
  await site.settle();

  expect(site.told("batch-refused")).toHaveLength(1);
  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("forgotten", 10),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
});

test("a process that died before it heard what the twin has keeps its numbering, and sends nothing again", async () => {
  const site = openTwoDisks();
  await site.accept("before", 50);
  site.stopHearing();
  await site.accept("unheard", 5);
  await site.settle();
  const epoch = site.epoch();
  const sent = site.eventsSent();
  site.restart();
  await site.settle();

  expect(site.waiting()).toBe(0);
  expect(site.epoch()).toBe(epoch);
  // The newest is shown to the twin, and no more than that.
  expect(site.eventsSent() - sent).toBe(1);
  await site.accept("after", 5);
  await site.settle();
  expect(site.atTwin()).toEqual([
    ...named("before", 50),
    ...named("unheard", 5),
    ...named("after", 5),
  ]);
  expect(site.told("outbox-went-back")).toEqual([]);
});

test("what was under way when the line broke is not taken for acknowledged, where the twin has others under those numbers by then", async () => {
  const site = openTwoDisks();
  const carried = await forgetWhatIsCarried(site);
  site.loseNextBatch();
  await site.acceptAtOnce("anew", 5);
  site.importBacklog(carried);
  await site.settle();

  expect(site.atTwin().slice(60)).toEqual(named("anew", 5));
  expect(site.waiting()).toBe(0);
});

test("of two files the second says what is gone since the first: that one comes before it, or is refused", async () => {
  const found = [];
  for (const order of ["as made", "the other way round"]) {
    const site = openTwoDisks(SMALL);
    await site.settle();
    site.disconnect();
    await site.accept("first", 40);
    const first = site.exportBacklog();
    await site.accept("second", 80);
    const files = [first, site.exportBacklog()];
    if (order !== "as made") files.reverse();
    const refused = files.flatMap(site.importBacklog);
    found.push({ order, refused, atTwin: site.atTwin().length, missing: site.missingAtTwin() });
  }

  expect(found).toEqual([
    { order: "as made", refused: [], atTwin: 100, missing: 20 },
    {
      ...{ order: "the other way round", atTwin: 60, missing: 60 },
      refused: [expect.stringContaining("they were declared gone")],
    },
  ]);
});

test("a file of what the disk gave the same numbers is not told as known", async () => {
  const site = openTwoDisks();
  const carried = await forgetWhatIsCarried(site);
  site.disconnect();
  await site.accept("anew", 5);
  const second = site.exportBacklog();

  expect(site.importBacklog(carried)).toEqual([]);
  expect(site.importBacklog(carried)).toEqual([]);
  expect(site.importBacklog(second)).toEqual([expect.stringContaining("other events are held")]);
  site.connect();
  await site.settle();
  expect(site.atTwin().slice(60)).toEqual(named("anew", 5));
});

test("a file that begins with what the disk gave the same numbers is refused, also where the chain is begun anew", async () => {
  const site = openTwoDisks();
  await forget(site);
  await site.accept("anew", 20);
  const other = expect.stringContaining("other events are held");
  expect(site.importBacklog(site.exportBacklog())).toEqual([other]);
  renewChain(site.outboxPath);
  site.restart();
  expect(site.importBacklog(site.exportBacklog())).toEqual([other]);

  site.connect();
  await site.settle();
  expect(site.atTwin().slice(60)).toEqual(named("anew", 20));
  expect(site.findings()).toEqual([]);
});

for (const count of [3, 20])
  test(`${count} that come when the twin has taken in ten others under their numbers are not let go, and come once`, async () => {
    const site = openTwoDisks();
    const carried = await forgetWhatIsCarried(site);
    site.importBacklog(carried);
    await site.acceptAtOnce("anew", count);
    await site.settle();

    expect(site.atTwin().slice(60)).toEqual(named("anew", count));
    expect(site.waiting()).toBe(0);
    expect(site.findings()).toEqual([]);
  });

test("a number that the twin was told is gone, and that the disk gives once more, is sent all the same", async () => {
  const site = openTwoDisks(SMALL);
  await site.accept("before", 50);
  await site.settle();
  site.keepCopy();
  site.disconnect();
  await site.accept("forgotten", 90);
  expect(site.evicted()).toBeGreaterThan(10);
  site.connect();
  await site.settle();
  site.goBack();
  await site.accept("anew", 5);
  site.connect();
  await site.settle();

  expect(site.atTwin().slice(-5)).toEqual(named("anew", 5));
  expect(site.waiting()).toBe(0);
  expect(site.findings()).toEqual([]);
});

test("what was accepted after the disk went back and given up before the twin was heard is missing at the twin", async () => {
  const site = openTwoDisks(SMALL);
  await site.accept("before", 50);
  await site.settle();
  site.keepCopy();
  await site.accept("forgotten", 200);
  await site.settle();
  site.goBack();
  await site.accept("anew", 90);
  const evicted = site.evicted();
  expect(evicted).toBeGreaterThan(10);
  site.connect();
  await site.settle();

  expect(site.atTwin().filter((text) => text.startsWith("anew"))).toHaveLength(90 - evicted);
  expect(site.missingAtTwin()).toBe(evicted);
  expect(site.waiting()).toBe(0);
  expect(site.findings()).toEqual([]);
});

test("a twin that is restored from a copy of before the new numbers gets what is held of the old ones, too", async () => {
  const site = openTwoDisks();
  await site.accept("before", 30);
  await site.settle();
  site.keepCopyOfTwin();
  await site.accept("since", 20);
  await site.settle();
  site.keepCopy();
  await site.accept("forgotten", 10);
  await site.settle();
  site.goBack();
  await site.accept("anew", 20);
  site.connect();
  await site.settle();
  site.restoreTwin();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 30),
    ...named("since", 20),
    ...named("anew", 20),
  ]);
  expect(site.waiting()).toBe(0);
  expect(site.missingAtTwin()).toBe(0);
  expect(site.findings()).toEqual([]);
});

test("so does one that is restored before it was sent any of the new numbers", async () => {
  const site = openTwoDisks();
  await site.accept("before", 30);
  await site.settle();
  site.keepCopyOfTwin();
  await site.accept("since", 20);
  await site.settle();
  site.keepCopy();
  await site.accept("forgotten", 10);
  await site.settle();
  site.goBack();
  site.connect();
  await site.settle();
  site.disconnect();
  await site.accept("anew", 20);
  site.restoreTwin();
  site.connect();
  await site.settle();

  expect(site.atTwin()).toEqual([
    ...named("before", 30),
    ...named("since", 20),
    ...named("anew", 20),
  ]);
  expect(site.findings()).toEqual([]);
});

test("a twin that is restored from a copy of just before the new numbers has nothing doubled", async () => {
  const site = openTwoDisks();
  await forget(site);
  site.keepCopyOfTwin();
  await site.accept("anew", 20);
  site.connect();
  await site.settle();
  site.restoreTwin();
  await site.accept("at last", 5);
  await site.settle();

  const all = [
    ["before", 50],
    ["forgotten", 10],
    ["anew", 20],
    ["at last", 5],
  ] as const;
  expect(site.atTwin()).toEqual(all.flatMap(([name, count]) => named(name, count)));
  expect(site.waiting()).toBe(0);
  expect(site.findings()).toEqual([]);
});

/** A lane that is full with some sixty. */
const SMALL = { lane: "telemetry", telemetryBytesMax: 64 * 1024, eventBytes: 1_000 } as const;

/** The twin has sixty, and the disk shows the first fifty again. */
async function forget(site: TwoDisks): Promise<void> {
  await site.accept("before", 50);
  await site.settle();
  site.keepCopy();
  await site.accept("forgotten", 10);
  await site.settle();
  site.goBack();
}

/** Ten are on their way as a file, and the disk shows the fifty before them again, as the twin does. */
async function forgetWhatIsCarried(site: TwoDisks): Promise<readonly Uint8Array[]> {
  await site.accept("before", 50);
  await site.settle();
  site.disconnect();
  site.keepCopy();
  await site.accept("carried", 10);
  const carried = site.exportBacklog();
  site.goBack();
  site.connect();
  await site.settle();
  return carried;
}
