// GET /openapi.json: OpenAPI 3.1, made from the schemas of the routes.
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { ABOUT_SCHEMA } from "./about.ts";
import { TAKING_BACK } from "./ended.ts";
import { IMPORT_SCHEMAS } from "./import-schema.ts";
import { PREVIEW_SCHEMAS } from "./preview-schema.ts";
import { PROBLEM } from "./problem.ts";
import { REJECT_SCHEMAS } from "./reject-schema.ts";

/** Makes the shapes known by their names, before the routes that refer to them. */
export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Sluice",
        version,
        description: "From a spreadsheet to a table of PostgreSQL: look, import, watch, repair.",
        license: { name: "MIT", identifier: "MIT" },
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "With `sluice serve --token`." },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _uri, _fragment, n) => (typeof json["$id"] === "string" ? json["$id"] : `def-${n}`),
    },
  });
  for (const schema of [PROBLEM, ABOUT_SCHEMA, ...IMPORT_SCHEMAS, TAKING_BACK, ...REJECT_SCHEMAS, ...PREVIEW_SCHEMAS])
    app.addSchema(schema);
}

export function openApiRoute(app: FastifyInstance): void {
  app.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type("application/json; charset=utf-8")
      .header("cache-control", "no-cache")
      .send(JSON.stringify(app.swagger())),
  );
}
