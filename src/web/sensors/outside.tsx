/** That a series is outside of its allowed range, and since when. */
import { nowMs } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import type { Alarm } from "../twin-api.ts";
import { instantInFull, instantWord } from "../when.ts";

export function Outside({ alarm: { since } }: { readonly alarm: Alarm }) {
  return (
    <span class="outside" title={instantInFull(since)}>
      <Sign name="alert" /> {words.sensors.outsideSince(instantWord(since, nowMs()))}
    </span>
  );
}
