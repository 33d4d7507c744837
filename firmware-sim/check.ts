/**
 * The independent judge: reads the simulator's truth and asks a twin, over HTTP only, where every
 * page is. Prints the counts as one JSON line and the first differences on stderr.
 *
 * Exit status: 0 every page is where it really is; 1 not so, or it could not be found out; 2 the
 * words were wrong.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Command, CommanderError } from "commander";

type Words = { readonly truth: string; readonly twin: string; readonly within: string };

/** Where a page is, or what the twin answered instead. */
type Answer =
  | { readonly path: readonly string[]; readonly state: string }
  | { readonly why: string };

type Difference = { readonly id: string; readonly truth: readonly string[]; readonly twin: Answer };

const ASKED_AT_ONCE = 8;
const DIFFERENCES_SHOWN = 10;
const AGAIN_MS = 500;

async function check({ truth, twin, within }: Words): Promise<boolean> {
  const finals = await finalPaths(truth);
  if (finals.size === 0)
    throw new Error(`${truth} names no final page: let the simulator end by itself or by SIGTERM`);
  const untilMs = performance.now() + Number(within) * 1_000;
  let left = await compare(finals, twin);
  // The twin may still be taking in what the gateway holds back.
  while (left.length > 0 && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    left = await compare(new Map(left.map(({ id, truth: path }) => [id, path])), twin);
  }
  const missing = left.filter(({ twin: answer }) => "why" in answer).length;
  const different = left.length - missing;
  const equal = finals.size - left.length;
  process.stdout.write(`${JSON.stringify({ pages: finals.size, equal, different, missing })}\n`);
  for (const difference of left.slice(0, DIFFERENCES_SHOWN))
    process.stderr.write(`${JSON.stringify(difference)}\n`);
  return left.length === 0;
}

/** The last word of the truth on each page; a file may hold more than one run. */
async function finalPaths(file: string): Promise<Map<string, readonly string[]>> {
  const finals = new Map<string, readonly string[]>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const told = JSON.parse(line) as { kind: string; id: string; path: readonly string[] };
    if (told.kind === "final") finals.set(told.id, told.path);
  }
  return finals;
}

async function compare(
  finals: ReadonlyMap<string, readonly string[]>,
  twin: string,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const queue = finals.entries();
  const worker = async () => {
    for (const [id, truth] of queue) {
      const answer = await where(twin, id);
      if (!agrees(truth, answer)) differences.push({ id, truth, twin: answer });
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
  return differences;
}

async function where(twin: string, id: string): Promise<Answer> {
  const url = new URL("/api/v1/where", twin);
  url.searchParams.set("id", id);
  const token = process.env["RACKTRACE_TOKEN"];
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  const body = (await response.json()) as Record<string, unknown>;
  if (!response.ok) return { why: `${response.status}: ${body["detail"]}` };
  const path = body["path"] as readonly { readonly elementString: string }[];
  return { path: path.map(({ elementString }) => elementString), state: String(body["state"]) };
}

/** In a carrier's hands nobody knows the place: the containers must agree, and that it is under way. */
function agrees(truth: readonly string[], answer: Answer): boolean {
  if ("why" in answer) return false;
  const underway = truth.at(-1)?.startsWith("carrier:") === true;
  const keys = (path: readonly string[]) => path.filter((each) => each.startsWith("(")).join(" ");
  return keys(truth) === keys(answer.path) && (answer.state === "in_transit") === underway;
}

const program = new Command("check")
  .description("Compares a twin's answers with the simulator's truth. RACKTRACE_TOKEN lets it ask.")
  .requiredOption("--truth <file>", "the simulator's truth file")
  .option("--twin <url>", "the twin's address", "http://127.0.0.1:8780")
  .option("--within <seconds>", "ask again for this long while answers differ", "0")
  .exitOverride()
  .action(async (words: Words) => {
    process.exitCode = (await check(words)) ? 0 : 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error as Error);
}

function report(error: Error): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  // A refused connection says why in its cause only.
  const { cause } = error as { cause?: Error };
  process.stderr.write(`${error.message}${cause === undefined ? "" : `: ${cause.message}`}\n`);
  return 1;
}
