// Values that pass as plain are those that the general check takes, with the same text: for every
// type, over generated texts and over those at the borders. fast-check prints the seed of a
// failure; SEED=<n> gives it back.
import { CellType } from "@sluice/sheets";
import fc from "fast-check";
import { expect, test } from "vitest";
import { table, type Column, type ColumnSpec, type InferredFrom, type Storage } from "../schema/schema.ts";
import { checkFor, plainFor, typedCheckFor } from "./values.ts";

const seed = process.env["SEED"];
const PARAMETERS = { numRuns: 1500, ...(seed === undefined ? {} : { seed: Number(seed) }) };

/** Columns whose plain values are told by their bytes. */
const FAST: readonly (ColumnSpec & { readonly storage?: Storage })[] = [
  "smallint",
  "integer",
  "bigint",
  "oid",
  "int4",
  "numeric",
  "numeric(5)",
  "numeric(12,2)",
  "numeric(2,2)",
  "numeric(3,5)",
  "numeric(15,15)",
  "numeric(1000,0)",
  "decimal(6, 3)",
  "real",
  "double precision",
  "boolean",
  "date",
  "timestamp",
  "timestamp(0)",
  "timestamp(3)",
  "timestamptz",
  "timestamp(2) with time zone",
  "time",
  "time(0)",
  "uuid",
  "text",
].map((type) => ({ type }));

/**
 * Columns that share a type with those, and must see each value, or have a storage of another type.
 */
const OTHERS: readonly (ColumnSpec & { readonly storage?: Storage })[] = [
  { type: "numeric(5,-2)" },
  { type: "timetz" },
  { type: "varchar(5)" },
  { type: "char(3)" },
  { type: "money" },
  { type: "json" },
  { type: "interval" },
  { type: "text", maxLength: 3 },
  { type: "date", dateFormat: "YYYY-DD-MM" },
  { type: "date", dateFormat: "DD/MM/YYYY" },
  { type: "timestamptz", timeZone: "Europe/Berlin" },
  { type: "numeric", numberFormat: "1.234,56" },
  { type: "integer", nulls: ["-999", "0", "NA"] },
  { type: "integer", nulls: ["NA", "", "n/a", "é"] },
  { type: "date", nulls: ["1900-01-01"] },
  { type: "date", nulls: ["-"] },
  { type: "boolean", nulls: ["f"] },
  { type: "integer", storage: "smallint" },
  { type: "smallint", storage: "bigint" },
  { type: "numeric(12,2)", storage: "integer" },
  { type: "integer", storage: "numeric(3,1)" },
  { type: "timestamp", storage: "date" },
  { type: "integer", storage: "text" },
  { type: "text", storage: "varchar(4)" },
  { type: "text", storage: "integer" },
  { type: "amount", storage: "numeric(12,2)" },
  { type: "integer[]", storage: { array: "integer" } },
  { type: "int4range", storage: { range: "integer" } },
];

/** Columns whose types were inferred take less than those. */
const INFERRED: readonly (ColumnSpec & { readonly inferred: InferredFrom })[] = [
  ...[
    "integer",
    "bigint",
    "numeric",
    "double precision",
    "boolean",
    "date",
    "timestamp",
    "timestamptz",
    "time",
    "uuid",
  ].map((type) => ({ type, inferred: "values" as const })),
  { type: "numeric", inferred: "cells" },
  { type: "boolean", inferred: "yes" },
  { type: "boolean", inferred: "t" },
  { type: "timestamptz", timeZone: "Europe/Berlin", inferred: "values" },
  { type: "integer", nulls: ["-999", "NA"], inferred: "values" },
];

type Spec = ColumnSpec & { readonly storage?: Storage; readonly inferred?: InferredFrom };

function columnOf({ storage, inferred, ...spec }: Spec): Column {
  const column = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const stored = storage === undefined ? column : { ...column, storage };
  return inferred === undefined ? stored : { ...stored, inferred };
}

const pick = <T>(...of: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...of);
const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(""));
const digits = (least: number, most: number): fc.Arbitrary<string> =>
  fc.string({ unit: pick(..."0001234567899"), minLength: least, maxLength: most });

const numbers = joined(
  pick("", "", "", "-", "-", "+", "\u2212", "--", "- "),
  fc.oneof(digits(0, 6), digits(8, 11), digits(14, 20), pick("0", "00", "007", "9".repeat(305))),
  fc.oneof(pick("", "", "", ".", ",", ". "), joined(pick("."), fc.oneof(digits(1, 3), digits(1, 18)))),
  pick("", "", "", "", "e2", "E+05", "e-3", "E", "e400", " "),
);
const borders = [
  32767n,
  32768n,
  32769n,
  2n ** 31n,
  2n ** 32n,
  2n ** 63n,
  10n ** 9n,
  10n ** 10n,
  10n ** 15n,
  10n ** 18n,
];
const ends = fc
  .tuple(pick(...borders), pick(-2n, -1n, 0n, 1n, 2n), pick("", "-", "0", "-0", "+"))
  .map(([border, more, sign]) => `${sign}${border + more}`);
const days = joined(
  fc.oneof(pick("0000", "0001", "1899", "1900", "1904", "2000", "2023", "2024", "9999", "999", "10000"), digits(4, 4)),
  pick("-", "-", "-", "/", ""),
  pick(..."00 01 02 02 02 04 06 09 11 12 13 2 -1".split(" ")),
  pick("-", "-", "-", ".", ""),
  pick(..."00 01 09 10 28 29 30 31 32 99 9 -1".split(" ")),
);
const clocks = joined(
  pick(..."00 01 09 12 19 20 23 24 25 9 99 -1".split(" ")),
  pick(":", ":", ":", ".", ""),
  pick("00", "30", "59", "60", "5", "-1"),
  pick("", ":00", ":07", ":59", ":60", ":5", ":00."),
  fc.oneof(pick("", "", ".0", ".000", ".123", ".123456", ".1234567", ".1000000"), joined(pick("."), digits(0, 9))),
);
const zones = pick("", "", "", "", "Z", "z", "+01", "-0330", "+05:45", "+1", "+", " +01", " UTC", "+01:", "+01:0");
const moments = joined(days, pick(" ", "T", "T", "t", "  ", ""), clocks, zones);
const cellTexts = joined(days, pick("T00:00:00.000", "T00:00:00.000", "T12:30:00.000", "T00:00:00.001", "T00:00:00"));
const words = pick(..."true false t f T F True TRUE yes no on off y n 1 0 tru falsee 2 wahr".split(" "));
const uuids = joined(digits(8, 8), pick("-", ""), ...["-", "-", "-"].flatMap((dash) => [joined(pick("a1B2", "00ff", "g000", "123")), pick(dash)]), digits(12, 12)); // prettier-ignore
const others = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  pick("NA", "é", "-"),
);

/**
 * A text with one of its characters changed, or one more: blanks, digits of other scripts, a NUL.
 */
const damaged = fc
  .tuple(fc.oneof(numbers, days, moments, words), fc.nat(30), pick(..." \t\n0٣９.-+eTZ\u00a0\0\ufeff"), fc.boolean())
  .map(([text, at, character, put]) => text.slice(0, at) + character + text.slice(put ? at : at + 1));

const texts = fc.oneof(numbers, ends, days, clocks, moments, cellTexts, words, uuids, others, damaged);

const { string, number, boolean, date, duration, error } = CellType;

/**
 * Dates as readers give them: with a time alone, at midnight, before 1900, and to a millisecond.
 */
const dateCells = joined(
  fc.oneof(
    pick("1899-12-30", "1899-12-31", "1904-01-01", "1900-02-28", "9999-12-31"),
    fc
      .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
      .map((day) => day.toISOString().slice(0, 10)),
  ),
  pick("T00:00:00.000", "T00:00:00.000", "T12:30:00.000", "T00:00:00.001", "T23:59:59.999"),
);

/** Cells: of text and of numbers any text, of other kinds what readers give. */
const cells: fc.Arbitrary<readonly [type: CellType, text: string]> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(pick<CellType>(string, number), texts) },
  { weight: 2, arbitrary: fc.tuple(pick<CellType>(date), dateCells) },
  fc.tuple(pick<CellType>(boolean), pick("true", "false")),
  fc.tuple(pick<CellType>(duration), pick("37:30:00", "00:00:01.500", "-12:00:00", "24:00:00")),
  fc.tuple(pick<CellType>(error), pick("#N/A", "#DIV/0!")),
);

/**
 * The first bytes of a cell that pass as plain, and what the general check loads; undefined if it
 * takes nothing.
 */
function both(
  column: Column,
  text: string,
  type: CellType,
): readonly [plain: string | undefined, general: string | undefined] {
  // What stands before and after a cell must not matter.
  const bytes = Buffer.from(`70${text}07`);
  const [start, end] = [2, bytes.length - 2];
  const length = plainFor(column)?.(bytes, start, end, type) ?? 0;
  const check = type === CellType.string ? checkFor(column) : typedCheckFor(column);
  const verdict = check?.(bytes, start, end, type);
  const general = verdict === undefined ? text : typeof verdict === "string" ? verdict : undefined;
  return [length === 0 ? undefined : bytes.toString("utf8", start, start + length), general];
}

test.each([...FAST, ...OTHERS, ...INFERRED])("what passes as plain is what the general check takes: %j", (spec) => {
  const column = columnOf(spec);
  fc.assert(
    fc.property(cells, ([type, text]) => {
      fc.pre(text !== "");
      const [plain, general] = both(column, text, type);
      if (plain !== undefined) expect(plain).toBe(general);
    }),
    PARAMETERS,
  );
});

const DAY_CELL = "2024-02-29T00:00:00.000";

/** Values that people have most: they must be told by their bytes. */
test.each([
  ["smallint", string, ["0", "7", "007", "-7", "9999", "32767", "-32768"]],
  ["integer", string, ["0", "007", "-1", "999999999", "2147483647", "-2147483648"]],
  ["bigint", number, ["0", "-1", "999999999999999999", "9223372036854775807", "-9223372036854775808"]],
  ["oid", string, ["0", "4294967295"]],
  ["numeric", string, ["0", "-1.50", "123456789012345678901234567890.5"]],
  ["numeric(12,2)", string, ["0", "0.10", "-1.5", "9999999999.99"]],
  ["numeric(12,2)", number, ["0", "0.1", "-1.5", "9999999999.99", "100"]],
  ["numeric(2,2)", string, []],
  ["real", string, ["0.1", "-12"]],
  ["double precision", number, ["0.30000000000000004", "482.1374659203847"]],
  ["boolean", string, ["true", "false"]],
  ["boolean", boolean, ["true", "false"]],
  ["date", string, ["0001-01-01", "2024-02-29", "9999-12-31"]],
  ["date", date, [DAY_CELL]],
  ["timestamp", string, ["2024-02-29", "2024-02-29 23:59", "2024-02-29T00:00:00", "2024-02-29 12:30:00.123456"]],
  ["timestamp", date, [DAY_CELL, "2024-02-29T12:30:00.500"]],
  ["timestamp(0)", string, ["2024-02-29 23:59:59"]],
  ["timestamptz", string, ["2024-02-29 12:30:00Z", "2024-02-29 12:30:00+01", "2024-02-29 12:30:00.5-03:30"]],
  ["time", string, ["00:00", "23:59:59.999999"]],
  ["uuid", string, ["123e4567-e89b-12d3-A456-426614174000"]],
  ["text", number, ["0", "42", "-123456789012345"]],
  ["text", boolean, ["true"]],
  ["text", date, [DAY_CELL]],
] as const)("plain values of %s, cells of type %i, need no check", (type, cell, values) => {
  for (const value of values) {
    const [plain, general] = both(columnOf({ type }), value, cell);
    expect([value, plain]).toEqual([value, general]);
    expect(general).toBe(value === DAY_CELL && type !== "timestamp" ? value.slice(0, 10) : value);
  }
});

test.each([
  ["smallint", string, ["32768", "-32769", "+1", "-0", "1.0", "1e1", " 1", "٣", "１"]],
  ["integer", string, ["2147483648", "-2147483649", "0000000007", "-07", "--1", "-"]],
  ["bigint", string, ["9223372036854775808", "-9223372036854775809", "12345678901234567890"]],
  ["oid", string, ["4294967296", "-1"]],
  ["numeric(12,2)", string, ["1.234", "99999999999", "1.", ".5", "1e2", "1,5", "+1", "-"]],
  ["numeric(12,2)", number, ["1.50", "01", "-0", "12345678901234.5"]],
  ["numeric(5,-2)", string, ["100", "12345"]],
  ["double precision", string, ["1e400", "NaN", "Infinity", "9".repeat(301)]],
  ["boolean", number, ["1", "0"]],
  ["boolean", string, ["True", "truth"]],
  ["date", string, ["0000-01-01", "2023-02-29", "1900-02-29", "2024-13-01", "2024-04-31", "2024-2-29", DAY_CELL]],
  ["date", date, ["2024-02-29T12:00:00.000"]],
  [
    "timestamp",
    string,
    ["2024-02-29 24:00", "2024-02-29 12:60", "2024-02-29 12:30:00Z", "2024-02-29 12:30:00.1234567"],
  ],
  ["timestamp(0)", string, ["2024-02-29 23:59:59.5"]],
  ["timestamp(0)", date, ["2024-02-29T23:59:59.500"]],
  ["time", string, ["24:00", "9:30", "9:30 PM", "12:30:60"]],
  ["uuid", string, ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"]],
  ["text", number, ["0.1", "007", "1234567890123456", "1E+05"]],
  ["text", date, ["1899-12-31T00:00:00.000", "2024-02-29T12:00:00.000"]],
] as const)("what is not plain in %s, cells of type %i, is left to the check", (type, cell, values) => {
  for (const value of values) expect([value, both(columnOf({ type }), value, cell)[0]]).toEqual([value, undefined]);
});

test.each([
  { type: "integer", nulls: ["-999"] },
  { type: "integer", check: { "~standard": { version: 1, vendor: "t", validate: (value: unknown) => ({ value }) } } },
  { type: "text", maxLength: 10 },
  { type: "text", format: "email" },
  { type: "numeric", numberFormat: "1.234,56" },
  { type: "date", dateFormat: "DD/MM/YYYY" },
  { type: "timestamptz", timeZone: "Europe/Berlin" },
] as const)("a column that must see each value has no plain ones: %j", (spec) => {
  expect(plainFor(columnOf(spec))).toBeUndefined();
});

test("a mark that does not look like a value leaves plain values as they are", () => {
  const column = columnOf({ type: "integer", nulls: ["NA", "-", ""] });
  expect(both(column, "42", string)).toEqual(["42", "42"]);
  expect(both(column, "NA", string)).toEqual([undefined, undefined]);
});
