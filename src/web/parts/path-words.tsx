/** A place in one line, nearest container first. */
import { Fragment } from "preact";
import type { Path } from "../api.ts";
import { ThingLink } from "./thing-link.tsx";

export function PathWords({
  path,
  levels,
  at,
}: {
  readonly path: Path;
  readonly levels: number;
  readonly at?: string | undefined;
}) {
  if (path.length === 0) return <span class="soft">place unknown</span>;
  return (
    <span class="path-words">
      {path.slice(0, levels).map((thing, index) => (
        <Fragment key={thing.key}>
          {index > 0 && <span class="soft"> in </span>}
          <ThingLink thing={thing} at={at} />
        </Fragment>
      ))}
    </span>
  );
}
