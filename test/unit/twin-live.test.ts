import { expect, test } from "vitest";
import { createEventCutter } from "../../src/cli/event-stream.ts";
import type { Change } from "../../src/store/reconciler.ts";
import type { TimedReading } from "../../src/store/series.ts";
import { createLive, LIVE_LIMITS, type LiveLimits } from "../../src/twin/live.ts";
import { createNewsDesk, type News, type NewsLimits } from "../../src/twin/news.ts";
import { EXAMPLES } from "../../src/twin/openapi.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

test("a watcher hears what comes after it began to watch, in order", () => {
  const { live, watch } = begun();
  live.publish([moved(1, "a")]);
  const heard = watch();
  live.publish([moved(2, "b"), moved(3, "c")]);

  expect(heard()).toEqual(["2 moved b", "3 moved c"]);
});

test("who resumes after a position hears all that came after it, and nothing twice", () => {
  const { live, watch } = begun();
  live.publish([moved(1, "a"), moved(2, "b"), moved(3, "c")]);

  expect(watch(1)()).toEqual(["2 moved b", "3 moved c"]);
  expect(watch(3)()).toEqual([]);
});

test("a connection cut within a position resumes with that position whole", () => {
  const { live, watch } = begun();
  live.publish([moved(1, "a"), moved(2, "b"), moved(2, "c"), moved(3, "d")]);
  const [, second = ""] = watch(0)();

  const lastId = Number(second.split(" ")[0]);

  expect(watch(lastId)()).toEqual(["1 moved b", "2 moved c", "3 moved d"]);
});

test("who comes from before what is held, or from a position that never was, is told to ask again", () => {
  const { live, watch } = begun({ ringEvents: 2 });
  live.publish([moved(1, "a"), moved(2, "b"), moved(3, "c"), moved(4, "d")]);

  expect(watch(2)()).toEqual(["3 moved c", "4 moved d"]);
  for (const after of [1, 0, -1, 99])
    expect(watch(after)()).toEqual([expect.stringMatching(/^4 reset/)]);
});

test("of what is large fewer are held", () => {
  const { live, watch } = begun({ ringChars: 2_000 });
  live.publish([moved(1, "a"), moved(2, "b".repeat(1_500)), moved(3, "c".repeat(1_500))]);

  expect(watch(1)()).toEqual([expect.stringMatching(/^3 reset/)]);
  expect(watch(2)()).toEqual([expect.stringMatching(/^3 moved/)]);
});

test("a position is forgotten whole", () => {
  const { live, watch } = begun({ ringEvents: 2 });
  live.publish([moved(1, "a"), moved(1, "b"), moved(1, "c"), moved(2, "d")]);

  expect(watch(0)()).toEqual([expect.stringMatching(/^2 reset/)]);
  expect(watch(1)()).toEqual(["2 moved d"]);
});

test("after a restart old positions are not remembered: who resumes is told to ask again", () => {
  const { live, watch } = begun();
  live.publish([moved(1, "a")]);
  live.begin(7);

  expect(watch(1)()).toEqual([expect.stringMatching(/^7 reset/)]);
  expect(watch(7)()).toEqual([]);
});

test("a watcher that does not keep up is let go, and the others hear on", () => {
  const { live, watch } = begun({ waitingBytes: 10 });
  const ends: string[] = [];
  live.watch(
    { who: "anna", waiting: () => 11, send() {}, end: () => void ends.push("slow") },
    undefined,
  );
  const heard = watch();

  live.publish([moved(1, "a")]);

  expect(ends).toEqual(["slow"]);
  expect(heard()).toEqual(["1 moved a"]);
  expect(live.watchers()).toBe(1);
});

test("beyond the most that are served, a watcher is turned away", () => {
  const { live, watch } = begun({ watchers: 1 });
  watch();

  expect(live.watch({ who: "anna", waiting: () => 0, send() {}, end() {} }, undefined)).toBe(
    "full",
  );
});

test("nobody takes the places of all others", () => {
  const { live } = begun({ watchers: 4, watchersOfOne: 2 });
  const watch = (who: string) =>
    live.watch({ who, waiting: () => 0, send() {}, end() {} }, undefined);
  const first = watch("anna");
  expect(watch("anna")).not.toBe("full");
  expect(watch("anna")).toBe("full");
  expect(watch("boris")).not.toBe("full");
  if (first !== "full") first();
  expect(watch("anna")).not.toBe("full");
});

test("a silent stream shows that it lives", async () => {
  const clock = createPretendedClock();
  const live = createLive({ clock });
  const sent: string[] = [];
  live.watch(
    { who: "anna", waiting: () => 0, send: (text) => void sent.push(text), end() {} },
    undefined,
  );

  await clock.advance(3 * LIVE_LIMITS.beatMs);

  expect(sent.filter((text) => text === ":\n\n").length).toBe(3);
});

test("readings and sightings beyond the allowance are thinned, and moves are not", () => {
  const { report } = desk({ notesPerSecond: 2, changesPerSecond: 10 });

  const told = report(
    [reading(1), reading(2), reading(3)],
    [change(2, "seen"), change(3, "moved")],
  );

  expect(told()).toEqual(["1 reading", "2 seen", "3 moved"]);
});

test("few are told of what is large, and watchers are told to ask again where a move was among it", async () => {
  const { clock, report } = desk({ charsPerSecond: 1_500 });
  const large = (position: number, kind: Change["kind"]): Change => {
    return { position, kind, data: { code: "x".repeat(1_000) } };
  };
  const told = report(
    [reading(1)],
    [1, 2, 3].map((position) => large(position, "scan")),
  );
  expect(told()).toEqual(["1 scan", "2 scan"]);
  report([], [large(4, "moved")]);
  await clock.advance(1_000);
  expect(told()).toEqual(["1 scan", "2 scan", "4 reset"]);
});

test("when moves do not fit, watchers are told to ask again once it is over", async () => {
  const { clock, report } = desk({ notesPerSecond: 0, changesPerSecond: 2 });

  const told = report([], [change(1, "moved"), change(2, "moved"), change(3, "moved")]);
  report([], [change(4, "moved")]);
  expect(told()).toEqual([]);
  await clock.advance(1_000);

  expect(told()).toEqual(["4 reset"]);
  report([], [change(5, "moved")]);
  expect(told()).toEqual(["4 reset", "5 moved"]);
});

test("what is not told is not even made", () => {
  const { report } = desk({ notesPerSecond: 0, changesPerSecond: 0 });
  let made = 0;
  const lazy: Change = {
    position: 1,
    kind: "seen",
    get data() {
      made += 1;
      return {};
    },
  };

  report([], [lazy]);

  expect(made).toBe(0);
});

test("who asks for it hears the same in fewer words, what came before, too, and the others all of it", () => {
  const { live } = begun();
  const sent = { whole: "", brief: "" };
  const watch = (form: "whole" | "brief") =>
    live.watch(
      {
        who: form,
        brief: form === "brief",
        waiting: () => 0,
        send(text) {
          sent[form] += text;
        },
        end() {},
      },
      0,
    );
  const heard = (form: "whole" | "brief") =>
    createEventCutter()(sent[form]).map(({ id, name, data }): Told => [id, name, JSON.parse(data)]);
  const answer = EXAMPLES["GET /api/v1/where"]?.answer as Where;
  const news = (position: number, kind: News["kind"], data: object) =>
    live.publish([{ position, kind, json: JSON.stringify(data) }]);
  const { key, kind, name, path } = answer;

  news(1, "moved", answer);
  watch("whole");
  watch("brief");
  news(2, "correction", { key, kind, name, at: "then", retracted: answer, answer });
  news(3, "discrepancy", { kind: "misread", reason: "because" });

  expect(heard("whole")[0]).toEqual(["1", "moved", answer]);
  const [[id, , moved], [, , corrected], found] = heard("brief") as unknown as [Told, Told, Told];
  expect(found).toEqual(["3", "discrepancy", { kind: "misread", reason: "because" }]);
  expect(id).toBe("1");
  expect(corrected).toEqual({ at: "then", answer: moved });
  const { since, lastSeen, certainty, state, evidence } = answer;
  expect(moved).toMatchObject({ key, kind, since, lastSeen, certainty, state });
  const keys = (places: readonly { key: string }[]) => places.map((one) => one.key);
  expect(keys(moved["path"] as Where["path"])).toEqual(keys(path));
  expect(moved["evidence"]).toEqual([{ gateway: evidence[0]?.gateway }]);
  expect(sent.brief.length).toBeLessThan(sent.whole.length / 2.5);
});

type Told = readonly [id: string, name: string, data: Readonly<Record<string, unknown>>];
type Where = {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly since: string;
  readonly lastSeen: string;
  readonly certainty: string;
  readonly state: string;
  readonly path: readonly { readonly key: string }[];
  readonly evidence: readonly { readonly gateway: string }[];
};

function begun(limits: Partial<LiveLimits> = {}) {
  const live = createLive({ clock: createPretendedClock() }, { ...LIVE_LIMITS, ...limits });
  live.begin(0);
  return {
    live,
    /** Returns what was heard so far, as "id kind data". */
    watch(after?: number) {
      const sent: string[] = [];
      live.watch(
        { who: "anna", waiting: () => 0, send: (text) => void sent.push(text), end() {} },
        after,
      );
      return () =>
        createEventCutter()(sent.join("")).map(
          ({ id, name, data }) => `${id} ${name} ${JSON.parse(data)?.why ?? JSON.parse(data)}`,
        );
    },
  };
}

function moved(position: number, what: string): News {
  return { position, kind: "moved", json: JSON.stringify(what) };
}

const ALLOWED = { notesPerSecond: 10, changesPerSecond: 10, charsPerSecond: 1e6 };

function desk(limits: Partial<NewsLimits>) {
  const clock = createPretendedClock();
  const told: News[] = [];
  const news = createNewsDesk(
    { clock, tell: (more) => told.push(...more) },
    { ...ALLOWED, ...limits },
  );
  return {
    clock,
    report(readings: readonly TimedReading[], changes: readonly Change[]) {
      const position = Math.max(...[...readings, ...changes].map((one) => one.position));
      news.report({ position, readings, changes, alarms: [], states: [], scans: [] });
      return () => told.map((one) => `${one.position} ${one.kind}`);
    },
  };
}

function reading(position: number): TimedReading {
  const name = { gateway: "gw", device: "d", property: "temperature", unit: "Cel" };
  return { ...name, timeMs: 0, value: 20, tie: 0, position };
}

function change(position: number, kind: Change["kind"]): Change {
  return { position, kind, data: {} };
}
