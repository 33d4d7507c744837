/**
 * Where a thing is: the containers from the site down to the thing itself, one step in for each, and
 * how certain that is, with the evidence.
 */
import { words } from "../language/spoken.ts";
import { KindIcon, Sign } from "../parts/icon.tsx";
import { InstantAgo } from "../parts/instant.tsx";
import { type Axes, addressOf, itemAddress } from "../route.ts";
import { hasName, nameOf, serialOf } from "../thing.ts";
import type { Holder, Path, Thing, Where } from "../twin-api.ts";
import { certaintyWord, kindWord, nameSaysKind, spaced, stateWord } from "../words.ts";
import { HeldBy } from "./carrier-track.tsx";
import { CertaintyWord } from "./certainty.tsx";
import { EvidenceList } from "./evidence.tsx";

/** Places whose contents people count. */
const COUNTED = new Set(["shelf", "desk", "rack", "box"]);

export function Place({
  where,
  holder,
  axes,
}: {
  readonly where: Where;
  /** The carrier or person that has it. */
  readonly holder: Holder | null;
  readonly axes: Axes;
}) {
  const { path, lastKnown, state, certainty } = where;
  // Paths begin at a site; that a site is in no place says nothing about it.
  if (where.kind === "site" && path.length === 0) return null;
  return (
    <section class="card place" aria-labelledby="place">
      <h2 id="place">{axes.at === undefined ? words.item.whereIs : words.item.whereWas}</h2>
      <div class="place-body">
        {path.length > 0 || state === "placed" ? (
          <Stack path={path} thing={where} axes={axes} />
        ) : (
          <LastKnown lastKnown={lastKnown} thing={where} axes={axes} />
        )}
        <dl class="facts">
          <div>
            <dt>{words.item.certainty}</dt>
            <dd>
              <CertaintyWord certainty={certainty} />
              <p class="soft">{certaintyWord(certainty).why}</p>
            </dd>
          </div>
          <div>
            <dt>{words.item.state}</dt>
            <dd class={`state-${state}`}>{stateWord(state)}</dd>
          </div>
          {holder !== null && <HeldBy holder={holder} />}
          <Fact word={words.item.since} at={where.since} />
          <Fact word={words.item.seen} at={where.lastSeen} />
          {where.tracking !== null && (
            <div>
              <dt>{words.item.tracking}</dt>
              <dd class="mono">{where.tracking}</dd>
            </div>
          )}
          {where.checkpoint !== null && (
            <div>
              <dt>{words.item.checkpoint}</dt>
              <dd>{spaced(where.checkpoint)}</dd>
            </div>
          )}
        </dl>
      </div>
      <p class="place-ways">
        {path.length > 0 && (
          <a class="button" href={addressOf("/map", { find: where.key })}>
            <Sign name="map" />
            {words.map.show}
          </a>
        )}
        {COUNTED.has(where.kind) && (
          <a class="button" href={addressOf("/count", { id: where.key })}>
            <Sign name="count" />
            {words.count.this}
          </a>
        )}
      </p>
      <EvidenceList evidence={where.evidence} />
    </section>
  );
}

function Fact({ word, at }: { readonly word: string; readonly at: string | null }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        {at === null ? <span class="soft">{words.item.notKnown}</span> : <InstantAgo at={at} />}
      </dd>
    </div>
  );
}

function LastKnown({
  lastKnown,
  thing,
  axes,
}: {
  readonly lastKnown: Path | null;
  readonly thing: Thing;
  readonly axes: Axes;
}) {
  if (lastKnown === null || lastKnown.length === 0) return <p>{words.item.neverSeen}</p>;
  return (
    <div>
      <p class="place-unknown">{words.item.lastKnown}</p>
      <Stack path={lastKnown} thing={thing} axes={axes} faded />
    </div>
  );
}

function Stack({
  path,
  thing,
  axes,
  faded = false,
}: {
  readonly path: Path;
  readonly thing: Thing;
  readonly axes: Axes;
  readonly faded?: boolean;
}) {
  return (
    <ol class={faded ? "stack stack-faded" : "stack"} aria-label={words.item.fromSite}>
      {path.toReversed().map((container) => (
        <li key={container.key}>
          <a href={itemAddress(container.key, axes)}>
            <Level thing={container} />
          </a>
        </li>
      ))}
      <li class="stack-self" aria-current="true">
        <span>
          <Level thing={thing} />
        </span>
      </li>
    </ol>
  );
}

function Level({ thing }: { readonly thing: Thing }) {
  return (
    <>
      <span class="stack-icon">
        <KindIcon kind={thing.kind} />
      </span>
      <span class={nameSaysKind(thing) ? "visually-hidden" : "stack-kind"}>
        {kindWord(thing.kind)}
      </span>
      <b class={hasName(thing) ? undefined : "mono"}>{nameOf(thing)}</b>
      {hasName(thing) && <span class="mono soft">{serialOf(thing.key)}</span>}
    </>
  );
}
