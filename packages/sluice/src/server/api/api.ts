// The routes of the API, in one plugin: what they share of headers, bodies and failures.
import type { FastifyInstance } from "fastify";
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

export function apiRoutes(app: FastifyInstance, api: Api, metrics: Metrics, pprof: boolean): void {
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string", bodyLimit: MOST_BODY_BYTES },
    app.getDefaultJsonParser("error", "error"),
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
