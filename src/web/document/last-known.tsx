/** Where a page that is nowhere known was last; asked for when somebody looks. */
import { idOf, where } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { PathWords } from "../parts/path-words.tsx";
import { LATEST } from "../route.ts";

export function LastKnown({ of }: { readonly of: string }) {
  const { value, refused } = useAnswer(`last known ${of}`, (signal) =>
    where(idOf(of), LATEST, signal),
  );
  if (value === undefined && refused === undefined) return <span class="soft">…</span>;
  if (!value?.lastKnown?.length) return <span class="soft">{words.documents.neverSeen}</span>;
  return (
    <span>
      <span class="soft">{words.documents.lastKnown}</span>{" "}
      <PathWords path={value.lastKnown} levels={3} />
    </span>
  );
}
