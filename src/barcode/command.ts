/**
 * Command barcodes: a printed sheet by which an operator tells a scanner what the next scans mean.
 * Plain symbols with a text of their own; "CMD:" is reserved, so no label can be taken for one.
 *
 *   CMD:STEP:storing   CMD:ORDER:item-first   CMD:MODE:document   CMD:COUNT:start   CMD:UNDO
 */
export const STEPS = [
  "packing",
  "unpacking",
  "storing",
  "receiving",
  "departing",
  "inspecting",
  "stock_taking",
  "destroying",
  "dispensing",
] as const;
export type Step = (typeof STEPS)[number];

export type CommandAct =
  | { readonly command: "step"; readonly step: Step }
  | { readonly command: "order"; readonly order: "item-first" | "container-first" }
  | { readonly command: "mode"; readonly mode: "page" | "document" }
  /** A count begins, ends, or ends with the operator's word that nothing is there. */
  | { readonly command: "count"; readonly mark: "start" | "end" | "empty" }
  /** What was scanned last at this scanner is taken back. */
  | { readonly command: "undo" }
  /** The container scanned last holds nothing any more. */
  | { readonly command: "emptied" }
  /** The operator leaves: the next scans are nobody's until a badge is read. */
  | { readonly command: "leave" };

const PREFIX = "CMD:";

/** Text to act; also what a printable sheet is made from. */
export const COMMANDS: ReadonlyMap<string, CommandAct> = new Map<string, CommandAct>([
  ...STEPS.map((step): [string, CommandAct] => [`CMD:STEP:${step}`, { command: "step", step }]),
  ["CMD:ORDER:item-first", { command: "order", order: "item-first" }],
  ["CMD:ORDER:container-first", { command: "order", order: "container-first" }],
  ["CMD:MODE:page", { command: "mode", mode: "page" }],
  ["CMD:MODE:document", { command: "mode", mode: "document" }],
  ["CMD:COUNT:start", { command: "count", mark: "start" }],
  ["CMD:COUNT:end", { command: "count", mark: "end" }],
  ["CMD:COUNT:empty", { command: "count", mark: "empty" }],
  ["CMD:UNDO", { command: "undo" }],
  ["CMD:EMPTIED", { command: "emptied" }],
  ["CMD:LEAVE", { command: "leave" }],
]);

export function isCommand(text: string): boolean {
  return text.startsWith(PREFIX);
}
