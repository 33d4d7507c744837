/**
 * Who works at this page, as the twin knows them. It shows what they may and offers nothing else; that
 * they may not do more is for the twin to see to.
 *
 * While the twin cannot be reached nobody is asked to log in: what is shown stays, marked as old.
 */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { after, backoffMs } from "./clock.ts";
import { type Answer, ask, ENTERED, NOBODY, type Reply, tell } from "./http.ts";

export type Person = Reply<"whoami">;
export type Role = Person["role"];

export type Session =
  /** The twin has not said yet. */
  | { readonly kind: "asking" }
  | { readonly kind: "nobody" }
  | { readonly kind: "known"; readonly person: Person };

export type SessionStore = {
  session(): Session;
  logIn(name: string, password: string): Promise<Answer<Person>>;
  /** By a link that works once. */
  follow(key: string): Promise<Answer<Person>>;
  logOut(): Promise<void>;
  /** Called at each change. Returns a cancel. */
  onChange(listener: () => void): () => void;
};

export const ROLES: readonly Role[] = [
  "viewer",
  "operator",
  "archivist",
  "approver",
  "administrator",
];

export function openSession(): SessionStore {
  let session: Session = { kind: "asking" };
  const listeners = new Set<() => void>();

  function become(next: Session): void {
    session = next;
    for (const listener of listeners) listener();
  }

  function enter(answer: Answer<Person>): Answer<Person> {
    if (answer.kind === "ok") {
      become({ kind: "known", person: answer.value });
      dispatchEvent(new Event(ENTERED));
    }
    return answer;
  }

  async function begin(tries: number): Promise<void> {
    const answer = await ask("whoami", {}, new AbortController().signal);
    if (session.kind !== "asking") return;
    if (answer.kind === "ok") become({ kind: "known", person: answer.value });
    else if (answer.kind === "unreachable") after(backoffMs(tries), () => void begin(tries + 1));
  }

  addEventListener(NOBODY, () => {
    if (session.kind !== "nobody") become({ kind: "nobody" });
  });
  void begin(0);

  return {
    session: () => session,
    logIn: async (name, password) => enter(await tell("login", { name, password })),
    follow: async (key) => enter(await tell("login/key", { key })),
    async logOut() {
      await tell("logout", {});
      become({ kind: "nobody" });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const SessionContext = createContext<SessionStore | undefined>(undefined);

export function useSession(): Session {
  const store = useContext(SessionContext);
  const [session, setSession] = useState<Session>(() => store?.session() ?? { kind: "asking" });
  useEffect(() => {
    if (store === undefined) return;
    setSession(store.session());
    return store.onChange(() => setSession(store.session()));
  }, [store]);
  return session;
}

/** Whether who works here may do what this role may. */
export function useMay(role: Role): boolean {
  const session = useSession();
  return session.kind === "known" && ROLES.indexOf(session.person.role) >= ROLES.indexOf(role);
}
