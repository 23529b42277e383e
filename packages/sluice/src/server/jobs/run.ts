// One attempt at an import that was asked for: from what is kept of the wish to what the engine
// says of it.
import type { Context } from "@sluice/go/context";
import { isInterrupted, SluiceError } from "../../errors.ts";
import { runImport } from "../../import.ts";
import { FinishedError } from "../../ledger/finished.ts";
import { findImports } from "../../ledger/ledger.ts";
import { hasLedger } from "../../ledger/schema.ts";
import type { ImportOptions, ImportResult } from "../../options.ts";
import { businesses } from "../../schema/businesses.ts";
import { tableNameFor } from "../../schema/identifiers.ts";
import type { Target } from "../../target.ts";
import { tracedFrom } from "../../tracing.ts";
import type { AllowedTables } from "../allowed.ts";
import { isUnavailable, toFailure } from "../failure.ts";
import { parseForm } from "../form.ts";
import { inUploadTerms, OTHER_HEADERS, type Reading } from "../importing.ts";
import type { Live } from "./live.ts";
import type { Job, Outcome } from "./store.ts";

/**
 * The result of an attempt. The state `undefined` means that it was stopped, and is to continue
 * later.
 */
export interface Attempt {
  readonly state: "finished" | "failed" | undefined;
  readonly outcome?: Outcome;
  /** True if it may work later, with the same file. */
  readonly again?: boolean;
}

export interface Attempting {
  readonly target: Target;
  readonly allowed: AllowedTables;
  readonly reading: Reading;
  /** The tables that earlier imports of the same request have made. */
  readonly made: (job: Job) => ReadonlySet<string>;
  /** Called when the ledger has it. */
  readonly onBegin: (job: Job, id: string) => void;
  /** Takes addresses out of what callers see. */
  readonly hide: (text: string) => string;
  /** Takes out what addresses are made of, too: for failures of a connection. */
  readonly hidePlaces: (text: string) => string;
}

/** Runs a job, or goes on with it. Never rejects. */
export async function attempt(ctx: Context, job: Job, path: string, live: Live, by: Attempting): Promise<Attempt> {
  try {
    const attributes = { "sluice.job": job.id };
    const result = await tracedFrom(job.trace, "sluice.job", attributes, () => importIt(ctx, job, path, live, by));
    return result.interrupted ? { state: undefined } : { state: "finished", outcome: outcomeOf(result, by) };
  } catch (error) {
    if (isInterrupted(error)) return { state: undefined };
    if (error instanceof FinishedError && (!error.doneBefore || error.result.id === job.ledger))
      return { state: "finished", outcome: outcomeOf(error.result, by) };
    return failedAttempt(error, job, path, by);
  }
}

/**
 * Codes of other failures after which the same file may work later: another process has the import,
 * the disk of the database is full (PostgreSQL's 53100), or one of this machine.
 */
const PASSING: ReadonlySet<string> = new Set(["import_running", "53100", "no_room"]);

/** The result of an attempt that failed, with the error that callers see. */
export function failedAttempt(
  error: unknown,
  { fileName }: Pick<Job, "fileName">,
  path: string,
  { hide, hidePlaces }: Pick<Attempting, "hide" | "hidePlaces">,
): Attempt {
  const before = error instanceof FinishedError ? error.result.id : undefined;
  const plain = inUploadTerms(error, { path, fileName });
  const { code, message, status } = toFailure(plain);
  const again = isUnavailable(error) || (code !== undefined && PASSING.has(code));
  const said = (status >= 500 ? hidePlaces : hide)(message).replaceAll("?resume=never", "the field resume=never");
  const shown = { code: code ?? (status >= 500 ? "internal" : "bad_request"), message: said };
  return {
    state: "failed",
    again,
    outcome: { error: before === undefined ? shown : { ...shown, import: before } },
  };
}

/**
 * The import of the ledger that this job is, or has gone on with; undefined if it has not begun.
 */
async function ledgerOf(target: Target, job: Job): Promise<string | undefined> {
  if (job.ledger !== undefined) return job.ledger;
  const entries = (await hasLedger(target)) ? await findImports(target, { id: job.id }) : [];
  return entries[0]?.id;
}

async function importIt(
  ctx: Context,
  job: Job,
  path: string,
  live: Live,
  { target, allowed, reading, made, onBegin }: Attempting,
): Promise<ImportResult> {
  const { sheet: _, ...wish } = parseForm(new Map(job.fields));
  const sheet = job.part?.sheet ?? new Map(job.fields).get("sheet")?.[0];
  const table = tableOf(job);
  const caller = await allowed.check(table);
  await target.start();
  const begun = await ledgerOf(target, job);
  if (begun !== undefined) onBegin(job, begun);
  const options: ImportOptions = {
    ...wish,
    ...reading,
    ...(sheet === undefined ? {} : { sheet }),
    ...(job.part ? { alike: job.part.alike } : {}),
    ...(made(job).has(table) ? { mode: "append" as const } : {}),
    ...(begun === undefined ? { id: job.id } : { resume: begun }),
    file: path,
    fileName: job.fileName,
    target,
    table,
    caller,
    onBegin: (id) => onBegin(job, id),
    onPipeline: (pipeline) => live.watch(pipeline),
    onProgress: (progress) => live.tell(progress),
  };
  if (!meansDirectory(table, options)) return await runImport(ctx, options);
  const exists = (await target.describe(table)) !== undefined;
  try {
    return await runImport(ctx, { ...options, schema: businesses });
  } catch (error) {
    if (exists || !(error instanceof SluiceError && OTHER_HEADERS.has(error.code))) throw error;
    return await runImport(ctx, options);
  }
}

/** The table that a job's rows go to. */
export function tableOf({ fields, part, fileName }: Pick<Job, "fields" | "part" | "fileName">): string {
  return new Map(fields).get("table")?.[0] ?? part?.table ?? tableNameFor(fileName);
}

/**
 * Reports whether the columns and checks of the guide's directory count: its table was named, and
 * no types were.
 */
export function meansDirectory(table: string, { types }: Pick<ImportOptions, "types">): boolean {
  return table === businesses.name && (types === undefined || types.size === 0);
}

function outcomeOf(result: ImportResult, { hide }: Attempting): Outcome {
  const { id: _, rejects: __, interrupted: ___, file: ____, milliseconds, notes, ...rest } = result;
  return { ...rest, milliseconds: Math.round(milliseconds), notes: notes.map(hide), error: null };
}
