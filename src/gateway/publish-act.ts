/**
 * Directives to publish: on the gateway's own broker, or on one that it listens to. They wait for the
 * broker to be there, each for no longer than its time.
 */
import { topicProblem } from "../devices/mqtt-mapping/topic.ts";
import type { Act, Acted } from "./directives.ts";
import { createWaitingActs } from "./waiting-acts.ts";

/** The name by which a directive means the gateway's own broker. */
export const BROKER_DEVICE = "mqtt";

/** Rejects when nobody knows whether it was heard. */
export type Say = (topic: string, bytes: Uint8Array, retain: boolean) => void | Promise<void>;

export type Publishing = {
  readonly act: Act;
  /** The broker is there, until the returned function is called. */
  through(say: Say): () => void;
};

type Message = { readonly topic: string; readonly text: string; readonly retain: boolean };

const UNHEARD: Acted = {
  outcome: "uncertain",
  reason: "nobody acknowledged it before its time was over",
};
const LATE: Acted = { outcome: "failed", reason: "its time was over before the broker was there" };

export function createPublishing(): Publishing {
  const waiting = createWaitingActs<Message>(LATE);

  return {
    async act({ kind, what: { topic, text, retain } }, over, begin) {
      if (kind !== "publish" || typeof topic !== "string" || typeof text !== "string")
        return { outcome: "failed", reason: 'a broker takes "publish" with topic and text' };
      const problem = topicProblem(topic);
      if (problem !== undefined) return { outcome: "failed", reason: problem };
      return waiting.put({ topic, text, retain: retain === true }, over, begin);
    },
    through(say) {
      let isThere = true;
      let taking = false;
      const next = async () => {
        if (taking) return;
        taking = true;
        while (isThere && waiting.waits()) {
          const act = await waiting.take();
          if (act === undefined) continue;
          if (!isThere) {
            act.giveBack();
            continue;
          }
          act.over.addEventListener("abort", () => act.settle(UNHEARD), { once: true });
          void publish(say, act.work).then(act.settle);
        }
        taking = false;
      };
      waiting.whenPut(() => void next());
      void next();
      return () => {
        isThere = false;
      };
    },
  };
}

async function publish(say: Say, { topic, text, retain }: Message): Promise<Acted> {
  try {
    await say(topic, new TextEncoder().encode(text), retain);
    return { outcome: "done", reason: "" };
  } catch (error) {
    return { outcome: "uncertain", reason: (error as Error).message };
  }
}
