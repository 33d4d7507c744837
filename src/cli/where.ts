/** `racktrace where`: where things are, or were. */
import type { Command } from "commander";
import {
  askEach,
  defineQuestion,
  type Evidence,
  evidenceText,
  heading,
  type Named,
  pathText,
  type QuestionOptions,
  timeText,
} from "./question.ts";

type Where = Named & {
  readonly path: readonly Named[];
  readonly state: string;
  readonly since: string | null;
  readonly lastSeen: string | null;
  readonly lastKnown: readonly Named[] | null;
  readonly certainty: string;
  readonly registered: boolean;
  readonly evidence: readonly Evidence[];
};

export function define(command: Command): void {
  defineQuestion(command).action((ids: string[], options: QuestionOptions) =>
    askEach<Where>("where", ids, options, show),
  );
}

function show(where: Where): string {
  const { path, state, lastKnown, certainty, registered } = where;
  const place = path.length > 0 ? pathText(path) : placeless(state);
  const lines = [
    ["is in", place],
    ...(lastKnown === null ? [] : [["last known in", pathText(lastKnown)]]),
    ["since", timeText(where.since)],
    ["last seen", timeText(where.lastSeen)],
    ["certainty", certainty],
    ...(registered ? [] : [["note", "it is not registered: only scans speak of it"]]),
    ["evidence", evidenceText(where.evidence) || "none"],
  ] as const;
  return [heading(where), ...lines.map(([what, said]) => `  ${what?.padEnd(14)} ${said}`)].join(
    "\n",
  );
}

function placeless(state: string): string {
  switch (state) {
    case "in_transit":
      return "transit";
    case "destroyed":
      return "nothing: it was destroyed";
    case "placed":
      return "nothing: it stands by itself";
    default:
      return "a place that is not known";
  }
}
