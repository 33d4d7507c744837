/**
 * What routes need of the HTTP server, who may ask them, and how they refuse; src/io/http-server.ts
 * answers the first and the last.
 *
 * Each route says in its `config` who may ask it. One that says nothing stops the start: a door that
 * somebody forgot is worse than a twin that does not run.
 */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";

export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Each may do what those before it may. */
export const ROLES = ["viewer", "operator", "archivist", "approver", "administrator"] as const;
export type Role = (typeof ROLES)[number];
/** `public`: anybody at all, who need not say who they are. */
export type Door = Role | "public";

/** Somebody who was recognised. */
export type Principal = {
  /** `local`: whoever may read the twin's own folder. */
  readonly kind: "user" | "token" | "local";
  readonly name: string;
  /** As statements name them. */
  readonly person: string;
  readonly role: Role;
  /** Of what they brought, by which it is looked up again. */
  readonly digest: string;
};

declare module "fastify" {
  interface FastifyContextConfig {
    readonly role: Door;
    /** The access log counts it, in rows of its own: the evidence names it, or else anybody could fill the log. */
    readonly frequent?: boolean;
  }
  interface FastifyRequest {
    /** What the access log says beside the route: about whom or what. No secret. Undefined: nothing was done. */
    deed: string | undefined;
    /** Undefined at a public door, where nobody was recognised. */
    principal: Principal | undefined;
  }
}

export function isRole(word: string): word is Role {
  return (ROLES as readonly string[]).includes(word);
}

export function includes(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export type Problem = {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** What the caller can do. */
  readonly next: string;
};

/** Thrown by a route: the server sends the problem as application/problem+json. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly statusCode: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.statusCode = problem.status;
    this.problem = problem;
  }
}
