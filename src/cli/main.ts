#!/usr/bin/env node
/**
 * The command line: stdout is data, stderr is messages. Each command has a file of its own, loaded
 * when it is asked for, so that `where` does not pay for the broker.
 *
 * Exit status: 0 done; 1 it did not work, stderr says why and the next step; 2 the words were wrong.
 */
import { existsSync, readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { Fault } from "../kernel/fault.ts";
import { linesForTerminal } from "./for-terminal.ts";

/** Name, summary, and the file that adds arguments, options and the action. */
const COMMANDS = [
  ["demo", "a living warehouse on this machine: simulator, gateway, twin and page", "./demo.ts"],
  ["gateway", "run the gateway: scanners and sensors in, events to the twin", "./gateway.ts"],
  ["twin", "run the twin: events in, truth out", "./twin.ts"],
  ["sim", "run the device simulator on real ttys and real MQTT", "./sim.ts"],
  ["where", "where things are, or were", "./where.ts"],
  ["history", "the history of a thing", "./history.ts"],
  ["contents", "what is in a thing", "./contents.ts"],
  ["documents", "documents: where their pages are, and which are owed", "./documents.ts"],
  ["discrepancies", "where model and world differ, and how it was settled", "./discrepancies.ts"],
  ["gateways", "gateways: connected or not, what waits there, their clocks", "./gateways.ts"],
  ["debts", "what is owed, by customer and account manager", "./debts.ts"],
  ["register", "master data: lists, and tables to take away and bring back", "./register.ts"],
  ["gates", "what has to be where before a process may run, and whether it is", "./gates.ts"],
  ["why", "why an answer changed, and by what evidence", "./why.ts"],
  ["void", "an event did not happen as it was read", "./void.ts"],
  ["user", "who may log in at the twin: add, list, change, password, link", "./user.ts"],
  ["token", "tokens by which programs ask the twin: add, list, revoke", "./token.ts"],
  ["phone", "browsers that scan: list, revoke, allow", "./phone.ts"],
  ["tail", "live events as they are taken in", "./tail.ts"],
  ["ports", "what is plugged in, who holds it, and which profile suits it", "./ports.ts"],
  ["doctor", "what keeps a gateway from working, why, and the next step", "./doctor.ts"],
  ["listen", "what a line says, live, and as a recording", "./listen.ts"],
  ["device", "which devices the gateway's broker lets in, and their topics", "./device.ts"],
  ["outbox", "what waits on a gateway: inspect, count, export", "./outbox.ts"],
  ["import", "take a gateway's backlog in from a file, at the twin", "./import.ts"],
  ["verify", "prove that no event was altered, removed or inserted", "./verify.ts"],
  ["labels", "numbers for labels, sheets as PDF, and label printers", "./labels.ts"],
  ["sheet", "the command barcodes, as a page to print", "./sheet.ts"],
  ["conformance", "run a file of reconciliation cases", "./conformance.ts"],
] as const;

export type CommandModule = { readonly define: (command: Command) => void };

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("racktrace")
    .description("A digital twin of a warehouse and its archive.")
    .version(release())
    .exitOverride()
    .showHelpAfterError();
  const words = argv.filter((word) => !word.startsWith("-"));
  const wanted = words[0] === "help" ? words[1] : words[0];
  for (const [name, summary, file] of COMMANDS) {
    const command = program.command(name).description(summary).exitOverride();
    if (name !== wanted) continue;
    const module = (await import(file)) as CommandModule;
    module.define(command);
  }
  await program.parseAsync(argv, { from: "user" });
}

/** Of the package, which lies above the sources and above what is built of them. */
function release(): string {
  for (let folder = new URL(".", import.meta.url); ; folder = new URL("..", folder)) {
    const file = new URL("package.json", folder);
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")).version;
    if (folder.pathname === "/") return "unknown";
  }
}

// A supervisor that dies cannot say so, but the pipe it held does.
if (process.env["RACKTRACE_SUPERVISED"] === "stdin") {
  process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).resume();
  process.stdin.unref?.();
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as `head`, is no failure; data that nobody has is one.
  if (error.code !== "EPIPE")
    process.exitCode = report(new Fault("STORE_FAILED", `standard output: ${error.message}`));
  process.exit();
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Fault) {
    process.stderr.write(`${linesForTerminal(error.message)}\n${error.advice}\n`);
    return 1;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  return 1;
}
