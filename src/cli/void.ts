/** `racktrace void`: an event that did not happen as it was read. It stays in the evidence. */
import { type Command, InvalidArgumentError } from "commander";
import { refused } from "./question.ts";
import { defineTwin, type TwinOptions, tellTwin, twinOf } from "./twin-url.ts";

type Options = TwinOptions & {
  readonly reason: string;
  readonly by?: string;
  readonly key?: string;
  readonly json?: boolean;
};

type Recorded = {
  readonly gateway: string;
  readonly epoch: string;
  readonly seq: number;
  readonly position: number;
  readonly repeated: boolean;
};

export function define(command: Command): void {
  defineTwin(command)
    .argument("<GATEWAY>", "gateway of the event, as its evidence says")
    .argument("<EPOCH>", "numbering of the event")
    .argument("<SEQ>", "its number", seqOf)
    .requiredOption("--reason <TEXT>", "why it is void")
    .option("--by <NAME>", "who says so")
    .option("--key <TEXT>", "idempotency key: said again with it, it is recorded once")
    .option("--json", "one JSON object")
    .action((gateway: string, epoch: string, seq: number, options: Options) =>
      tell({ gateway, epoch, seq }, options),
    );
}

async function tell(event: object, { reason, by, key, json, ...to }: Options): Promise<void> {
  const said = { ...event, reason, ...(by === undefined ? {} : { by }) };
  const answer = await tellTwin<Recorded>(twinOf(to), "voids", said, key);
  if (!answer.ok) return refused(answer);
  const { gateway, epoch, seq, position, repeated } = answer.value;
  const text = `${repeated ? "already recorded" : "recorded"} as ${gateway} ${epoch} ${seq}, position ${position}`;
  process.stdout.write(`${json === true ? JSON.stringify(answer.value) : text}\n`);
}

function seqOf(text: string): number {
  const seq = Number(text);
  if (!Number.isSafeInteger(seq) || seq < 1) throw new InvalidArgumentError("write a whole number");
  return seq;
}
