import { expect, test } from "vitest";
import { SluiceError, usageError } from "../errors.ts";
import { SheetError } from "@sluice/sheets";
import { toProblem } from "./api/problem.ts";
import { describeReason, HttpFailure, isUnavailable, toFailure, withoutAddresses, withoutPlaces } from "./failure.ts";

test.each([
  [new HttpFailure(413, "too large"), 413, "too large"],
  [new SluiceError("missing_column", "no column"), 422, "no column"],
  [new SluiceError("connection_refused", "refused"), 503, "refused"],
  [new SluiceError("interrupted", "it waited for a lock"), 503, "it waited for a lock"],
  [usageError("bad_schema", "bad schema"), 400, "bad schema"],
  [Object.assign(new Error("no space left"), { code: "ENOSPC" }), 503, /no room left/],
  [Object.assign(new Error("bad url"), { code: "FST_ERR_BAD_URL", statusCode: 400 }), 400, "bad url"],
  [new TypeError("x is undefined"), 500, /server's log/],
  ["thrown text", 500, /server's log/],
  [undefined, 500, /server's log/],
])("toFailure(%s) is %i", (error, status, message) => {
  const failure = toFailure(error);
  expect(failure.status).toBe(status);
  expect(failure.message).toMatch(message);
});

test("withoutAddresses() leaves no user, password or host", () => {
  const text = "postgres://u:p%40ss,w@db.internal:5432/x: connection refused (see 'postgresql://h/y'). postgres://a@b.";
  expect(withoutAddresses(text, "unnamed")).toBe(
    "the database: connection refused (see 'the database'). the database.",
  );
  expect(withoutAddresses("/home/u/sluice-data is locked", "/home/u/sluice-data")).toBe("the database is locked");
});

test("describeReason() finds the text in what the network throws", () => {
  const refused = new AggregateError([new Error("connect ECONNREFUSED ::1:5432")], "");
  expect(describeReason(refused)).toBe("connect ECONNREFUSED ::1:5432");
  expect(describeReason("text")).toBe("text");
  expect(describeReason(new Error(""))).toBe("unknown reason");
});

test("each failure has its status, its code, its headers and its text", () => {
  const sluice = ["authentication_failed", "commits_lost", "connection_failed", "connection_lost", "connection_refused", "database_in_use", "embedded_database", "file_store", "interrupted", "no_such_database", "pooler", "read_only", "session_changed", "standby", "too_many_connections", "unknown_host", "import_running", "not_finished", "not_taken_back", "table_not_allowed", "missing_column"];
  const fastify = (code: unknown, more = {}) => Object.assign(new Error("it is wrong"), { code, ...more });
  const errors: readonly unknown[] = [
    ...sluice.map((code) => new SluiceError(code as never, "m")), ...["connection_lost", "import_running", "table_not_allowed", "bad_schema"].map((code) => usageError(code as never, "m")), ...["empty_file", "not_a_file", "not_a_workbook", "no_workbook", "limit", "bad_zip"].map((code) => new SheetError(code as never, "m")),
    fastify("ENOSPC"), fastify("EDQUOT"), fastify("ENOENT"), fastify("FST_ERR_CTP_INVALID_MEDIA_TYPE", { statusCode: 415 }), fastify("FST_ERR_VALIDATION", { validationContext: "body" }), fastify("FST_ERR_VALIDATION", { validationContext: "querystring" }), fastify("FST_ERR_CTP_INVALID_JSON_BODY", { statusCode: 400 }), fastify("FST_ERR_CTP_EMPTY_JSON_BODY"), fastify("FST_ERR_MAX_PARAM_LENGTH"),
    fastify("FST_X", { statusCode: 499 }), fastify("FST_X", { statusCode: 500 }), fastify("FST_X"), fastify("OTHER", { statusCode: 400 }), fastify(7, { statusCode: 400 }), new HttpFailure(409, "m", { a: "b" }, "c", { d: 1 }), null,
  ];
  const lines = errors.map((error) => {
    const { status, code, message, headers, more, name } = toFailure(error);
    const said = (error as { code?: unknown } | null)?.code;
    return `${String(said)} → ${name} ${status} ${code} ${JSON.stringify(headers)} ${JSON.stringify(more)} ${message}`;
  });
  expect(lines.join("\n")).toMatchSnapshot("as answers");
  expect(errors.filter(isUnavailable).map((error) => (error as SluiceError).code)).toEqual([...sluice.slice(0, 16), "connection_lost"]);
  const statuses = [400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 418, 422, 429, 500, 502, 503];
  expect(statuses.map((status) => JSON.stringify(toProblem(new HttpFailure(status, "m"), "d")))).toMatchSnapshot("as problems");
  expect(JSON.stringify(toProblem(new HttpFailure(409, "m", {}, "mine", { import: "i" }), "d"))).toMatchSnapshot("with a code");
}); // prettier-ignore

test("withoutPlaces() leaves nothing of what an address is made of", () => {
  const name = "postgres://ada:secret@db.internal:5432/sh%20op";
  const texts = [
    `no pg_hba.conf entry for host "10.0.0.5", user "ada", database "sh op"`, "connect to 10.0.0.5:5432 and [::1]:5432, fe80::1%eth0, ::1 and 2001:db8::1.", "db.internal is away, db.internal.example is not, nor is my-db.internal; db.internal: no", "Benutzer »ada« und „ada“ ‚ada‘", "l'utilisateur « ada », la base «\u00a0sh op\u00a0»", "пользователь «ada»", "usuario «ada»", "ada is a word, 'adam' too, and \"sh op\" is not",
    `${name}: refused`, "version 15.4, 1.2.3 and 12:30:00 stay", "300.1.1.1 is none",
  ];
  expect(texts.map((text) => withoutPlaces(text, name))).toMatchSnapshot();
  expect(withoutPlaces("/data/x is locked by 10.0.0.1", "/data/x")).toBe("the database is locked by …");
  expect(withoutPlaces('"x" and x', "postgres://x/")).toBe('"…" and x');
  expect(withoutPlaces('role "a.b"', "postgres://a.b@host/")).toBe('role "…"');
}); // prettier-ignore
