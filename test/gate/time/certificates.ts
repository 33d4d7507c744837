/**
 * Gateway and twin with mutual TLS, whose wall clocks are set wrong at any moment, for the whole of each
 * program, its TLS too: by a second, an hour, back thirty days, ahead ten years, to 1970. The line is cut
 * then, so that certificates are looked at again, and at times a program starts with the wrong clock.
 *
 * Always: while a clock is wrong the two are connected, or one of them says why not, and names its clock.
 * Once the clock is right they find each other by themselves. What was accepted is in the twin once.
 *
 * The gateway's clock passes for one that was set: one that was not does not keep it from its twin, and there
 * would be nothing to see. For up to twenty seconds after a jump it knows that its clock was moved, which is as long
 * as a few jumps take; from its next start it trusts it. So the twin whose clock is ahead comes first.
 *
 * Seen to fail when
 *  - `io/mqtt-door.ts` or `io/twin-tls.ts` names no clock: refused without a reason that names one
 *  - `cli/twin-door.ts` keeps the keys that it made when its clock was wrong: not found again
 */
import { until } from "../../support/until.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun, pause, quantile } from "../gate.ts";
import { openProxy } from "../net/proxy.ts";
import { type GateSite, openSite, type Part } from "../site.ts";
import { startWitness } from "../witness/witness.ts";
import { makeWrongClocks } from "./wrong-clock.ts";

export const gate: Gate = {
  name: "time/certificates",
  shows: "a wrong clock is named where it keeps a certificate from being good, and loses nothing",
  unit: "jumps with mutual TLS",
  full: 100,
  quick: 3,
  run,
};

const DAY_MS = 86_400_000;
const TO_1970 = "to 1970";
type Jump = number | typeof TO_1970;
const JUMPS = [
  1_000,
  -1_000,
  3_600_000,
  -3_600_000,
  -30 * DAY_MS,
  3_650 * DAY_MS,
  TO_1970,
] as const satisfies readonly Jump[];
/** Before chance has its turn: how far, and whether the program starts with it. */
const FIRST: readonly (readonly [Jump, boolean])[] = [
  [3_650 * DAY_MS, true],
  [-30 * DAY_MS, true],
  [-30 * DAY_MS, false],
];
const SIDES: readonly Part[] = ["gateway", "twin"];
/** Longer than the longest back-off, and than the twin needs to look at its keys again. */
const BACK_MS_MAX = 100_000;
const DECIDED_MS_MAX = 60_000;
const ANCHOR_CHARS = 300;
const START_SHARE = 0.3;
const NAMES_CLOCK = /certificate[^\n]{0,200}this machine's clock says \d{4}/;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const make = makeWrongClocks(folder);
  if (make === undefined) return notRun("no C compiler (cc) to make a wrong clock with");
  const clocks = { gateway: make("gateway"), twin: make("twin") };
  const line = await openProxy();
  const witness = startWitness(folder);
  const site = await openSite({
    folder,
    secured: true,
    twinUrl: `mqtts://127.0.0.1:${line.port}`,
    environmentOf: {
      gateway: { ...clocks.gateway.environment, RACKTRACE_GATE_CLOCK_IS_SET: "1" },
      twin: clocks.twin.environment,
    },
  });
  line.leadTo(site.brokerPort);
  const chance = asked.chance("jumps");
  const backMs: number[] = [];
  const unnamed: string[] = [];
  let [refused, started] = [0, 0];
  try {
    await site.start("twin");
    await site.enrol();
    await site.start("gateway");
    await connected(site);
    await witness.load({ mqttUrl: site.mqttUrl, publishers: 2, paceMs: 20 });
    for (let jump = 1; jump <= size; jump++) {
      const side: Part = jump % 2 === 0 ? "gateway" : "twin";
      const [by, starts] = FIRST[jump - 1] ?? [chance.pick(JUMPS), chance.chance(START_SHARE)];
      const before = SIDES.map((one) => site.log(one).slice(-ANCHOR_CHARS));
      clocks[side].set(by === TO_1970 ? -Date.now() : by);
      if (starts) {
        started += 1;
        await site.kill(side);
        await site.start(side);
      } else await line.spoil("reset", 0);
      // A twin whose clock is ahead soon shows a certificate of that time: then it is the gateway that refuses.
      const isNamed = () =>
        SIDES.some((one, n) => {
          const log = site.log(one);
          return NAMES_CLOCK.test(starts && one === side ? log : behind(log, before[n] ?? ""));
        });
      if (!(await isConnected(site, isNamed))) {
        refused += 1;
        if (!isNamed()) unnamed.push(`jump ${jump} of the ${side}, ${by}`);
      }
      await pause(chance.within([50, 300]));
      clocks[side].set(0);
      const startedMs = performance.now();
      await line.spoil("reset", 0);
      await connected(site);
      backMs.push(performance.now() - startedMs);
      asked.done(jump);
    }
    await witness.rest();
    await site.drained();
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    const worst = quantile(backMs, 1);
    return {
      figures: [
        { name: "refused while a clock was wrong", value: refused, unit: "" },
        { name: "programs started with a wrong clock", value: started, unit: "" },
        { name: "found each other again, p50", value: quantile(backMs, 0.5), unit: "ms" },
        { name: "  worst", value: worst, unit: "ms", goal: `<= ${BACK_MS_MAX}` },
        { name: "readings accepted", value: judged.readings, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
      ],
      broken: [
        ...brokenBy("refusals that name no clock", unnamed),
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(refused === 0 ? ["no certificate was ever refused: nothing was tried"] : []),
        ...(judged.readings === 0 ? ["nothing was ever accepted"] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
    line.close();
    for (const clock of Object.values(clocks)) clock.close();
  }
}

/** A log is held to a length: what is no longer found has left at its beginning. */
function behind(log: string, before: string): string {
  const at = log.lastIndexOf(before);
  return at < 0 ? log : log.slice(at + before.length);
}

function connected(site: GateSite): Promise<void> {
  return until("the two are connected", () => isLinked(site), {
    timeoutMs: BACK_MS_MAX,
    everyMs: 20,
  });
}

async function isLinked(site: GateSite): Promise<boolean> {
  const { reasons } = await site.health();
  return !reasons.some(({ what }) => what === "twin-away");
}

/** Whether they are, once it is decided: they have stayed so, or there is a reason why not. */
async function isConnected(site: GateSite, isTold: () => boolean): Promise<boolean> {
  let since: number | undefined;
  let lasts = false;
  await until(
    "they are connected, or there is a reason",
    async () => {
      const connected = await isLinked(site);
      since = connected ? (since ?? performance.now()) : undefined;
      lasts = since !== undefined && performance.now() - since > STAYS_MS;
      return lasts || (!connected && isTold());
    },
    { timeoutMs: DECIDED_MS_MAX, everyMs: 20 },
  ).catch(() => undefined);
  return lasts;
}

const STAYS_MS = 400;
