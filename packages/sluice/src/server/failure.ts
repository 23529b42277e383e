// The answer to a request that fails: a status and one sentence, never a stack.
import { isIP } from "node:net";
import { unescape } from "node:querystring";
import { SheetError, type SheetErrorCode } from "@sluice/sheets";
import { INTERRUPTED, SluiceError } from "../errors.ts";

/** A request that cannot be met, with the status and the text to answer. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Stable, for programs, if there is one. */
  readonly code: string | undefined;
  /** Further members of a problem. */
  readonly more: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    code?: string,
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = "HttpFailure";
    this.status = status;
    this.headers = headers;
    this.code = code;
    this.more = more;
  }
}

export const NO_FILE = "No file uploaded";
export const ONE_FILE =
  "An upload has one file, and this one has more. Nothing was imported: send each file on its own";
export const NOT_EXCEL = "Only Excel files allowed";

/**
 * Content that is not a spreadsheet at all, as against one that is damaged, locked or too large.
 */
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
  "file_store",
  INTERRUPTED,
  "no_such_database",
  "pooler",
  "read_only",
  "session_changed",
  "standby",
  "too_many_connections",
  "unknown_host",
]);

/** The import is not in the state that is needed. */
const CONFLICTS: ReadonlySet<string> = new Set(["import_running", "not_finished", "not_taken_back"]);

/** Reports whether a failure is the database's, so that the same may work later. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof SluiceError && UNAVAILABLE.has(error.code);
}

/**
 * Status and text for anything thrown. If it is not a failure that was foreseen, the text says
 * nothing of its inside. It has more than 15 branches because it is a list of the kinds of failure.
 */
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
  // A body whose kind cannot even be read is not a form with a file.
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new HttpFailure(400, NO_FILE);
  if (code === "FST_ERR_VALIDATION") {
    const { validationContext } = error as { readonly validationContext?: string };
    const what = validationContext === "body" ? "bad_body" : "bad_parameter";
    return new HttpFailure(400, `${String(message)}.`, {}, what);
  }
  if (code === "FST_ERR_CTP_INVALID_JSON_BODY" || code === "FST_ERR_CTP_EMPTY_JSON_BODY")
    return new HttpFailure(400, "The body is not JSON.", {}, "bad_body");
  if (code === "FST_ERR_MAX_PARAM_LENGTH") {
    const long = "A part of the address is longer than any id is. GET /imports lists the imports that there are.";
    return new HttpFailure(414, long);
  }
  // Failures of the framework's own: a malformed URL, too many parts, …
  if (typeof code === "string" && code.startsWith("FST_") && typeof statusCode === "number" && statusCode < 500) {
    return new HttpFailure(statusCode, String(message));
  }
  return new HttpFailure(500, "The import failed for a reason on our side. It is in the server's log.");
}

function statusOf({ code, exitCode }: SluiceError): number {
  if (code === "table_not_allowed") return 403;
  if (CONFLICTS.has(code)) return 409;
  return exitCode === 2 ? 400 : UNAVAILABLE.has(code) ? 503 : 422;
}

/** The text of anything thrown, for a health report or a log line. */
export function describeReason(error: unknown): string {
  const all = error instanceof AggregateError ? [error, ...(error.errors as unknown[])] : [error];
  const text = all.map((one) => (one instanceof Error ? one.message : String(one))).find((message) => message !== "");
  return text ?? "unknown reason";
}

/**
 * Takes database addresses out of a text. They say who and where to callers whom it does not
 * concern.
 *
 * @param name what the target calls itself, which goes too
 */
export function withoutAddresses(text: string, name: string): string {
  return text.replaceAll(name, "the database").replaceAll(/\bpostgres(?:ql)?:\/\/\S*[^\s"'`,;).:]/gi, "the database");
}

/**
 * Takes also out what addresses are made of: network addresses, and the host, user and database of
 * `name`. For failures of a connection, which the driver and the server put into other words, in
 * any language: `no pg_hba.conf entry for host "10.0.0.5", user "ada"`.
 */
export function withoutPlaces(text: string, name: string): string {
  const plain = withoutAddresses(text, name).replaceAll(/[\w.:[\]%-]*\w\]?/g, (word) =>
    isNetworkAddress(word) ? HIDDEN : word,
  );
  if (!URL.canParse(name)) return plain;
  const { hostname, username, pathname } = new URL(name);
  const quoted = [username, unescape(pathname.slice(1)), hostname].filter((part) => part !== "");
  const host = hostname.length > 1 ? [`(?<![\\w.-])${escaped(hostname)}(?![\\w-])`] : [];
  const parts = [...quoted.map((part) => `(?<=["'»«„“‚‘]|«\\s)${escaped(part)}(?=["'«»“”’‘]|\\s»)`), ...host];
  return plain.replaceAll(new RegExp(parts.join("|"), "gu"), HIDDEN);
}

const HIDDEN = "…";

function isNetworkAddress(word: string): boolean {
  const bare = word.replace(/^\[(.+)\](?::\d+)?$/, "$1");
  return isIP(bare) !== 0 || isIP(bare.replace(/:\d+$/, "")) !== 0;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
