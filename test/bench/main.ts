/** `npm run bench -- NAME [--json]`: runs one bench and prints its figures. */
import { type Bench, print } from "./figures.ts";

/** Name, what it measures, and the file that exports `bench`. */
const BENCHES = [
  ["limits", "what the parts could do alone: aedes, SQLite, protobuf", "./limits.ts"],
  ["ingest", "durable MQTT intake against bare aedes in the same run", "./ingest.ts"],
  ["end-to-end", "gateway and twin together: sustained rate, backlog, drain", "./end-to-end.ts"],
  ["reconcile", "scans reconciled, a late scan, a box moved with all in it", "./reconcile.ts"],
  ["pages", "questions, bytes a page and rebuilding with many pages", "./pages.ts"],
  ["find", "a keystroke at the server with many pages", "./find.ts"],
  ["scan-latency", "tty byte to disk, to the twin, to an open page", "./scan-latency.ts"],
  ["page-latency", "first load, a scan to the eye, a keystroke to its answer", "./page-latency.ts"],
] as const;

const json = process.argv.includes("--json");
const wanted = process.argv.slice(2).find((word) => !word.startsWith("-"));
const found = BENCHES.find(([name]) => name === wanted);

if (found === undefined) {
  const names = BENCHES.map(([name, what]) => `  ${name.padEnd(14)}${what}`).join("\n");
  process.stderr.write(`npm run bench -- NAME [--json]\n\n${names}\n`);
  process.exitCode = 2;
} else {
  const [name, , file] = found;
  const { bench } = (await import(file)) as { bench: Bench };
  print(name, await bench.run(), json);
}
