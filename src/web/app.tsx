/** The frame of the page: where one is, the one search box, and whether what is shown is live. */
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { LiveContext } from "./ask.ts";
import type { FeedStore } from "./feed-store.ts";
import { FindBox } from "./find-box.tsx";
import { words } from "./language/spoken.ts";
import { LinkMark, LostStrip } from "./link-mark.tsx";
import type { Live } from "./live.ts";
import { DiscrepanciesPage } from "./pages/discrepancies-page.tsx";
import { DocumentsPage } from "./pages/documents-page.tsx";
import { GatewaysPage } from "./pages/gateways-page.tsx";
import { ItemPage } from "./pages/item-page.tsx";
import { LivePage } from "./pages/live-page.tsx";
import { SensorsPage } from "./pages/sensors-page.tsx";
import { KindIcon, Sign } from "./parts/icon.tsx";
import { Notice } from "./parts/notice.tsx";
import { type Route, useRoute } from "./route.ts";

const PLACES = [
  { page: "live", href: "/", icon: <Sign name="live" /> },
  { page: "discrepancies", href: "/discrepancies", icon: <Sign name="alert" /> },
  { page: "documents", href: "/documents", icon: <KindIcon kind="document" /> },
  { page: "sensors", href: "/sensors", icon: <KindIcon kind="sensor" /> },
  { page: "gateways", href: "/gateways", icon: <KindIcon kind="gateway" /> },
] as const;

export function App({ live, feed }: { readonly live: Live; readonly feed: FeedStore }) {
  return (
    <LiveContext.Provider value={live}>
      <Frame feed={feed} />
    </LiveContext.Provider>
  );
}

function Frame({ feed }: { readonly feed: FeedStore }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const place = route.page === "item" ? route.key : route.page;
  const before = useRef(place);

  // A reader who followed a link hears the new page from its beginning.
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);

  return (
    <>
      <a class="skip" href="#main">
        {words.frame.skip}
      </a>
      <header class="bar">
        <a class="brand" href="/" aria-label={words.frame.home}>
          <Brand />
          <span>racktrace</span>
        </a>
        <FindBox />
        <nav aria-label={words.frame.pages}>
          {PLACES.map(({ page, href, icon }) => (
            <a key={page} href={href} aria-current={route.page === page ? "page" : undefined}>
              {icon}
              <span>{words.frame[page]}</span>
            </a>
          ))}
        </nav>
        <LinkMark />
        <LostStrip />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Guarded key={place} route={route} feed={feed} />
      </main>
    </>
  );
}

/** A mistake in one page must not take the others away, nor the search box. */
function Guarded({ route, feed }: { readonly route: Route; readonly feed: FeedStore }) {
  const [error] = useErrorBoundary();
  if (error === undefined) return <Page route={route} feed={feed} />;
  return (
    <Notice tone="error" title={words.frame.broken}>
      <p>
        {words.frame.brokenNext} <code>{String(error)}</code>
      </p>
    </Notice>
  );
}

function Page({ route, feed }: { readonly route: Route; readonly feed: FeedStore }) {
  switch (route.page) {
    case "live":
      return <LivePage feed={feed} />;
    case "sensors":
      return <SensorsPage query={route.query} />;
    case "gateways":
      return <GatewaysPage />;
    case "discrepancies":
      return <DiscrepanciesPage query={route.query} />;
    case "documents":
      return <DocumentsPage query={route.query} />;
    case "item":
      return <ItemPage key={route.key} address={route.key} axes={route.axes} />;
  }
}

function Brand() {
  return (
    <svg class="brand-mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 2.5v15M17 2.5v15M3 6.5h14M3 13h14" />
      <path class="brand-thing" d="M8 13V9.5" />
    </svg>
  );
}
