/**
 * Why an answer changed: what was said at two moments of knowledge, and what the twin heard, or took
 * back, between them.
 */
import { useAnswer, useNow } from "../ask.ts";
import { nowMs } from "../clock.ts";
import { why } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { Refused, Unreachable } from "../parts/notice.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import type { Axes } from "../route.ts";
import type { Where, WhyReason } from "../twin-api.ts";
import { fromLocalInput, instantWord, toLocalInput } from "../when.ts";
import { stateWord, stepWord } from "../words.ts";
import { CertaintyWord } from "./certainty.tsx";
import { EvidenceList } from "./evidence.tsx";

const HOUR_MS = 3_600_000;
const SPANS = [
  ["hourAgo", HOUR_MS],
  ["dayAgo", 24 * HOUR_MS],
  ["weekAgo", 7 * 24 * HOUR_MS],
] as const;

/**
 * `since`: knowledge of before then is compared with that of `axes`; closed without it. `usual`: what
 * is compared first, an hour ago when nothing suggests itself.
 */
export function Why({
  id,
  axes,
  since,
  usual,
  onSince,
}: {
  readonly id: string;
  readonly axes: Axes;
  readonly since: string | undefined;
  readonly usual: string | undefined;
  readonly onSince: (since: string | undefined) => void;
}) {
  return (
    <details
      class="card why"
      open={since !== undefined}
      onToggle={(event) => {
        const { open } = event.currentTarget;
        if (open && since === undefined)
          onSince(usual ?? new Date(nowMs() - HOUR_MS).toISOString());
        if (!open && since !== undefined) onSince(undefined);
      }}
    >
      <summary>
        <h2>{words.why.title}</h2>
      </summary>
      {since !== undefined && (
        <>
          <Chooser since={since} axes={axes} onSince={onSince} />
          <Reasons id={id} axes={axes} since={since} />
        </>
      )}
    </details>
  );
}

function Chooser({
  since,
  axes: { asKnownAt },
  onSince,
}: {
  readonly since: string;
  readonly axes: Axes;
  readonly onSince: (since: string) => void;
}) {
  const now = useNow(10_000);
  return (
    <div class="why-when">
      <label>
        {words.why.from}{" "}
        <input
          type="datetime-local"
          step="1"
          value={toLocalInput(Date.parse(since))}
          onChange={(event) => {
            const chosen = fromLocalInput(event.currentTarget.value);
            if (chosen !== undefined) onSince(chosen);
          }}
        />
      </label>
      <span>
        {words.why.to}{" "}
        <b>{asKnownAt === undefined ? words.why.now : instantWord(asKnownAt, now)}</b>
      </span>
      <span class="why-spans">
        {SPANS.map(([word, ms]) => (
          <button
            key={word}
            type="button"
            class="button button-quiet"
            onClick={() => onSince(new Date(nowMs() - ms).toISOString())}
          >
            {words.why[word]}
          </button>
        ))}
      </span>
    </div>
  );
}

function Reasons({
  id,
  axes: { at, asKnownAt },
  since,
}: {
  readonly id: string;
  readonly axes: Axes;
  readonly since: string;
}) {
  const question = { at, asKnownAt1: since, asKnownAt2: asKnownAt };
  const { value, refused, unreachable } = useAnswer(
    `why ${id} ${at} ${since} ${asKnownAt}`,
    (signal) => why(id, question, signal),
  );
  if (refused) return <Refused refusal={refused} title={words.find.notFound} />;
  if (value === undefined) return unreachable ? <Unreachable old={false} /> : null;
  if (!value.changed && value.reasons.length === 0) return <p class="soft">{words.why.same}</p>;
  return (
    <>
      {value.changed ? (
        <dl class="why-answers">
          <Said word={words.why.before} said={value.before} />
          <Said word={words.why.after} said={value.after} />
        </dl>
      ) : (
        <p class="soft">{words.why.same}</p>
      )}
      <ol class="why-reasons">
        {value.reasons.map((reason) => (
          <Reason key={nameOf(reason)} reason={reason} />
        ))}
      </ol>
      {value.more && <p class="soft">{words.why.more}</p>}
    </>
  );
}

function Said({ word, said }: { readonly word: string; readonly said: Where }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        {said.path.length > 0 ? (
          <PathWords path={said.path} levels={3} />
        ) : (
          <span>{stateWord(said.state)}</span>
        )}{" "}
        <CertaintyWord certainty={said.certainty} />
      </dd>
    </div>
  );
}

function Reason({ reason }: { readonly reason: WhyReason }) {
  const now = useNow(60_000);
  const { change, thing, parent, bizStep, time, knownFrom, evidence, voided } = reason;
  return (
    <li class={`why-${change}`}>
      <Sign name={change === "learned" ? "plus" : "minus"} />
      <div>
        <p>
          <b>{change === "learned" ? words.why.learned : words.why.withdrawn}</b>{" "}
          {time !== null && <Instant at={time} now={now} />} {bizStep && stepWord(bizStep)}{" "}
          <ThingLink thing={thing} />{" "}
          {parent === null ? (
            <span class="soft">{words.why.nowhere}</span>
          ) : (
            <>
              <span class="soft">{words.why.wasIn}</span> <ThingLink thing={parent} />
            </>
          )}
        </p>
        {voided !== null && <p class="why-void">{words.why.voided(voided.reason)}</p>}
        {knownFrom !== null && <p class="soft">{words.why.heardAt(instantWord(knownFrom, now))}</p>}
        <EvidenceList evidence={[evidence]} />
      </div>
    </li>
  );
}

function nameOf({ change, thing, evidence: { gateway, epoch, seq } }: WhyReason): string {
  return `${change} ${thing.key} ${gateway} ${epoch} ${seq}`;
}
