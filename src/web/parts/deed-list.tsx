/**
 * What this person did lately, each with a mark of three states: on its way, saved, judged. The last
 * one comes only when what is shown reflects it.
 */
import { useState } from "preact/hooks";
import type { Deed, Deeds, Statement } from "../deeds.ts";
import { words } from "../language/spoken.ts";
import { useMay } from "../session.ts";
import type { EventName } from "../twin-api.ts";
import { ReasonDialog } from "./reason-dialog.tsx";

/** A deed whose `path` is this takes another one back; it has no taking back of its own. */
const VOIDS = "voids";
const SHOWN_MAX = 6;

export function DeedList({ deeds }: { readonly deeds: Deeds }) {
  const [taking, setTaking] = useState<{ readonly deed: Deed; readonly name: EventName }>();
  const mayVoid = useMay("archivist");
  if (deeds.all.length === 0) return null;
  return (
    <section class="deeds" aria-label={words.deeds.label}>
      <ul aria-live="polite">
        {deeds.all.slice(0, SHOWN_MAX).map((deed) => (
          <li key={deed.n} class={`deed deed-${deed.phase}`}>
            <DeedMark phase={deed.phase} />
            <span class="deed-what">{deed.title}</span>
            <span class="deed-phase soft">
              {words.deeds[deed.phase]}
              {deed.phase === "refused" && (
                <>
                  : <span lang="en">{deed.refusal.detail}</span>
                </>
              )}
            </span>
            {deed.phase === "done" &&
              deed.path !== VOIDS &&
              mayVoid &&
              !isTakenBack(deed, deeds) && (
                <button
                  type="button"
                  class="button button-quiet"
                  aria-label={`${words.deeds.undo}: ${deed.title}`}
                  onClick={() => setTaking({ deed, name: deed.recorded })}
                >
                  {words.deeds.undo}
                </button>
              )}
          </li>
        ))}
        {deeds.all.length > SHOWN_MAX && (
          <li class="deed soft">{words.deeds.more(deeds.all.length - SHOWN_MAX)}</li>
        )}
      </ul>
      {taking !== undefined && (
        <ReasonDialog
          title={words.discrepancies.undoTitle}
          suggestions={words.discrepancies.undoReasons}
          confirm={words.discrepancies.undoConfirm}
          onClose={() => setTaking(undefined)}
          onConfirm={({ reason, by }) => {
            const { deed, name } = taking;
            deeds.state(takingBack(name, deed.title, { reason, by }));
            setTaking(undefined);
          }}
        >
          <p>{taking.deed.title}</p>
          <p class="soft">{words.discrepancies.undoWhat}</p>
        </ReasonDialog>
      )}
    </section>
  );
}

/** The statement that a statement is void. */
export function takingBack(
  { gateway, epoch, seq }: EventName,
  title: string,
  { reason, by }: { readonly reason: string; readonly by: string },
): Statement & { readonly path: typeof VOIDS } {
  return {
    about: `${gateway} ${epoch} ${seq}`,
    title: words.deeds.undone(title),
    path: VOIDS,
    body: { gateway, epoch, seq, reason, by },
  };
}

export function DeedMark({ phase }: { readonly phase: Deed["phase"] }) {
  return (
    <svg class={`deed-mark deed-mark-${phase}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" />
      {phase === "saved" && <path class="full" d="M8 1.750a6.25 6.25 0 0 0 0 12.500z" />}
      {phase === "done" && <path d="M5 8.250 7.250 10.500 11.250 5.750" />}
      {(phase === "refused" || phase === "unsent") && <path d="M8 4.750v4M8 11.100v.1" />}
    </svg>
  );
}

function isTakenBack(deed: Deed, { all }: Deeds): boolean {
  if (deed.phase !== "done") return false;
  const { gateway, epoch, seq } = deed.recorded;
  return all.some(
    ({ about, phase }) => about === `${gateway} ${epoch} ${seq}` && phase !== "refused",
  );
}
