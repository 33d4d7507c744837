/**
 * `racktrace sheet`: the command barcodes on paper, by which an operator tells a scanner what the
 * next scans mean. One HTML page that loads nothing, for a browser to print.
 */
import { writeFileSync } from "node:fs";
import { toSVG } from "bwip-js";
import type { Command } from "commander";
import { COMMANDS, type CommandAct } from "../barcode/command.ts";
import { Fault } from "../kernel/fault.ts";

export function define(command: Command): void {
  command
    .option("--out <FILE>", "write the page there instead of to standard output")
    .action(({ out }: { out?: string }) => {
      const page = sheetPage();
      if (out === undefined) process.stdout.write(page);
      else write(out, page);
    });
}

function write(path: string, page: string): void {
  try {
    writeFileSync(path, page);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
  process.stderr.write(`${path}: open it in a browser and print it at full size\n`);
}

const GROUPS = {
  step: "Step",
  order: "Order of scans",
  mode: "Pages or whole documents",
  count: "Stock-take",
  undo: "Corrections",
  emptied: "Corrections",
  leave: "Badge",
} as const satisfies Record<CommandAct["command"], string>;

/** Code 128, as every scanner reads it and the longest command fits beside another. */
const SYMBOL = { bcid: "code128", height: 14, scale: 2, paddingwidth: 10 } as const;

function sheetPage(): string {
  const groups = [...new Set(Object.values(GROUPS))].map((title) => {
    const cards = [...COMMANDS].filter(([, act]) => GROUPS[act.command] === title).map(card);
    return `<section><h2>${title}</h2><div class="cards">\n${cards.join("\n")}\n</div></section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>racktrace command barcodes</title>
<style>
@page { size: A4; margin: 12mm; }
body { font: 11pt system-ui, sans-serif; color: #000; background: #fff; margin: 0; }
h1 { font-size: 15pt; margin: 0 0 4mm; }
h2 { font-size: 11pt; margin: 5mm 0 2mm; border-bottom: 0.3mm solid #000; }
section { break-inside: avoid; }
.cards { display: grid; grid-template-columns: repeat(2, 1fr); gap: 4mm 8mm; }
figure { margin: 0; break-inside: avoid; }
svg { display: block; width: 82mm; height: 15mm; }
figcaption { margin-top: 1mm; }
code { color: #555; font-size: 8pt; margin-left: 2mm; }
</style>
</head>
<body>
<h1>racktrace command barcodes</h1>
${groups.join("\n")}
</body>
</html>
`;
}

function card([text, act]: readonly [string, CommandAct]): string {
  const svg = toSVG({ ...SYMBOL, text });
  return `<figure>${svg}<figcaption><b>${meaning(act)}</b><code>${text}</code></figcaption></figure>`;
}

function meaning(act: CommandAct): string {
  switch (act.command) {
    case "step":
      return act.step.replaceAll("_", " ");
    case "order":
      return act.order === "item-first" ? "item first, then its container" : "container first";
    case "mode":
      return act.mode === "page" ? "each page by itself" : "a page stands for its document";
    case "count":
      return { start: "begin the count", end: "end the count", empty: "end: nothing is here" }[
        act.mark
      ];
    case "undo":
      return "undo the last";
    case "emptied":
      return "the container is empty";
    case "leave":
      return "I leave this scanner";
  }
}
