/** For administrators: who may log in, which programs ask, which phones scan, and who did what lately. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAnswer, useNow } from "../ask.ts";
import { type Answer, ask, type Refusal, tell } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { ROLES, type Role, useMay } from "../session.ts";
import type { Phone, TwinApi } from "../twin-api.ts";

type User = TwinApi["GET users"]["answer"]["users"][number];
type Token = TwinApi["GET tokens"]["answer"]["tokens"][number];

/** What was made, shown once. */
type Made = { readonly name: string; readonly secret: string };

const LOG_ROWS = 50;
const PHONES_SHOWN = 200;

export function UsersPage() {
  const administers = useMay("administrator");
  useEffect(() => {
    document.title = `${words.users.title} · racktrace`;
  }, []);
  return (
    <div class="users">
      <h1>{words.users.title}</h1>
      {administers ? <Administration /> : <Notice tone="calm" title={words.users.notYours} />}
    </div>
  );
}

function Administration() {
  const users = useAnswer("users", (signal) => ask("users", {}, signal));
  const tokens = useAnswer("tokens", (signal) => ask("tokens", {}, signal));
  const phones = useAnswer("phones", (signal) => ask("phones", { limit: PHONES_SHOWN }, signal));
  const log = useAnswer("log", (signal) => ask("audit/access", { limit: LOG_ROWS }, signal));
  const [refusal, setRefusal] = useState<Refusal | undefined>();
  const [made, setMade] = useState<Made | undefined>();

  async function act<T>(deed: Promise<Answer<T>>, madeBy?: (value: T) => Made | undefined) {
    const answer = await deed;
    setRefusal(answer.kind === "refused" ? answer : undefined);
    setMade(answer.kind === "ok" ? madeBy?.(answer.value) : undefined);
    for (const { again } of [users, tokens, phones, log]) again();
  }

  const refused = users.refused ?? tokens.refused ?? phones.refused ?? log.refused;
  if (refused !== undefined) return <Refused refusal={refused} title={words.users.cannot} />;
  return (
    <>
      {users.unreachable && <Unreachable old />}
      {refusal !== undefined && <Refused refusal={refusal} title={words.users.notChanged} />}
      {made !== undefined && (
        <Notice tone="calm" title={words.users.made(made.name)}>
          <p>
            <code class="secret">{made.secret}</code>
          </p>
          <p class="soft">{words.users.once}</p>
        </Notice>
      )}
      <section class="card" aria-labelledby="users-title">
        <h2 id="users-title">{words.users.people}</h2>
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">{words.login.name}</th>
                <th scope="col">{words.users.role}</th>
                <th scope="col">{words.users.lastLogin}</th>
                <th scope="col">
                  <span class="visually-hidden">{words.users.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {(users.value?.users ?? []).map((user) => (
                <UserRow key={user.name} user={user} act={act} />
              ))}
            </tbody>
          </table>
        </div>
        <AddForm
          button={words.users.add}
          onAdd={(name, role) =>
            act(tell("users", { name: name.toLowerCase(), role }), ({ name: who, password }) => ({
              name: who,
              secret: password ?? "",
            }))
          }
        />
      </section>
      <section class="card" aria-labelledby="tokens-title">
        <h2 id="tokens-title">{words.users.tokens}</h2>
        <p class="soft">{words.users.tokensWhat}</p>
        {tokens.value?.tokens.length === 0 && <p>{words.users.noTokens}</p>}
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">{words.users.tokenName}</th>
                <th scope="col">{words.users.role}</th>
                <th scope="col">{words.users.until}</th>
                <th scope="col">
                  <span class="visually-hidden">{words.users.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {(tokens.value?.tokens ?? []).map((token) => (
                <TokenRow key={token.name} token={token} act={act} />
              ))}
            </tbody>
          </table>
        </div>
        <AddForm
          button={words.users.addToken}
          onAdd={(name, role) =>
            act(tell("tokens", { name, role }), ({ name: what, token }) => ({
              name: what,
              secret: token,
            }))
          }
        />
      </section>
      <Phones all={phones.value?.phones ?? []} more={phones.value?.next != null} act={act} />
      <section class="card" aria-labelledby="log-title">
        <h2 id="log-title">{words.users.log}</h2>
        <table class="users-log">
          <thead>
            <tr>
              <th scope="col">{words.users.when}</th>
              <th scope="col">{words.users.who}</th>
              <th scope="col">{words.users.what}</th>
              <th scope="col">{words.users.outcome}</th>
            </tr>
          </thead>
          <tbody>
            {(log.value?.entries ?? []).map(({ n, time, who, address, what, status, times }) => (
              <tr key={n}>
                <td>
                  <Moment at={time} />
                </td>
                <td>{who === "" ? address : who}</td>
                <td class="mono">{what}</td>
                <td>
                  {status}
                  {times > 1 ? ` × ${times}` : ""}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Moment({ at }: { readonly at: string }) {
  return <Instant at={at} now={useNow(60_000)} />;
}

type Act = <T>(deed: Promise<Answer<T>>, madeBy?: (value: T) => Made | undefined) => Promise<void>;

function UserRow({ user, act }: { readonly user: User; readonly act: Act }) {
  const { name, person, role, disabled, lastLogin } = user;
  return (
    <tr class={disabled ? "soft" : undefined}>
      <th scope="row">
        {name}
        {person === name ? "" : ` (${person})`}
      </th>
      <td data-label={words.users.role}>
        <RoleChoice
          label={words.users.roleOf(name)}
          role={role}
          onChoose={(chosen) => void act(tell("users/changes", { name, role: chosen }))}
        />
      </td>
      <td data-label={words.users.lastLogin}>
        {lastLogin === null ? words.users.never : <Moment at={lastLogin} />}
      </td>
      <td class="users-acts">
        <button
          type="button"
          class="button button-quiet"
          onClick={() =>
            void act(tell("users/passwords", { name }), ({ password }) => ({
              name,
              secret: password ?? "",
            }))
          }
        >
          {words.users.newPassword}
        </button>
        <button
          type="button"
          class="button button-quiet"
          onClick={() => void act(tell("users/changes", { name, disabled: !disabled }))}
        >
          {disabled ? words.users.enable : words.users.disable}
        </button>
      </td>
    </tr>
  );
}

function TokenRow({ token, act }: { readonly token: Token; readonly act: Act }) {
  const { name, role, state, ends } = token;
  return (
    <tr class={state === "valid" ? undefined : "soft"}>
      <th scope="row">{name}</th>
      <td data-label={words.users.role}>{words.roles[role]}</td>
      <td data-label={words.users.until}>
        {state === "valid" ? <Moment at={ends} /> : words.users.states[state]}
      </td>
      <td class="users-acts">
        {state === "valid" && (
          <button
            type="button"
            class="button button-quiet"
            onClick={() => void act(tell("tokens/revocations", { name }))}
          >
            {words.users.revoke}
          </button>
        )}
      </td>
    </tr>
  );
}

/** Browsers that scan. One that is lost is revoked; what it scanned stays on it until it may send again. */
function Phones({
  all,
  more,
  act,
}: {
  readonly all: readonly Phone[];
  readonly more: boolean;
  readonly act: Act;
}) {
  if (all.length === 0) return null;
  return (
    <section class="card" aria-labelledby="phones-title">
      <h2 id="phones-title">{words.users.phones}</h2>
      <p class="soft">{words.users.phonesWhat}</p>
      <div class="scroll">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">{words.users.phone}</th>
              <th scope="col">{words.users.enrolled}</th>
              <th scope="col">
                <span class="visually-hidden">{words.users.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((phone) => (
              <PhoneRow key={phone.gateway} phone={phone} act={act} />
            ))}
          </tbody>
        </table>
      </div>
      {more && <p class="soft">{words.users.morePhones}</p>}
    </section>
  );
}

function PhoneRow({ phone, act }: { readonly phone: Phone; readonly act: Act }) {
  const { gateway, label, enrolledAt, revokedAt } = phone;
  const revoked = revokedAt !== null;
  const word = revoked ? words.users.allowAgain : words.users.revoke;
  return (
    <tr class={revoked ? "soft" : undefined}>
      <th scope="row">
        <span class="mono">{gateway}</span> {label}
      </th>
      <td data-label={words.users.enrolled}>
        {revoked ? (
          <>
            {words.users.states["revoked"]} <Moment at={revokedAt} />
          </>
        ) : (
          <Moment at={enrolledAt} />
        )}
      </td>
      <td class="users-acts">
        <button
          type="button"
          class="button button-quiet"
          aria-label={`${word}: ${gateway}`}
          onClick={() => void act(tell("phones/changes", { gateway, revoked: !revoked }))}
        >
          {word}
        </button>
      </td>
    </tr>
  );
}

function AddForm({
  button,
  onAdd,
}: {
  readonly button: string;
  readonly onAdd: (name: string, role: Role) => Promise<void>;
}) {
  const field = useRef<HTMLInputElement>(null);
  const [role, setRole] = useState<Role>("viewer");
  const id = useId();

  function onSubmit(event: Event): void {
    event.preventDefault();
    const name = field.current?.value.trim() ?? "";
    if (field.current === null || name === "") return;
    field.current.value = "";
    void onAdd(name, role);
  }

  return (
    <form class="users-add" onSubmit={onSubmit}>
      <label for={`${id}-name`}>{words.users.newName}</label>
      <input
        id={`${id}-name`}
        ref={field}
        class="field"
        type="text"
        autoComplete="off"
        maxLength={64}
        required
      />
      <RoleChoice label={words.users.role} role={role} onChoose={setRole} />
      <button type="submit" class="button">
        {button}
      </button>
    </form>
  );
}

function RoleChoice({
  label,
  role,
  onChoose,
}: {
  readonly label: string;
  readonly role: Role;
  readonly onChoose: (role: Role) => void;
}) {
  return (
    <select
      class="field"
      aria-label={label}
      value={role}
      onChange={({ currentTarget: { value } }) => {
        const chosen = ROLES.find((one) => one === value);
        if (chosen !== undefined) onChoose(chosen);
      }}
    >
      {ROLES.map((one) => (
        <option key={one} value={one}>
          {words.roles[one]}
        </option>
      ))}
    </select>
  );
}
