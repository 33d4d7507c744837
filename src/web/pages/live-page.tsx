/** What happens now: the feed, and beside it what needs a person. */
import { useEffect } from "preact/hooks";
import { FeedList } from "../feed-list.tsx";
import type { FeedStore } from "../feed-store.ts";
import { words } from "../language/spoken.ts";
import { LatestReadings } from "../latest-readings.tsx";
import { OpenProblems } from "../open-problems.tsx";

export function LivePage({ feed }: { readonly feed: FeedStore }) {
  useEffect(() => {
    document.title = `${words.live.title} · racktrace`;
  }, []);
  return (
    <div class="live">
      <h1 class="visually-hidden">{words.live.title}</h1>
      <FeedList store={feed} />
      <aside class="live-side" aria-label={words.live.glance}>
        <OpenProblems />
        <LatestReadings />
      </aside>
    </div>
  );
}
