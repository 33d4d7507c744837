/**
 * The events an answer rests on: named as the twin names them, with what was read, as it was taken
 * in. The raw text is asked for when somebody looks.
 */
import { useState } from "preact/hooks";
import { event } from "../api.ts";
import { useAnswer, useNow } from "../ask.ts";
import { shownScan } from "../barcode-text.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import type { Evidence, TakenIn } from "../twin-api.ts";
import { countWord, spaced } from "../words.ts";

export function EvidenceList({ evidence }: { readonly evidence: readonly Evidence[] }) {
  const [open, setOpen] = useState(false);
  if (evidence.length === 0) return null;
  return (
    <details class="evidence" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.evidence.title(evidence.length)}</summary>
      <ul>
        {evidence.map((one) => (
          <li key={`${one.gateway} ${one.epoch} ${one.seq}`}>
            {open && <Raw cited={one} />}
            <Name cited={one} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Name({ cited }: { readonly cited: Evidence }) {
  const { gateway, epoch, seq, position, time } = cited;
  const now = useNow(60_000);
  return (
    <p class="soft">
      <Instant at={time} now={now} zoned /> <span class="mono">{gateway}</span>{" "}
      <span class="mono" title={`${words.evidence.epoch} ${epoch}`}>
        {epoch.slice(0, 8)}
      </span>{" "}
      {words.evidence.seq} <span class="mono">{countWord(seq)}</span>, {words.evidence.position}{" "}
      <span class="mono">{countWord(position)}</span>
    </p>
  );
}

function Raw({ cited }: { readonly cited: Evidence }) {
  const { gateway, epoch, seq } = cited;
  const asked = useAnswer(`event ${gateway} ${epoch} ${seq}`, (signal) => event(cited, signal));
  if (asked.refused) return <p class="soft">{words.evidence.notHere}</p>;
  return (
    <>
      <p class="raw">{asked.value === undefined ? "…" : textOf(asked.value)}</p>
      {asked.value?.scan?.suspectedRepeat && <p class="soft">{words.live.suspectedRepeat}</p>}
    </>
  );
}

function textOf({ scan, statement, device, problem }: TakenIn): string {
  if (scan !== undefined) return `${shownScan(scan.text)}${device ? `  ${device}` : ""}`;
  if (statement !== undefined) return `${spaced(statement.kind)} ${statement.json}`;
  return problem ?? words.evidence.unreadable;
}
