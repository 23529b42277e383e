// What can be done with an import that has ended: DELETE /imports/:id/history, and /take-back.
//
//   DELETE /imports/:id/history     204 its history is gone
//                                   409 it waits or runs, or is unfinished and `force` is missing
//   GET /imports/:id/take-back      200 what would be taken back; 409 why it cannot be
//   POST /imports/:id/take-back     200 the import, which is cancelled now; 409 as above
//
// A taking back answers 422 if the database stands against it: the table is gone, or other rows
// refer to these.
import type { FastifyInstance } from "fastify";
import { lookAtRows, takeBack, type TakingBack } from "../../run/take-back.ts";
import type { Caller } from "../../options.ts";
import { HttpFailure } from "../failure.ts";
import { noSuchImport } from "../jobs/refusals.ts";
import { importOf, keepPace, type Api } from "./context.ts";
import { ID, idOf } from "./imports.ts";
import type { Import } from "../jobs/import.ts";
import { failures } from "./problem.ts";
import { flag, list, named, object, ref, says, text, whole, type Schema } from "./schema.ts";

/** The answer of the look that changes nothing. */
export const TAKING_BACK: Schema = named(
  "TakingBack",
  object({
    id: says(text, "The import that the ledger has: another one if this one continued it."),
    table: text,
    rows: says(whole, "All rows that the import put in."),
    notes: list(text, { description: "What would stay, or happen besides." }),
  }),
);

/** Adds the routes of this file. */
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
  app.get(
    "/imports/:id/take-back",
    {
      schema: {
        summary: "The rows of an import that can be taken back. Nothing is changed.",
        params: ID,
        response: { 200: ref("TakingBack"), ...failures(401, 403, 404, 409, 422, 503) },
      },
    },
    (request) => look(api, idOf(request)),
  );
  app.post(
    "/imports/:id/take-back",
    {
      schema: {
        summary: "Takes all rows of an import back out of its table. The same file can be imported again then.",
        params: ID,
        response: {
          200: { ...ref("Import"), description: "It is cancelled, and none of its rows is in." },
          ...failures(401, 403, 404, 409, 422, 429, 503),
        },
      },
    },
    (request) => {
      keepPace(api, request);
      return takeRows(api, idOf(request));
    },
  );
}

/** Counts the rows that would be taken back. @throws as rowsOf and lookAtRows do */
async function look(api: Api, id: string): Promise<TakingBack> {
  const { ledger } = await rowsOf(api, id);
  return await lookAtRows(api.target, ledger);
}

/** Takes the rows back: all of them, or none. @throws as rowsOf and takeBack do */
async function takeRows(api: Api, id: string): Promise<Import> {
  const { ledger, caller } = await rowsOf(api, id);
  await takeBack(api.target, ledger, caller);
  return await importOf(api, id);
}

/**
 * The import as the ledger knows it, and the rules for a caller who may write to its table.
 *
 * @throws HttpFailure 404, 403 (`table_not_allowed`)
 */
async function rowsOf(api: Api, id: string): Promise<{ readonly ledger: string; readonly caller: Caller }> {
  const job = await api.jobs.find(id);
  await api.target.start();
  const recorded = await api.jobs.recorded(job?.ledger ?? id);
  if (!recorded && !job) throw noSuchImport(id);
  if (!recorded) throw new HttpFailure(409, `The import ${id} has put no rows into a table.`, {}, "not_taken_back");
  return { ledger: recorded.id, caller: await api.allowed.check(recorded.table) };
}
