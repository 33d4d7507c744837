/** A place in one line, nearest container first. */
import { Fragment } from "preact";
import { words } from "../language/spoken.ts";
import type { Axes } from "../route.ts";
import type { Path } from "../twin-api.ts";
import { ThingLink } from "./thing-link.tsx";

export function PathWords({
  path,
  levels,
  axes,
}: {
  readonly path: Path;
  readonly levels: number;
  readonly axes?: Axes | undefined;
}) {
  if (path.length === 0) return <span class="soft">{words.find.placeUnknown}</span>;
  return (
    <span class="path-words">
      {path.slice(0, levels).map((thing, index) => (
        <Fragment key={thing.key}>
          {index > 0 && <span class="soft"> {words.item.isIn} </span>}
          <ThingLink thing={thing} axes={axes} />
        </Fragment>
      ))}
    </span>
  );
}
