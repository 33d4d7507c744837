/** Keeps the feed while the page is open, whatever part of it is shown. */
import { useEffect, useState } from "preact/hooks";
import { addEvents, addGap, EMPTY, type Feed } from "./feed.ts";
import type { Live } from "./live.ts";

export type FeedStore = {
  feed(): Feed;
  /** Called at each change. Returns a cancel. */
  onChange(listener: () => void): () => void;
};

export function openFeed(live: Pick<Live, "onNews">): FeedStore {
  let feed = EMPTY;
  const listeners = new Set<() => void>();
  live.onNews((news) => {
    feed = news.kind === "gap" ? addGap(feed, news.why) : addEvents(feed, news.events);
    for (const listener of listeners) listener();
  });
  return {
    feed: () => feed,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useFeed(store: FeedStore): Feed {
  const [feed, setFeed] = useState(store.feed);
  useEffect(() => {
    setFeed(store.feed());
    return store.onChange(() => setFeed(store.feed()));
  }, [store]);
  return feed;
}
