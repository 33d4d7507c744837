/** Invites a scanner to send what it has read, where it waits for that (ENQ). */
import type { ByteLine, Clock } from "../ports.ts";
import { say } from "./say.ts";

const ENQ = Uint8Array.of(0x05);

/** The scanner keeps its scan while `mayAsk` says no. The returned function ends it. */
export function startEnquiring(
  { clock, line }: { readonly clock: Clock; readonly line: ByteLine },
  {
    enquireMs,
    mayAsk,
  }: { readonly enquireMs?: number | undefined; readonly mayAsk: () => boolean },
): () => void {
  if (enquireMs === undefined) return () => undefined;
  let cancel = () => {};
  /** A line that takes nothing, as with a scanner that is switched off, would be asked without end. */
  let saying = false;
  const invite = async () => {
    saying = true;
    await say(line, ENQ);
    saying = false;
  };
  const ask = () => {
    if (mayAsk() && !saying) void invite();
    cancel = clock.after(enquireMs, ask);
  };
  ask();
  return () => cancel();
}
