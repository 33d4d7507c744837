/**
 * What a warehouse says of its labels: under which prefix keys are numbered, sheets beside the
 * usual ones, and the printers that may be sent to. As JSON Schema draft-07 and what a schema cannot
 * say about it.
 */
import { parseKey } from "../barcode/key.ts";
import { FORMATS, type Format, formatProblem } from "../labels/formats.ts";

const mm = (what: string, most: number, least = 0) => ({
  type: "number",
  minimum: least,
  maximum: most,
  description: `${what}, in mm`,
});

const size = (what: string) => ({
  type: "object",
  additionalProperties: false,
  required: ["width", "height"],
  description: what,
  properties: { width: mm("Width", 1_000, 5), height: mm("Height", 1_000, 5) },
});

const type = (what: string, usual: string) => ({
  type: "object",
  additionalProperties: false,
  required: ["type"],
  description: what,
  properties: {
    type: {
      type: "string",
      minLength: 1,
      maxLength: 128,
      description: "The type without serial, such as (8003)09521234005001 or (253)9521234000013",
    },
    prefix: {
      type: "string",
      pattern: "^[A-Z0-9-]{0,8}$",
      default: usual,
      description: `What serials begin with; ${usual} unless it says otherwise`,
    },
    digits: {
      type: "integer",
      minimum: 1,
      maximum: 12,
      default: 6,
      description: "Digits behind it, at least",
    },
  },
});

const identifier = { type: "string", pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } as const;
const name = { type: "string", minLength: 1, maxLength: 128 } as const;

export const labelsSchema = {
  type: "object",
  additionalProperties: false,
  default: {},
  description: "Labels: what new ones are numbered with, sheets, and label printers",
  properties: {
    companyPrefix: {
      type: "string",
      pattern: "^\\d{4,12}$",
      description: "The GS1 company prefix under which envelopes and badges are numbered",
    },
    extensionDigit: {
      type: "integer",
      minimum: 0,
      maximum: 9,
      default: 0,
      description: "First digit of an envelope's SSCC",
    },
    pages: type("Pages and documents: the document type (GDTI)", "D"),
    folders: type("Folders: the asset type (GRAI)", "F"),
    boxes: type("Boxes: the asset type (GRAI)", "B"),
    formats: {
      type: "array",
      default: [],
      maxItems: 64,
      description: "Sheets of labels beside the usual ones; one with a usual name replaces it",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "page", "label"],
        properties: {
          id: { ...identifier, description: "Name in commands: letters, digits, dot, dash" },
          name: { ...name, description: "What people call it" },
          page: size("The sheet"),
          label: size("One label"),
          columns: { type: "integer", minimum: 1, maximum: 50, default: 1, description: "Across" },
          rows: { type: "integer", minimum: 1, maximum: 100, default: 1, description: "Down" },
          left: { ...mm("Edge to the first label", 500), default: 0 },
          top: { ...mm("Edge to the first label", 500), default: 0 },
          gapX: { ...mm("Between columns", 100), default: 0 },
          gapY: { ...mm("Between rows", 100), default: 0 },
          padding: { ...mm("Kept free within each label", 50), default: 1.5 },
        },
      },
    },
    printers: {
      type: "array",
      default: [],
      maxItems: 64,
      description: "Label printers that speak ZPL; nothing is sent anywhere else",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "host", "label"],
        properties: {
          id: { ...identifier, description: "Name in commands: letters, digits, dot, dash" },
          name: { ...name, description: "What people call it, and where it stands" },
          host: { type: "string", minLength: 1, maxLength: 253, description: "Its address" },
          port: {
            type: "integer",
            minimum: 1,
            maximum: 65535,
            default: 9100,
            description: "Where it takes ZPL",
          },
          dpi: { enum: [203, 300, 600], default: 203, description: "Its dots per inch" },
          label: size("The labels that are in it"),
          padding: { ...mm("Kept free within each label", 50), default: 1.5 },
          font: {
            type: "string",
            pattern: "^[A-Z]:[A-Z0-9_]{1,16}\\.(FNT|TTF|TTE)$",
            description:
              "Font file of the printer for letters that its own lacks, such as E:TT0003M_.FNT",
          },
          asksState: {
            type: "boolean",
            default: true,
            description: "Ask it before sending whether it can print (~HS)",
          },
        },
      },
    },
  },
} as const;

export type SerialType = {
  readonly type: string;
  readonly prefix: string;
  readonly digits: number;
};

export type Printer = {
  readonly id: string;
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly dpi: 203 | 300 | 600;
  readonly label: { readonly width: number; readonly height: number };
  readonly padding: number;
  readonly font?: string;
  readonly asksState: boolean;
};

export type LabelConfig = {
  readonly companyPrefix?: string;
  readonly extensionDigit?: number;
  readonly pages?: SerialType;
  readonly folders?: SerialType;
  readonly boxes?: SerialType;
  readonly formats?: readonly (Omit<Format, "name"> & { readonly name?: string })[];
  readonly printers?: readonly Printer[];
};

type Problem = { readonly path: readonly (string | number)[]; readonly what: string };

/** `keyOfId`: the key that a barcode form names, if it is one. */
export function labelProblems(
  config: LabelConfig,
  keyOfId: (id: string) => string | undefined,
): readonly Problem[] {
  const wanted = [
    ["pages", "gdti"],
    ["folders", "grai"],
    ["boxes", "grai"],
  ] as const;
  return [
    ...wanted.flatMap(([part, kind]) => {
      const id = config[part]?.type;
      if (id === undefined) return [];
      const parsed = parseKey(keyOfId(id) ?? "");
      if (parsed?.class === kind && parsed.serial === "") return [];
      return [
        {
          path: ["labels", part, "type"],
          what: `${id} is no ${kind.toUpperCase()} without serial`,
        },
      ];
    }),
    ...(config.formats ?? []).flatMap((format, n) => {
      const what = formatProblem({ ...format, name: "" });
      return what === undefined ? [] : [{ path: ["labels", "formats", n], what }];
    }),
    ...repeats("formats", config.formats ?? []),
    ...repeats("printers", config.printers ?? []),
  ];
}

function repeats(part: string, all: readonly { readonly id: string }[]): readonly Problem[] {
  return all.flatMap(({ id }, n) =>
    all.findIndex((one) => one.id === id) < n
      ? [{ path: ["labels", part, n, "id"], what: `${id} is there twice` }]
      : [],
  );
}

/** The warehouse's own first, then the usual ones that it does not replace. */
export function formatsOf({ formats = [] }: LabelConfig): readonly Format[] {
  const own = formats.map((format): Format => ({ ...format, name: format.name ?? format.id }));
  return [...own, ...FORMATS.filter(({ id }) => !own.some((one) => one.id === id))];
}
