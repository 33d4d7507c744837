/** `racktrace gateways`: which are connected, what waits there, and how their clocks stand. */
import type { Command } from "commander";
import { refused, timeText } from "./question.ts";
import { askTwin, defineTwin, type TwinOptions, twinOf } from "./twin-url.ts";

type Gateway = {
  readonly gateway: string;
  readonly connected: boolean;
  readonly since: string | null;
  readonly heardAt: string | null;
  readonly clock: { readonly quality: string; readonly aheadMs: number; at: string } | null;
  readonly lanes: readonly {
    readonly lane: string;
    readonly through: number;
    readonly lastTakenInAt: string | null;
    readonly waiting: number | null;
    readonly waitingAt: string | null;
  }[];
};

type Options = TwinOptions & { readonly json?: boolean };

export function define(command: Command): void {
  defineTwin(command)
    .option("--json", "one JSON object a line")
    .addHelpText("after", "\nWhich certificates they come with: racktrace twin gateways")
    .action(async ({ json, ...to }: Options) => {
      const answer = await askTwin<readonly Gateway[]>(twinOf(to), "gateways", {});
      if (!answer.ok) return refused(answer);
      for (const one of answer.value)
        process.stdout.write(`${json === true ? JSON.stringify(one) : shown(one)}\n`);
      if (answer.value.length === 0 && json !== true) process.stdout.write("none\n");
    });
}

function shown({ gateway, connected, since, heardAt, clock, lanes }: Gateway): string {
  const state = connected ? "connected" : "not connected";
  const from = since === null ? "" : ` since ${timeText(since)}`;
  const word = connected ? "" : `, last word ${timeText(heardAt)}`;
  return [
    `${gateway}  ${state}${from}${word}`,
    `  clock ${clock === null ? "not told" : clockText(clock)}`,
    ...lanes.map(({ lane, through, waiting, waitingAt, lastTakenInAt }) => {
      const there = waiting === null ? "not told" : `${waiting} as of ${timeText(waitingAt)}`;
      const last = lastTakenInAt === null ? "never" : timeText(lastTakenInAt);
      return `  ${lane.padEnd(9)}  waiting there ${there}; taken in through ${through}, last ${last}`;
    }),
  ].join("\n");
}

function clockText({ quality, aheadMs, at }: NonNullable<Gateway["clock"]>): string {
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  return `${quality}, ${seconds} s ${aheadMs < 0 ? "behind" : "ahead of"} the twin's, as of ${timeText(at)}`;
}
