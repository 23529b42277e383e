// The end of what is known of an import: DELETE /imports/:id/history.
import type { FastifyInstance } from "fastify";
import type { Api } from "./context.ts";
import { ID, idOf } from "./imports.ts";
import { failures } from "./problem.ts";
import { flag, object, says } from "./schema.ts";

export function endedRoutes(app: FastifyInstance, api: Api): void {
  app.delete(
    "/imports/:id/history",
    {
      schema: {
        summary: "Deletes the history of an import, with its rejects. Its rows stay in the table.",
        params: ID,
        querystring: object({
          "force?": {
            ...says(flag, "Also of an import that has not finished, and cannot go on then."),
            default: false,
          },
        }),
        response: {
          204: { type: "null", description: "It is deleted." },
          ...failures(400, 401, 403, 404, 409, 503),
        },
      },
    },
    async (request, reply) => {
      const { force } = request.query as { readonly force: boolean };
      await api.target.start();
      await api.jobs.forget(idOf(request), force);
      return await reply.code(204).send();
    },
  );
}
