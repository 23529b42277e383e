// What goes back when a request fails: a status and one sentence, never a stack.
import { SheetError, type SheetErrorCode } from "@sluice/sheets";
import { INTERRUPTED, SluiceError } from "../errors.ts";

/** A request that cannot be met, with the status and the text to answer. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Stable, for programs, if there is one. */
  readonly code: string | undefined;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}, code?: string) {
    super(message);
    this.name = "HttpFailure";
    this.status = status;
    this.headers = headers;
    this.code = code;
  }
}

export const NO_FILE = "No file uploaded";
export const NOT_EXCEL = "Only Excel files allowed";

/** Content that is no spreadsheet at all, as against one that is damaged, locked or too large. */
const NO_SPREADSHEET: ReadonlySet<SheetErrorCode> = new Set([
  "empty_file",
  "not_a_file",
  "not_a_workbook",
  "no_workbook",
] satisfies SheetErrorCode[]);

/** The database cannot be had just now; the same request may work later. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  "authentication_failed",
  "commits_lost",
  "connection_failed",
  "connection_lost",
  "connection_refused",
  "database_in_use",
  "embedded_database",
  INTERRUPTED,
  "no_such_database",
  "pooler",
  "read_only",
  "standby",
  "too_many_connections",
  "unknown_host",
]);

/** Status and text for anything thrown. Where it is not a failure that was foreseen, the text says nothing of its inside. */
export function toFailure(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (error instanceof SheetError) {
    return NO_SPREADSHEET.has(error.code)
      ? new HttpFailure(400, NOT_EXCEL)
      : new HttpFailure(422, error.message, {}, error.code);
  }
  if (error instanceof SluiceError) {
    return new HttpFailure(statusOf(error), error.message, {}, error.code);
  }
  const { code, statusCode, message } = (error ?? {}) as { code?: unknown; statusCode?: unknown; message?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") {
    const message = "There is no room left to keep the upload while it is imported. Try again later.";
    return new HttpFailure(503, message, { "retry-after": "60" }, "no_room");
  }
  // A body whose kind cannot even be read is no form with a file.
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new HttpFailure(400, NO_FILE);
  // Failures of the framework's own: a malformed URL, too many parts, …
  if (typeof code === "string" && code.startsWith("FST_") && typeof statusCode === "number" && statusCode < 500) {
    return new HttpFailure(statusCode, String(message));
  }
  return new HttpFailure(500, "The import failed for a reason on our side. It is in the server's log.");
}

function statusOf({ code, exitCode }: SluiceError): number {
  if (code === "table_not_allowed") return 403;
  return exitCode === 2 ? 400 : UNAVAILABLE.has(code) ? 503 : 422;
}

/** The text of anything thrown, for a health report or a log line. */
export function describeReason(error: unknown): string {
  const all = error instanceof AggregateError ? [error, ...(error.errors as unknown[])] : [error];
  const text = all.map((one) => (one instanceof Error ? one.message : String(one))).find((message) => message !== "");
  return text ?? "unknown reason";
}

/**
 * Takes database addresses out of a text. They say who and where to callers whom it does not concern.
 *
 * @param name what the target calls itself, which goes too
 */
export function withoutAddresses(text: string, name: string): string {
  return text.replaceAll(name, "the database").replaceAll(/\bpostgres(?:ql)?:\/\/\S*[^\s"'`,;).:]/gi, "the database");
}
