/** What a carrier said on the way, each with its time and place, the newest first. */
import { useNow } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { Instant } from "../parts/instant.tsx";
import { ThingLink } from "../parts/thing-link.tsx";
import type { CarrierCheckpoint, Holder } from "../twin-api.ts";
import { spaced } from "../words.ts";
import { EvidenceList } from "./evidence.tsx";

/** Carriers take these, and what is in them. */
export const CARRIED: ReadonlySet<string> = new Set(["page", "folder", "box", "envelope"]);

export function CarrierTrack({
  of,
  checkpoints,
}: {
  /** The key of the thing that is looked at. */
  readonly of: string;
  readonly checkpoints: readonly CarrierCheckpoint[];
}) {
  const now = useNow(10_000);
  if (checkpoints.length === 0) return null;
  return (
    <section class="card" aria-labelledby="carrier-track">
      <h2 id="carrier-track">{words.item.track}</h2>
      <ol class="track">
        {checkpoints.toReversed().map(({ time, status, place, of: carried, evidence }) => (
          <li key={`${carried.key} ${time} ${status} ${place}`}>
            <p>
              <Instant at={time} now={now} zoned />{" "}
              <b>{words.item.carrierSays[status] ?? spaced(status)}</b> {place}{" "}
              {carried.key !== of && (
                <span class="soft">
                  <ThingLink thing={carried} />
                </span>
              )}
            </p>
            <EvidenceList evidence={evidence} />
          </li>
        ))}
      </ol>
    </section>
  );
}

export function HeldBy({ holder: { who, since } }: { readonly holder: Holder }) {
  const now = useNow(10_000);
  return (
    <div>
      <dt>{words.item.heldBy}</dt>
      <dd>
        <ThingLink thing={who} />{" "}
        {since !== null && (
          <span class="soft">
            {words.item.heldSince} <Instant at={since} now={now} />
          </span>
        )}
      </dd>
    </div>
  );
}
