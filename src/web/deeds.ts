/**
 * What a person does at this page, and what became of it. A deed is done only when an answer that
 * is shown reflects it: recorded is not yet judged.
 *
 * A deed outlives the page on which it was done. One that the twin did not answer is sent again
 * under its own key, so it is recorded once; while one waits, the browser asks before it closes.
 */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { after, backoffMs, every } from "./clock.ts";
import { type Body, ENTERED, type Refusal, type Tellable, tell } from "./http.ts";
import type { Recorded, TwinApi } from "./twin-api.ts";

/** What can be stated that is answered by the name of the event that it became. */
type Stated = {
  [P in Tellable]: TwinApi[`POST ${P}`]["answer"] extends Recorded ? P : never;
}[Tellable];

export type Deed = {
  readonly n: number;
  /** What it is about, as the list that shows it names that. */
  readonly about: string;
  /** What was done, in a few words. */
  readonly title: string;
  /** Of the API, which says what kind of deed it is. */
  readonly path: string;
} & (
  | { readonly phase: "sending" | "unsent" }
  | { readonly phase: "saved" | "done"; readonly recorded: Recorded }
  | { readonly phase: "refused"; readonly refusal: Refusal }
);

export type Statement = {
  readonly [P in Stated]: {
    readonly about: string;
    readonly title: string;
    /** Of the API. */
    readonly path: P;
    readonly body: Body<P>;
  };
}[Stated];

export type DeedStore = {
  /** The newest first. */
  all(): readonly Deed[];
  state(statement: Statement): void;
  /** What is shown reflects so much. */
  reflect(position: number): void;
  /** Called at each change. Returns a cancel. */
  onChange(listener: () => void): () => void;
};

export type Deeds = {
  /** Those since this page is shown, and earlier ones that were not done then. The newest first. */
  readonly all: readonly Deed[];
  readonly state: (statement: Statement) => void;
};

/** As many as a person may choose at once, and some. */
const KEPT_MAX = 600;
const ASK_AGAIN_MS = 300;

export function openDeeds(): DeedStore {
  let all: readonly Deed[] = [];
  let nextN = 1;
  let reflected = 0;
  const listeners = new Set<() => void>();

  function put(deed: Deed): void {
    const known = all.some(({ n }) => n === deed.n);
    all = known ? all.map((one) => (one.n === deed.n ? deed : one)) : [deed, ...all];
    all = all.slice(0, KEPT_MAX);
    for (const listener of listeners) listener();
  }

  function judge(): void {
    for (const deed of all)
      if (deed.phase === "saved" && reflected >= deed.recorded.position)
        put({ ...deed, phase: "done" });
  }

  async function send(
    { n, ...statement }: Statement & { readonly n: number },
    key: string,
    tries: number,
  ): Promise<void> {
    const { about, title, path } = statement;
    const deed = { n, about, title, path };
    // A statement pairs its path with what that takes; apart, the compiler no longer knows which.
    const answer = await tell(path, statement.body as never, key);
    switch (answer.kind) {
      case "ok":
        put({ ...deed, phase: "saved", recorded: answer.value });
        // An earlier try may have been recorded, and what is shown may reflect it already.
        return judge();
      case "refused":
        // Nobody is logged in any more: what was said is not lost, and sent once somebody is.
        if (answer.status !== 401) return put({ ...deed, phase: "refused", refusal: answer });
        put({ ...deed, phase: "unsent" });
        return addEventListener(ENTERED, () => void send({ ...statement, n }, key, 0), {
          once: true,
        });
      case "unreachable":
        put({ ...deed, phase: "unsent" });
        after(backoffMs(tries), () => void send({ ...statement, n }, key, tries + 1));
    }
  }

  addEventListener("beforeunload", (event) => {
    if (all.some(({ phase }) => phase === "sending" || phase === "unsent")) event.preventDefault();
  });

  return {
    all: () => all,
    state(statement) {
      const n = nextN++;
      const { about, title, path } = statement;
      put({ n, about, title, path, phase: "sending" });
      void send({ ...statement, n }, mintKey(), 0);
    },
    reflect(position) {
      reflected = Math.max(reflected, position);
      judge();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const DeedContext = createContext<DeedStore | undefined>(undefined);

/** `position`: what is shown reflects so much. `again` asks for what is shown anew. */
export function useDeeds(position: number | undefined, again: () => void): Deeds {
  const store = useContext(DeedContext);
  const [all, setAll] = useState<readonly Deed[]>(() => store?.all() ?? []);
  const [before] = useState(
    () => new Set(all.filter(({ phase }) => phase === "done").map(({ n }) => n)),
  );

  useEffect(() => {
    if (store === undefined) return;
    setAll(store.all());
    return store.onChange(() => setAll(store.all()));
  }, [store]);
  useEffect(() => {
    if (position !== undefined) store?.reflect(position);
  }, [store, position]);

  const waits = all.some(({ phase }) => phase === "saved");
  useEffect(() => {
    if (!waits) return;
    again();
    return every(ASK_AGAIN_MS, again);
  }, [waits, again]);

  return {
    all: all.filter(({ n }) => !before.has(n)),
    state: (statement) => store?.state(statement),
  };
}

/** `crypto.randomUUID` is not there on a page without TLS. */
export function mintKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
