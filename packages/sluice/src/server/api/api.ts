// The routes of the API, in one plugin, with the headers, bodies and failures that they share.
import type { FastifyInstance } from "fastify";
import { HttpFailure } from "../failure.ts";
import { aboutRoute } from "./about.ts";
import type { Api } from "./context.ts";
import { endedRoutes } from "./ended.ts";
import { eventRoutes } from "./events.ts";
import { importRoutes } from "./imports.ts";
import { metricRoutes, type Metrics } from "./metrics.ts";
import { openApiRoute } from "./openapi.ts";
import { previewRoutes } from "./preview.ts";
import { rejectRoutes } from "./rejects.ts";

/** A body of JSON, at most. */
const MOST_BODY_BYTES = 16 * 1024 ** 2;

type Parser = ReturnType<FastifyInstance["getDefaultJsonParser"]>;

/** A parser of JSON that says so if it refuses JSON for a name that is not allowed in it. */
function expectPlainNames(parse: Parser): Parser {
  return (request, body, done) =>
    parse(request, body, (error, value) => done(error && isJson(body) ? forbiddenName() : error, value));
}

function isJson(body: string | Buffer): boolean {
  try {
    JSON.parse(String(body));
    return true;
  } catch {
    return false;
  }
}

function forbiddenName(): HttpFailure {
  const names = 'The body has the name "__proto__", or "constructor" with "prototype" in it, which is not allowed.';
  return new HttpFailure(400, `${names} Send the cells of a row as a list, which needs no names.`, {}, "bad_body");
}

export function apiRoutes(app: FastifyInstance, api: Api, metrics: Metrics, pprof: boolean): void {
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string", bodyLimit: MOST_BODY_BYTES },
    expectPlainNames(app.getDefaultJsonParser("error", "error")),
  );
  // What answers say is what their types say; tests hold them to the schemas. So nothing is dropped
  // in silence.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  app.addHook("onRequest", async (_request, reply) => {
    void reply.header("cache-control", "no-store");
  });
  aboutRoute(app, api);
  importRoutes(app, api);
  endedRoutes(app, api);
  eventRoutes(app, api);
  rejectRoutes(app, api);
  previewRoutes(app, api);
  metricRoutes(app, metrics, pprof);
  openApiRoute(app);
}
