/** What is asked of those who draw and print labels (src/io), and what they answer. */
import type { LabelContent } from "./drawing.ts";
import type { Format } from "./formats.ts";
import type { Sheets } from "./sheets.ts";
import type { Carrier } from "./symbol.ts";
import type { PrinterState } from "./zpl.ts";

export type LabelJob = {
  readonly labels: readonly LabelContent[];
  readonly carrier: Carrier;
  readonly format: Format;
  /** The grid on which modules begin and end. */
  readonly dotMm: number;
} & (
  | { readonly as: "pdf"; readonly skip: number; readonly title: string }
  /** One sheet of it. */
  | { readonly as: "svg"; readonly skip: number; readonly sheet: number }
  | { readonly as: "zpl"; readonly copies: number; readonly font?: string | undefined }
);

export type Drawn =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly sheets: number }
  | Extract<Sheets, { readonly ok: false }>;

export type Pressed =
  | Drawn
  | { readonly ok: false; readonly why: "busy" }
  | { readonly ok: false; readonly why: "failed"; readonly detail: string };

export type DrawLabels = (job: LabelJob) => Promise<Pressed>;

export type SentTo = {
  readonly host: string;
  readonly port: number;
  /** Ask before sending whether it can print; one that is silent is sent to all the same. */
  readonly asksState: boolean;
};

/**
 * How far a sending came. A printer confirms nothing: "sent" means that its end took every byte, not
 * that paper came out.
 *
 *   not-reached   no connection: nothing was sent, nothing is printed
 *   not-ready     it says itself that it cannot print now: nothing was sent
 *   sent          all bytes are taken
 *   uncertain     the connection broke in the middle: some labels may have been printed
 */
export type Sent =
  | { readonly state: "sent"; readonly heard: boolean }
  | { readonly state: "not-ready"; readonly printer: PrinterState }
  | { readonly state: "not-reached"; readonly why: string }
  | { readonly state: "uncertain"; readonly why: string };

export type SendToPrinter = (to: SentTo, bytes: Uint8Array) => Promise<Sent>;
