/**
 * This gateway as the host of Sparkplug's edge nodes, on a broker: what they may subscribe to, and the
 * state that those with a primary host wait for before they speak (Sparkplug 3.0, section 6.4.1).
 */
import type { DecoderSetting } from "../devices/decoders/convention.ts";
import { isCommandFilter, SPARKPLUG } from "../devices/decoders/sparkplug.ts";
import type { Clock, Presence } from "../ports.ts";

type Broker = { say(topic: string, bytes: Uint8Array, retain: boolean): void };

/** Filters of edge nodes, when the configuration has any. */
export function edgeNodeFilters(decoders: readonly DecoderSetting[]): (filter: string) => boolean {
  return decoders.some(isSparkplug) ? isCommandFilter : () => false;
}

/** Says that the host is there; the returned function says that it is not. */
export function announceHost(
  { clock, broker }: { readonly clock: Clock; readonly broker: Broker },
  decoders: readonly DecoderSetting[],
): () => void {
  const host = decoders.find(isSparkplug)?.host;
  if (host === undefined) return () => undefined;
  const { topic, there, gone } = hostPresence(host, clock.nowMs());
  broker.say(topic, there, true);
  return () => broker.say(topic, gone, true);
}

/** Both say the same time: an edge node takes a death for ours when it is that of our birth. */
export function hostPresence(host: string, timestamp: number): Presence {
  const state = (online: boolean) =>
    new TextEncoder().encode(JSON.stringify({ online, timestamp }));
  return { topic: `${SPARKPLUG}/STATE/${host}`, there: state(true), gone: state(false) };
}

function isSparkplug({ decoder }: DecoderSetting): boolean {
  return decoder === "sparkplug";
}
