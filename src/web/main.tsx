/** Starts the page. */
import { options, render } from "preact";
import { App } from "./app.tsx";
import { openFeed } from "./feed-store.ts";
import { openLive } from "./live.ts";

// Events may come by the thousand a second; the page draws once a frame, whatever comes.
options.debounceRendering = (draw) => requestAnimationFrame(() => draw());

const root = document.getElementById("page");
const live = openLive();
// The feed begins with the page and outlives its route: who comes back finds what happened meanwhile.
const feed = openFeed(live);
if (root !== null) render(<App live={live} feed={feed} />, root);
