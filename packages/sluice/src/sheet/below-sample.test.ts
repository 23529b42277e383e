// Values below the rows that a type was inferred from: they go in only if inference would have let
// them pass. fast-check prints the seed of a failure; SEED=<n> gives it back.
import { CellType } from "@sluice/sheets";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Inference, type InferredColumn } from "./infer.ts";
import { withInferred } from "../plan/design.ts";
import { table, type Column } from "../schema/schema.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { checkFor, plainFor, typedCheckFor } from "../values/values.ts";

const seed = process.env["SEED"];
const PARAMETERS = { numRuns: 500, ...(seed === undefined ? {} : { seed: Number(seed) }) };
const day = (text: string): Date => new Date(`${text}Z`);

function inferenceOf(values: readonly BatchCell[]): Inference {
  const inference = new Inference();
  inference.add(
    batchOfRows(
      values.map((value) => [value]),
      2,
    ),
  );
  return inference;
}

const infer = (values: readonly BatchCell[]): InferredColumn => inferenceOf(values).column(1, "h", false);

/** The column that an import of a long sheet makes, if it begins with these values. */
function columnOf(values: readonly BatchCell[], isStated = false): Column {
  const inference = inferenceOf(values);
  const { type, dateFormat, numberFormat, missing } = inference.column(1, "h", false);
  const [made] = table({ name: "t", columns: { h: { type, ...(dateFormat === undefined ? {} : { dateFormat }), ...(numberFormat === undefined ? {} : { numberFormat }) } } }).columns; // prettier-ignore
  const column = { ...made!, nulls: missing.map(({ text }) => text) };
  const sample = { inference, complete: false };
  const types = new Map(isStated ? [["h", type]] : []);
  return withInferred([{ column, sheetColumn: 1, header: "h" }], sample, types, () => true)[0]!.column;
}

/** The text that is loaded for a cell; an object if it is rejected. */
function loaded(column: Column, value: BatchCell): unknown {
  const { bytes, starts, ends, types } = batchOfRows([[value]], 2);
  const cell = [bytes, starts[0]!, ends[0]!, types[0] as CellType] as const;
  const check = cell[3] === CellType.string ? checkFor(column) : typedCheckFor(column);
  const verdict = check?.(...cell);
  const general = verdict === undefined ? bytes.toString("utf8", cell[1], cell[2]) : verdict;
  const plain = plainFor(column)?.(...cell) ?? 0;
  if (plain > 0) expect(bytes.toString("utf8", cell[1], cell[1] + plain)).toBe(general);
  return general;
}

const numbers = ["1", "20", "-3"];
const codes = "digits that a number would not keep: leading zeros, a plus, or more than 15";
const unlike = "not written as the values of the first rows are";

test.each<[type: string, first: BatchCell[], taken: [BatchCell, string][], rejected: BatchCell[], code: string]>([
  ["integer", numbers, [["7", "7"], [" 42 ", "42"], ["2000000000", "2000000000"], ["0", "0"], [5, "5"]], ["06", "+5", "-07", "-0", "42.0", "42.", "1.000", "4e1", "1E5"], "invalid_number"],
  ["bigint", ["5", "3000000000"], [["123456789012345", "123456789012345"]], ["1234567890123456", "0123456789", "8.85909E+11"], "invalid_number"],
  ["numeric", ["12.50", "3"], [["1.50", "1.50"], ["1.234", "1.234"], ["1.5E-7", "1.5E-7"], [0.1 + 0.2, "0.30000000000000004"], ["+1.5", "+1.5"], ["47.12345678901234567", "47.12345678901234567"]], ["06", "007.5", "-00.5", "+5", "1234567890123456", "1E5", { duration: "37:30:00" }], "invalid_number"],
  ["numeric", [1.5, 2], [["2.5", "2.5"], ["1.2345", "1.2345"], [1.25, "1.25"], ["7", "7"]], ["1.250", "06"], "invalid_number"],
  ["double precision", ["1.5e-7", "2E+10"], [["12.50", "12.50"], ["3", "3"]], ["06", "12345678901234567", "1E5", "+.5", "+1.5"], "invalid_number"],
  ["numeric", ["1.234,56", "7,5"], [["1.234", "1234"], ["12", "12"], ["0,5", "0.5"]], ["007", "007,5", "+12"], "invalid_number"],
  ["integer", ["1.150", "925", "50.714"], [["1.151", "1151"], ["12", "12"]], ["012", "12,00"], "invalid_number"],
  ["integer", ["5 %", "7 %"], [["12 %", "12"]], ["012 %"], "invalid_number"],
  ["boolean", ["true", "FALSE"], [["True", "true"], [true, "true"]], ["yes", "1", "t", "on", 1], "invalid_boolean"],
  ["boolean", ["yes", "no"], [["Yes", "true"], [" NO ", "false"]], ["true", "y", "0", true], "invalid_boolean"],
  ["boolean", ["Y", "N"], [["y", "true"]], ["yes", "t", "1", "true"], "invalid_boolean"],
  ["boolean", ["t", "f"], [["F", "false"]], ["y", "true", "1"], "invalid_boolean"],
  ["date", ["2020-01-31", day("2020-02-01")], [["2021-01-01", "2021-01-01"], [day("2004-01-01"), "2004-01-01"], [day("1904-02-01"), "1904-02-01"]], ["20210101", 20210101, day("1899-12-31"), "2021-01-01T00:00:00.000"], "invalid_date"],
  ["date", ["31/01/2020", "1/2/2020"], [["3/4/2021", "2021-04-03"], [day("2020-02-01"), "2020-02-01"]], ["2021-04-03T00:00:00.000"], "invalid_date"],
  ["date", ["26.06.26", "15.04.91"], [["01.02.03", "2003-02-01"]], ["01.02.45", "1.2.03"], "invalid_date"],
  ["timestamp", ["2020-01-31 12:30", day("2020-02-01T08:00")], [["2021-01-01", "2021-01-01"], ["2021-01-01T09:00:00", "2021-01-01T09:00:00"]], [day("1899-12-31T08:00")], "invalid_timestamp"],
  ["timestamptz", ["2020-01-31 12:30Z", "2020-01-31T12:30+01:00"], [["2021-01-01 12:30-05", "2021-01-01 12:30-05"]], ["2021-01-01 12:30", "2021-01-01", day("2021-01-01")], "invalid_timestamp"],
  ["time", ["7:30", "12:30:05"], [["8:15 PM", "20:15"], ["09:00", "09:00"]], ["1899-12-31T08:00:00.000"], "invalid_time"],
  ["interval", [{ duration: "37:30:00" }, "26:10:00"], [["7:30", "7:30"], ["8:00:00", "8:00:00"]], ["26:10", "2 days"], "invalid_interval"],
  ["interval", ["26:10:00", "1:30:00"], [["2:30:00", "2:30:00"], [{ duration: "37:30:00" }, "37:30:00"]], ["7:30", "26:10"], "invalid_interval"],
  ["uuid", ["123e4567-e89b-12d3-a456-426614174000"], [], ["123e4567e89b12d3a456426614174000"], "invalid_uuid"],
  ["jsonb", ['{"a":1}', "[1]"], [['{"b":[2]}', '{"b":[2]}']], ['{"a":1,"a":2}', "5", '"x"', "true", 5, true], "invalid_json"],
])("%s inferred from %j", (type, first, taken, rejected, code) => {
  const column = columnOf(first);
  expect(column.type).toBe(type);
  for (const value of first) expect([value, loaded(column, value)]).toEqual([value, expect.any(String)]);
  for (const [value, text] of taken) expect([value, loaded(column, value)]).toEqual([value, text]);
  const told = new RegExp(`(?:${codes}|${unlike})\\. The type ${type} was inferred from the first rows; the option --type "h=text" keeps it`);
  for (const value of rejected) {
    expect([value, loaded(column, value)]).toEqual([value, { code, reason: expect.stringMatching(told) }]);
    // Among the first rows it would have made the column another one.
    expect([value, infer([...first, value]).type]).not.toEqual([value, type]);
  }
}); // prettier-ignore

test("a stated type takes what its check takes", () => {
  const column = columnOf(numbers, true);
  expect([column.inferred, loaded(column, "06"), loaded(column, "42.0")]).toEqual([undefined, "06", "42"]);
  expect(columnOf(["a", "b"]).inferred).toBeUndefined();
});

test("times without a zone are taken if a zone was stated", () => {
  const column = { ...columnOf(["2020-01-31 12:30Z"]), timeZone: "Europe/Berlin" };
  expect(loaded(column, "2021-01-01 12:30")).toBe("2021-01-01 12:30+01:00");
});

const FIRST: readonly BatchCell[][] = [
  numbers, ["5", "3000000000"], ["12.50", "3"], ["1.5e-7", "2E+10"], ["1.234,56", "7,5"], ["1,234.56", "7.5"], ["1.150", "925", "50.714"], ["5 %", "7 %"], ["5 EUR", "7,50 EUR"],
  ["true", "FALSE"], ["yes", "no"], ["Y", "N"], ["t", "f"], ["2020-01-31"], ["31/01/2020", "1/2/2020"], ["26.06.26", "15.04.91"], ["31 Jan 2020"], ["2020-01-31 12:30"], ["31.01.2020 12:30"],
  ["2020-01-31 12:30Z"], ["7:30", "12:30:05"], [{ duration: "37:30:00" }], ["26:10:00", "1:30:00"], ["123e4567-e89b-12d3-a456-426614174000"], ['{"a":1}'], [1, 2], [1.5, 2], [true], [day("2020-01-31")], [day("2020-01-31T12:00")],
]; // prettier-ignore

const pick = <T>(...of: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...of);
const parts = pick(..."0 00 1 7 12 15 25 031 2020 999 1234 123456789 1234567890123456 . , - + : / e E+10 % € EUR T Z true yes y t AM Jan {} null".split(" "), " ", "'"); // prettier-ignore
const cells: fc.Arbitrary<BatchCell> = fc.oneof(
  { weight: 6, arbitrary: fc.array(parts, { minLength: 1, maxLength: 6 }).map((some) => some.join("")) },
  pick<BatchCell>(..."06 +5 42.0 1.000 1,5 1.234,50 12:30 26:10 26:10:00 2021-03-04 20210304 04/03/2021 04.03.21 yes no on TRUE 1 0 n/a - [] 1E5 1.5E+10".split(" ")),
  pick<BatchCell>(5, 1.5, 0.1 + 0.2, 20210304, true, false, day("2021-03-04"), day("2021-03-04T08:00"), day("1899-12-31T08:00"), { duration: "26:00:00" }),
); // prettier-ignore

test.each(FIRST.map((first) => [first]))("what goes in below %j would not have made the column text", (first) => {
  const column = columnOf(first);
  const { type, dateFormat, numberFormat } = infer(first);
  fc.assert(
    fc.property(cells, (value) => {
      fc.pre(value !== "" && !(typeof value === "string" && value.trim() === ""));
      // A number cell loses nothing, whatever texts are above it.
      fc.pre(typeof value !== "number" || !/numeric|double/.test(type));
      // 0 is the same in all units. Whole numbers say nothing of themselves, but of the others.
      fc.pre(
        numberFormat === undefined || typeof value === "object" || !/^-?\d+$|^[^1-9]*$/.test(String(value).trim()),
      );
      const result = loaded(column, value);
      const found = infer([...first, value]);
      const isSame = found.type === type && found.dateFormat === dateFormat && found.numberFormat === numberFormat;
      if (typeof result === "string") expect([value, result, found.type]).not.toEqual([value, result, "text"]);
      else if (isSame && found.missing.length === 0) expect([value, result]).toEqual([value, expect.any(String)]);
    }),
    PARAMETERS,
  );
});

test("a sheet whose rows were all looked at needs no such word", () => {
  const inference = inferenceOf(numbers);
  const [column] = table({ name: "t", columns: { h: { type: "integer" } } }).columns;
  const load = [{ column: column!, sheetColumn: 1, header: "h" }];
  expect(withInferred(load, { inference, complete: true }, new Map(), () => true)).toEqual(load);
  expect(withInferred(load, { inference, complete: false }, new Map(), () => false)).toEqual(load);
});
