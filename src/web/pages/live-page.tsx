/** What happens now: the feed, and beside it what needs a person. */
import { useEffect } from "preact/hooks";
import { FeedList } from "../feed-list.tsx";
import type { FeedStore } from "../feed-store.ts";
import { LatestReadings } from "../latest-readings.tsx";
import { OpenProblems } from "../open-problems.tsx";

export function LivePage({ feed }: { readonly feed: FeedStore }) {
  useEffect(() => {
    document.title = "Live · racktrace";
  }, []);
  return (
    <div class="live">
      <h1 class="visually-hidden">Live</h1>
      <FeedList store={feed} />
      <aside class="live-side" aria-label="At a glance">
        <OpenProblems />
        <LatestReadings />
      </aside>
    </div>
  );
}
