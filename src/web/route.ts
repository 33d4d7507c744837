/**
 * Addresses of the page. A thing's address is its GS1 Digital Link on this host, for example
 * /253/9521234000013N00001P01, so that every address that is not a page's own word is a key.
 */
import { useLayoutEffect, useState } from "preact/hooks";

export type Route =
  | { readonly page: "live" }
  | { readonly page: "sensors"; readonly query: URLSearchParams }
  | { readonly page: "gateways" }
  | { readonly page: "discrepancies"; readonly query: URLSearchParams }
  | { readonly page: "documents"; readonly query: URLSearchParams }
  | { readonly page: "map"; readonly query: URLSearchParams }
  | { readonly page: "count"; readonly query: URLSearchParams }
  | { readonly page: "labels"; readonly query: URLSearchParams }
  | { readonly page: "scan" }
  | { readonly page: "login" }
  | { readonly page: "register"; readonly query: URLSearchParams }
  | { readonly page: "users" }
  | { readonly page: "password" }
  | { readonly page: "gates"; readonly query: URLSearchParams }
  | { readonly page: "item"; readonly key: string; readonly axes: Axes };

/** The moment asked about, and what had been heard by then; undefined: the latest. ISO instants. */
export type Axes = { readonly at: string | undefined; readonly asKnownAt: string | undefined };

export const LATEST: Axes = { at: undefined, asKnownAt: undefined };

export function routeOf({ pathname, search }: { pathname: string; search: string }): Route {
  const query = new URLSearchParams(search);
  switch (pathname) {
    case "/":
    case "/index.html":
      return { page: "live" };
    case "/sensors":
      return { page: "sensors", query };
    case "/gateways":
      return { page: "gateways" };
    case "/discrepancies":
      return { page: "discrepancies", query };
    case "/documents":
      return { page: "documents", query };
    case "/map":
      return { page: "map", query };
    case "/gates":
      return { page: "gates", query };
    case "/count":
      return { page: "count", query };
    case "/labels":
      return { page: "labels", query };
    case "/scan":
      return { page: "scan" };
    case "/login":
      return { page: "login" };
    case "/register":
      return { page: "register", query };
    case "/users":
      return { page: "users" };
    case "/password":
      return { page: "password" };
    default: {
      const instant = (name: string) => query.get(name) ?? undefined;
      const axes = { at: instant("at"), asKnownAt: instant("known") };
      return { page: "item", key: pathname.slice(1), axes };
    }
  }
}

export function itemAddress(key: string, { at, asKnownAt }: Axes = LATEST): string {
  return addressOf(`/${key}`, { at, known: asKnownAt });
}

/** Parameters without a value are left out. */
export function addressOf(
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  return query.size === 0 ? path : `${path}?${query}`;
}

const MOVED = "racktrace:moved";

export function go(address: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  dispatchEvent(new Event(MOVED));
}

/** The route now; follows links inside the page without loading it again. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location));
  // Before anything else can happen: who goes on before the first painting would stay where they were.
  useLayoutEffect(() => {
    const follow = () => setRoute(routeOf(location));
    addEventListener("popstate", follow);
    addEventListener(MOVED, follow);
    document.addEventListener("click", onClick);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener(MOVED, follow);
      document.removeEventListener("click", onClick);
    };
  }, []);
  return route;
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (link?.target !== "" || link.origin !== location.origin) return;
  if (link.hasAttribute("download")) return;
  if (link.hash !== "" && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
