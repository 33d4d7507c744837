/** `racktrace history`: every place a thing was in, newest last. */
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

type History = Named & {
  readonly moves: readonly {
    readonly from: string | null;
    readonly path: readonly Named[];
    readonly action: string;
    readonly bizStep: string;
    readonly by: string;
    readonly certainty: string;
    readonly evidence: readonly Evidence[];
  }[];
};

export function define(command: Command): void {
  defineQuestion(command).action((ids: string[], options: QuestionOptions) =>
    askEach<History>("history", ids, options, show),
  );
}

function show(history: History): string {
  const lines = history.moves.map((move) => {
    const from = move.from === null ? "before anything known" : timeText(move.from);
    const place = move.path.length > 0 ? pathText(move.path) : "not known";
    const what = [move.bizStep || move.action, move.by && `by ${move.by}`, move.certainty];
    const said = what.filter((word) => word !== "").join(", ");
    return `  ${from.padEnd(23)}  ${place}\n${" ".repeat(27)}${said}; ${evidenceText(move.evidence)}`;
  });
  return [heading(history), ...(lines.length > 0 ? lines : ["  never moved"])].join("\n");
}
