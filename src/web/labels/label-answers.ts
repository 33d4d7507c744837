/** What the labels page asks of the twin: what can be printed, previews, numbers, sheets, printers. */
import type { Answer, Body, Reply } from "../http.ts";
import { ask, fileOf, tell } from "../http.ts";

export type Choices = Reply<"labels/choices">;
export type Format = Choices["formats"][number];
export type Asked = Body<"labels/allocations">;
export type LabelKind = Asked["kind"];
/** Which labels: one of its fields says so. */
export type What = Pick<
  Body<"labels/sheets">,
  "ids" | "allocation" | "document" | "commands" | "language"
>;
export type Print = Reply<"labels/prints">["prints"][number];
export type Carrier = "datamatrix" | "gs1-128";
/** On sheets of paper, or at a printer of the warehouse. */
export type Onto =
  | { readonly kind: "paper"; readonly format: string; readonly skip: number }
  | { readonly kind: "printer"; readonly printer: string; readonly copies: number };

export function choices(signal: AbortSignal) {
  return ask("labels/choices", {}, signal);
}

export function allocations(signal: AbortSignal) {
  return ask("labels/allocations", { limit: 8 }, signal);
}

export function preview(what: What, carrier: Carrier, onto: Onto, sheet: number) {
  const place =
    onto.kind === "paper" ? { format: onto.format, skip: onto.skip } : { printer: onto.printer };
  return tell("labels/previews", { ...what, ...place, carrier, sheet });
}

export function number(asked: Asked, key: string) {
  return tell("labels/allocations", asked, key);
}

export function sheets(
  what: What,
  carrier: Carrier,
  { format, skip }: Extract<Onto, { kind: "paper" }>,
): Promise<Answer<Blob>> {
  return fileOf("labels/sheets", { ...what, carrier, format, skip });
}

/** What became of a print. */
export async function printed(id: string, signal: AbortSignal): Promise<Answer<Print | undefined>> {
  const answer = await ask("labels/prints", { id }, signal);
  return answer.kind === "ok" ? { kind: "ok", value: answer.value.prints[0] } : answer;
}

export function send(
  what: What,
  carrier: Carrier,
  { printer, copies }: Extract<Onto, { kind: "printer" }>,
  key: string,
) {
  return tell("labels/prints", { ...what, carrier, printer, copies }, key);
}
