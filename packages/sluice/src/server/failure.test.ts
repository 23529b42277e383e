import { expect, test } from "vitest";
import { SluiceError, usageError } from "../errors.ts";
import { describeReason, HttpFailure, toFailure, withoutAddresses } from "./failure.ts";

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
