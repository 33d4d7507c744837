/** What is kept and for how long, with what shows that it is so: since when, how much, what was lost. */
import { useAnswer, useNow } from "../ask.ts";
import { ask } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Notice, Unreachable } from "../parts/notice.tsx";
import { instantWord } from "../when.ts";

export function Retention() {
  const { value, unreachable } = useAnswer("retention", (signal) => ask("retention", {}, signal));
  const now = useNow(60_000);
  const text = words.register;
  return (
    <section class="card" aria-labelledby="retention">
      <h2 id="retention">{text.retention}</h2>
      <p>{text.retentionWhat}</p>
      {unreachable && <Unreachable old={value !== undefined} />}
      {value !== undefined && value.since !== null && (
        <p>{text.kept(value.events, instantWord(value.since, now))}</p>
      )}
      {value !== undefined && value.lost > 0 && (
        <Notice tone="warn" title={text.lost(value.lost)}>
          <a href="/gateways">{words.frame.gateways}</a>
        </Notice>
      )}
      {value !== undefined && value.lost === 0 && value.since !== null && <p>{text.nothingLost}</p>}
      {value !== undefined && value.quarantine.held > 0 && (
        <p>{text.quarantine(value.quarantine.held, value.quarantine.evicted)}</p>
      )}
    </section>
  );
}
