// The errors of this package. Every message names what is wrong, where, what was expected and what
// to do next; the code is stable, and the exit code is the command line's.
import type { Context } from "@sluice/go/context";
import { defaultLimits, SheetError, type Limits, type SheetErrorCode } from "@sluice/sheets";

/**
 * 1: the import failed. 2: it was asked for wrongly. 4: it was finished before. 130: it was
 * interrupted.
 */
export type FailureExit = 1 | 2 | 4 | 130;

/** The codes that a {@link SluiceError} can have. They are stable; docs/errors.md explains each. */
export const ERROR_CODES = [
  "added_twice",
  "all_refused",
  "ambiguous_header",
  "authentication_failed",
  "bad_body",
  "bad_dsn",
  "bad_field",
  "bad_ledger",
  "bad_limit",
  "bad_parameter",
  "bad_pattern",
  "bad_range",
  "bad_request",
  "bad_sample",
  "bad_schema",
  "bad_token",
  "bad_type",
  "cannot_create",
  "cannot_listen",
  "cascade",
  "check_changed",
  "check_missing",
  "commits_lost",
  "connection_failed",
  "connection_lost",
  "connection_refused",
  "content_changed",
  "data_folder",
  "database_in_use",
  "ddl_refused",
  "dry_run",
  "duplicate_header",
  "embedded_database",
  "empty_keep",
  "empty_sheet",
  "file_gone",
  "fleet_options",
  "file_too_large",
  "forbidden",
  "generated_column",
  "idempotency_mismatch",
  "import_failed",
  "import_ended",
  "import_running",
  "imported_already",
  "internal",
  "interrupted",
  "key_not_loaded",
  "ledger_denied",
  "ledger_newer",
  "ledger_untrusted",
  "method_not_allowed",
  "miscounted",
  "missing_column",
  "missing_header",
  "no_columns",
  "no_database",
  "no_fleet",
  "no_header",
  "no_import",
  "no_key",
  "no_ledger",
  "no_room",
  "no_merged",
  "no_page",
  "no_rows",
  "no_schema_file",
  "no_such_database",
  "no_such_table",
  "no_table",
  "no_unique_index",
  "not_finished",
  "not_found",
  "not_resumable",
  "not_running",
  "not_taken_back",
  "nothing_left",
  "one_file",
  "output_lost",
  "pooler",
  "file_changed",
  "file_store",
  "read_only",
  "referred_to",
  "reject_file",
  "rejects_unread",
  "resume_differs",
  "resume_several",
  "session_changed",
  "standby",
  "stdin_twice",
  "stored_file",
  "table_changed",
  "table_exists",
  "table_gone",
  "table_not_allowed",
  "table_rules",
  "table_unconfirmed",
  "taken_over",
  "too_many_connections",
  "too_many_errors",
  "too_many_imports",
  "too_many_readers",
  "too_many_requests",
  "too_many_uploads",
  "too_many_sheets",
  "too_wide",
  "unauthorized",
  "unavailable",
  "unfinished_import",
  "unknown_column",
  "unknown_field",
  "unknown_header",
  "unknown_host",
  "unknown_import",
  "unknown_key",
  "unknown_method",
  "upload_folder",
  "upload_gone",
  "upload_too_slow",
  "worker_lost",
  "would_cascade",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

declare const passedOn: unique symbol;
/**
 * The code of a failure that is passed on in other words: one of ours, or PostgreSQL's. {@link
 * describeError} gives it.
 */
export type PassedOn = string & { readonly [passedOn]: true };

/** Error code of work that was abandoned because the import was cancelled. */
export const INTERRUPTED = "interrupted";

/** A failure of an import as a whole. (A bad row is not a failure: it is a {@link Reject}.) */
export class SluiceError extends Error {
  /**
   * Stable, for programs: `connection_refused`, `missing_column`, … docs/errors.md explains each.
   */
  readonly code: string;
  readonly exitCode: FailureExit;

  constructor(
    code: ErrorCode | SheetErrorCode | PassedOn,
    message: string,
    options?: { exitCode?: FailureExit; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SluiceError";
    this.code = code;
    this.exitCode = options?.exitCode ?? 1;
  }
}

/** Reports whether work was given up because it was to stop. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof SluiceError && error.code === INTERRUPTED;
}

/** An interruption, if a reading failed because `ctx` ended; any other failure as it is. */
export function orInterrupted(error: unknown, ctx: Context | undefined): unknown {
  if (ctx?.err() === undefined || error !== ctx.signal.reason) return error;
  return new SluiceError(INTERRUPTED, "interrupted while the file was read", { exitCode: 130, cause: error });
}

/** A call that cannot mean anything: exit code 2. */
export function usageError(code: ErrorCode, message: string): SluiceError {
  return new SluiceError(code, message, { exitCode: 2 });
}

/** The code and text of anything thrown, for people and for JSON. Never a stack. */
export function describeError(error: unknown): { code: PassedOn; message: string; exitCode: FailureExit } {
  if (error instanceof SluiceError) return described(error.code, error.message, error.exitCode);
  if (error instanceof SheetError) {
    const { code, file } = error;
    const message = asFlags(error.message);
    const named = file === undefined || message.includes(file) ? message : `${file}: ${message}`;
    return described(code, named, code === "bad_option" ? 2 : 1);
  }
  if (error instanceof Error) {
    const code = "code" in error && typeof error.code === "string" ? error.code : "internal";
    return described(code, error.message, 1);
  }
  return described("internal", String(error), 1);
}

function described(code: string, message: string, exitCode: FailureExit): ReturnType<typeof describeError> {
  return { code: code as PassedOn, message, exitCode };
}

/** The reader's message about its options, with the names that they have on the command line. */
export function asFlags(text: string): string {
  return text
    .replaceAll(/the option (encoding|delimiter)\b/g, "--$1")
    .replaceAll("(option quote)", "(--quote none)")
    .replaceAll("csv.delimiter", "--delimiter")
    .replaceAll("csv.quote", "--quote")
    .replaceAll(/\b(\w+) = (\d+)\b/g, (said, name: string, value: string) =>
      isRaisable(name, Number(value)) ? `${said} (${limitFlag(name)})` : said,
    );
}

/** The option of a limit. */
export function limitFlag(name: string): string {
  if (name === "cellBytes") return "--max-field";
  return `--${name.replace("MiB", "Mib").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Rows and columns have no more than the formats have. */
function isRaisable(name: string, value: number): boolean {
  if (!Object.hasOwn(defaultLimits, name)) return false;
  return (name !== "rows" && name !== "columns") || value < defaultLimits[name as keyof Limits];
}

/** A failure to read a file, with what the user calls that. */
export function renamed(error: unknown, path: string, name: string): unknown {
  if (!(error instanceof SheetError) || path === name) return error;
  return new SheetError(error.code, error.message.replaceAll(path, name), { ...error.toJSON(), file: name });
}

/** The error that a promise rejects with, or undefined. */
export async function failureOf(outcome: Promise<unknown>): Promise<unknown> {
  try {
    await outcome;
    return undefined;
  } catch (error) {
    return error ?? new Error("unknown failure");
  }
}
