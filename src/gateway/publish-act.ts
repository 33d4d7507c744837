/** A directive to publish: on the gateway's own broker, or on one that it listens to. */
import { topicProblem } from "../devices/mqtt-mapping/topic.ts";
import type { Act } from "./directives.ts";

/** The name by which a directive means the gateway's own broker. */
export const BROKER_DEVICE = "mqtt";

/** `say` rejects when nobody knows whether it was heard. */
export function createPublishAct(
  say: (topic: string, bytes: Uint8Array, retain: boolean) => void | Promise<void>,
): Act {
  return async ({ kind, what: { topic, text, retain } }, over, begin) => {
    if (kind !== "publish" || typeof topic !== "string" || typeof text !== "string")
      return { outcome: "failed", reason: 'a broker takes "publish" with topic and text' };
    const problem = topicProblem(topic);
    if (problem !== undefined) return { outcome: "failed", reason: problem };
    if (over.aborted) return { outcome: "failed", reason: "its time was over" };
    if (!(await begin())) return { outcome: "failed", reason: "it was begun before" };
    try {
      await say(topic, new TextEncoder().encode(text), retain === true);
      return { outcome: "done", reason: "" };
    } catch (error) {
      return { outcome: "uncertain", reason: (error as Error).message };
    }
  };
}
