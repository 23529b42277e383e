// POST /imports, GET /imports, GET /imports/:id, DELETE /imports/:id, POST /imports/:id/resume.
//
// What each route answers, apart from the failures that all of them may have (problem.ts):
//
//   POST /imports              202 accepted: it is on the disk, and `Location` is its address
//                              422 the Idempotency-Key came with another file or other fields
//                              429 the client has too many imports, uploads or requests
//   GET /imports               200 a page of the ledger's history, and of imports not in it
//   GET /dead-letters          200 of a fleet: the imports that no worker tries any more
//   GET /imports/:id           200
//   DELETE /imports/:id        200 it is cancelled; 202 it is still stopping; 409 it is over
//   POST /imports/:id/resume   202 it waits for its turn; 409 nothing to resume, or no file
//
// An id that is not in the form of one is unknown (404).
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { pageOfHistory, type HistoryPlace } from "../../ledger/history.ts";
import { HttpFailure } from "../failure.ts";
import { expectField, FORM_FIELDS, parseForm, type FormFields } from "../form.ts";
import { isId } from "../../plan/stored.ts";
import { noSuchImport } from "../jobs/refusals.ts";
import { tableOf } from "../jobs/run.ts";
import { showImport } from "../jobs/shown.ts";
import { newestFirst, placeOf } from "../jobs/submitted.ts";
import { receiveForm, type Upload } from "../upload.ts";
import { importOf, keepPace, type Api } from "./context.ts";
import type { Import, ImportList } from "../jobs/import.ts";
import { failures } from "./problem.ts";
import { list, object, oneOf, ref, says, text, type Schema } from "./schema.ts";

/** Imports of a page, at most. */
const MOST_LISTED = 100;
const LISTED = 50;
/** The longest `Idempotency-Key`. */
const LONGEST_KEY = 255;
/** Fields besides those of the command line. */
const OTHER_FIELDS = ["file", "upload"];

export const ID: Schema = object({ id: text });
/** The query of a list of imports. */
const LIST_QUERY: Schema = object({
  "q?": says(text, "A part of an id, or of the name of a file, sheet or table."),
  "limit?": { type: "integer", minimum: 1, maximum: MOST_LISTED, default: LISTED },
  "cursor?": says(text, "`next` of the page before."),
});

/** The form of `POST /imports` and `POST /preview`, as OpenAPI describes it. */
export const FORM: Schema = {
  type: "object",
  description: "`file`, or `upload`; the fields are the options of the command line in camelCase.",
  properties: {
    file: { type: "string", format: "binary", description: "The spreadsheet, of any format that is read." },
    upload: says(text, "What `POST /preview` called the file that it got, in the place of `file`."),
    priority: says(
      oneOf("normal", "low"),
      "Of a fleet only: `low` waits for all imports that are not of low priority; `normal` by default.",
    ),
    ...Object.fromEntries(
      Object.entries(FORM_FIELDS).map(([name, { description, repeatable, values }]) => {
        const one = says(values ? oneOf(...values) : text, description);
        return [name, repeatable ? list(one) : one];
      }),
    ),
  },
};

/** Fastify reads no form by itself, so it has none to compare with the schema. */
export const anyBody = (): (() => true) => () => true;

/** Adds the routes of this file. */
export function importRoutes(app: FastifyInstance, api: Api): void {
  addSubmit(app, api);
  addLists(app, api);
  addOne(app, api);
}

function addSubmit(app: FastifyInstance, api: Api): void {
  app.post(
    "/imports",
    {
      schema: {
        summary: "Imports a file in the background.",
        consumes: ["multipart/form-data"],
        headers: {
          type: "object",
          properties: {
            "idempotency-key": {
              type: "string",
              maxLength: LONGEST_KEY,
              description: "The same key with the same content gives the same import.",
            },
          },
        },
        body: FORM,
        response: {
          202: { ...ref("Import"), description: "Accepted; `Location` is its address." },
          ...failures(400, 401, 403, 404, 408, 413, 422, 429, 503),
        },
      },
      validatorCompiler: anyBody,
    },
    (request, reply) => submit(api, request, reply),
  );
}

function addLists(app: FastifyInstance, api: Api): void {
  app.get(
    "/imports",
    {
      schema: {
        summary: "The imports of the database, the newest first: also those of the command line.",
        querystring: LIST_QUERY,
        response: { 200: ref("ImportList"), ...failures(400, 401, 403, 503) },
      },
    },
    (request) => listImports(api, request.query as ListQuery),
  );

  app.get(
    "/dead-letters",
    {
      schema: {
        summary:
          "Imports that failed again and again, and that no worker tries any more; `POST /imports/ID/resume` does.",
        querystring: LIST_QUERY,
        response: { 200: ref("ImportList"), ...failures(400, 401, 403, 503) },
      },
    },
    (request) => listDead(api, request.query as ListQuery),
  );
}

/** The routes of a single import. */
function addOne(app: FastifyInstance, api: Api): void {
  app.get(
    "/imports/:id",
    {
      schema: { summary: "One import.", params: ID, response: { 200: ref("Import"), ...failures(401, 403, 404, 503) } },
    },
    (request) => importOf(api, idOf(request)),
  );

  app.delete(
    "/imports/:id",
    {
      schema: {
        summary: "Cancels an import: its rows stay, and it never goes on.",
        params: ID,
        response: {
          200: { ...ref("Import"), description: "It is cancelled." },
          202: { ...ref("Import"), description: "It is being cancelled: it waits for something still." },
          ...failures(401, 403, 404, 409, 503),
        },
      },
    },
    async (request, reply) => {
      await api.jobs.cancel(idOf(request));
      const found = await importOf(api, idOf(request));
      return await reply.code(found.state === "running" ? 202 : 200).send(found);
    },
  );

  app.post(
    "/imports/:id/resume",
    {
      schema: {
        summary: "Goes on with an import that was interrupted or has failed.",
        params: ID,
        response: { 202: ref("Import"), ...failures(401, 403, 404, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      await api.jobs.resume(idOf(request));
      return await reply.code(202).send(await importOf(api, idOf(request)));
    },
  );
}

/** The id in the path of a request. @throws HttpFailure 404 if it has not the form of one */
export function idOf(request: FastifyRequest): string {
  const { id } = request.params as { readonly id: string };
  if (!isId(id)) throw noSuchImport(id);
  return id;
}

/**
 * Accepts an import. What can be checked without the file is checked first, so a client that is
 * refused has not sent it.
 *
 * @returns the first of the imports, if `sheet=all` makes several
 */
async function submit(api: Api, request: FastifyRequest, reply: FastifyReply): Promise<Import> {
  const client = api.clientOf(request);
  keepPace(api, request);
  await api.jobs.expectRoom(client);
  const key = request.headers["idempotency-key"];
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > LONGEST_KEY))
    throw new HttpFailure(400, `Idempotency-Key: expected 1 to ${LONGEST_KEY} characters.`, {}, "bad_parameter");
  const { upload, fields } = await receiveFile(api, request);
  try {
    const { jobs } = await api.jobs.submit({ upload, fields, client, key });
    const first = jobs[0]!;
    void reply.code(202).header("location", `/imports/${first.id}`);
    return await importOf(api, first.id);
  } catch (error) {
    if (!api.jobs.owns(upload)) await upload[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Reads the form of an import or a preview: its fields, and its file or the one that was sent
 * before.
 *
 * @returns the file, which the caller owns from then on, and the fields
 * @throws HttpFailure 400 for the form, 403, 404 (`upload_gone`), 408, 413, 429 or 503; the file is
 * gone then
 */
export async function receiveFile(
  api: Api,
  request: FastifyRequest,
): Promise<{ readonly upload: Upload; readonly fields: FormFields }> {
  const client = api.clientOf(request);
  const place = { ...api.place, folder: await api.jobs.folder() };
  const form = await receiveForm(request, place, {
    client,
    excelOnly: false,
    insteadOfFile: "upload",
    expectField: (name) => expectField(name, [...OTHER_FIELDS, ...api.jobs.fields]),
    // A field may still come after the file; what came before it can spare the way of its bytes.
    admit: async (fileName, fields) => {
      parseForm(fields);
      if (fields.has("table")) await api.allowed.admit(tableOf({ fields: [...fields], fileName }));
    },
  });
  const { fields } = form;
  const token = fields.get("upload")?.[0];
  const upload = form.upload ?? (await api.kept.share(api.kept.find(token!), client));
  try {
    if (form.upload && token !== undefined) throw badForm("It has both `file` and `upload`: send one of them.");
    if (upload.others.length > 0)
      throw badForm("It has more than one file. Nothing was kept: send each on its own.", "one_file");
    const wish = parseForm(fields);
    if (wish.sheet !== "all") await api.allowed.admit(tableOf({ fields: [...fields], fileName: upload.fileName }));
    return { upload, fields };
  } catch (error) {
    await upload[Symbol.asyncDispose]();
    throw error;
  }
}

function badForm(what: string, code = "bad_field"): HttpFailure {
  return new HttpFailure(400, `The form: ${what}`, {}, code);
}

interface ListQuery {
  readonly q?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** The page of the history, with the imports that the ledger does not know yet, or never will. */
async function listImports(api: Api, { q = "", limit, cursor }: ListQuery): Promise<ImportList> {
  const { target, jobs, hide } = api;
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  // One import more than fits the page: it tells whether there is another page.
  const query = { search: q, after, limit: limit + 1 };
  // As they are now: the ledger is asked after it, so none is in neither.
  const waiting = await jobs.unrecorded(query);
  await target.start();
  const found = await pageOfHistory(target, query);
  const known = await jobs.known(found.map(({ summary }) => summary.id));
  const recorded = await Promise.all(
    found.map(async ({ summary, place, message }) => {
      const job = known.get(summary.id);
      const { state } = summary;
      // It has ended since the ledger was asked, whose counts are of a moment before.
      if (job?.state === "finished" && state === "running") return { place, shown: await importOf(api, job.id) };
      return { place, shown: showImport(job, { ...summary, message: message === null ? null : hide(message) }) };
    }),
  );
  const inLedger = new Set(found.map(({ summary }) => summary.id));
  const others = waiting
    .filter((job) => !inLedger.has(job.id))
    .map((job) => ({ place: placeOf(job), shown: showImport(job, undefined) }));
  const all = [...recorded, ...others].sort((a, b) => newestFirst(a.place, b.place));
  const page = all.slice(0, limit);
  const last = page.at(-1);
  return {
    imports: page.map(({ shown }) => shown),
    next: all.length > limit && last ? cursorOf(last.place) : null,
  };
}

/** Each as it is now, by the ledger's counts. */
async function listDead(api: Api, { q = "", limit, cursor }: ListQuery): Promise<ImportList> {
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  const dead = await api.jobs.dead({ search: q, after, limit: limit + 1 });
  const page = dead.slice(0, limit);
  const last = page.at(-1);
  return {
    imports: await Promise.all(page.map(({ id }) => importOf(api, id))),
    next: dead.length > limit && last ? cursorOf(placeOf(last)) : null,
  };
}

/** A cursor: the place of the last import of a page, as JSON in base64url. */
function cursorOf(place: HistoryPlace): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/**
 * The place in a cursor, which may be anything that a caller has written. @throws HttpFailure 400
 * (`bad_parameter`)
 */
function parseCursor(cursor: string): HistoryPlace {
  try {
    const { at, id } = JSON.parse(Buffer.from(cursor, "base64url").toString()) as HistoryPlace;
    if (
      typeof id === "string" &&
      typeof at === "string" &&
      /^\d{4}-[\d:.T-]+Z$/.test(at) &&
      !Number.isNaN(Date.parse(at))
    )
      return { at, id };
  } catch {
    // What is no cursor of ours is said below.
  }
  throw new HttpFailure(400, "cursor: expected `next` of an earlier page.", {}, "bad_parameter");
}
