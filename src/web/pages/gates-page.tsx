/** What has to be where before a process may run, whether it is, until when, and what ran meanwhile. */
import { useEffect } from "preact/hooks";
import { useAnswer, useLast, useNews, useNow } from "../ask.ts";
import { useNames } from "../item/names.ts";
import { gates } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { Choices } from "../parts/choices.tsx";
import { Sign } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { Subject } from "../parts/subject.tsx";
import { addressOf, go, itemAddress } from "../route.ts";
import { serialOf } from "../thing.ts";
import type { Gate } from "../twin-api.ts";
import { instantInFull, instantWord, spanWord } from "../when.ts";
import { discrepancyWord } from "../words.ts";

/** Each gate is worked out from the chains of its thing. */
const REST_MS = 1_500;
const STATUSES = ["all", "blocked", "open"] as const;

export function GatesPage({ query }: { readonly query: URLSearchParams }) {
  const status = STATUSES.find((one) => one === query.get("status")) ?? "all";
  const asked = useAnswer(
    `gates ${status}`,
    (signal) => gates(status === "all" ? undefined : status, signal),
    { restMs: REST_MS },
  );
  const { again } = asked;
  const shown = useLast(asked.value);
  const names = useNames(shown?.gates.map(({ target }) => target) ?? []);
  useNews((news) => {
    const touched = ["moved", "seen", "correction", "statement"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  useEffect(() => {
    document.title = `${words.gates.title} · racktrace`;
  }, []);
  return (
    <div class="work">
      <h1>{words.gates.title}</h1>
      <div class="work-tools">
        <Choices
          label={words.gates.filter}
          all={STATUSES.map((one) => ({ value: one, word: words.gates.statuses[one] }))}
          chosen={status}
          onChoose={(next) => go(addressOf("/gates", { status: next }), "replace")}
        />
      </div>
      {asked.unreachable && <Unreachable old={shown !== undefined} />}
      {asked.refused && <Refused refusal={asked.refused} title={words.gates.cannot} />}
      {asked.value !== undefined && asked.value.gates.length === 0 && (
        <Notice tone="calm" title={words.gates.none}>
          <p>{words.gates.noneNext}</p>
        </Notice>
      )}
      {shown !== undefined && shown.gates.length > 0 && (
        <ul class="gates">
          {shown.gates.map((gate) => (
            <GateRow
              key={`${gate.name} ${gate.entity} ${gate.issued}`}
              gate={gate}
              target={names.get(gate.target) ?? serialOf(gate.target)}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

function GateRow({ gate, target }: { readonly gate: Gate; readonly target: string }) {
  const now = useNow(30_000);
  const { name, entity, status, since, deadline, cause, executions } = gate;
  return (
    <li class={`gate gate-${status}`}>
      <Sign name={status === "open" ? "opened" : "gates"} />
      <div class="gate-what">
        <p>
          <strong>{name}</strong> <span>{words.documents.gateStates[status]}</span>{" "}
          {since !== null && <span class="soft">{words.gates.since(instantWord(since, now))}</span>}
        </p>
        <p>
          <Subject subject={entity} /> <span class="soft">{words.gates.mustBe}</span>{" "}
          <a href={itemAddress(gate.target)}>{target}</a>
        </p>
        {cause.map(({ kind }) => (
          <p key={kind} class="gate-late">
            {discrepancyWord(kind).word}
          </p>
        ))}
        {executions.length > 0 && (
          <div class="gate-ran">
            <p class="soft">{words.gates.ran}</p>
            <ul>
              {executions.map((one) => (
                <li key={`${one.process} ${one.time}`}>
                  <b>{one.process}</b>
                  {one.time !== null && <Instant at={one.time} now={now} />}
                  <span class="soft">{one.by}</span>
                  {one.now === "blocked" && <span class="gate-wrongly">{words.gates.wrongly}</span>}
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
      {deadline !== null && status === "blocked" && (
        <p class="gate-when" title={`${words.gates.deadline}: ${instantInFull(deadline)}`}>
          <Remaining deadline={deadline} now={now} />
        </p>
      )}
    </li>
  );
}

function Remaining({ deadline, now }: { readonly deadline: string; readonly now: number }) {
  const leftMs = Date.parse(deadline) - now;
  if (leftMs >= 0) return <span class="soft">{words.gates.left(spanWord(leftMs))}</span>;
  return <span class="gate-late">{words.gates.late(spanWord(-leftMs))}</span>;
}
