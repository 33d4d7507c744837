/**
 * What the twin wants of a scanner, over a real tty, against the simulator's own reading of the makers'
 * manuals: done once, in its time, never in the place of an answer to a scan, and its outcome is on disk.
 */
import { describe, expect, type onTestFinished, test } from "vitest";
import { createAckNakScanner, FAMILIES } from "../../firmware-sim/ack-nak.ts";
import type { AnsweredScanner } from "../../firmware-sim/answered.ts";
import { createDisplayScanner } from "../../firmware-sim/display.ts";
import { createHostAckScanner } from "../../firmware-sim/host-ack.ts";
import { createSsiScanner } from "../../firmware-sim/ssi.ts";
import type { Tty } from "../../firmware-sim/tty.ts";
import { openCable, openDesk } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

/** Long enough for a busy machine. */
const TIMEOUT_MS = 10_000;
const LABEL = "2539521234000013N00001P01";
const BLIND = "done written to its line; it confirms nothing";

type Finished = typeof onTestFinished;

type Family = {
  readonly profile: string;
  readonly words?: string;
  readonly plug: (line: Tty) => AnsweredScanner;
  /** Two high beeps, and one low. */
  readonly high: readonly string[];
  readonly low: readonly string[] | RegExp;
  readonly led: true | RegExp;
  readonly dark: true | RegExp;
  readonly text: true | RegExp;
  /** How the outcome of what was done begins. */
  readonly done: string;
};

const NO_DISPLAY = /it has no display/;
const ONE_TONE = /one tone .* leave pitch out/;

const FAMILY: readonly Family[] = [
  {
    profile: "zebra-ssi",
    plug: (line) => createSsiScanner(line, { timeoutMs: TIMEOUT_MS, type: 0x0f }),
    high: ["2 short high"],
    low: ["1 long low"],
    led: true,
    dark: true,
    text: NO_DISPLAY,
    done: "done",
  },
  {
    profile: "honeywell-host-ack",
    plug: (line) => createHostAckScanner(line, { timeoutMs: TIMEOUT_MS, suffix: "\r" }),
    high: ["high", "high"],
    low: ["low"],
    led: true,
    dark: /goes out by itself/,
    text: NO_DISPLAY,
    done: BLIND,
  },
  {
    profile: "datalogic-ack-nak",
    plug: (line) => createAckNakScanner(line, FAMILIES["datalogic-ack-nak"]),
    high: ["forced", "forced"],
    low: ONE_TONE,
    led: /cannot be switched from here/,
    dark: /cannot be switched from here/,
    text: NO_DISPLAY,
    done: BLIND,
  },
  {
    profile: "datalogic-display",
    plug: (line) => createDisplayScanner(line, { timeoutMs: TIMEOUT_MS, suffix: "\r" }),
    high: ["high", "high"],
    low: ["long low"],
    led: true,
    dark: true,
    text: true,
    done: BLIND,
  },
];

describe.concurrent.each(FAMILY)(
  "$profile",
  ({ profile, plug: wire, high, low, led, dark, text, done }) => {
    async function plug(onTestFinished: Finished) {
      const cable = openCable(onTestFinished);
      const more = `answer: { timeoutMs: ${TIMEOUT_MS}, verdictMs: 400 }`;
      const desk = await openDesk({
        scanner: `profile: ${profile}, ${more}`,
        path: cable.path,
        finished: onTestFinished,
      });
      await desk.untilOpen();
      const scanner = wire(cable);
      onTestFinished(scanner.close);
      const outcome = async (id: string): Promise<string> => {
        const find = async () => (await desk.outcomes()).find((line) => line.startsWith(`${id} `));
        await until(`the outcome of ${id} is known`, async () => (await find()) !== undefined);
        return ((await find()) ?? "").slice(id.length + 1);
      };
      return { cable, desk, scanner, outcome };
    }

    test("does what it can, and says plainly what it cannot", async ({ onTestFinished }) => {
      const { desk, scanner, outcome } = await plug(onTestFinished);
      const expected = (can: unknown) => (can instanceof RegExp ? can : done);
      const matches = async (id: string, can: unknown) => {
        const told = await outcome(id);
        const want = expected(can);
        if (want instanceof RegExp)
          expect(told).toMatch(new RegExp(`^failed ${profile}: .*${want.source}`));
        else expect(told).toBe(want);
      };

      desk.direct("b-1", "beep", { times: 2 });
      await matches("b-1", true);
      await until("it sounds", () => scanner.tones.length === high.length);
      expect(scanner.tones).toEqual(high);

      desk.direct("b-2", "beep", { pitch: "low" });
      await matches("b-2", low);
      const tones = low instanceof RegExp ? high : [...high, ...low];
      await until("it sounds", () => scanner.tones.length === tones.length);
      expect(scanner.tones).toEqual(tones);

      desk.direct("l-1", "led", { on: true });
      await matches("l-1", led);
      await until("the lamp is as it should be", () => scanner.lamp() === (led === true));
      desk.direct("l-2", "led", { on: false });
      await matches("l-2", dark);
      if (dark === true) await until("the lamp is off", () => !scanner.lamp());

      desk.direct("t-1", "text", { text: "Bring folder F0002 to shelf R1-S1" });
      await matches("t-1", text);
    });

    test("waits for the end of a scan under way, whose answer stays its own", async ({
      onTestFinished,
    }) => {
      const { desk, scanner, outcome } = await plug(onTestFinished);
      const release = desk.holdDisk();
      const scanned = scanner.scan(LABEL);
      await until("the scan is under way", async () => {
        desk.direct("early", "beep", { times: 2 });
        await new Promise((resolve) => setTimeout(resolve, 100));
        return true;
      });
      // Nothing is heard: whatever was said now would be taken for "saved".
      const heard = [...scanner.tones];
      release();
      expect((await scanned).how).toBe("acknowledged");
      expect(await outcome("early")).toBe(done);
      await until("it sounds", () => scanner.tones.length > high.length);
      expect(scanner.tones.slice(-high.length)).toEqual(high);
      expect(heard).toEqual([]);
      expect(scanner.tones.length).toBeGreaterThan(high.length);
    });

    test("that is unplugged is told when it is back, if that is in time", async ({
      onTestFinished,
    }) => {
      const { cable, desk, scanner, outcome } = await plug(onTestFinished);
      cable.unplug();
      await until("the unplugging is seen", () => desk.state().state !== "open");
      desk.direct("late", "beep", { times: 2 }, 300);
      desk.direct("kept", "beep", { times: 2 });
      expect(await outcome("late")).toMatch(/^failed its time was over .* not plugged in, or busy/);
      expect((await desk.outcomes()).some((line) => line.startsWith("kept"))).toBe(false);
      cable.plug();
      expect(await outcome("kept")).toBe(done);
      await until("it sounds", () => scanner.tones.length === high.length);
      expect(scanner.tones).toEqual(high);
    });

    test("that is unplugged has begun nothing, and a stop tells nothing of what it would do", async ({
      onTestFinished,
    }) => {
      const { cable, desk, scanner } = await plug(onTestFinished);
      cable.unplug();
      await until("the unplugging is seen", () => desk.state().state !== "open");
      desk.direct("waits", "beep", { times: 2 });
      desk.direct("unclear", "beep", { times: 9 });
      await until("the other is told", async () => (await desk.outcomes()).length > 0);
      await desk.closeBox();
      expect(await desk.begun()).toEqual(["unclear"]);
      expect((await desk.outcomes()).map((line) => line.split(" ")[0])).toEqual(["unclear"]);
      expect(scanner.tones).toEqual([]);
    });

    test("told the same again and again does it once", async ({ onTestFinished }) => {
      const { desk, scanner, outcome } = await plug(onTestFinished);
      for (let times = 0; times < 5; times++) desk.direct("once", "beep", { times: 2 });
      expect(await outcome("once")).toBe(done);
      for (let times = 0; times < 5; times++) desk.direct("once", "beep", { times: 2 });
      desk.direct("then", "beep", { times: 2 });
      expect(await outcome("then")).toBe(done);
      await until("both sound", () => scanner.tones.length >= 2 * high.length);
      expect(scanner.tones).toEqual([...high, ...high]);
      expect(await desk.outcomes()).toHaveLength(2);
    });
  },
);

test.concurrent("a text stands on the display in rows, and does not command it", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: datalogic-display",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createDisplayScanner(cable, { timeoutMs: TIMEOUT_MS, suffix: "\r" });
  onTestFinished(scanner.close);

  desk.direct("t-1", "text", { text: "Bring folder F0002 to shelf R1-S1" });
  await until("it is shown", () => scanner.screen().length > 0);
  expect(scanner.screen()).toEqual(["Bring folder", "F0002 to shelf", "R1-S1"]);
  desk.direct("t-2", "text", { text: "\u001b[3q\rx" });
  desk.direct("t-3", "text", { text: "Ordner zurück" });
  desk.direct("t-4", "text", { text: "x".repeat(65) });
  await until("all are told", async () => (await desk.outcomes()).length === 4);
  const told = (await desk.outcomes()).toSorted();
  expect(told[1]).toMatch(/^t-2 failed .*ASCII only/);
  expect(told[2]).toMatch(/^t-3 failed .*ASCII only/);
  expect(told[3]).toMatch(/^t-4 failed a scanner takes beep .* text/);
  expect([scanner.screen().length, scanner.tones]).toEqual([3, []]);
});

test.concurrent("an SSI scanner that obeys and does not say so is not told twice, and nobody claims to know", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: zebra-ssi, answer: { timeoutMs: 2000, verdictMs: 0 }",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: TIMEOUT_MS, type: 0x0f });
  onTestFinished(scanner.close);
  scanner.keepMum(1);

  desk.direct("b-1", "beep", {});
  desk.direct("b-2", "beep", { pitch: "low" });
  await until("both outcomes are known", async () => (await desk.outcomes()).length === 2);
  expect(await desk.outcomes()).toEqual([
    "b-1 uncertain the scanner did not say whether it was done",
    "b-2 done",
  ]);
  expect(scanner.tones).toEqual(["1 short high", "1 long low"]);
});

test.concurrent("an SSI scanner that sleeps is woken before it is told something", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: zebra-ssi",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: 2_000, type: 0x0f, sleepsAfterMs: 1_500 });
  onTestFinished(scanner.close);

  for (const id of ["b-1", "b-2"]) {
    await until("it sleeps", () => scanner.isAsleep());
    desk.direct(id, "beep", {});
    const told = `${id} done`;
    await until("it is done", async () => (await desk.outcomes()).includes(told));
  }
  expect(scanner.tones).toEqual(["1 short high", "1 short high"]);
});

test.concurrent.for([
  [
    "zebra",
    "",
    /^failed zebra: this scanner takes no commands as it is configured; its profile must be/,
  ],
  ["honeywell", "", /^failed honeywell: this scanner takes no commands/],
  ["honeywell-ack-nak", "", /^failed honeywell-ack-nak: this scanner takes no commands/],
  ["zebra-stx-etx", "", /^failed zebra-stx-etx: this scanner takes no commands/],
  ["zebra", ", beep: 7", /^done/],
  ["datalogic", "", /^done/],
] as const)("%s%s answers an order to beep", async ([profile, words, told], { onTestFinished }) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: `profile: ${profile}${words}`,
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  desk.direct("b-1", "beep", { times: 3 });
  await until("its outcome is known", async () => (await desk.outcomes()).length === 1);
  expect((await desk.outcomes())[0]?.slice(4)).toMatch(told);
  const heard: number[] = [];
  await until("what is to be heard is heard", () => {
    heard.push(...cable.take());
    return heard.length === (told.source.startsWith("^done") ? 3 : 0);
  });
  expect(new Set(heard).size).toBeLessThan(2);
  if (words !== "") expect(heard).toEqual([7, 7, 7]);
  if (profile === "datalogic") expect(heard).toEqual([1, 1, 1]);
});
