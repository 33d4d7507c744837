/**
 * `racktrace import`: takes a gateway's backlog in from a file, at the running twin. Each batch is proven by
 * the gateway's signature and taken in once, however often the file is imported or the line comes back.
 *
 * A file that is cut short or altered is used up to there: what is whole is proven by itself, and the
 * gateway keeps everything until the twin has told it. Behind what the twin has other events for, or was told is gone, it
 * goes on, and says so at the end: the gateway may be no more, and what comes behind be here only.
 */
import type { Command } from "commander";
import { Fault } from "../kernel/fault.ts";
import { openBacklogFile } from "./backlog.ts";
import { createProgress } from "./progress.ts";
import { defineTwin, type TwinOptions, tellTwin, twinOf } from "./twin-url.ts";

type Options = TwinOptions & { readonly key?: string; readonly json?: boolean };
type Greeted = { readonly gateway: string; readonly fingerprint: string };
type Batched = { readonly taken: number; readonly known: number; readonly objection: string };

export function define(command: Command): void {
  defineTwin(command)
    .argument("<FILE>", "made by `racktrace outbox export --backlog` at the gateway")
    .option("--key <FINGERPRINT>", "the gateway's key, compared by another way; once for each key")
    .option("--json", "what was taken in, as JSON")
    .addHelpText(
      "after",
      `
Nothing is taken in twice, and nothing is lost by a bad file: batches before the fault stay taken in, the
gateway keeps all of it until it hears from the twin, and the file can be imported again.`,
    )
    .action(importBacklog);
}

async function importBacklog(path: string, { key, json, ...to }: Options): Promise<void> {
  const twin = twinOf(to);
  const file = openBacklogFile(path);
  const progress = createProgress("bytes", file.size);
  const count = { batches: 0, taken: 0, known: 0 };
  let gateway = "";
  let done = 0;
  let firstObjection = "";
  try {
    for (const { channel, message, end } of file.messages()) {
      const said = { message: Buffer.from(message).toString("base64") };
      if (channel === "hello") {
        const compared = key === undefined ? {} : { fingerprint: key };
        const told = await tell<Greeted>("backlogs/greetings", { ...said, ...compared });
        ({ gateway } = told);
      } else {
        const { taken, known, objection } = await tell<Batched>("backlogs/batches", said);
        if (objection !== "") firstObjection ||= `${path}, behind byte ${done}: ${objection}`;
        count.batches += 1;
        count.taken += taken;
        count.known += known;
      }
      progress.add(end - done);
      done = end;
    }
  } catch (error) {
    if (firstObjection === "" || !(error instanceof Fault)) throw error;
    throw new Fault(error.code, `${error.detail}; ${firstObjection}`, { cause: error });
  } finally {
    progress.end();
    file.close();
    const told = `${gateway}: ${count.taken} events taken in, ${count.known} were here already`;
    if (json === true) process.stdout.write(`${JSON.stringify({ gateway, ...count })}\n`);
    else if (gateway !== "") process.stdout.write(`${told}\n`);
  }
  if (firstObjection !== "")
    throw new Fault("BACKLOG_REFUSED", `${firstObjection}. All else of the file is here`);

  async function tell<T>(route: string, said: object): Promise<T> {
    const answer = await tellTwin<T>(twin, route, said);
    if (answer.ok) return answer.value;
    throw new Fault(
      "BACKLOG_REFUSED",
      `${path}, behind byte ${done}: ${answer.detail} ${answer.next}`,
    );
  }
}
