/**
 * The thread that draws labels: encoding symbols costs milliseconds each, which who answers
 * everybody else does not have. One job after another, each answered once.
 */
import type { LabelContent } from "../labels/drawing.ts";
import { labelsPerPage } from "../labels/formats.ts";
import type { Drawn, LabelJob } from "../labels/job.ts";
import { layOut, type ToDraw } from "../labels/sheets.ts";
import { svgOf } from "../labels/svg.ts";
import { zplOf } from "../labels/zpl.ts";
import { openMeasure, pdfOf } from "./label-pdf.ts";
import { encodeSymbol } from "./label-symbol.ts";
import { insideThread } from "./thread.ts";

export type LabelReply = { readonly ask: number; readonly drawn: Drawn };

const thread = insideThread();
const measure = openMeasure();
let last: Promise<void> = Promise.resolve();

thread.onMessage((message) => {
  if (message === "close") return thread.close();
  const { ask, job } = message as { readonly ask: number; readonly job: LabelJob };
  last = last.then(async () => thread.post({ ask, drawn: await draw(job) } satisfies LabelReply));
});

async function draw(job: LabelJob): Promise<Drawn> {
  const { format, dotMm } = job;
  if (job.as === "zpl") return drawSingles(job);
  const perPage = labelsPerPage(format);
  // A preview shows one sheet; the others need not be drawn for it.
  const from = job.as === "svg" ? Math.max(0, job.sheet * perPage - job.skip) : 0;
  const upTo = job.as === "svg" ? (job.sheet + 1) * perPage - job.skip : job.labels.length;
  const skip = from === 0 ? job.skip % perPage : 0;
  const laid = layOut(
    job.labels.slice(from, upTo).map(encoder(job)),
    format,
    { skip },
    tools(dotMm),
  );
  if (!laid.ok) return laid;
  const sheets = Math.ceil((job.skip + job.labels.length) / perPage);
  if (job.as === "pdf") return { ok: true, bytes: await pdfOf(laid.sheets, job.title), sheets };
  const [shown] = laid.sheets;
  return { ok: true, bytes: utf8(shown === undefined ? "" : svgOf(shown)), sheets };
}

/** A label printer has no sheets: each label is its own. */
function drawSingles(job: LabelJob & { readonly as: "zpl" }): Drawn {
  const { format, dotMm, copies, font } = job;
  const { width, height } = format.label;
  const only = { ...format, page: format.label, columns: 1, rows: 1, left: 0, top: 0 };
  const laid = layOut(job.labels.map(encoder(job)), only, { skip: 0 }, tools(dotMm));
  if (!laid.ok) return laid;
  const options = { dotMm, width, height, copies, font };
  const text = laid.sheets.flatMap(({ labels }) => labels.map((one) => zplOf(one, options)));
  return { ok: true, bytes: utf8(`${text.join("\n")}\n`), sheets: text.length };
}

function encoder({ carrier }: LabelJob): (content: LabelContent) => ToDraw {
  return (content) => ({
    content,
    symbol: encodeSymbol(content.data, carrier, content.class !== undefined),
  });
}

function tools(dotMm: number) {
  return { measure, dotMm };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
