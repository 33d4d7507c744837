/**
 * Where somebody says who they are. It stands in the place of the page that was asked for, at its own
 * address, so that after the login they are where they wanted to be.
 *
 * A link from the twin's machine carries its key behind the #: it is taken out of the address at once,
 * so that neither history nor a glance at the screen keeps it.
 */
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import type { Answer } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Notice } from "../parts/notice.tsx";
import { go } from "../route.ts";
import { type Person, SessionContext } from "../session.ts";

export function LoginPage() {
  const store = useContext(SessionContext);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const [failed, setFailed] = useState<string | undefined>();
  const [waits, setWaits] = useState(false);
  const id = useId();

  async function enter(login: Promise<Answer<Person>> | undefined): Promise<void> {
    if (login === undefined) return;
    setWaits(true);
    setFailed(undefined);
    const answer = await login;
    setWaits(false);
    switch (answer.kind) {
      case "ok":
        if (location.pathname === "/login") go("/", "replace");
        return;
      case "refused":
        if (password.current !== null) password.current.value = "";
        password.current?.focus();
        return setFailed(reasonOf(answer.status, answer.detail));
      case "unreachable":
        return setFailed(words.twin.silent);
    }
  }

  useEffect(() => {
    const key = location.pathname === "/login" ? location.hash.slice(1) : "";
    document.title = `${words.login.title} · racktrace`;
    if (key === "") {
      if (store?.session().kind === "known") go("/", "replace");
      return name.current?.focus();
    }
    history.replaceState(null, "", "/login");
    void enter(store?.follow(key));
  }, [store]);

  function onSubmit(event: Event): void {
    event.preventDefault();
    // What stands in the fields: a password manager fills them in without a keystroke.
    void enter(store?.logIn(name.current?.value ?? "", password.current?.value ?? ""));
  }

  return (
    <section class="login" aria-labelledby={`${id}-title`}>
      <h1 id={`${id}-title`}>{words.login.title}</h1>
      <form onSubmit={onSubmit}>
        {failed !== undefined && <Notice tone="error" title={failed} />}
        <label for={`${id}-name`}>{words.login.name}</label>
        <input
          id={`${id}-name`}
          ref={name}
          class="field"
          type="text"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellcheck={false}
          required
          maxLength={256}
        />
        <label for={`${id}-password`}>{words.login.password}</label>
        <input
          id={`${id}-password`}
          ref={password}
          class="field"
          type="password"
          name="password"
          autoComplete="current-password"
          required
          maxLength={256}
        />
        <button type="submit" class="button button-main" disabled={waits}>
          {waits ? words.login.waits : words.login.enter}
        </button>
      </form>
      <p class="soft">{words.login.help}</p>
    </section>
  );
}

/** The twin's own words where only it knows: for how long to wait. */
function reasonOf(status: number, detail: string): string {
  if (status === 401) return words.login.wrong;
  return status === 429 ? words.login.tooOften(Number(/\d+/.exec(detail)?.[0] ?? 60)) : detail;
}
