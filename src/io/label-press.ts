/**
 * Draws labels in a thread of its own, which is started with the first of them. What waits for it
 * has a limit. A thread that fails takes its jobs with it, and the next job starts another.
 */
import type { DrawLabels, Pressed } from "../labels/job.ts";
import type { LabelReply } from "./label-worker.ts";
import { startThread, type Thread } from "./thread.ts";

export type LabelPress = {
  readonly draw: DrawLabels;
  close(): Promise<void>;
};

const WAITING_MAX = 32;

export function createLabelPress(): LabelPress {
  const waiting = new Map<number, (pressed: Pressed) => void>();
  let thread: Thread | undefined;
  let asked = 0;

  function start(): Thread {
    const entry = import.meta.url.endsWith(".ts") ? "./label-worker.ts" : "./label-worker.js";
    const started = startThread(new URL(entry, import.meta.url), undefined);
    started.onMessage((message) => {
      const { ask, drawn } = message as LabelReply;
      waiting.get(ask)?.(drawn);
      waiting.delete(ask);
    });
    void started.ended.then((error) => {
      if (thread === started) thread = undefined;
      const detail = error?.message ?? "the twin is stopping";
      for (const answer of waiting.values()) answer({ ok: false, why: "failed", detail });
      waiting.clear();
    });
    return started;
  }

  return {
    draw(job) {
      if (waiting.size >= WAITING_MAX) return Promise.resolve({ ok: false, why: "busy" });
      thread ??= start();
      const ask = ++asked;
      const { post } = thread;
      return new Promise((resolve) => {
        waiting.set(ask, resolve);
        post({ ask, job });
      });
    },
    async close() {
      thread?.post("close");
      await thread?.ended;
    },
  };
}
