/** What this phone holds in its hand, so to say: pages that wait for a place, or the container in force. */
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import type { Hand as InHand } from "./in-hand.ts";
import type { PhoneRecord } from "./queue.ts";

export function Hand({ record, hand }: { readonly record: PhoneRecord; readonly hand: InHand }) {
  const { items, into } = hand;
  const sticky = record.order === "container-first" && into !== undefined;
  return (
    <p class={`scan-hand ${sticky ? "scan-sticky" : ""}`} role="status">
      {sticky ? (
        <>
          <Sign name="arrow" />
          <span>
            {words.scan.into} <b>{into.name}</b>
          </span>
          <span class="soft">{words.scan.pagesIn(items)}</span>
        </>
      ) : record.order === "item-first" && items > 0 ? (
        <span>{words.scan.pagesWait(items)}</span>
      ) : (
        <span class="soft">
          {record.order === "container-first" ? words.scan.containerNext : words.scan.ready}
        </span>
      )}
    </p>
  );
}
