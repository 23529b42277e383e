// From a form to the jobs that it asks for, one a sheet; and where they stand in the history.
import type { Context } from "@sluice/go/context";
import type { HistoryPlace } from "../../ledger/history.ts";
import { newId } from "../../ledger/ledger.ts";
import { openWorkbook } from "../../rejects/as-source.ts";
import { businesses } from "../../schema/businesses.ts";
import { sheetsToImport, type SheetToImport } from "../../sheet/tables.ts";
import { tracePlace } from "../../tracing.ts";
import { HttpFailure } from "../failure.ts";
import { parseForm, type FormFields } from "../form.ts";
import { NOT_BEGUN } from "../importing.ts";
import type { Upload } from "../upload.ts";
import type { Submission } from "./port.ts";
import { contentOf } from "./refusals.ts";
import { meansDirectory, tableOf, type Attempting } from "./run.ts";
import type { Job } from "./store.ts";

/**
 * The part of the file that a job imports: a sheet of `sheet=all`, or undefined for the sheet that
 * the form means.
 */
export type Part = Job["part"];

/**
 * The parts of a file that a form asks for.
 *
 * @throws SheetError or SluiceError if `sheet=all` finds no sheets, HttpFailure 403 for their
 *   tables, 503 if `ctx` ends
 */
export async function partsOf(
  ctx: Context,
  upload: Upload,
  fields: FormFields,
  { reading, allowed }: Pick<Attempting, "reading" | "allowed">,
): Promise<readonly Part[]> {
  const wish = parseForm(fields);
  if (wish.sheet !== "all") return [undefined];
  const table = tableOf({ fields: [...fields], fileName: upload.fileName });
  const schema = meansDirectory(table, wish) ? { schema: businesses } : {};
  const sheets = await sheetsOf(ctx, upload, { ...wish, ...schema, ...reading });
  for (const sheet of sheets) await allowed.admit(sheet.table ?? table);
  return sheets.map((one) => ({
    sheet: one.sheet.name,
    alike: one.alike,
    ...(one.table === undefined ? {} : { table: one.table }),
  }));
}

async function sheetsOf(
  ctx: Context,
  { path, fileName }: Upload,
  options: Omit<Parameters<typeof sheetsToImport>[1], "file"> & Parameters<typeof openWorkbook>[1],
): Promise<readonly SheetToImport[]> {
  try {
    await using workbook = await openWorkbook(path, { ...options, fileName, ctx });
    return (await sheetsToImport(workbook, { ...options, file: fileName })).sheets;
  } catch (error) {
    throw ctx.err() === undefined ? error : new HttpFailure(503, NOT_BEGUN);
  }
}

/**
 * The jobs of a request, each with the id that its import gets in the ledger.
 * @param name what the kept file is called
 */
export function jobsOf({ upload, fields, client, key }: Submission, parts: readonly Part[], name: string): Job[] {
  const ids = parts.map(() => newId());
  const createdAt = new Date().toISOString();
  const trace = tracePlace();
  return parts.map((part, n) => ({
    id: ids[n]!,
    upload: name,
    fileName: upload.fileName,
    fields: [...fields],
    ...(part ? { part } : {}),
    ...(parts.length > 1 ? { siblings: ids } : {}),
    client,
    ...(key === undefined ? {} : { key: { name: key, content: contentOf(upload, fields) } }),
    ...(trace ? { trace } : {}),
    createdAt,
    state: "queued",
  }));
}

/** The text in which a search of the history looks. */
export function searched(job: Job): string {
  const { id, fileName, part } = job;
  return [id, fileName, part?.sheet ?? "", tableOf(job)].join(" ").toLowerCase();
}

export function placeOf({ id, createdAt }: Job): HistoryPlace {
  return { at: createdAt, id };
}

/** Times of both kinds begin alike; what has more digits is later. */
export function newestFirst(a: HistoryPlace, b: HistoryPlace): number {
  const [one, other] = [a, b].map(({ at, id }) => `${at.replace("Z", "").padEnd(26, "0")} ${id}`) as [string, string];
  return one > other ? -1 : one < other ? 1 : 0;
}
