/**
 * `racktrace doctor`: what keeps a gateway from working, why, and the next step. Beside a gateway that
 * runs or before it is started; best as the user that runs it, since root sees no closed doors.
 *
 * Exit status: 0 nothing has to be done; 1 something must.
 */
import type { Command } from "commander";
import type { ConfigFlags } from "../gateway/config.ts";
import { createClock } from "../io/clock.ts";
import { watchClock } from "../io/clock-quality.ts";
import { groupName } from "../io/machine/device-probe.ts";
import { Fault } from "../kernel/fault.ts";
import { examine } from "./doctor/examine.ts";
import { type Finding, finding } from "./doctor/finding.ts";
import { linesForTerminal } from "./for-terminal.ts";
import { checkGatewayConfig } from "./gateway-config.ts";

type Options = {
  readonly config?: string;
  readonly data?: string;
  readonly name?: string;
  readonly json?: boolean;
  readonly root: string;
};

export function define(command: Command): void {
  command
    .option("--config <FILE>", "the gateway's configuration, such as /etc/racktrace/gateway.yaml")
    .option("--data <DIR>", "the gateway's data folder, where flags are its configuration")
    .option("--name <NAME>", "the gateway's name, where flags are its configuration", "gw")
    .option("--json", "one JSON object a line")
    .option("--root <DIR>", "look at the /sys, /dev and /proc of a tree below this folder", "/")
    .action(doctor);
}

async function doctor(options: Options): Promise<void> {
  const findings = await look(options);
  const sorted = findings.toSorted((a, b) => Number(b.must) - Number(a.must));
  for (const one of sorted)
    print(options.json === true ? JSON.stringify(one) : linesForTerminal(asText(one)));
  if (options.json !== true && findings.length === 0) print("All is well.");
  if (findings.some(({ must }) => must)) process.exitCode = 1;
}

async function look({ config: file, data, name, root }: Options): Promise<readonly Finding[]> {
  const flags: ConfigFlags = {
    ...(data !== undefined && { data }),
    ...(file === undefined && name !== undefined && { gateway: name }),
  };
  const checked = check(file, flags);
  if ("findings" in checked) return checked.findings;
  const watch = watchClock();
  const user = {
    uid: process.getuid?.() ?? 0,
    groups: (process.getgroups?.() ?? []).flatMap((gid) => groupName(gid) ?? []),
  };
  try {
    const clock = createClock(watch.quality);
    return await examine({ clock, user, pid: process.pid, root }, checked.config);
  } finally {
    watch.close();
  }
}

function check(file: string | undefined, flags: ConfigFlags) {
  try {
    const checked = checkGatewayConfig(file, flags);
    if (checked.ok) return checked;
    const next = "correct the line; `racktrace gateway --check` shows when all is well";
    return {
      findings: checked.problems.map((problem) => {
        const shared = problem.includes("which") && problem.includes("reads already as");
        return finding(shared ? "device-configured-twice" : "config-wrong", "configuration", [
          problem,
          shared
            ? "two names lead to one device"
            : "the file says what the gateway does not understand",
          next,
        ]);
      }),
    };
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const cause = fault.detail.includes("EACCES")
      ? "this user may not read it"
      : "the path is wrong, or the file was not made";
    return {
      findings: [
        finding("config-unreadable", "configuration", [fault.detail, cause, fault.advice]),
      ],
    };
  }
}

function asText({ about, what, cause, next, must }: Finding): string {
  return `${must ? "✗" : "·"} ${about}: ${what}\n    because  ${cause}\n    next     ${next}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
