/**
 * Takes back the last step of a thing: its event is declared void. The event stays in the evidence;
 * what followed from it is worked out anew.
 */
import { useNow } from "../ask.ts";
import type { Deeds } from "../deeds.ts";
import type { Reply } from "../http.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { Sign } from "../parts/icon.tsx";
import { PathWords } from "../parts/path-words.tsx";
import { ReasonDialog } from "../parts/reason-dialog.tsx";
import { useMay } from "../session.ts";
import type { Move, Thing } from "../twin-api.ts";
import { instantWord } from "../when.ts";
import { stepWord, thingWord } from "../words.ts";

export function Undo({
  thing,
  history,
  deeds,
}: {
  readonly thing: Thing;
  readonly history: Reply<"history">;
  readonly deeds: Deeds;
}) {
  const [asked, ask] = useAsked<Move>();
  const now = useNow(60_000);
  const mayVoid = useMay("archivist");
  const last = history.moves.at(-1);
  // What a register says has no moment of its own, and is no step of anybody's.
  if (last === undefined || last.from === null || last.evidence[0] === undefined) return null;
  if (!mayVoid) return null;
  return (
    <>
      <button type="button" class="button undo" onClick={() => ask(last)}>
        <Sign name="undo" />
        {words.undo.button}
      </button>
      {asked !== undefined && (
        <ReasonDialog
          key={asked.key}
          title={words.undo.title}
          suggestions={words.undo.reasons}
          confirm={words.undo.confirm}
          onClose={asked.leave}
          onConfirm={({ reason, by }) => {
            const [cited] = asked.about.evidence;
            asked.leave();
            if (cited === undefined) return;
            const { gateway, epoch, seq } = cited;
            deeds.state({
              about: thing.key,
              title: words.undo.done(thingWord(thing)),
              path: "voids",
              body: { gateway, epoch, seq, reason, by },
            });
          }}
        >
          <p>
            <b>{asked.about.bizStep && stepWord(asked.about.bizStep)}</b>{" "}
            {asked.about.from !== null && instantWord(asked.about.from, now)}{" "}
            <PathWords path={asked.about.path} levels={2} />
          </p>
          <p class="soft">{words.undo.what}</p>
        </ReasonDialog>
      )}
    </>
  );
}
