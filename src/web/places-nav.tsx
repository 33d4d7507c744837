/**
 * The pages one can go to. A phone shows those that one needs at the shelf, and the others behind
 * "More"; a desk shows all.
 */
import { useRef } from "preact/hooks";
import { words } from "./language/spoken.ts";
import { KindIcon, Sign } from "./parts/icon.tsx";
import type { Route } from "./route.ts";
import { useSession } from "./session.ts";

type Place = Exclude<Route["page"], "item" | "login" | "users" | "password" | "register">;

const AT_THE_SHELF: readonly Place[] = ["live", "scan", "map", "discrepancies"];
const MORE: readonly Place[] = ["documents", "labels", "gates", "count", "sensors", "gateways"];

export function Places({ page }: { readonly page: Route["page"] }) {
  const more = useRef<HTMLDivElement>(null);
  const session = useSession();
  // A phone without a network does not know who holds it, and scans all the same.
  const mayScan = session.kind !== "known" || session.person.role !== "viewer";
  const isMore = MORE.some((one) => one === page);
  return (
    <nav class="places" aria-label={words.frame.pages}>
      {AT_THE_SHELF.filter((one) => one !== "scan" || mayScan).map((one) => (
        <PlaceLink key={one} place={one} here={page === one} />
      ))}
      {MORE.map((one) => (
        <span key={one} class="places-wide">
          <PlaceLink place={one} here={page === one} />
        </span>
      ))}
      <button
        type="button"
        class="places-more"
        popovertarget="places-more"
        aria-current={isMore ? "true" : undefined}
      >
        <Sign name="more" />
        <span>{words.frame.more}</span>
      </button>
      <div id="places-more" class="places-sheet" popover="auto" ref={more}>
        {MORE.map((one) => (
          <PlaceLink
            key={one}
            place={one}
            here={page === one}
            onFollow={() => more.current?.hidePopover()}
          />
        ))}
      </div>
    </nav>
  );
}

function PlaceLink({
  place,
  here,
  onFollow,
}: {
  readonly place: Place;
  readonly here: boolean;
  readonly onFollow?: () => void;
}) {
  return (
    <a
      href={place === "live" ? "/" : `/${place}`}
      title={words.frame[place]}
      aria-current={here ? "page" : undefined}
      onClick={onFollow}
    >
      <PlaceIcon place={place} />
      <span>{words.frame[place]}</span>
    </a>
  );
}

function PlaceIcon({ place }: { readonly place: Place }) {
  switch (place) {
    case "live":
    case "map":
    case "gates":
    case "count":
      return <Sign name={place} />;
    case "labels":
      return <Sign name="label" />;
    case "discrepancies":
      return <Sign name="alert" />;
    case "documents":
      return <KindIcon kind="document" />;
    case "scan":
      return <KindIcon kind="scanner" />;
    case "sensors":
      return <KindIcon kind="sensor" />;
    case "gateways":
      return <KindIcon kind="gateway" />;
  }
}
