/** The frame of the page: where one is, the one search box, and whether what is shown is live. */
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { LiveContext } from "./ask.ts";
import { nowMs } from "./clock.ts";
import { DeedContext, type DeedStore } from "./deeds.ts";
import type { FeedStore } from "./feed-store.ts";
import { FindBox } from "./find-box.tsx";
import { type Language, words } from "./language/spoken.ts";
import { Languages } from "./languages.tsx";
import { LinkMark, LostStrip } from "./link-mark.tsx";
import type { Live } from "./live.ts";
import { CountPage } from "./pages/count-page.tsx";
import { DiscrepanciesPage } from "./pages/discrepancies-page.tsx";
import { DocumentsPage } from "./pages/documents-page.tsx";
import { GatesPage } from "./pages/gates-page.tsx";
import { GatewaysPage } from "./pages/gateways-page.tsx";
import { ItemPage } from "./pages/item-page.tsx";
import { LabelsPage } from "./pages/labels-page.tsx";
import { LivePage } from "./pages/live-page.tsx";
import { LoginPage } from "./pages/login-page.tsx";
import { MapPage } from "./pages/map-page.tsx";
import { PasswordPage } from "./pages/password-page.tsx";
import { SensorsPage } from "./pages/sensors-page.tsx";
import { UsersPage } from "./pages/users-page.tsx";
import { Notice } from "./parts/notice.tsx";
import { Places } from "./places-nav.tsx";
import { RegisterEntry } from "./register-entry.tsx";
import { type Route, useRoute } from "./route.ts";
import { type PhoneHolder, ScanEntry } from "./scan/entry.tsx";
import type { ScanStore } from "./scan-store.ts";
import { SessionContext, type SessionStore, useSession } from "./session.ts";
import { zoneWord } from "./when.ts";
import { WhoWorks } from "./who-works.tsx";

export type AppProps = {
  readonly session: SessionStore;
  readonly live: Live;
  readonly feed: FeedStore;
  readonly scans: ScanStore;
  readonly deeds: DeedStore;
  readonly phone: PhoneHolder;
  readonly onLanguage: (language: Language) => void;
};

export function App({ session, live, deeds, ...props }: AppProps) {
  return (
    <SessionContext.Provider value={session}>
      <LiveContext.Provider value={live}>
        <DeedContext.Provider value={deeds}>
          <Frame {...props} />
        </DeedContext.Provider>
      </LiveContext.Provider>
    </SessionContext.Provider>
  );
}

function Frame({ onLanguage, ...stores }: Omit<AppProps, "session" | "live" | "deeds">) {
  const route = useRoute();
  const isNobody = useSession().kind === "nobody" && route.page !== "scan";
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
        {/* Whoever is not known would be led nowhere. */}
        {!isNobody && <FindBox />}
        {!isNobody && <Places page={route.page} />}
        <div class="bar-end">
          <LinkMark />
          <WhoWorks />
        </div>
        <LostStrip />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Guarded key={place} route={route} {...stores} />
      </main>
      <footer>
        <Languages onChoose={onLanguage} />
        <p class="times">{words.frame.times(zoneWord(nowMs()))}</p>
      </footer>
    </>
  );
}

type PageProps = Pick<AppProps, "feed" | "scans" | "phone"> & { readonly route: Route };

/** A mistake in one page must not take the others away, nor the search box. */
function Guarded(props: PageProps) {
  const [error] = useErrorBoundary();
  if (error === undefined) return <Page {...props} />;
  return (
    <Notice tone="error" title={words.frame.broken}>
      <p>
        {words.frame.brokenNext} <code>{String(error)}</code>
      </p>
    </Notice>
  );
}

function Page({ route, feed, scans, phone }: PageProps) {
  const { kind } = useSession();
  // A phone goes on scanning whoever is logged in: what it reads is kept until somebody is.
  if (kind === "nobody" && route.page !== "scan") return <LoginPage />;
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
    case "map":
      return <MapPage query={route.query} />;
    case "gates":
      return <GatesPage query={route.query} />;
    case "count":
      return <CountPage query={route.query} scans={scans} phone={phone} />;
    case "labels":
      return <LabelsPage key={route.query.get("parent")} query={route.query} />;
    case "scan":
      return <ScanEntry phone={phone} />;
    case "login":
      return <LoginPage />;
    case "register":
      return <RegisterEntry query={route.query} />;
    case "users":
      return <UsersPage />;
    case "password":
      return <PasswordPage />;
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
