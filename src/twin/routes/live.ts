/** The live stream over HTTP: server-sent events that resume after Last-Event-ID. */
import { Type } from "typebox";
import type { Live } from "../live.ts";
import { type HttpApp, type Principal, Refusal } from "./app.ts";
import { ProblemShape } from "./shapes.ts";

export type LiveRouteDeps = {
  readonly live: Live;
  /** Calls `end` once this principal may no longer ask. Returns a cancel. */
  readonly whileAllowed: (principal: Principal, end: () => void) => () => void;
};

export function registerLiveRoute(app: HttpApp, { live, whileAllowed }: LiveRouteDeps): void {
  app.get(
    "/api/v1/live",
    { schema, config: { role: "viewer" }, exposeHeadRoute: false },
    (request, reply) => {
      const after = lastPosition(request.headers["last-event-id"]);
      const { raw } = reply;
      const { principal } = request;
      const headers = { ...reply.getHeaders(), ...STREAM_HEADERS };
      let begun = false;
      const cancel = live.watch(
        {
          who: `${principal?.kind} ${principal?.name}`,
          brief: request.query.brief,
          waiting: () => raw.writableLength,
          send(text) {
            // fastify lets go of the reply only once there is room for one more watcher.
            if (!begun) {
              begun = true;
              reply.hijack();
              raw.writeHead(200, headers as Record<string, string>);
            }
            raw.write(text);
          },
          end: () => void raw.destroy(),
        },
        after,
        request.query.recent,
      );
      if (cancel === "full")
        throw new Refusal({
          status: 503,
          title: "Too many watch already",
          detail:
            "The live stream has as many watchers as it serves, of all or of one user or program.",
          next: "Close another page, or ask again later.",
        });
      const forget = principal && whileAllowed(principal, () => raw.destroy());
      raw.on("close", () => {
        cancel();
        forget?.();
      });
    },
  );
}

const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // Proxies of the nginx family hold a stream back otherwise.
  "x-accel-buffering": "no",
};

/** Not a position of ours: as one from before anything that is held, so that the watcher hears `reset`. */
function lastPosition(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  const position = Number(header);
  return Number.isSafeInteger(position) && position >= 0 ? position : -1;
}

const schema = {
  tags: ["live"],
  summary:
    "Server-sent events: moved, seen, scan, reading, alarm, device, discrepancy, retraction, correction, statement; id is the position; reset when something was missed",
  querystring: Type.Object(
    {
      recent: Type.Integer({
        minimum: 0,
        maximum: 1_000,
        default: 0,
        description: "Without Last-Event-ID: begin with this many events of the recent past",
      }),
      brief: Type.Boolean({
        default: false,
        description:
          "Things and places by key, kind and name alone, evidence by its gateway, a retraction by its key: less than half the bytes, for pages on slow lines",
      }),
    },
    { additionalProperties: false },
  ),
  headers: Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 64 })) }),
  response: { "4xx": ProblemShape, "5xx": ProblemShape },
};
