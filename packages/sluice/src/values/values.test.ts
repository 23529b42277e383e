import { CellType } from "@sluice/sheets";
import { describe, expect, test } from "vitest";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import { z } from "zod";
import { table, type ColumnSpec } from "../schema/schema.ts";
import { checkFor, typedCheckFor } from "./values.ts";
import type { Problem } from "./verdict.ts";
import * as v from "valibot";

/** What becomes of a cell: the text that is loaded, null, or the code of the reject. */
function judge(spec: ColumnSpec, text: string, type: CellType): string | null {
  const column = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const bytes = Buffer.from(`<<${text}>>`);
  const verdict = checkFor(column)?.(bytes, 2, bytes.length - 2, type);
  if (verdict === undefined) return text;
  return typeof verdict === "object" && verdict !== null ? `! ${verdict.code}` : verdict;
}

/** The same for a cell of any kind, and of a reject the reason. */
function verdictOn(spec: ColumnSpec, text: string, type: CellType): string | null {
  const column = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const bytes = Buffer.from(`<<${text}>>`);
  const check = type === string ? checkFor(column) : typedCheckFor(column);
  const verdict: string | null | undefined | Problem = check?.(bytes, 2, bytes.length - 2, type);
  if (verdict === undefined) return text;
  return typeof verdict === "object" && verdict !== null ? `! ${verdict.code}: ${verdict.reason}` : verdict;
}

const { number, string, boolean, date, duration, error } = CellType;

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

describe("a typed cell in a column of text", () => {
  test.each([
    ["text", "0.79519874000000002", number, "0.79519874"],
    ["text", "-3.9965829842680434E-2", number, "-0.039965829842680434"],
    ["text", "1E+05", number, "100000"],
    ["text", "0.1", number, "0.1"],
    // Digits that no spreadsheet keeps were meant, each of them.
    ["text", "12345678901234567890", number, "12345678901234567890"],
    ["text", "12.000000000000000001", number, "12.000000000000000001"],
    ["text", "2024-01-02T00:00:00.000", date, "2024-01-02"],
    ["text", "2024-01-02T03:04:05.000", date, "2024-01-02 03:04:05"],
    ["text", "2024-01-02T03:04:05.500", date, "2024-01-02 03:04:05.500"],
    ["text", "1899-12-31T08:00:00.000", date, "08:00:00"],
    ["text", "1899-12-31T00:00:00.000", date, "00:00:00"],
    ["text", "1904-01-01T00:00:00.000", date, "1904-01-01"],
    ["text", "37:30:00", duration, "37:30:00"],
    ["text", "true", boolean, "true"],
    ["text", "#N/A", error, "#N/A"],
    // What stands there as text stays.
    ["text", "2024-01-02T00:00:00.000", string, "2024-01-02T00:00:00.000"],
    ["text", "0.79519874000000002", string, "0.79519874000000002"],
    ["varchar(10)", "2024-01-02T00:00:00.000", date, "2024-01-02"],
    ["varchar(9)", "2024-01-02T00:00:00.000", date, "! too_long: the text is longer than 9 characters"],
    ["mood", "0.79519874000000002", number, "0.79519874"],
  ] as const)("%s: %j (%d) is %j", (type, text, cell, expected) => {
    expect(verdictOn({ type }, text, cell)).toBe(expected);
  });

  test("reaches the column's own check so", () => {
    const spec = { type: "text", check: z.string().regex(/^\d\d:\d\d:\d\d$/) };
    expect(verdictOn(spec, "1899-12-31T08:00:00.000", date)).toBe("08:00:00");
  });
});

describe("durations and times", () => {
  test.each([
    ["interval", "37:30:00", duration, "37:30:00"],
    ["interval", "-00:00:01.500", duration, "-00:00:01.500"],
    ["interval", "1899-12-31T08:00:00.000", date, "08:00:00.000"],
    ["interval hour to minute", "37:30:00", duration, "37:30:00"],
    ["interval hour to minute", "37:30:15", duration, "! invalid_interval"],
    ["interval", "2024-01-02T08:00:00.000", date, "! invalid_interval"],
    ["interval", "37.5", number, "! invalid_interval"],
    ["numeric", "37:30:00", duration, "1.5625"],
    ["double precision", "-12:00:00", duration, "-0.5"],
    ["integer", "37:30:00", duration, "! invalid_number"],
    ["time", "08:00:00", duration, "08:00:00"],
    ["time", "37:30:00", duration, "! invalid_time"],
    ["date", "37:30:00", duration, "! invalid_date"],
    ["time", "3:45 PM", string, "15:45"],
    ["time", "12:05:06 a.m.", string, "00:05:06"],
    ["time", "13:45 PM", string, "! invalid_time"],
    ["timestamp", "2024-01-31 10:15:07.0000000", string, "2024-01-31 10:15:07.0000000"],
    ["timestamp", "2024-01-31 10:15:06.1234567", string, "! too_many_digits"],
    ["timestamptz", "2024-01-31T10:15:06.1234560Z", string, "2024-01-31T10:15:06.1234560Z"],
    ["time", "10:15:06.12345678", string, "! too_many_digits"],
    ["date", "20240131", string, "2024-01-31"],
    ["date", "20240131", number, "2024-01-31"],
    ["date", "20241331", string, "! invalid_date"],
    ["date", "202401", string, "! invalid_date"],
  ] as const)("%s: %j (%d) is %j", (type, text, cell, expected) => {
    const verdict = verdictOn({ type }, text, cell);
    expect(expected.startsWith("!") ? verdict?.split(":")[0] : verdict).toBe(expected);
  });

  test("years of two digits are read as POSIX reads them", () => {
    const spec = { type: "date", dateFormat: "DD.MM.YY" };
    const texts = ["1.2.00", "31.12.68", "01.01.69", "15.04.91"];
    expect(texts.map((text) => verdictOn(spec, text, string))).toEqual([
      "2000-02-01", "2068-12-31", "1969-01-01", "1991-04-15",
    ]); // prettier-ignore
    expect(verdictOn(spec, "15.04.1991", string)).toMatch(/^! invalid_date/);
    expect(verdictOn({ type: "date", dateFormat: "YYYYMMDD" }, "20240131", string)).toBe("2024-01-31");
    expect(verdictOn({ type: "date", dateFormat: "YYYYMMDD" }, "2024131", string)).toMatch(/^! invalid_date/);
  });
});

test("times without a zone are in the stated one, but for hours that are not there or twice", () => {
  const berlin = { type: "timestamptz", timeZone: "Europe/Berlin" };
  expect(verdictOn(berlin, "2020-03-28 22:00:00", string)).toBe("2020-03-28 22:00:00+01:00");
  expect(verdictOn(berlin, "2020-06-19T06:15", string)).toBe("2020-06-19T06:15+02:00");
  expect(verdictOn(berlin, "2020-06-19T06:15:00.000", date)).toBe("2020-06-19T06:15:00.000+02:00");
  expect(verdictOn(berlin, "2020-06-19", string)).toBe("2020-06-19 00:00+02:00");
  expect(verdictOn(berlin, "2020-06-19 06:15Z", string)).toBe("2020-06-19 06:15Z");
  expect(verdictOn(berlin, "2020-03-29 02:30:00", string)).toMatch(/^! invalid_timestamp: .* does not exist in Europe/);
  expect(verdictOn(berlin, "2020-10-25 02:30:00", string)).toMatch(/^! invalid_timestamp: .* is there twice in Europe/);
  expect(verdictOn({ type: "timestamptz", timeZone: "-03:30" }, "2020-03-29 02:30", string)).toBe(
    "2020-03-29 02:30-03:30",
  );
  expect(verdictOn({ type: "timestamp", timeZone: "Europe/Berlin" }, "2020-03-29 02:30", string)).toBe(
    "2020-03-29 02:30",
  );
  expect(() => table({ name: "t", columns: { c: { type: "timestamptz", timeZone: "Mars" } } })).toThrow(/is not one/);
});

test("a stated notation and marks are read before the type judges", () => {
  const pay = { type: "numeric(10,2)", numberFormat: "1.234,56 €", nulls: ["-", "#N/A"] };
  expect(verdictOn(pay, "1.234,56 €", string)).toBe("1234.56");
  expect(verdictOn(pay, "1234.567", number)).toMatch(/^! too_many_digits/);
  expect(verdictOn(pay, "1.234,567", string)).toMatch(/^! too_many_digits/);
  expect(verdictOn(pay, "1.25", string)).toBe("! invalid_number: not a number as 1.234,56 €");
  expect([verdictOn(pay, " - ", string), verdictOn(pay, "#N/A", error)]).toEqual([null, null]);
  expect(verdictOn({ type: "text", nulls: ["NA"] }, "NA", string)).toBe(null);
  expect(verdictOn({ type: "text", nulls: ["NA"] }, "NAB", string)).toBe("NAB");
  expect(verdictOn({ type: "integer", numberFormat: "1234.56 %" }, "0.05", number)).toMatch(/without the unit %/);
});

test("a text that somebody meant as a value is refused with what reads it", () => {
  const reasonOf = (type: string, text: string, cell: CellType = string): string => verdictOn({ type }, text, cell)!;
  expect(reasonOf("numeric", "1,200.00-")).toContain('--type "c=numeric(1,234.56)" reads it');
  expect(reasonOf("int", "1,234")).toContain('two readings, 1234 and 1.234. Say --type "c=integer(1,234.56)" or');
  expect(reasonOf("numeric", "$12.5")).toContain('--type "c=numeric($1234.56)"');
  expect(reasonOf("integer", "\\N")).toContain('--null "\\N"');
  expect(reasonOf("integer", "#N/A", error)).toContain('--null "#N/A"');
  expect(reasonOf("date", "01/02/2024")).toContain("two readings, 2024-02-01 and 2024-01-02: say which with");
  expect(reasonOf("date", "26.06.91")).toContain('say how it is written with --type "c=date(DD.MM.YY)"');
  expect(reasonOf("numeric", "abc")).toBe("! invalid_number: not a number");
  expect(reasonOf("date", "soon")).toBe("! invalid_date: not a date (a date cell, or text like 2020-01-31)");
});
