/**
 * Outcomes of directives among what gateways send. They are looked for as it is taken in, so few bytes
 * of the many may be decoded: only the lane that they travel on, and only events that hold their name.
 */
import type { Segment } from "../store/evidence.ts";
import { decodeEvent, WireError } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";

export const OUTCOME = "directive-outcome";

export type Outcome = {
  readonly gateway: string;
  readonly id: string;
  readonly outcome: string;
  readonly reason: string;
};

const NAME = Buffer.from(OUTCOME);

export function outcomesIn(segments: readonly Segment[]): readonly Outcome[] {
  return segments.flatMap(({ batch: { gateway, lane, events } }) =>
    lane === "scan" && gateway !== OWN_NAME
      ? events.filter(holdsName).flatMap((bytes) => outcomeIn(gateway, bytes))
      : [],
  );
}

function holdsName(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(NAME);
}

function outcomeIn(gateway: string, bytes: Uint8Array): readonly Outcome[] {
  try {
    const { body } = decodeEvent(bytes);
    if (body.kind !== "statement" || body.statement !== OUTCOME) return [];
    const { id, outcome, reason } = JSON.parse(body.json) as Record<string, unknown>;
    return [{ gateway, id: String(id), outcome: String(outcome), reason: String(reason ?? "") }];
  } catch (error) {
    // What is not understood stays in the evidence, and here it says nothing.
    if (error instanceof WireError || error instanceof SyntaxError) return [];
    throw error;
  }
}
