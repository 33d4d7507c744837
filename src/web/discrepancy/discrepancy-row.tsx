/** One discrepancy: what it is in plain words, about what, since when, why, and how it was settled. */
import { useNow } from "../ask.ts";
import type { Deed } from "../deeds.ts";
import { EvidenceList } from "../item/evidence.tsx";
import { words } from "../language/spoken.ts";
import { DeedMark } from "../parts/deed-list.tsx";
import { Instant, InstantAgo } from "../parts/instant.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { SeverityMark } from "../parts/severity.tsx";
import { Subject } from "../parts/subject.tsx";
import { addressOf } from "../route.ts";
import { useMay } from "../session.ts";
import type { Discrepancy } from "../twin-api.ts";
import { discrepancyWord, reasonWord } from "../words.ts";
import { Way } from "./way.tsx";

export function DiscrepancyRow({
  discrepancy,
  about,
  deed,
  onAct,
  chosen,
  onChoose,
}: {
  readonly discrepancy: Discrepancy;
  readonly about: "each" | "one";
  /** What this person is doing about it. */
  readonly deed: Deed | undefined;
  readonly onAct: (act: "acknowledge" | "resolve" | "undo" | "assign") => void;
  /** Undefined: it is none of those that can be chosen together. */
  readonly chosen: boolean | undefined;
  readonly onChoose: () => void;
}) {
  const { kind, severity, subject, since, reason, evidence } = discrepancy;
  const { acknowledged, assigned, resolved } = discrepancy;
  const { word, next } = discrepancyWord(kind);
  const text = words.discrepancies;
  const named = `${word} ${subject}`;
  const mayNote = useMay("operator");
  const maySettle = useMay("archivist");
  return (
    <li class={resolved === null ? "discrepancy" : "discrepancy discrepancy-settled"}>
      <span class="discrepancy-mark">
        {chosen !== undefined && (
          <input
            type="checkbox"
            aria-label={text.choose(named)}
            checked={chosen}
            onChange={onChoose}
          />
        )}
        <SeverityMark severity={severity} />
      </span>
      <div class="discrepancy-what">
        <p class="discrepancy-head">
          <strong>{word}</strong> {about === "each" && <Subject subject={subject} />}
          <span class="discrepancy-since soft">
            {since === "" ? words.time.always : <InstantAgo at={since} />}
          </span>
        </p>
        {about === "each" && <Whereabouts of={discrepancy} />}
        <p class="discrepancy-why">
          <Reason reason={reason} /> {resolved === null && next}
        </p>
        {resolved === null ? (
          acknowledged !== null && (
            <p class="discrepancy-noted">
              {text.acknowledged(acknowledged.by)}
              {acknowledged.reason && `: ${acknowledged.reason}`}
            </p>
          )
        ) : (
          <Settled resolved={resolved} />
        )}
        {resolved === null && assigned !== null && (
          <p class="discrepancy-noted">
            {words.assigning.isFor}{" "}
            <a href={addressOf("/discrepancies", { assignee: assigned.to })}>{assigned.to}</a>
          </p>
        )}
        <EvidenceList evidence={evidence} />
      </div>
      <div class="discrepancy-acts">
        {deed !== undefined && deed.phase !== "done" ? (
          <span class="discrepancy-waits soft">
            <DeedMark phase={deed.phase} />
            {words.deeds[deed.phase]}
          </span>
        ) : resolved === null ? (
          <>
            <Way of={discrepancy} about={about} />
            {acknowledged === null && mayNote && (
              <button
                type="button"
                class="button button-quiet"
                aria-label={`${text.acknowledge}: ${named}`}
                onClick={() => onAct("acknowledge")}
              >
                {text.acknowledge}
              </button>
            )}
            {mayNote && (
              <button
                type="button"
                class="button button-quiet"
                aria-label={`${words.assigning.assign}: ${named}`}
                onClick={() => onAct("assign")}
              >
                {words.assigning.assign}
              </button>
            )}
            {maySettle && (
              <button
                type="button"
                class="button"
                aria-label={`${text.resolve}: ${named}`}
                onClick={() => onAct("resolve")}
              >
                {text.resolve}
              </button>
            )}
          </>
        ) : (
          resolved.statement !== null &&
          maySettle && (
            <button
              type="button"
              class="button button-quiet"
              aria-label={`${text.undo}: ${named}`}
              onClick={() => onAct("undo")}
            >
              {text.undo}
            </button>
          )
        )}
      </div>
    </li>
  );
}

/** The place that it is about, else the gateway that told of it. */
function Whereabouts({ of: { place, evidence } }: { readonly of: Discrepancy }) {
  const text = words.discrepancies.where;
  if (place !== null)
    return (
      <p>
        <span class="soft">{place.last ? text.last : text.now}</span>{" "}
        <PathWords path={place.path} levels={3} />
      </p>
    );
  const gateway = evidence[0]?.gateway;
  if (gateway === undefined || gateway === STATED) return null;
  return (
    <p>
      <span class="soft">{text.gateway}</span> <span class="mono">{gateway}</span>
    </p>
  );
}

/** The numbering of what people and systems state: no gateway stands anywhere for it. */
const STATED = "twin";

function Reason({ reason }: { readonly reason: string }) {
  const { word, lang } = reasonWord(reason);
  return (
    <span class="soft" lang={lang}>
      {word}.
    </span>
  );
}

function Settled({ resolved }: { readonly resolved: NonNullable<Discrepancy["resolved"]> }) {
  const now = useNow(60_000);
  const { by, person, reason, time } = resolved;
  const said = words.discrepancies.resolvedBy;
  return (
    <p class="discrepancy-how">
      {by === "human" ? said.human(person ?? "") : (said[by] ?? by)}
      {by === "human" && `: ${reason}`}{" "}
      {time !== null && (
        <span class="soft">
          <Instant at={time} now={now} />
        </span>
      )}
    </p>
  );
}
