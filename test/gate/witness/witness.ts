/** The witness as a gate sees it: a process that is asked and answers. */
import { fork } from "node:child_process";
import { pause } from "../gate.ts";
import type { Answer, Judgement, Tally, Wish } from "./protocol.ts";

export type Witness = {
  open(wish: Omit<Wish & { kind: "open" }, "kind">): Promise<Answer["open"]>;
  load(wish: Omit<Wish & { kind: "load" }, "kind">): Promise<null>;
  tally(): Promise<Tally>;
  unplug(wish: Omit<Wish & { kind: "unplug" }, "kind">): Promise<null>;
  /** Resolves when all that was said is answered. */
  rest(): Promise<Tally>;
  judge(wish: Omit<Wish & { kind: "judge" }, "kind">): Promise<Judgement>;
  close(): void;
};

/** Who is answered by nobody any more would wait for ever, and a gate ends by itself. */
const REST_MS_MAX = 120_000;

async function tooLate(): Promise<never> {
  await pause(REST_MS_MAX);
  throw new Error(`the witness: not all that was said is answered within ${REST_MS_MAX} ms`);
}

export function startWitness(folder: string): Witness {
  const child = fork(new URL("./process.ts", import.meta.url).pathname, [folder]);
  const waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  let last = 0;
  let gone: Error | undefined;
  child.on("message", ({ id, answer, error }: { id: number; answer: unknown; error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(answer);
    else waiting.get(id)?.reject(new Error(`the witness: ${error}`));
    waiting.delete(id);
  });
  child.once("exit", (status, signal) => {
    gone = new Error(`the witness ended: ${status ?? signal}`);
    for (const { reject } of waiting.values()) reject(gone);
  });

  function ask<K extends Wish["kind"]>(wish: Wish & { kind: K }): Promise<Answer[K]> {
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      child.send({ id, wish });
    });
  }

  return {
    open: (wish) => ask({ kind: "open", ...wish }),
    load: (wish) => ask({ kind: "load", ...wish }),
    tally: () => ask({ kind: "tally" }),
    unplug: (wish) => ask({ kind: "unplug", ...wish }),
    rest: () => Promise.race([ask({ kind: "rest" }), tooLate()]),
    judge: (wish) => ask({ kind: "judge", ...wish }),
    close: () => child.disconnect(),
  };
}
