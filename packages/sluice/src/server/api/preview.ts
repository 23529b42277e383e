// POST /preview: what an import would do with a file, and the file kept for the import that may
// follow. It writes nothing.
//
// It answers 200 even if no sheet could be imported: each sheet has its own `error`. A failure
// means that there is nothing to show: the form is wrong, or the file cannot be read at all.
import type { Context } from "@sluice/go/context";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { previewFile, type FilePreview } from "../../preview.ts";
import { openWorkbook } from "../../rejects/as-source.ts";
import { businesses } from "../../schema/businesses.ts";
import { HttpFailure } from "../failure.ts";
import { parseForm, type FormFields } from "../form.ts";
import { inUploadTerms, NOT_BEGUN, OTHER_HEADERS } from "../importing.ts";
import { meansDirectory, tableOf } from "../jobs/run.ts";
import { KEPT_MS } from "../jobs/uploads.ts";
import type { Upload } from "../upload.ts";
import { keepPace, whileHeard, type Api } from "./context.ts";
import { GRID, lookAt, type SheetLook } from "./grid.ts";
import { anyBody, FORM, receiveFile } from "./imports.ts";
import type { Preview } from "./preview-schema.ts";
import { failures } from "./problem.ts";
import { ref } from "./schema.ts";

/** Sheets whose first rows are shown. */
const GRIDS = 50;
/** Rows that are counted, of all sheets together. */
const COUNTED_ROWS = 20_000;
const NOT_LOOKED_AT: SheetLook = { grid: [], rows: 0, more: true };

export function previewRoutes(app: FastifyInstance, api: Api): void {
  app.post(
    "/preview",
    {
      schema: {
        summary: "What an import would do with a file. Nothing is written.",
        consumes: ["multipart/form-data"],
        body: FORM,
        response: { 200: ref("Preview"), ...failures(400, 401, 403, 404, 408, 413, 422, 429, 503) },
      },
      validatorCompiler: anyBody,
    },
    (request, reply) => preview(api, request, reply),
  );
}

/**
 * Looks at a file and keeps it. A file that cannot be looked at is removed at once, and so is one
 * whose sender has gone.
 */
async function preview(api: Api, request: FastifyRequest, reply: FastifyReply): Promise<Preview> {
  keepPace(api, request);
  const { upload, fields } = await receiveFile(api, request);
  const ctx = whileHeard(api, reply);
  try {
    const found = await look(api, ctx, upload, fields);
    const imported = new Set(found.imports.map(({ sheet }) => sheet));
    const looks = await looksOf(api, ctx, upload, fields, imported);
    const token = fields.get("upload")?.[0] ?? api.kept.keep(upload);
    // A file that was sent before is kept as it was; this was another name of it.
    if (fields.has("upload")) await upload[Symbol.asyncDispose]();
    const sheets = found.sheets.map((sheet, n) => ({ ...sheet, ...(looks[n] ?? NOT_LOOKED_AT) }));
    return { ...found, sheets, upload: token, expiresAt: new Date(Date.now() + KEPT_MS).toISOString() };
  } catch (error) {
    await upload[Symbol.asyncDispose]();
    // The server is stopping, or nobody hears this.
    if (ctx.err() !== undefined) throw new HttpFailure(503, NOT_BEGUN);
    throw inUploadTerms(error, upload);
  }
}

/**
 * Previews a file. The schema of the guide's directory is used if its table is meant and the sheet
 * has its headers.
 */
async function look(
  { target, reading, hide }: Api,
  ctx: Context,
  upload: Upload,
  fields: FormFields,
): Promise<FilePreview> {
  const wish = parseForm(fields);
  const table = tableOf({ fields: [...fields], fileName: upload.fileName });
  await target.start();
  const options = { ...wish, ...reading, file: upload.path, fileName: upload.fileName, target, ctx };
  if (!meansDirectory(table, wish)) return shown(await previewFile(options), hide);
  const found = await previewFile({ ...options, schema: businesses });
  const isOther = found.imports.some(({ error, exists }) => error !== null && OTHER_HEADERS.has(error.code) && !exists);
  return shown(isOther ? await previewFile(options) : found, hide);
}

/** The preview without addresses of databases in its texts. */
function shown(preview: FilePreview, hide: (text: string) => string): FilePreview {
  const imports = preview.imports.map((one) => ({
    ...one,
    notes: one.notes.map(hide),
    error: one.error && { ...one.error, message: hide(one.error.message) },
  }));
  return { ...preview, imports, notes: preview.notes.map(hide) };
}

/**
 * The first rows of the first sheets: 200 rows of a sheet that would be imported, 50 of another
 * one. The file is opened again, since the preview has closed it.
 */
async function looksOf(
  { reading }: Api,
  ctx: Context,
  upload: Upload,
  fields: FormFields,
  imported: ReadonlySet<string>,
): Promise<SheetLook[]> {
  const { csv } = parseForm(fields);
  const { path, fileName } = upload;
  await using workbook = await openWorkbook(path, { ...reading, fileName, ...(csv ? { csv } : {}), ctx });
  const sheets = workbook.sheets.slice(0, GRIDS);
  const looks: SheetLook[] = [];
  for (const { name } of sheets) {
    const shown = imported.has(name) ? GRID.rows : GRID.otherRows;
    looks.push(await lookAt(workbook.sheet(name), shown, Math.floor(COUNTED_ROWS / sheets.length)));
  }
  return looks;
}
