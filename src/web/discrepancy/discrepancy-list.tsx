/** Discrepancies one under the other, and what a person can do about each: note, settle, take back. */
import { useState } from "preact/hooks";
import type { Deeds, Statement } from "../deeds.ts";
import { words } from "../language/spoken.ts";
import { useAsked } from "../parts/asked.ts";
import { takingBack } from "../parts/deed-list.tsx";
import { ReasonDialog, type Word } from "../parts/reason-dialog.tsx";
import { useMay } from "../session.ts";
import { isKey, serialOf } from "../thing.ts";
import type { Discrepancy } from "../twin-api.ts";
import { discrepancyWord } from "../words.ts";
import { Assigning } from "./assigning.tsx";
import { DiscrepancyRow } from "./discrepancy-row.tsx";

type Act = "acknowledge" | "resolve" | "undo" | "assign";

export function DiscrepancyList({
  all,
  deeds,
  about = "each",
}: {
  readonly all: readonly Discrepancy[];
  readonly deeds: Deeds;
  /** `one`: they stand on the page of the thing that they are about. */
  readonly about?: "each" | "one";
}) {
  const [asked, ask] = useAsked<{ readonly act: Act; readonly of: readonly Discrepancy[] }>();
  const [names, setNames] = useState<ReadonlySet<string>>(new Set());
  const mayNote = useMay("operator");
  const waiting = (one: Discrepancy) =>
    deeds.all.find(({ about: id, phase }) => id === nameOf(one) && phase !== "refused");
  // What was chosen and is gone from the list is chosen no more.
  const open = all.filter(({ resolved }) => resolved === null);
  const chosen = open.filter((one) => names.has(nameOf(one)));

  function choose(one: Discrepancy): void {
    const next = new Set(names);
    if (!next.delete(nameOf(one))) next.add(nameOf(one));
    setNames(next);
  }

  return (
    <>
      <ul class="discrepancies">
        {all.map((one) => (
          <DiscrepancyRow
            key={nameOf(one)}
            discrepancy={one}
            about={about}
            deed={waiting(one)}
            onAct={(act) => ask({ act, of: [one] })}
            chosen={
              about === "each" && mayNote && one.resolved === null
                ? names.has(nameOf(one))
                : undefined
            }
            onChoose={() => choose(one)}
          />
        ))}
      </ul>
      {chosen.length > 0 && (
        <Chosen
          count={chosen.length}
          onAct={(act) => ask({ act, of: chosen })}
          onAll={() => setNames(new Set(open.map(nameOf)))}
          onNone={() => setNames(new Set())}
        />
      )}
      {asked !== undefined && (
        <Asking
          key={asked.key}
          {...asked.about}
          known={[...new Set(all.flatMap(({ assigned }) => assigned?.to ?? []))]}
          onClose={asked.leave}
          onState={(statements) => {
            for (const statement of statements) deeds.state(statement);
            asked.leave();
            setNames(new Set());
          }}
        />
      )}
    </>
  );
}

function Chosen({
  count,
  onAct,
  onAll,
  onNone,
}: {
  readonly count: number;
  readonly onAct: (act: Act) => void;
  readonly onAll: () => void;
  readonly onNone: () => void;
}) {
  const text = words.discrepancies;
  const maySettle = useMay("archivist");
  return (
    <div class="chosen" role="toolbar" aria-label={text.chosen(count)}>
      <strong>{text.chosen(count)}</strong>
      <button type="button" class="button button-quiet" onClick={onAll}>
        {text.chooseAll}
      </button>
      <button type="button" class="button button-quiet" onClick={onNone}>
        {text.chooseNone}
      </button>
      <span class="chosen-acts">
        <button type="button" class="button" onClick={() => onAct("assign")}>
          {words.assigning.assign}
        </button>
        <button type="button" class="button" onClick={() => onAct("acknowledge")}>
          {text.acknowledge}
        </button>
        {maySettle && (
          <button type="button" class="button button-main" onClick={() => onAct("resolve")}>
            {text.resolve}
          </button>
        )}
      </span>
    </div>
  );
}

const NAMED_MAX = 4;

function Asking({
  act,
  of,
  known,
  onState,
  onClose,
}: {
  readonly act: Act;
  readonly of: readonly Discrepancy[];
  /** Who sees to others already. */
  readonly known: readonly string[];
  readonly onState: (statements: readonly Statement[]) => void;
  readonly onClose: () => void;
}) {
  if (act === "assign")
    return (
      <Assigning
        known={known}
        usual={of[0]?.assigned?.to ?? ""}
        onClose={onClose}
        onAssign={(to) => onState(of.map((one) => assignment(one, to)))}
      >
        <Concerned of={of} />
      </Assigning>
    );
  const text = words.discrepancies;
  const all = {
    acknowledge: {
      title: text.acknowledgeTitle,
      what: text.acknowledgeWhat,
      confirm: text.acknowledge,
      suggestions: [],
      wants: "maybe",
    },
    resolve: {
      title: text.resolveTitle,
      what: text.resolveWhat,
      confirm: text.resolveConfirm,
      suggestions: text.reasons,
      wants: "reason",
    },
    undo: {
      title: text.undoTitle,
      what: text.undoWhat,
      confirm: text.undoConfirm,
      suggestions: text.undoReasons,
      wants: "reason",
    },
  } as const;
  const { what, ...said } = all[act];
  return (
    <ReasonDialog
      {...said}
      onConfirm={(word) => onState(of.flatMap((one) => statementOf(act, one, word) ?? []))}
      onClose={onClose}
    >
      <Concerned of={of} />
      <p class="soft">{what}</p>
    </ReasonDialog>
  );
}

/** What is asked about, by name; of many the first few. */
function Concerned({ of }: { readonly of: readonly Discrepancy[] }) {
  return (
    <>
      {of.slice(0, NAMED_MAX).map((one) => (
        <p key={nameOf(one)}>
          <b>{discrepancyWord(one.kind).word}</b> <span class="mono">{subjectWord(one)}</span>
        </p>
      ))}
      {of.length > NAMED_MAX && <p>{words.discrepancies.others(of.length - NAMED_MAX)}</p>}
    </>
  );
}

function statementOf(
  act: Exclude<Act, "assign">,
  of: Discrepancy,
  { reason, by }: Word,
): Statement | undefined {
  const { kind, subject, resolved } = of;
  const what = `${discrepancyWord(kind).word} ${subjectWord(of)}`;
  const about = nameOf(of);
  switch (act) {
    case "acknowledge":
      return {
        about,
        title: `${words.discrepancies.did.acknowledge}: ${what}`,
        path: "discrepancies/acknowledgements",
        body: { kind, subject, by, ...(reason === "" ? {} : { reason }) },
      };
    case "resolve":
      return {
        about,
        title: `${words.discrepancies.did.resolve}: ${what}`,
        path: "discrepancies/resolutions",
        body: { kind, subject, by, reason },
      };
    case "undo":
      if (!resolved?.statement) return undefined;
      return { ...takingBack(resolved.statement, what, { reason, by }), about };
  }
}

function assignment(of: Discrepancy, to: string): Statement {
  const { kind, subject } = of;
  const what = `${discrepancyWord(kind).word} ${subjectWord(of)}`;
  return {
    about: nameOf(of),
    title: to === "" ? words.assigning.taken(what) : words.assigning.given(to, what),
    path: "discrepancies/assignments",
    body: { kind, subject, to },
  };
}

function subjectWord({ subject }: Discrepancy): string {
  return isKey(subject) ? serialOf(subject) : subject;
}

function nameOf({ kind, subject, since }: Discrepancy): string {
  return `${kind} ${subject} ${since}`;
}
