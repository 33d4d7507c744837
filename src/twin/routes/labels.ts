/**
 * Labels: what can be printed and on what, numbers for new ones, and the same drawing as PDF, as a
 * preview, and at a label printer. Only printers of the configuration are sent to.
 *
 * Drawing happens elsewhere (`draw`); what is asked is bounded here.
 */
import { type Static, Type } from "typebox";
import { elementString } from "../../barcode/key.ts";
import { COMMAND_TEXTS, commandWord, SHEET_LANGUAGES } from "../../labels/command-words.ts";
import { commandLabel, labelOf } from "../../labels/content.ts";
import type { LabelContent } from "../../labels/drawing.ts";
import { type Format, labelsPerPage } from "../../labels/formats.ts";
import type { DrawLabels, Drawn } from "../../labels/job.ts";
import type { LabelNames } from "../../store/label-names.ts";
import type { Allocation, LabelStore, Print } from "../../store/labels.ts";
import { keyOf } from "../../store/things.ts";
import { formatsOf, type LabelConfig, type Printer } from "../label-config.ts";
import type { LabelDesk } from "../label-desk.ts";
import { type AskedLabels, LABEL_KINDS, type LabelKind, seriesFor } from "../label-series.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { Id, Instant, instant, Limit, ListOf, orNull, ProblemShape } from "./shapes.ts";

export type LabelRoutesDeps = {
  readonly desk: LabelDesk;
  readonly store: LabelStore;
  readonly names: LabelNames;
  /** Keys of a document's pages; undefined: it is not known. */
  readonly pagesOf: (document: string) => readonly string[] | undefined;
  readonly draw: DrawLabels;
  readonly config: LabelConfig;
};

const LABELS_MAX = 500;
/** Sheets come out of laser printers: half of their grid is a whole number of theirs. */
const PAPER_DOT_MM = 25.4 / 300;
const MM_PER_INCH = 25.4;
const LIST_MAX = 1_000;

export function registerLabelRoutes(app: HttpApp, deps: LabelRoutesDeps): void {
  const { desk, store, config } = deps;
  const formats = formatsOf(config);
  const printers = config.printers ?? [];

  app.get("/api/v1/labels/choices", { schema: choicesSchema, config: { role: "viewer" } }, () => ({
    kinds: LABEL_KINDS.map((kind) => {
      const chosen = seriesFor({ kind, count: 1, document: "1", parent: SOME_PLACE }, config);
      return { kind, ready: chosen.ok, detail: chosen.ok ? "" : chosen.detail };
    }),
    carriers: CARRIERS,
    formats: formats.map((format) => ({ ...format, labels: labelsPerPage(format) })),
    printers: printers.map(({ id, name, label, dpi }) => ({ id, name: name ?? id, label, dpi })),
    languages: SHEET_LANGUAGES,
    commands: COMMAND_TEXTS.map((text) => ({
      text,
      words: SHEET_LANGUAGES.map((language) => commandWord(text, language)),
    })),
  }));

  app.post(
    "/api/v1/labels/allocations",
    { schema: allocateSchema, config: { role: "archivist" } },
    async (request, reply) => {
      const asked = { ...askedOf(deps, request.body), by: request.principal?.person };
      const given = await desk.allocate(asked, keyIn(request.headers));
      switch (given.kind) {
        case "given":
          request.deed = given.allocation.id;
          reply.code(given.repeated ? 200 : 201);
          return { ...shown(given.allocation), position: given.position, repeated: given.repeated };
        case "refused":
          throw refusal(409, "No numbers for these labels", given.detail, given.next);
        case "key_spent":
          throw spent();
        case "used_up":
          throw refusal(
            409,
            "No numbers are left",
            "The series of these keys is used up, or its next numbers are all taken.",
            "Configure another type or prefix under `labels`.",
          );
        case "not_stated":
          throw refusal(
            503,
            "The labels have numbers and are not recorded yet",
            `${given.why}.`,
            "Ask again with the same Idempotency-Key; the twin goes on trying by itself.",
          );
      }
    },
  );

  app.get(
    "/api/v1/labels/allocations",
    { schema: allocationsSchema, config: { role: "viewer" } },
    (request) => {
      const { id, limit } = request.query;
      const one = id === undefined ? undefined : store.allocation(id);
      if (id !== undefined && one === undefined) throw noAllocation(id);
      return { allocations: (one === undefined ? store.allocations(limit) : [one]).map(shown) };
    },
  );

  app.post(
    "/api/v1/labels/sheets",
    { schema: sheetSchema, config: { role: "viewer", frequent: true } },
    async (request, reply) => {
      const { format: name, carrier = "datamatrix", skip = 0 } = request.body;
      const format = formatNamed(formats, name);
      const labels = contentsOf(deps, request.body);
      const title = `racktrace labels ${labels[0]?.title ?? ""}`.trim();
      const job = { labels, carrier, format, dotMm: PAPER_DOT_MM };
      const place = skip % labelsPerPage(format);
      const drawn = drawnOf(await deps.draw({ ...job, as: "pdf", skip: place, title }), format);
      return reply
        .type("application/pdf")
        .header("content-disposition", 'inline; filename="labels.pdf"')
        .header("x-sheets", drawn.sheets)
        .send(Buffer.from(drawn.bytes));
    },
  );

  app.post(
    "/api/v1/labels/previews",
    { schema: previewSchema, config: { role: "viewer", frequent: true } },
    async (request) => {
      const { format: name, printer, carrier = "datamatrix", sheet = 0 } = request.body;
      const at = printer === undefined ? undefined : printerNamed(printers, printer);
      const format = at === undefined ? formatNamed(formats, name) : formatOfPrinter(at);
      const dotMm = at === undefined ? PAPER_DOT_MM : dotOf(at);
      const labels = contentsOf(deps, request.body);
      const skip = (request.body.skip ?? 0) % labelsPerPage(format);
      const job = { labels, carrier, format, dotMm, as: "svg", skip, sheet } as const;
      const drawn = drawnOf(await deps.draw(job), format);
      const svg = new TextDecoder().decode(drawn.bytes);
      return { svg, sheets: drawn.sheets, labels: labels.length, page: format.page };
    },
  );

  app.post(
    "/api/v1/labels/prints",
    { schema: printSchema, config: { role: "operator" } },
    async (request, reply) => {
      const { printer: name, carrier = "datamatrix", copies = 1 } = request.body;
      const idempotencyKey = keyIn(request.headers);
      const asked = JSON.stringify(request.body);
      const printer = printerNamed(printers, name);
      const known = idempotencyKey === undefined ? undefined : store.printed(idempotencyKey);
      if (known !== undefined && known.asked !== asked) throw spent();
      if (known !== undefined) {
        request.deed = `${known.id} at ${printer.id}`;
        return { ...shownPrint(known), repeated: true };
      }
      const labels = contentsOf(deps, request.body);
      if (labels.length * copies > LABELS_MAX) throw tooMany(labels.length * copies);
      const format = formatOfPrinter(printer);
      const job = { labels, carrier, format, dotMm: dotOf(printer), copies };
      const drawn = drawnOf(await deps.draw({ ...job, as: "zpl", font: printer.font }), format);
      const printed = await desk.print({
        ...{ printer, asked, idempotencyKey },
        ...{ bytes: drawn.bytes, labels: labels.length * copies },
      });
      if (printed.kind === "key_spent") throw spent();
      if (printed.kind === "busy") throw busy(`The printer ${printer.id} has enough to do.`);
      request.deed = `${printed.print.id} at ${printer.id}`;
      reply.code(printed.repeated ? 200 : 201);
      return { ...shownPrint(printed.print), repeated: printed.repeated };
    },
  );

  app.get(
    "/api/v1/labels/prints",
    { schema: printsSchema, config: { role: "viewer" } },
    (request) => {
      const { id, limit } = request.query;
      const found = id === undefined ? store.prints(limit) : [store.print(id)];
      return { prints: found.flatMap((one) => (one === undefined ? [] : [shownPrint(one)])) };
    },
  );
}

const SOME_PLACE = "414/9521234001003";

function askedOf({ names }: LabelRoutesDeps, body: Static<typeof AllocateBody>): AskedLabels {
  const { kind, count = 1, document, class: of, parent, name } = body;
  if (name !== undefined && count > 1)
    throw refusal(400, "Not clear", '"name" is for one label.', "Leave it out, or ask for one.");
  const place = parent === undefined ? undefined : names.named(parent);
  if (parent !== undefined && place === undefined)
    throw refusal(
      404,
      "Not known",
      `No place is known as ${parent}.`,
      "Check the number, or register the place first.",
    );
  const asked = { kind: kind as LabelKind, count, document, class: of, parent: place?.key, name };
  return asked;
}

/** Each thing once or more, in the order that was asked for. */
function contentsOf(deps: LabelRoutesDeps, what: Static<typeof What>): readonly LabelContent[] {
  const { ids, allocation, document, commands, language = "en" } = what;
  const said = [ids, allocation, document, commands].filter((one) => one !== undefined);
  if (said.length !== 1)
    throw refusal(
      400,
      "Not clear which labels",
      "One of ids, allocation, document and commands says which labels.",
      "Send one of them.",
    );
  if (commands !== undefined)
    return (commands.length === 0 ? COMMAND_TEXTS : commands).map(
      (text) =>
        commandLabel(text, language) ??
        fail(`${text} is no command.`, "GET /api/v1/labels/choices lists them."),
    );
  if (document !== undefined) return pagesOf(deps, document);
  if (allocation !== undefined) return allocated(deps, allocation);
  const keys = (ids ?? []).map(
    (id) => keyOf(id) ?? deps.names.named(id)?.key ?? fail(`${id} is no key, and not known.`, ASK),
  );
  return keys.map((key) => thing(deps, key, ""));
}

const ASK = "Write the whole key, such as (253)9521234000013N00001P01.";

function pagesOf(deps: LabelRoutesDeps, document: string): readonly LabelContent[] {
  const keys = deps.pagesOf(document);
  if (keys === undefined || keys.length === 0)
    throw refusal(
      404,
      "No pages",
      `No document ${document} with pages is known.`,
      "POST /api/v1/labels/allocations with kind document makes labels for new pages.",
    );
  if (keys.length > LABELS_MAX) throw tooMany(keys.length);
  return keys.map((key, n) => thing(deps, key, `${document} · ${n + 1}/${keys.length}`));
}

function allocated(deps: LabelRoutesDeps, id: string): readonly LabelContent[] {
  const allocation = deps.store.allocation(id);
  if (allocation === undefined) throw noAllocation(id);
  const { document = "", name } = JSON.parse(allocation.asked) as AskedLabels;
  return allocation.keys.map((key) => thing(deps, key, document, name));
}

function thing(
  { names }: LabelRoutesDeps,
  key: string,
  caption: string,
  given?: string,
): LabelContent {
  const name = given ?? names.named(key)?.name ?? undefined;
  return labelOf({ key, name, caption }) ?? fail(`${key} is no key of a thing.`, ASK);
}

function drawnOf(
  pressed: Awaited<ReturnType<DrawLabels>>,
  { id }: Format,
): Extract<Drawn, { readonly ok: true }> {
  if (pressed.ok) return pressed;
  switch (pressed.why) {
    case "busy":
      throw busy("Many labels are being drawn.");
    case "failed":
      throw refusal(503, "Not drawn", `${pressed.detail}.`, "Ask again.");
    case "no-room": {
      const { width, height } = pressed.needs;
      throw refusal(
        422,
        "The label is too small",
        `The symbol of ${pressed.text} needs a label of ${width.toFixed(1)} × ${height.toFixed(1)} mm; ${id} is smaller.`,
        "Choose larger labels, or the other symbol: datamatrix needs the least room.",
      );
    }
  }
}

function formatNamed(formats: readonly Format[], name: string | undefined): Format {
  const format = formats.find(({ id }) => id === (name ?? formats[0]?.id));
  return format ?? fail(`No format is called ${name}.`, "GET /api/v1/labels/choices lists them.");
}

function printerNamed(printers: readonly Printer[], name: string): Printer {
  const printer = printers.find(({ id }) => id === name);
  if (printer !== undefined) return printer;
  throw refusal(
    404,
    "No such printer",
    `No printer ${name} is configured, and nothing is sent anywhere else.`,
    "GET /api/v1/labels/choices lists printers; the twin's configuration names them.",
  );
}

function formatOfPrinter({ id, label, padding }: Printer): Format {
  return {
    ...{ id, name: id, page: label, label, columns: 1, rows: 1, left: 0, top: 0 },
    ...{ gapX: 0, gapY: 0, padding },
  };
}

/** Dots of 203 dpi are an eighth of a millimetre. */
function dotOf({ dpi }: Printer): number {
  return dpi === 203 ? 1 / 8 : MM_PER_INCH / dpi;
}

function shown({ id, atMs, asked, keys }: Allocation) {
  const { kind, document } = JSON.parse(asked) as AskedLabels;
  return {
    ...{ id, kind, document: document ?? null, time: instant(atMs), count: keys.length },
    labels: keys.map((key) => ({ key, elementString: elementString(key) })),
  };
}

function shownPrint({ id, atMs, printer, labels, bytes, outcome, detail }: Print) {
  return { id, time: instant(atMs), printer, labels, bytes, state: outcome, detail };
}

function keyIn(headers: Readonly<Record<string, unknown>>): string | undefined {
  const key = headers["idempotency-key"];
  return typeof key === "string" ? key : undefined;
}

function refusal(status: number, title: string, detail: string, next: string): Refusal {
  return new Refusal({ status, title, detail, next });
}

function fail(detail: string, next: string): never {
  throw refusal(400, "Not clear", detail, next);
}

function busy(detail: string): Refusal {
  return refusal(503, "Busy", detail, "Ask again in a moment, with the same Idempotency-Key.");
}

function spent(): Refusal {
  return refusal(
    422,
    "This Idempotency-Key is spent",
    "Something else was asked under this key.",
    "Use a key of its own for each request.",
  );
}

function noAllocation(id: string): Refusal {
  return refusal(
    404,
    "Not known",
    `No labels were numbered under ${id}.`,
    "GET /api/v1/labels/allocations lists the last ones.",
  );
}

function tooMany(count: number): Refusal {
  return refusal(
    413,
    "Too many labels at once",
    `These are ${count} labels; ${LABELS_MAX} are printed at once.`,
    "Print them in several parts.",
  );
}

const CARRIERS = ["datamatrix", "gs1-128"] as const;
const tags = ["labels"];
const oneOf = <T extends string>(what: string, words: readonly T[]) =>
  Type.Unsafe<T>(Type.String({ enum: [...words], description: `${what}: ${words.join(", ")}` }));
const maybe = Type.Optional;
const problems = { "4xx": ProblemShape, "5xx": ProblemShape };
const idempotent = Type.Object({
  "idempotency-key": maybe(
    Type.String({ minLength: 1, maxLength: 255, description: "Made by the caller, once" }),
  ),
});

const Carrier = oneOf(
  "Symbol: GS1 DataMatrix or GS1-128; commands are plain Data Matrix or Code 128",
  CARRIERS,
);
const What = Type.Object({
  ids: maybe(
    Type.Array(Id, { minItems: 1, maxItems: LABELS_MAX, description: "Labels of these things" }),
  ),
  allocation: maybe(Type.String({ maxLength: 32, description: "Labels that were numbered" })),
  document: maybe(Type.String({ maxLength: 256, description: "A label for each of its pages" })),
  commands: maybe(
    Type.Array(Type.String({ maxLength: 64 }), {
      maxItems: 64,
      description: "Command barcodes; an empty list is all of them",
    }),
  ),
  language: maybe(oneOf("Language of the words beside commands", SHEET_LANGUAGES)),
  carrier: maybe(Carrier),
});
const closed = { additionalProperties: false };
const Skip = maybe(
  Type.Integer({ minimum: 0, maximum: 10_000, description: "Places of the first sheet used up" }),
);
const FormatName = maybe(Type.String({ maxLength: 64, description: "Of choices; else the first" }));
const SheetBody = Type.Object({ ...What.properties, format: FormatName, skip: Skip }, closed);
const PreviewBody = Type.Object(
  {
    ...SheetBody.properties,
    printer: maybe(Type.String({ maxLength: 64, description: "As it comes out of this printer" })),
    sheet: maybe(Type.Integer({ minimum: 0, maximum: 10_000, description: "Which sheet; 0" })),
  },
  closed,
);
const PrintBody = Type.Object(
  {
    ...What.properties,
    printer: Type.String({ maxLength: 64, description: "Of choices" }),
    copies: maybe(Type.Integer({ minimum: 1, maximum: 100, description: "Of each label; 1" })),
  },
  closed,
);
const AllocateBody = Type.Object(
  {
    kind: oneOf("What the labels are for", LABEL_KINDS),
    count: maybe(Type.Integer({ minimum: 1, maximum: LABELS_MAX, description: "How many; 1" })),
    document: maybe(
      Type.String({ minLength: 1, maxLength: 256, description: "Number of the document" }),
    ),
    class: maybe(
      Type.String({ minLength: 1, maxLength: 256, description: "consignment-note, invoice, ..." }),
    ),
    parent: maybe(Id),
    name: maybe(Type.String({ minLength: 1, maxLength: 256, description: "What people call it" })),
  },
  { ...closed, examples: [{ kind: "document", document: "N00077", count: 3 }] },
);

const Allocated = {
  id: Type.String(),
  kind: Type.String(),
  document: orNull(Type.String()),
  time: Instant,
  count: Type.Integer(),
  labels: ListOf(Type.Object({ key: Type.String(), elementString: Type.String() })),
};
const Sent = {
  id: Type.String(),
  time: Instant,
  printer: Type.String(),
  labels: Type.Integer(),
  bytes: Type.Integer(),
  state: Type.String({
    description:
      "sending; sent: the printer took all; not-ready or not-reached: nothing was sent; uncertain: some may have been printed",
  }),
  detail: Type.String(),
};
const Size = Type.Object({ width: Type.Number(), height: Type.Number() });

const choicesSchema = {
  tags,
  summary: "What can be printed, on which sheets, and at which printers",
  response: {
    200: Type.Object({
      kinds: ListOf(
        Type.Object({
          kind: Type.String(),
          ready: Type.Boolean({ description: "New ones can be numbered" }),
          detail: Type.String(),
        }),
      ),
      carriers: ListOf(Type.String()),
      formats: ListOf(
        Type.Object({
          id: Type.String(),
          name: Type.String(),
          page: Size,
          label: Size,
          columns: Type.Integer(),
          rows: Type.Integer(),
          labels: Type.Integer({ description: "On a sheet" }),
        }),
      ),
      printers: ListOf(
        Type.Object({
          id: Type.String(),
          name: Type.String(),
          label: Size,
          dpi: Type.Integer(),
        }),
      ),
      languages: ListOf(Type.String()),
      commands: ListOf(
        Type.Object({
          text: Type.String(),
          words: ListOf(Type.String(), { description: "In each of the languages" }),
        }),
      ),
    }),
  },
};

const allocateSchema = {
  tags,
  summary: "Numbers for new labels, never given twice; what they stand for is registered",
  headers: idempotent,
  body: AllocateBody,
  response: {
    "2xx": Type.Object({
      ...Allocated,
      position: Type.Integer({ description: "Answers that reflect it know the labels" }),
      repeated: Type.Boolean({ description: "It was asked before, under this key" }),
    }),
    ...problems,
  },
};

const allocationsSchema = {
  tags,
  summary: "Labels that were numbered, the newest first",
  querystring: Type.Object({
    id: maybe(Type.String({ maxLength: 32 })),
    limit: Limit(20, LIST_MAX),
  }),
  response: { 200: Type.Object({ allocations: ListOf(Type.Object(Allocated)) }), ...problems },
};

const sheetSchema = {
  tags,
  summary: "Labels on sheets, as a PDF to be printed at its true size",
  body: SheetBody,
  response: {
    200: {
      description: "The sheets",
      content: {
        "application/pdf": { schema: Type.Unsafe<Buffer>({ type: "string", format: "binary" }) },
      },
    },
    ...problems,
  },
};

const previewSchema = {
  tags,
  summary: "One sheet of labels as SVG, as it will be printed",
  body: PreviewBody,
  response: {
    200: Type.Object({
      svg: Type.String(),
      sheets: Type.Integer(),
      labels: Type.Integer(),
      page: Size,
    }),
    ...problems,
  },
};

const printSchema = {
  tags,
  summary: "Labels sent to a printer of the configuration; the answer says how far that came",
  headers: idempotent,
  body: PrintBody,
  response: {
    "2xx": Type.Object({
      ...Sent,
      repeated: Type.Boolean({ description: "It was asked before: nothing was sent again" }),
    }),
    ...problems,
  },
};

const printsSchema = {
  tags,
  summary: "What was sent to printers, the newest first",
  querystring: Type.Object({
    id: maybe(Type.String({ maxLength: 32 })),
    limit: Limit(20, LIST_MAX),
  }),
  response: { 200: Type.Object({ prints: ListOf(Type.Object(Sent)) }), ...problems },
};
