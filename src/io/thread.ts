/**
 * A worker thread and its two ends. Messages arrive in the order they were posted; a thread ends
 * once, by itself or by failing, and says which.
 */
import { parentPort, Worker, workerData } from "node:worker_threads";
import { assert } from "../kernel/assert.ts";

export type Channel = {
  /** Buffers in `transfer` go over without a copy and are gone here. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** One listener; messages before it are kept. */
  onMessage(listener: (message: unknown) => void): void;
};

export type Thread = Channel & {
  /** Undefined when it ended in order. */
  readonly ended: Promise<Error | undefined>;
};

export function startThread(entry: URL, data: unknown): Thread {
  const worker = new Worker(entry, { workerData: data });
  let failure: Error | undefined;
  worker.on("error", (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once("exit", (status) => {
      const silent = status === 0 ? undefined : new Error(`the thread ended with status ${status}`);
      resolve(failure ?? silent);
    });
  });
  return {
    ended,
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage(listener) {
      worker.on("message", listener);
    },
  };
}

export type InsideThread = Channel & {
  readonly data: unknown;
  /** Work for the next turn of the loop: messages and input that wait come first. */
  soon(work: () => void): void;
  /** Ends the thread once nothing else keeps it. */
  close(): void;
};

/** The other end, asked for by the thread's own entry file. */
export function insideThread(): InsideThread {
  const port = parentPort;
  assert(port !== null, "this file is the entry of a thread");
  return {
    data: workerData,
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    onMessage(listener) {
      port.on("message", listener);
    },
    soon: (work) => void setImmediate(work),
    close: () => port.close(),
  };
}
