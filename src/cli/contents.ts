/** `racktrace contents`: what is directly in a thing. */
import type { Command } from "commander";
import {
  askEach,
  defineQuestion,
  heading,
  type Named,
  type QuestionOptions,
  timeText,
} from "./question.ts";

type Contents = Named & {
  readonly children: readonly (Named & {
    readonly since: string | null;
    readonly certainty: string;
  })[];
  readonly more: boolean;
};

export function define(command: Command): void {
  defineQuestion(command).action((ids: string[], options: QuestionOptions) =>
    askEach<Contents>("contents", ids, options, show),
  );
}

function show(contents: Contents): string {
  const lines = contents.children.map(
    (child) => `  ${heading(child)}\n      since ${timeText(child.since)}, ${child.certainty}`,
  );
  const end = contents.more ? ["  and more: ask a smaller container"] : [];
  return [heading(contents), ...(lines.length > 0 ? lines : ["  nothing"]), ...end].join("\n");
}
