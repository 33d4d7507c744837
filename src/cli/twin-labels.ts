/** Labels of the twin: the file of numbers, the thread that draws, and the routes, put together. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createLabelPress } from "../io/label-press.ts";
import { sendToPrinter } from "../io/label-printer.ts";
import type { Clock, Journal } from "../ports.ts";
import type { Answers } from "../store/answers.ts";
import type { openDocuments } from "../store/documents.ts";
import { openLabelNames } from "../store/label-names.ts";
import { openLabelStore } from "../store/labels.ts";
import type { LabelConfig } from "../twin/label-config.ts";
import { createLabelDesk } from "../twin/label-desk.ts";
import type { HttpApp } from "../twin/routes/app.ts";
import { registerLabelRoutes } from "../twin/routes/labels.ts";
import type { Writer } from "../twin/writer.ts";
import { LABELS_FILE } from "./twin-files.ts";

export type TwinLabelsDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly call: Writer["call"];
  readonly answers: Answers;
  readonly documents: ReturnType<typeof openDocuments>;
};

export type TwinLabels = {
  register(app: HttpApp): void;
  /** States what was numbered before this start and is not in the evidence yet. */
  resume(): void;
  close(): Promise<void>;
};

/** Throws the Faults of a store. */
export function openTwinLabels(
  { clock, journal, call, answers, documents }: TwinLabelsDeps,
  folder: string,
  config: LabelConfig,
): TwinLabels {
  const store = openLabelStore(join(folder, LABELS_FILE), randomUUID);
  const press = createLabelPress();
  const names = openLabelNames(answers);
  const { isKnown } = names;
  const desk = createLabelDesk(
    { store, call, isKnown, send: sendToPrinter, clock, journal },
    config,
  );
  const pagesOf = (id: string) =>
    documents.list({ id, limit: 1 }).documents[0]?.pages.map(({ key }) => key);
  return {
    register: (app) =>
      registerLabelRoutes(app, { desk, store, names, pagesOf, draw: press.draw, config }),
    resume: () => void desk.resume(),
    async close() {
      desk.close();
      await press.close();
      store.close();
    },
  };
}
