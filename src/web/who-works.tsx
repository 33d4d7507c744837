/** Who is logged in, and the way out. A small sheet behind the name, as "More" is one. */
import { useContext, useRef } from "preact/hooks";
import { words } from "./language/spoken.ts";
import { SessionContext, useMay, useSession } from "./session.ts";

export function WhoWorks() {
  const store = useContext(SessionContext);
  const session = useSession();
  const administers = useMay("administrator");
  const sheet = useRef<HTMLDivElement>(null);
  if (session.kind !== "known")
    return session.kind === "nobody" ? (
      <a class="who" href="/login">
        {words.login.enter}
      </a>
    ) : null;
  const { person, role, kind } = session.person;
  const close = () => sheet.current?.hidePopover();
  return (
    <div class="who">
      <button type="button" class="who-name" popovertarget="who-sheet" aria-label={person}>
        <span class="who-initial">{[...person][0]}</span>
        <span class="who-full">{person}</span>
      </button>
      <div id="who-sheet" class="places-sheet who-sheet" popover="auto" ref={sheet}>
        <p>
          <strong>{person}</strong> <span class="soft">{words.roles[role]}</span>
        </p>
        {kind === "user" && (
          <a href="/password" onClick={close}>
            {words.login.change}
          </a>
        )}
        <a href="/register" onClick={close}>
          {words.register.title}
        </a>
        {administers && (
          <a href="/users" onClick={close}>
            {words.users.title}
          </a>
        )}
        <button type="button" class="button" onClick={() => void store?.logOut()}>
          {words.login.leave}
        </button>
      </div>
    </div>
  );
}
