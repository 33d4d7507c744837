/** What was scanned here, the newest first, each with how far it has come. */
import { nowMs } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { KindIcon, Sign } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { reasonWord } from "../words.ts";
import type { CodeClass } from "./code.ts";
import type { Mark, ShownScan } from "./told.ts";

const KINDS = {
  page: "page",
  asset: "box",
  envelope: "envelope",
  place: "shelf",
  person: "person",
  command: "scanner",
  other: "unknown",
} as const satisfies Readonly<Record<CodeClass, string>>;

const SIGNS = {
  read: "ring",
  kept: "pause",
  saved: "done",
  judged: "done",
  lost: "alert",
} as const satisfies Readonly<Record<Mark, string>>;

const SHOWN_MAX = 60;

export function ScanList({ scans }: { readonly scans: readonly ShownScan[] }) {
  return (
    <ol class="scan-list" aria-label={words.scan.latest} aria-live="polite">
      {scans.slice(0, SHOWN_MAX).map((scan) => (
        <Row key={scan.id} scan={scan} />
      ))}
    </ol>
  );
}

function Row({ scan: { mark, name, timeMs, verdict } }: { readonly scan: ShownScan }) {
  const odd = verdict !== undefined && verdict.kind !== "accepted";
  const look = odd ? "odd" : mark;
  const reason = odd ? reasonWord(verdict.reason) : undefined;
  return (
    <li class={`scan-row scan-${look}`} data-mark={mark}>
      <span class="scan-mark">
        <Sign name={odd ? "alert" : SIGNS[mark]} />
        {words.scan.marks[odd ? "odd" : mark]}
      </span>
      <span class="scan-name">
        <KindIcon kind={KINDS[name.class]} />
        <span class="soft">{words.scan.classes[name.class]}</span> <b>{shown(name)}</b>
      </span>
      <span class="soft">
        <Instant at={new Date(timeMs).toISOString()} now={nowMs()} />
      </span>
      {reason !== undefined && (
        <span class="scan-reason" lang={reason.lang}>
          {reason.word}
        </span>
      )}
    </li>
  );
}

function shown({ class: kind, name }: ShownScan["name"]): string {
  if (kind === "command") return words.live.commands[commandOf(name)] ?? name;
  return name.replaceAll("\u001d", "\u241d");
}

/** As the live page names them: "STEP:storing" is the command "step". */
function commandOf(name: string): string {
  return name.split(":")[0]?.toLowerCase() ?? "";
}
