/** How closely documents of each class are followed, and since when. */
import { useAnswer, useLast, useNow } from "../ask.ts";
import { ask } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import { Refused } from "../parts/notice.tsx";
import { addressOf } from "../route.ts";
import type { DocumentClass } from "../twin-api.ts";

/** `since`: the twin has had something new to say of them since this position. */
export function Levels({ isList, since }: { readonly isList: boolean; readonly since: number }) {
  const asked = useAnswer(`classes ${since}`, (signal) => ask("register/classes", {}, signal));
  const value = useLast(asked.value);
  const { refused } = asked;
  const text = words.register;
  if (refused) return <Refused refusal={refused} title={text.cannot} />;
  if (value === undefined) return null;
  return (
    <div class="card">
      <h2>{text.levels}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys too. */}
      <section class="table-scroll" aria-label={text.levels} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.columns["class"]}</th>
              <th scope="col">{text.level}</th>
              <th scope="col">{text.issuedSince}</th>
            </tr>
          </thead>
          <tbody>
            {[...value.classes, value.others].map((one) => (
              <Row key={one.class} of={one} />
            ))}
          </tbody>
        </table>
      </section>
      <p class="soft">
        {text.levelsWhere}{" "}
        {!isList && (
          <a href={addressOf("/register", { list: "documentClasses" })}>
            {text.names.documentClasses}
          </a>
        )}
      </p>
    </div>
  );
}

function Row({ of: { class: kind, name, level, levels } }: { readonly of: DocumentClass }) {
  const now = useNow(60_000);
  const word = (one: keyof typeof words.documents.levels) => words.documents.levels[one];
  const later = levels.filter(({ from }) => from !== null);
  return (
    <tr>
      <th scope="row">
        {kind === "*" ? words.register.otherClasses : kind}
        {name !== null && <span class="soft"> {name}</span>}
      </th>
      <td>{word(level)}</td>
      <td>
        {later.length === 0
          ? words.time.always
          : later.map(({ level: then, from }) => (
              <span key={from} class="levels-step">
                {word(then)}: <Instant at={from ?? ""} now={now} />{" "}
              </span>
            ))}
      </td>
    </tr>
  );
}
