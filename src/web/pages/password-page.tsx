/** Where somebody changes their own password. Their other sessions end with it. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { tell } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Notice } from "../parts/notice.tsx";

export function PasswordPage() {
  const current = useRef<HTMLInputElement>(null);
  const next = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState<{ readonly ok: boolean; readonly text: string } | undefined>();
  const id = useId();
  useEffect(() => {
    document.title = `${words.login.change} · racktrace`;
  }, []);

  async function onSubmit(event: Event): Promise<void> {
    event.preventDefault();
    const answer = await tell("password", {
      current: current.current?.value ?? "",
      password: next.current?.value ?? "",
    });
    switch (answer.kind) {
      case "ok":
        for (const { current: field } of [current, next]) if (field !== null) field.value = "";
        return setSaid({ ok: true, text: words.login.changed });
      case "refused":
        return setSaid({ ok: false, text: `${answer.detail} ${answer.next}` });
      case "unreachable":
        return setSaid({ ok: false, text: words.twin.silent });
    }
  }

  return (
    <section class="login" aria-labelledby={`${id}-title`}>
      <h1 id={`${id}-title`}>{words.login.change}</h1>
      <form onSubmit={(event) => void onSubmit(event)}>
        {said !== undefined && <Notice tone={said.ok ? "calm" : "error"} title={said.text} />}
        <label for={`${id}-current`}>{words.login.current}</label>
        <input
          id={`${id}-current`}
          ref={current}
          class="field"
          type="password"
          autoComplete="current-password"
          required
          maxLength={256}
        />
        <label for={`${id}-next`}>{words.login.next}</label>
        <input
          id={`${id}-next`}
          ref={next}
          class="field"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={256}
        />
        <button type="submit" class="button button-main">
          {words.login.change}
        </button>
      </form>
      <p class="soft">{words.login.length}</p>
    </section>
  );
}
