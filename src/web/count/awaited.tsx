/**
 * How sure the result of the last count is: why it says nothing of what is missing, or which gateways
 * may still tell where something went. A person who knows that a gateway has nothing more can say so.
 */
import { useEffect } from "preact/hooks";
import { useAnswer, useNews } from "../ask.ts";
import { nowMs } from "../clock.ts";
import { useDeeds } from "../deeds.ts";
import type { Answer } from "../http.ts";
import { discrepancies } from "../judgements.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { DeedList } from "../parts/deed-list.tsx";
import { Notice } from "../parts/notice.tsx";
import { ReasonDialog } from "../parts/reason-dialog.tsx";
import { useMay } from "../session.ts";
import { reasonWord } from "../words.ts";

const REST_MS = 1_000;
const LIMIT = 200;
const PAGES_MAX = 20;

type Sureness = {
  readonly position: number;
  readonly inconclusive: readonly string[];
  readonly gateways: readonly string[];
};

export function Awaited({
  id,
  missing,
  position,
}: {
  readonly id: string;
  readonly missing: ReadonlySet<string>;
  readonly position: number;
}) {
  const asked = useAnswer(
    `how sure ${id} ${[...missing].join(" ")}`,
    (signal) => surenessOf(id, missing, signal),
    { restMs: REST_MS },
  );
  const { value, again } = asked;
  const deeds = useDeeds(value?.position, again);
  const maySay = useMay("archivist");
  const [saying, say] = useAsked<string>();
  useNews((news) => {
    const touched = ["discrepancy", "statement", "correction"];
    if (news.kind === "gap" || news.events.some(({ kind }) => touched.includes(kind))) again();
  });
  // What the count came to has changed: so may this have.
  useEffect(() => {
    if (position > 0) again();
  }, [position, again]);
  if (value === undefined) return null;
  return (
    <>
      {value.inconclusive.map((told) => {
        const { word, lang } = reasonWord(told);
        return (
          <Notice key={told} tone="warn" title={words.count.inconclusive}>
            <p lang={lang}>{word}</p>
          </Notice>
        );
      })}
      {value.gateways.length > 0 && (
        <Notice tone="calm" title={words.count.stillProvisional}>
          <p>{words.count.mayStillTell}</p>
          <ul class="count-awaited">
            {value.gateways.map((gateway) => (
              <li key={gateway}>
                <b class="mono">{gateway}</b>{" "}
                {maySay && (
                  <button type="button" class="button" onClick={() => say(gateway)}>
                    {words.count.hasTold}
                  </button>
                )}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <DeedList deeds={deeds} />
      {saying !== undefined && (
        <ReasonDialog
          key={saying.key}
          title={words.count.hasToldTitle(saying.about)}
          suggestions={[]}
          confirm={words.count.hasTold}
          wants="nothing"
          onClose={saying.leave}
          onConfirm={({ by }) => {
            deeds.state({
              about: saying.about,
              title: words.count.hasToldTitle(saying.about),
              path: "watermarks",
              body: { gateway: saying.about, through: new Date(nowMs()).toISOString(), by },
            });
            saying.leave();
          }}
        >
          <p class="soft">{words.count.hasToldWhat}</p>
        </ReasonDialog>
      )}
    </>
  );
}

async function surenessOf(
  id: string,
  missing: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Answer<Sureness>> {
  const unsure = await discrepancies({ kind: "count_inconclusive", subject: id }, 1, signal);
  if (unsure.kind !== "ok") return unsure;
  // Of this place, whatever else is missing in the archive.
  const question = { kind: "missing_item", place: id, limit: LIMIT } as const;
  const lost = await discrepancies(question, PAGES_MAX, signal);
  if (lost.kind !== "ok") return lost;
  const ofCount = lost.value.open.filter(({ subject }) => missing.has(subject));
  return {
    kind: "ok",
    value: {
      position: lost.value.position,
      inconclusive: unsure.value.open.map(({ reason }) => reason),
      gateways: [...new Set(ofCount.flatMap(({ awaits }) => awaits))].sort(),
    },
  };
}
