/** What routes need of the HTTP server, and how they refuse; src/io/http-server.ts answers both. */
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
