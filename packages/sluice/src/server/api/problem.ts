// Failures of the API's routes as `application/problem+json` (RFC 9457), with a code that is
// stable.
//
//   HTTP/1.1 409 Conflict
//   content-type: application/problem+json
//
//   {"type": "urn:sluice:problem:not_running", "title": "Conflict", "status": 409,
//    "detail": "The import k3m9x2w7qa is over: it is finished.", "code": "not_running"}
//
// A failure of `POST /upload` has the guide's form instead: `{"error": …}` (failing.ts).
import type { ErrorCode } from "../../errors.ts";
import type { HttpFailure } from "../failure.ts";
import { named, object, says, text, whole, type Schema } from "./schema.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** A failure of a route. Routes may add members: `known` of an unknown field. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

export const PROBLEM: Schema = named(
  "Problem",
  object(
    {
      type: says(text, "`urn:sluice:problem:CODE`"),
      title: says(text, "The status in words."),
      status: whole,
      detail: says(text, "What is wrong, what was expected, and what to do."),
      code: says(text, "Stable: one of docs/errors.md."),
    },
    { additionalProperties: true },
  ),
);

/** The names of the statuses (RFC 9110; RFC 6585 for 429). */
const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** The code of a failure that has none of its own. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  408: "upload_too_slow",
  413: "file_too_large",
  414: "bad_request",
  415: "bad_request",
  429: "too_many_requests",
  500: "internal",
  503: "unavailable",
};

/** @param detail the failure's message, as the caller may see it */
export function toProblem({ status, code, more }: HttpFailure, detail: string): Problem {
  const stable = code ?? CODES[status] ?? (status < 500 ? "bad_request" : "internal");
  return {
    type: `urn:sluice:problem:${stable}`,
    title: TITLES[status] ?? "Error",
    status,
    detail,
    code: stable,
    ...more,
  };
}

/** The description of an answer with a problem. */
const problem = (description: string): Schema => ({
  description,
  content: { [PROBLEM_TYPE]: { schema: { $ref: "Problem#" } } },
});

/** The failures that any route of the API may answer. */
const FAILURES: Readonly<Record<number, Schema>> = {
  400: problem("What was asked for makes no sense."),
  401: problem("A token, or the sign-in of the operator's proxy, is missing."),
  403: problem("A page of another site, another host, or a table that callers may not write to."),
  404: problem("There is no such import, or no such file, or the route is not switched on."),
  408: problem("The upload took too long, or came too slowly."),
  409: problem("The import is in another state."),
  413: problem("The file, or the body, is too large."),
  422: problem("The file cannot be imported so."),
  429: problem("Too many imports, or requests, of this client: `Retry-After` says when to ask again."),
  503: problem("The database is away, or there is no room."),
};

/** The failures that a route answers, by their statuses. */
export function failures(...statuses: readonly number[]): Record<number, Schema> {
  return Object.fromEntries(statuses.map((status) => [status, FAILURES[status]!]));
}
