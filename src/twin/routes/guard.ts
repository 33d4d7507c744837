/**
 * Stands before each route: nobody gets further who may not. Nothing is allowed that is not said.
 *
 *   Host ─► who asks ─► from where (a page of ours, or a program) ─► role ─► the route
 *
 * The name in Host is checked since a page elsewhere can have its own name point at this machine (DNS
 * rebinding): an address is harmless there, a name has to be ours. Where a write comes from is checked
 * since browsers send the cookie along for whoever asks from this site, other ports included; SameSite
 * keeps other sites out already, and these two hold where a browser does not know it.
 */
import { isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Access, Brought } from "../access.ts";
import type { AccessRecord } from "../access-record.ts";
import { includes, type Principal, Refusal, type Role } from "./app.ts";

export type GuardDeps = { readonly access: Access; readonly record: AccessRecord };

export type GuardOptions = {
  /** Address that is listened on. */
  readonly host: string;
  /** Where people reach the twin besides, such as https://twin.example.com. */
  readonly origins: readonly string[];
};

export type Guard = {
  /** Before anything is read of a request but its headers, and again when its body is here. Throws a Refusal. */
  admit(request: FastifyRequest): void;
  /** Before the answer leaves: what was done or refused is written down. */
  answered(request: FastifyRequest, reply: FastifyReply): void;
};

const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Answers that tell of somebody who wanted what they may not. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 421, 429]);

export function createGuard({ access, record }: GuardDeps, options: GuardOptions): Guard {
  const { isOurs, isFromUs } = createNameplate(options);

  return {
    admit(request) {
      const { headers, is404 } = request;
      request.deed = "";
      if (!isOurs(headers.host)) throw notOurName(headers.host);
      const brought = broughtBy(request);
      const principal = access.identify(brought);
      request.principal = principal;
      // Which addresses there are is no secret, and what is there is behind its own door.
      const role = is404 ? "public" : request.routeOptions.config.role;
      if (brought.token === undefined && !mayComeFrom(request, role !== "public"))
        throw elsewhere();
      if (role === "public") return;
      if (principal === undefined) throw nobody(brought);
      // A route without a role is refused at start; if ever one gets here, nobody may ask it.
      if (role === undefined || !includes(principal.role, role)) throw tooLittle(principal, role);
    },

    answered(request, reply) {
      const { method, routeOptions, principal, ip, deed, is404 } = request;
      const { statusCode: status } = reply;
      const refused = REFUSED.has(status);
      const wrote = !READS.has(method) && status < 400 && deed !== undefined;
      // A page that opens before its login has asked, and nobody has tried anything.
      const idle = status === 401 && READS.has(method) && !bringsSomething(request);
      if (is404 || idle || (!refused && !wrote)) return;
      const about = deed === undefined || deed === "" ? "" : ` ${deed}`;
      const entry = {
        who: principal?.name ?? "",
        role: principal?.role ?? "",
        address: ip,
        what: `${method} ${routeOptions.url ?? ""}${about}`,
        status,
      };
      if (refused) record.refused(entry);
      else if (routeOptions.config.frequent === true) record.often(entry);
      else record.done(entry);
    },
  };

  /** Browsers say where a request comes from; programs say nothing. */
  function mayComeFrom({ headers, method }: FastifyRequest, isGuarded: boolean): boolean {
    const { origin, host, cookie } = headers;
    const site = headers["sec-fetch-site"];
    const otherSite = site !== undefined && site !== "same-origin" && site !== "none";
    if (READS.has(method))
      return !(isGuarded && otherSite) || headers["sec-fetch-mode"] === "navigate";
    if (otherSite) return false;
    if (origin !== undefined) return isFromUs(origin, host);
    // Without a word of where it comes from a cookie proves nothing about who wants this.
    return site !== undefined || cookie === undefined;
  }
}

function createNameplate({ host, origins }: GuardOptions) {
  const names = new Set([host, "localhost", ...origins.map((origin) => new URL(origin).hostname)]);
  const known = new Set(origins.map((origin) => new URL(origin).origin));

  return {
    isOurs(header: string | undefined): boolean {
      if (header === undefined || !URL.canParse(`http://${header}`)) return false;
      const { hostname } = new URL(`http://${header}`);
      return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0 || names.has(hostname);
    },
    isFromUs(origin: string, header: string | undefined): boolean {
      if (!URL.canParse(origin)) return false;
      const from = new URL(origin);
      return known.has(from.origin) || (from.host === header && from.host !== "");
    },
  };
}

/** Cookies know no ports: two twins on one machine would take each other's. */
export function cookieName(request: FastifyRequest): string {
  return `racktrace_${request.socket.localPort}`;
}

function broughtBy(request: FastifyRequest): Brought {
  const { authorization, cookie = "" } = request.headers;
  // Whatever is in Authorization, it was meant: a session is not tried instead.
  if (authorization !== undefined)
    return {
      token: /^Bearer +([\w-]{1,512})$/i.exec(authorization)?.[1] ?? "",
      session: undefined,
    };
  const name = `${cookieName(request)}=`;
  const pair = cookie.split(/; */).find((one) => one.startsWith(name));
  return { token: undefined, session: pair?.slice(name.length, name.length + 512) };
}

function bringsSomething(request: FastifyRequest): boolean {
  const { token, session } = broughtBy(request);
  return token !== undefined || session !== undefined;
}

function notOurName(host: string | undefined): Refusal {
  return new Refusal({
    status: 421,
    title: "Not the name of this twin",
    detail: `It was asked for as ${host === undefined ? "nothing" : JSON.stringify(host)}, which is not a name of its own.`,
    next: "Ask it by its address or as localhost, or list its address for people under http.origins in its configuration.",
  });
}

function elsewhere(): Refusal {
  return new Refusal({
    status: 403,
    title: "Not from a page of this twin",
    detail: "A browser asked on behalf of another site, or did not say for whom.",
    next: "Open the twin's own page. Where it is reached by another name than it knows, list that under http.origins in its configuration.",
  });
}

function nobody({ token, session }: Brought): Refusal {
  const detail =
    token !== undefined
      ? "The token is not known here, is revoked or has expired."
      : session === undefined
        ? "Nobody is logged in."
        : "The session has ended.";
  return new Refusal({
    status: 401,
    title: "Who is asking?",
    detail,
    next: "Log in at the page. A program sends Authorization: Bearer TOKEN, made by racktrace token add.",
  });
}

function tooLittle({ name, role }: Principal, needed: Role | undefined): Refusal {
  return new Refusal({
    status: 403,
    title: "Not allowed",
    detail: `This is for the role ${needed ?? "of nobody"} and above; ${name} is ${role}.`,
    next: "Ask an administrator of the twin to do it, or for the role.",
  });
}
