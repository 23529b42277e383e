import { CellType } from "@sluice/sheets";
import { describe, expect, test } from "vitest";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { table, type ColumnSpec } from "./schema.ts";
import { checkFor } from "./values.ts";

/** What becomes of a cell: the text that is loaded, null, or the code of the reject. */
function judge(spec: ColumnSpec, text: string, type: CellType): string | null {
  const column = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const bytes = Buffer.from(`<<${text}>>`);
  const verdict = checkFor(column)?.(bytes, 2, bytes.length - 2, type);
  if (verdict === undefined) return text;
  return typeof verdict === "object" && verdict !== null ? `! ${verdict.code}` : verdict;
}

const { number, string, boolean, date, error } = CellType;

describe.each([
  // type, cell, its type, what is loaded (or "! code")
  ["text", "085232", string, "085232"],
  ["text", "1E+05", number, "1E+05"],
  ["text", "true", boolean, "true"],
  ["text", "#N/A", error, "#N/A"],
  ["integer", "42", number, "42"],
  ["integer", "1E+05", number, "100000"],
  ["integer", "42.0", number, "42"],
  ["integer", "42.5", number, "! invalid_number"],
  ["integer", "-7", string, "-7"],
  ["integer", "2147483648", number, "! out_of_range"],
  ["integer", "-2147483648", number, "-2147483648"],
  ["integer", "12a", string, "! invalid_number"],
  ["integer", "true", boolean, "! invalid_number"],
  ["integer", "#DIV/0!", error, "! invalid_number"],
  ["smallint", "32768", number, "! out_of_range"],
  ["bigint", "9223372036854775807", string, "9223372036854775807"],
  ["bigint", "9223372036854775808", string, "! out_of_range"],
  ["numeric", "0.10000000000000001", number, "0.10000000000000001"],
  ["numeric", "abc", string, "! invalid_number"],
  ["numeric(10,2)", "12.34", number, "12.34"],
  ["numeric(10,2)", "12.340000000000001", number, "12.34"],
  ["numeric(10,2)", "12.345", number, "! too_many_digits"],
  ["numeric(4,2)", "123.4", number, "! out_of_range"],
  ["numeric(10,2)", "1E-3", number, "! too_many_digits"],
  ["double precision", "1E+308", number, "1E+308"],
  ["double precision", "1E+999", number, "! out_of_range"],
  ["boolean", "true", boolean, "true"],
  ["boolean", "Yes", string, "true"],
  ["boolean", "0", number, "false"],
  ["boolean", "2", number, "! invalid_boolean"],
  ["date", "2020-01-31T00:00:00.000", date, "2020-01-31"],
  ["date", "2020-01-31T12:00:00.000", date, "! invalid_date"],
  ["date", "2020-02-30", string, "! invalid_date"],
  ["date", "2024-02-29", string, "2024-02-29"],
  ["date", "31/01/2020", string, "! invalid_date"],
  ["date", "43861", number, "! invalid_date"],
  ["timestamp", "2020-01-31T12:00:00.000", date, "2020-01-31T12:00:00.000"],
  ["timestamp", "2020-01-31 12:30", string, "2020-01-31 12:30"],
  ["timestamp", "2020-01-31 12:30+01", string, "! invalid_timestamp"],
  ["timestamptz", "2020-01-31 12:30+01", string, "2020-01-31 12:30+01"],
  ["timestamptz", "2020-01-31 25:30", string, "! invalid_timestamp"],
  ["time", "1899-12-31T12:30:00.000", date, "12:30:00.000"],
  ["time", "2020-01-31T12:30:00.000", date, "! invalid_time"],
  ["time", "12:30", string, "12:30"],
  ["interval", "36:00:00", string, "36:00:00"],
  ["interval", "1.5", number, "! invalid_interval"],
  ["interval", "1.5", string, "! invalid_interval"],
  ["date", "2020-01-31T00:00:00.000", string, "2020-01-31"],
  ["date", "2020-01-31T12:00:00.000", string, "! invalid_date"],
  ["date", "2020-02-31T00:00:00.000", string, "! invalid_date"],
  ["time", "1899-12-31T12:30:00.000", string, "12:30:00.000"],
  ["uuid", "123e4567-e89b-12d3-a456-426614174000", string, "123e4567-e89b-12d3-a456-426614174000"],
  ["uuid", "123e4567", string, "! invalid_uuid"],
  ["jsonb", '{"a":1}', string, '{"a":1}'],
  ["jsonb", "{a:1}", string, "! invalid_json"],
  ["varchar(3)", "äöü", string, "äöü"],
  ["varchar(3)", "äöüß", string, "! too_long"],
  ["mood", "anything", string, "anything"],
] as const)("a column of type %s", (type, text, cell, expected) => {
  test(`makes of ${JSON.stringify(text)} (${Object.keys(CellType)[cell]}) ${JSON.stringify(expected)}`, () => {
    expect(judge({ type }, text, cell)).toBe(expected);
  });
});

test.each([
  ["a@b.co", true],
  ["first.last+tag@mail.example.org", true],
  ["no-at.example.org", false],
  ["two@@example.org", false],
  ["two@at@example.org", false],
  ["with space@example.org", false],
  ["@example.org", false],
  ["a@example", false],
  ["a@.org", false],
  ["a@example..org", false],
  ["a@example.", false],
])("format email takes %j: %s", (text, good) => {
  expect(judge({ format: "email" }, text, string)).toBe(good ? text : "! invalid_email");
});

test.each([
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "31/01/2020", string, "2020-01-31"],
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "1/2/2020", string, "2020-02-01"],
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "2020-01-31T00:00:00.000", date, "2020-01-31"],
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "01/31/2020", string, "! invalid_date"],
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "2020-01-31", string, "! invalid_date"],
  [{ type: "date", dateFormat: "DD/MM/YYYY HH:mm" }, "31/01/2020 12:30", string, "! invalid_date"],
  [{ type: "date", dateFormat: "DD/MM/YYYY" }, "43861", number, "! invalid_date"],
  [{ type: "timestamp", dateFormat: "MM/DD/YYYY hh:mm A" }, "1/31/2020 3:45 PM", string, "2020-01-31 15:45:00"],
  [{ type: "timestamp", dateFormat: "MM/DD/YYYY hh:mm A" }, "1/31/2020", string, "2020-01-31"],
  [{ type: "timestamp", dateFormat: "DD.MM.YYYY HH:mm" }, "2020-01-31T12:00:00.000", date, "2020-01-31T12:00:00.000"],
] as const)("a column %j makes of %j (cell type %i) %j", (spec, text, cell, expected) => {
  expect(judge(spec, text, cell)).toBe(expected);
});

test("a Standard Schema check judges the value and may change it", () => {
  expect(judge({ check: z.string().trim().min(2) }, " ab ", string)).toBe("ab");
  expect(judge({ check: z.string().min(2) }, "a", string)).toBe("! failed_check");
  expect(judge({ type: "integer", check: z.number().max(5) }, "6", number)).toBe("! failed_check");
  expect(judge({ check: z.string().transform(() => null) }, "x", string)).toBe(null);
});

describe.each<[library: string, whole: StandardSchemaV1, mail: StandardSchemaV1, upper: StandardSchemaV1]>([
  ["zod", z.number().int().min(1), z.email(), z.string().transform((text) => text.toUpperCase())],
  [
    "valibot",
    v.pipe(v.number(), v.integer(), v.minValue(1)),
    v.pipe(v.string(), v.email()),
    v.pipe(v.string(), v.toUpperCase()),
  ],
  ["arktype", type("number.integer >= 1"), type("string.email"), type("string").pipe((text) => text.toUpperCase())],
])("checks of %s", (_, whole, mail, upper) => {
  test("judge numbers as numbers and text as text, and their result is what is loaded", () => {
    expect(judge({ type: "integer", check: whole }, "7", number)).toBe("7");
    expect(judge({ type: "integer", check: whole }, "0", number)).toBe("! failed_check");
    expect(judge({ check: mail }, "a@example.org", string)).toBe("a@example.org");
    expect(judge({ check: mail }, "nobody", string)).toBe("! failed_check");
    expect(judge({ check: upper }, "abc", string)).toBe("ABC");
  });

  test("may stand for a column by themselves, and say what is wrong", () => {
    const column = table({ name: "t", columns: { mail } }).columns[0]!;
    const bytes = Buffer.from("nobody");
    expect(checkFor(column)?.(bytes, 0, bytes.length, string)).toEqual({
      code: "failed_check",
      reason: expect.stringMatching(/e-?mail/i) as string,
    });
  });
});

test("a check sees a date as ISO, whatever its notation was", () => {
  const check = z.iso.date();
  expect(judge({ type: "date", dateFormat: "DD/MM/YYYY", check }, "31/01/2020", string)).toBe("2020-01-31");
});

test("an asynchronous check is refused with a word about what to do", () => {
  expect(() => judge({ check: z.string().refine(async () => true) }, "x", string)).toThrow(/synchronous/);
});
