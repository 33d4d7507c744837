/**
 * A second event under a number that holds another one: as a statement of the twin in the evidence,
 * and back as the entry it would have been. Deriving hears of both, and tells them apart by content.
 */
import type { Entry } from "../store/reconciler.ts";
import { type Batch, decodeEvent, WireError } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import { STATEMENT_BYTES_MAX, type Statement } from "./statements.ts";

const KIND = "conflict";

export function conflictStatement(batch: Batch, seq: number, bytes: Uint8Array): Statement {
  const { gateway, epoch } = batch;
  const named = { gateway, epoch, seq };
  const json = JSON.stringify({ ...named, event: Buffer.from(bytes).toString("base64") });
  // What is too long for a statement stands in quarantine; here it is named.
  const fits = json.length <= STATEMENT_BYTES_MAX;
  return {
    kind: KIND,
    subject: `${gateway}/${epoch}/${seq}`,
    json: fits ? json : JSON.stringify(named),
  };
}

/** The entry with the name that was taken, at the position of the statement; undefined when it is none. */
export function conflictOf(entry: Entry): Entry | undefined {
  const { body } = entry.event;
  // From anybody else it would be a way to speak under another gateway's name.
  if (entry.id.gateway !== OWN_NAME) return undefined;
  if (body.kind !== "statement" || body.statement !== KIND) return undefined;
  const { gateway, epoch, seq, event } = JSON.parse(body.json);
  if (typeof event !== "string") return undefined;
  try {
    const decoded = decodeEvent(Buffer.from(event, "base64"));
    return { ...entry, id: { gateway, epoch, seq }, event: decoded };
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
