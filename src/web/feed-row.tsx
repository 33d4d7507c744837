/** One row of the feed: when, what, and where from or to; the device that said so at the end. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { shownScan } from "./barcode-text.ts";
import { nowMs } from "./clock.ts";
import type { FeedRow } from "./feed.ts";
import { words } from "./language/spoken.ts";
import type {
  Alarmed,
  Corrected,
  Found,
  Moved,
  Read,
  Scanned,
  Seen,
  Stated,
  Told,
} from "./live-event.ts";
import { CertaintyIcon, KindIcon, Sign } from "./parts/icon.tsx";
import { Instant } from "./parts/instant.tsx";
import { PathWords } from "./parts/path-words.tsx";
import { Subject } from "./parts/subject.tsx";
import { ThingLink } from "./parts/thing-link.tsx";
import type { Where } from "./twin-api.ts";
import { lastedWord } from "./when.ts";
import {
  allowedWord,
  certaintyWord,
  countWord,
  deviceWord,
  discrepancyWord,
  propertyWord,
  reasonWord,
  spaced,
  valueWord,
} from "./words.ts";

/** A row is drawn once: of two hundred, one event changes one or two. */
export function FeedRowView({ row }: { readonly row: FeedRow }) {
  return useMemo(() => <Drawn row={row} />, [row]);
}

function Drawn({ row }: { readonly row: FeedRow }) {
  switch (row.kind) {
    case "gap":
      return <li class="feed-gap">{words.live.missed(row.why)}</li>;
    case "readings":
      return <Readings count={row.count} latest={row.latest} />;
    case "event":
      switch (row.event.kind) {
        case "moved":
          return <MovedRow event={row.event} />;
        case "seen":
          return <SeenRow event={row.event} />;
        case "scan":
          return <ScanRow event={row.event} />;
        case "discrepancy":
          return <FoundRow event={row.event} />;
        case "correction":
          return <CorrectedRow event={row.event} />;
        case "statement":
          return <StatedRow event={row.event} />;
        case "device":
          return <ToldRow event={row.event} />;
        case "alarm":
          return <AlarmRow event={row.event} />;
      }
  }
}

function Row({
  look,
  time,
  source,
  children,
}: {
  readonly look: string;
  readonly time: string;
  readonly source: string;
  readonly children: ComponentChildren;
}) {
  return (
    <li class={`feed-row feed-${look}`}>
      <span class="feed-time">
        <Instant at={time} now={nowMs()} />
      </span>
      <div class="feed-what">{children}</div>
      <span class="feed-source soft">{source}</span>
    </li>
  );
}

function MovedRow({
  event: { time, where, scanner, note, suspectedRepeat },
}: {
  readonly event: Moved;
}) {
  const certainty = certaintyWord(where.certainty);
  return (
    <Row look="moved" time={time} source={scanner ?? gatewayOf(where)}>
      <span class="feed-mark" title={`${certainty.word}. ${certainty.why}`}>
        <CertaintyIcon certainty={where.certainty} />
        <span class="visually-hidden">{certainty.word}</span>
      </span>
      <ThingLink thing={where} />
      <Sign name="arrow" />
      <span class="visually-hidden">{words.live.movedTo}</span>
      <PathWords path={where.path} levels={3} />
      {note !== undefined && <Reason reason={note} />}
      {suspectedRepeat && <Suspicion />}
    </Row>
  );
}

function SeenRow({ event: { time, where, scanner, suspectedRepeat } }: { readonly event: Seen }) {
  return (
    <Row look="seen" time={time} source={scanner ?? gatewayOf(where)}>
      <ThingLink thing={where} />
      <span class="feed-verb">{words.live.seenIn}</span>
      <PathWords path={where.path} levels={2} />
      {suspectedRepeat && <Suspicion />}
    </Row>
  );
}

function ScanRow({ event }: { readonly event: Scanned }) {
  const { time, scanner, thing, code, why, understood, suspectedRepeat } = event;
  return (
    <Row look={understood ? "scan" : "problem"} time={time} source={scanner}>
      {thing === null ? <code class="raw">{shownScan(code)}</code> : <ThingLink thing={thing} />}
      {understood || why === null ? (
        <span class="feed-verb">{words.live.commands[why ?? ""] ?? why ?? words.live.scanned}</span>
      ) : (
        <Reason reason={why} look="feed-verb" />
      )}
      {suspectedRepeat && <Suspicion />}
    </Row>
  );
}

function FoundRow({ event: { time, discrepancy } }: { readonly event: Found }) {
  return (
    <Row look={`found-${discrepancy.severity}`} time={time} source="">
      <Sign name="alert" />
      <span class="feed-verb">{discrepancyWord(discrepancy.kind).word}</span>
      <Subject subject={discrepancy.subject} />
      <Reason reason={discrepancy.reason} />
    </Row>
  );
}

function Reason({
  reason,
  look = "feed-note",
}: {
  readonly reason: string;
  readonly look?: string;
}) {
  const { word, lang } = reasonWord(reason);
  return (
    <span class={look} lang={lang}>
      {word}
    </span>
  );
}

function CorrectedRow({ event: { time, where } }: { readonly event: Corrected }) {
  return (
    <Row look="corrected" time={time} source="">
      <Sign name="undo" />
      <ThingLink thing={where} axes={{ at: time, asKnownAt: undefined }} />
      <span class="feed-verb">{words.live.wasCorrected}</span>
      <PathWords path={where.path} levels={3} />
    </Row>
  );
}

function StatedRow({ event }: { readonly event: Stated }) {
  const { time, what, action, about, by, reason } = event;
  const verbs = words.live.stated as Readonly<Record<string, string>>;
  return (
    <Row look="stated" time={time} source={by ?? ""}>
      <Sign name="done" />
      <span class="feed-verb">{verbs[action ?? what] ?? spaced(what)}</span>
      <Subject subject={about} />
      {reason !== null && <span class="soft">{reason}</span>}
    </Row>
  );
}

function ToldRow({ event: { time, gateway, device, state, reason } }: { readonly event: Told }) {
  const works = state === "open";
  return (
    <Row look={works ? "stated" : "problem"} time={time} source={gateway}>
      <Sign name={works ? "done" : "alert"} />
      <span class="mono">{device}</span>
      <span class="feed-verb">{deviceWord(state)}</span>
      {reason !== "" && (
        <span class="soft" lang="en">
          {reason}
        </span>
      )}
    </Row>
  );
}

function AlarmRow({ event }: { readonly event: Alarmed }) {
  const { time, since, gateway, device, property, unit, state, value, range } = event;
  const begun = state === "begun";
  const lastedMs = Date.parse(time) - Date.parse(since);
  return (
    <Row look={begun ? "problem" : "stated"} time={time} source={gateway}>
      <Sign name={begun ? "alert" : "done"} />
      <a class="reading" href={seriesAddress(event)}>
        <span class="soft">
          {device} {propertyWord(property).toLowerCase()}
        </span>{" "}
        <b>{valueWord(value, unit, property)}</b>
      </a>
      <span class="feed-verb">
        {range === null
          ? words.live.alarmLifted
          : begun
            ? words.sensors.allowed(allowedWord(range, unit, property))
            : words.live.alarmEnded(lastedWord(lastedMs))}
      </span>
    </Row>
  );
}

function seriesAddress({ device, property }: Pick<Read, "device" | "property">): string {
  return `/sensors?device=${encodeURIComponent(device)}&property=${encodeURIComponent(property)}`;
}

function Suspicion() {
  return <span class="feed-note">{words.live.suspectedRepeat}</span>;
}

function gatewayOf({ evidence }: Where): string {
  return evidence[0]?.gateway ?? "";
}

function Readings({ count, latest }: { readonly count: number; readonly latest: readonly Read[] }) {
  const time = latest[0]?.time;
  if (time === undefined) return null;
  return (
    <Row look="readings" time={time} source={`${countWord(count)}×`}>
      <KindIcon kind="sensor" />
      {latest.map(({ device, property, value, unit }) => (
        <a key={`${device} ${property}`} class="reading" href={seriesAddress({ device, property })}>
          <span class="soft">
            {device} {propertyWord(property).toLowerCase()}
          </span>{" "}
          <b>{valueWord(value, unit, property)}</b>
        </a>
      ))}
    </Row>
  );
}
