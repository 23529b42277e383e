// The rejected rows of an import: a page of them, all of them as a file, and their repair; and the
// first rows of its table.
//
//   GET /imports/:id/rejects         200 a page; an empty one if the import is not in the ledger
//   GET /imports/:id/rejects.csv     200 the file, made for this request (also .xlsx); 404 without
//                                    a row in the ledger
//   PATCH /imports/:id/rejects       200 what came of the repair, even if rows are refused again
//                                    409 the import has not finished, or its rows were taken back
//   GET /imports/:id/rows            200 the table's first rows; none if it is another table now
//
// All of them answer 403 if callers may not write to the import's table.
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { findImports, rejectsOf, type Entry } from "../../ledger/ledger.ts";
import { pageOfRejects, rejectsOfRows, type OpenReject } from "../../ledger/open-rejects.ts";
import { hasLedger } from "../../ledger/schema.ts";
import type { Header } from "../../options.ts";
import { headersOf } from "../../plan/plan.ts";
import type { RejectCell } from "../../reject.ts";
import { RejectFile } from "../../rejects/file.ts";
import { repairRows, type RepairedRow } from "../../run/repair.ts";
import { businesses } from "../../schema/businesses.ts";
import { quoteIdentifier, quoteTable } from "../../schema/identifiers.ts";
import { HttpFailure } from "../failure.ts";
import { noSuchImport } from "../jobs/refusals.ts";
import { importOf, keepPace, type Api } from "./context.ts";
import { ID, idOf } from "./imports.ts";
import { failures } from "./problem.ts";
import {
  REJECT_SCHEMAS,
  type NewCell,
  type RejectedRow,
  type RejectList,
  type Repair,
  type Repaired,
} from "./reject-schema.ts";
import { list, object, orNull, ref, text, type Schema } from "./schema.ts";

/** Rejects, or rows, of a page, at most. */
const MOST_SHOWN = 500;
const SHOWN = 100;

const PAGE: Schema = object({
  "offset?": { type: "integer", minimum: 0, default: 0 },
  "limit?": { type: "integer", minimum: 1, maximum: MOST_SHOWN, default: SHOWN },
});

interface PageQuery {
  readonly offset: number;
  readonly limit: number;
}

/** Adds the routes of this file. */
export function rejectRoutes(app: FastifyInstance, api: Api): void {
  app.get(
    "/imports/:id/rejects",
    {
      schema: {
        summary: "The rejected rows of an import that nobody has repaired, in the sheet's order.",
        params: ID,
        querystring: PAGE,
        response: { 200: ref("RejectList"), ...failures(400, 401, 403, 404, 503) },
      },
    },
    (request) => listRejects(api, idOf(request), request.query as PageQuery),
  );
  for (const [kind, type] of Object.entries(FILES)) {
    app.get(
      `/imports/:id/rejects.${kind}`,
      {
        schema: {
          summary: `All of them as a file, with the sheet's own columns, to repair and import again.`,
          params: ID,
          response: {
            200: { description: "The file.", content: { [type]: { schema: { type: "string", format: "binary" } } } },
            ...failures(401, 403, 404, 503),
          },
        },
      },
      (request, reply) => sendRejects(api, request, reply, kind),
    );
  }
  app.patch(
    "/imports/:id/rejects",
    {
      schema: {
        summary: "Puts repaired rows into the table, each once.",
        params: ID,
        consumes: ["application/json"],
        body: ref("Repair"),
        response: { 200: ref("Repaired"), ...failures(400, 401, 403, 404, 409, 413, 422, 429, 503) },
      },
      validatorCompiler: exactly,
    },
    (request) => repair(api, request),
  );
  app.get(
    "/imports/:id/rows",
    {
      schema: {
        summary: "The first rows of the import's table, whichever import put them in.",
        params: ID,
        querystring: object({ "limit?": { type: "integer", minimum: 1, maximum: MOST_SHOWN, default: SHOWN } }),
        response: {
          200: { ...object({ columns: list(text), rows: list(list(orNull(text))) }), description: "As texts." },
          ...failures(400, 401, 403, 404, 503),
        },
      },
    },
    (request) => firstRows(api, idOf(request), request.query as PageQuery),
  );
}

/**
 * The framework's own validator knows no tuples of JSON Schema 2020-12, and makes texts of numbers.
 * A cell stays what it is.
 */
function exactly({ schema }: { readonly schema: unknown }): ValidateFunction {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema([...REJECT_SCHEMAS]);
  return ajv.compile(schema as object);
}

/** The media types of the files, as curl and browsers know them. */
const FILES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/**
 * The ledger's entry of an import whose rows a caller may see: what goes into its table may come
 * from callers. Undefined if it is in no ledger.
 *
 * @throws HttpFailure 404, 403 (`table_not_allowed`)
 */
async function entryOf({ target, jobs, allowed }: Api, id: string): Promise<Entry | undefined> {
  const job = await jobs.find(id);
  await target.start();
  const ledger = job ? job.ledger : id;
  const [entry] = ledger !== undefined && (await hasLedger(target)) ? await findImports(target, { id: ledger }) : [];
  if (!entry && !job) throw noSuchImport(id);
  if (entry) await allowed.check(entry.table);
  return entry;
}

/** A page of the rejects that are open, with the sheet's header. */
async function listRejects(api: Api, id: string, page: PageQuery): Promise<RejectList> {
  const entry = await entryOf(api, id);
  if (!entry) return { rejects: [], headers: [], total: 0 };
  const { rejects, total } = await pageOfRejects(api.target, entry.id, page);
  return {
    rejects: rejects.map((one) => show(one, api.hide)),
    headers: titlesOf(headersOf(entry.plan, entry.id)),
    total,
  };
}

/** A reject as the service shows it: `null` for what is missing, and no addresses in the reason. */
function show({ row, column, value, code, reason, cells }: OpenReject, hide: (text: string) => string): RejectedRow {
  return { row, column: column ?? null, value: value ?? null, code, reason: hide(reason), cells };
}

/** The texts of the headers by column, from A on; null for a column without a header. */
function titlesOf(headers: readonly Header[]): (string | null)[] {
  const width = Math.max(0, ...headers.map(({ sheetColumn }) => sheetColumn));
  const titles = Array.from({ length: width }, (): string | null => null);
  for (const { sheetColumn, text } of headers) titles[sheetColumn - 1] = text;
  return titles;
}

/** Writes them to a file of this process, sends it, and removes it. */
async function sendRejects(
  api: Api,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: string,
): Promise<FastifyReply> {
  const entry = await entryOf(api, idOf(request));
  if (!entry) throw noSuchImport(idOf(request));
  const path = join(api.scratch, `${randomUUID()}.${kind}`);
  const headers = headersOf(entry.plan, entry.id);
  try {
    {
      await using file = new RejectFile(path);
      await file.write(headers, []);
      for await (const page of rejectsOf(api.target, entry.id, entry))
        await file.write(
          headers,
          page.map((one) => ({ ...one, reason: api.hide(one.reason) })),
        );
    }
    const stream = createReadStream(path);
    stream.once("close", () => void rm(path, { force: true }));
    return await reply
      .type(kind === "csv" ? `${FILES["csv"]!}; charset=utf-8` : FILES[kind]!)
      .header("content-disposition", `attachment; filename="rejects-${entry.id}.${kind}"`)
      .send(stream);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Puts repaired rows into the table. A row that is not an open reject is `settled`: it was repaired
 * before, or never rejected, and nothing of it goes in. So a client may send a repair twice.
 */
async function repair(api: Api, request: FastifyRequest): Promise<Repaired> {
  keepPace(api, request);
  const id = idOf(request);
  const { rows } = request.body as Repair;
  const entry = await entryOf(api, id);
  if (!entry) throw new HttpFailure(409, `The import ${id} has no rows that could be repaired.`, {}, "not_finished");
  const numbers = rows.map(({ row }) => row);
  if (new Set(numbers).size < numbers.length) throw badBody("a row is named twice. Name each once.");
  const open = await rejectsOfRows(api.target, entry.id, numbers);
  const titles = titlesOf(headersOf(entry.plan, entry.id));
  const repaired = rows.map(({ row, cells }): RepairedRow => {
    const before = open.find((one) => one.row === row)?.cells ?? [];
    return {
      row,
      cells: Array.isArray(cells) ? mended(before, cells) : mended(before, byHeader(before, cells as Named, titles)),
    };
  });
  const blank = repaired.find(({ cells }) => cells.every(isBlank));
  if (blank)
    throw badBody(`no cell of row ${blank.row} has a value. A blank row is not a record: it would be in no count.`);
  const caller = await api.allowed.check(entry.table);
  const found = await repairRows(api.target, entry, repaired, [businesses], caller);
  return {
    inserted: found.inserted,
    updated: found.updated,
    skipped: found.skipped,
    rejected: found.rejects.length,
    rejects: found.rejects.map((one) => show(one, api.hide)),
    settled: found.settled,
    import: await importOf(api, id),
  };
}

/** New cells by the header of their column. */
type Named = Readonly<Record<string, NewCell>>;

/**
 * The whole row, with the new cells in their places. @throws HttpFailure 400 (`bad_body`) for a
 * header that the sheet does not have, or has twice
 */
function byHeader(before: readonly RejectCell[], named: Named, titles: readonly (string | null)[]): NewCell[] {
  const cells: NewCell[] = Array.from({ length: Math.max(before.length, titles.length) }, (_, n) => before[n] ?? null);
  for (const [header, cell] of Object.entries(named)) {
    const at = titles.indexOf(header);
    if (at < 0)
      throw badBody(
        `there is no header ${JSON.stringify(header)}. Use: ${titles.filter((title) => title !== null).join(", ")}`,
      );
    if (titles.lastIndexOf(header) !== at)
      throw badBody(`the header ${JSON.stringify(header)} is there twice. Send the cells of the whole row.`);
    cells[at] = cell;
  }
  return cells;
}

/**
 * A cell whose text is as it was keeps its type: somebody who has not touched a date has not made a
 * text of it.
 */
function mended(before: readonly RejectCell[], cells: readonly NewCell[]): RejectCell[] {
  return cells.map((cell, n): RejectCell => {
    const old = before[n] ?? null;
    if (typeof cell === "number") return ["n", String(cell)];
    if (typeof cell === "boolean") return ["b", String(cell)];
    if (typeof cell !== "string") return cell;
    if (Array.isArray(old) && old[1] === cell) return old as RejectCell;
    return cell === "" ? null : cell;
  });
}

function isBlank(cell: RejectCell): boolean {
  return cell === null || (typeof cell === "string" && cell.trim() === "");
}

function badBody(what: string): HttpFailure {
  return new HttpFailure(400, `The body: ${what}`, {}, "bad_body");
}

/**
 * The first rows of the import's table, as texts of at most 1,000 characters. There is no order:
 * they are those that the database finds first.
 */
async function firstRows(
  api: Api,
  id: string,
  { limit }: PageQuery,
): Promise<{ columns: readonly string[]; rows: readonly (readonly (string | null)[])[] }> {
  const entry = await entryOf(api, id);
  if (!entry?.sameTable) return { columns: [], rows: [] };
  const columns = (await api.target.describe(entry.table))?.columns ?? [];
  if (columns.length === 0) return { columns: [], rows: [] };
  const texts = columns.map(({ name }) => `left(${quoteIdentifier(name)}::text, 1000)`);
  const { rows } = await api.target.query(`select ${texts.join(", ")} from ${quoteTable(entry.table)} limit $1`, [
    String(limit),
  ]);
  return { columns: columns.map(({ name }) => name), rows };
}
