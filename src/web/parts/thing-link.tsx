/** A thing by its icon and name, leading to its own address. */
import { type Axes, itemAddress } from "../route.ts";
import { hasName, nameOf } from "../thing.ts";
import type { Thing } from "../twin-api.ts";
import { kindWord, nameSaysKind } from "../words.ts";
import { KindIcon } from "./icon.tsx";

export function ThingLink({
  thing,
  axes,
}: {
  readonly thing: Thing;
  readonly axes?: Axes | undefined;
}) {
  return (
    <a class="thing" href={itemAddress(thing.key, axes)} title={thing.elementString}>
      <KindIcon kind={thing.kind} />
      {!nameSaysKind(thing) && <span class="visually-hidden">{kindWord(thing.kind)} </span>}
      <span class={hasName(thing) ? undefined : "mono"}>{nameOf(thing)}</span>
    </a>
  );
}
