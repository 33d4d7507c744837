/** Starts the page, and draws it anew in another language. */
import { options, render } from "preact";
import { App } from "./app.tsx";
import { openDeeds } from "./deeds.ts";
import { openFeed } from "./feed-store.ts";
import { type Language, rememberLanguage, speak, usualLanguage } from "./language/spoken.ts";
import { openLive } from "./live.ts";
import { holdPhone } from "./scan/entry.tsx";
import { openScans } from "./scan-store.ts";
import { openSession } from "./session.ts";

// Events may come by the thousand a second; the page draws once a frame, whatever comes.
options.debounceRendering = (draw) => requestAnimationFrame(() => draw());

const root = document.getElementById("page");
const session = openSession();
const live = openLive();
// The feed begins with the page and outlives its route: who comes back finds what happened meanwhile.
const feed = openFeed(live);
const scans = openScans(live);
const deeds = openDeeds();
// What was scanned without a network is sent from whatever page is opened next.
const phone = holdPhone();

async function draw(language: Language): Promise<void> {
  document.documentElement.lang = await speak(language);
  if (root === null) return;
  const stores = { session, live, feed, scans, deeds, phone };
  render(<App key={language} {...stores} onLanguage={choose} />, root);
}

function choose(language: Language): void {
  rememberLanguage(language);
  void draw(language);
}

void draw(usualLanguage());
