import type { CellType } from "@sluice/sheets";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inference, SAMPLE_ROWS, type InferredColumn } from "./infer.ts";
import { table } from "./schema.ts";
import { batchOfRows, type BatchCell } from "./test/batch.ts";
import { checkFor } from "./values.ts";

const day = (text: string): Date => new Date(`${text}Z`);

function infer(values: readonly BatchCell[], header = "h", complete = true): InferredColumn {
  const inference = new Inference();
  inference.add(
    batchOfRows(
      values.map((value) => [value]),
      2,
    ),
  );
  return inference.column(1, header, complete);
}

test("of a long value that speaks against a type its begin is kept, whole characters of it", () => {
  const { nearest } = infer([1, 2, 3, `é${"日".repeat(100_000)}`]);
  expect(nearest).toMatchObject({ type: "integer", fits: 3 });
  expect(nearest!.against).toEqual([{ row: 5, value: `é${"日".repeat(332)}…` }]);
});

test("rows of totals are kept only as long as they may be the last ones", () => {
  const inference = new Inference();
  const totals = (n: number): BatchCell[][] => Array.from({ length: n }, () => ["Total", 1]);
  inference.add(batchOfRows([["a", 1], ...totals(5), ["b", 2], ...totals(2)], 2));
  inference.endSheet();
  inference.leaveOutTotals((sheetColumn) => ({ header: "h", type: sheetColumn === 1 ? "integer" : undefined }));
  expect(inference.leftOut.map(({ row }) => row)).toEqual([9, 10]);
  expect(inference.column(1, "h", true).values).toBe(7);
});

describe("a column is", () => {
  test.each<[string, BatchCell[]]>([
    ["integer", [1, 2, -3]],
    ["integer", [0, 2147483647, "-214748364"]],
    ["integer", ["1", "20", "-3"]],
    ["bigint", [1, 2147483648]],
    ["bigint", ["5", "3000000000"]],
    ["bigint", [9007199254740991]],
    ["numeric", [1, 2.5]],
    ["numeric", [0.25, 0.1, 1]], // percentages are fractions
    ["numeric", ["12.50", "3", "-0.5", ".5"]],
    ["numeric", ["0.12345678901234567890"]],
    ["double precision", [0.1 + 0.2, 1]],
    ["double precision", [1e300, 2]],
    ["double precision", ["1.5e-7", "2E+10"]],
    ["boolean", [true, false]],
    ["boolean", ["true", "FALSE"]],
    ["boolean", ["Yes", "no"]],
    ["boolean", ["Y", "N"]],
    ["date", [day("2020-01-31"), day("1999-12-31")]],
    ["date", ["2020-01-31", "2020-02-29"]],
    ["date", [day("2020-01-31"), "2020-02-01"]],
    ["timestamp", [day("2020-01-31"), day("2020-01-31T12:30")]],
    ["timestamp", ["2020-01-31 12:30", "2020-01-31T12:30:15.5", "2020-02-01"]],
    ["timestamptz", ["2020-01-31 12:30+01", "2020-01-31T12:30:15Z"]],
    ["time", [day("1899-12-31T12:30"), day("1899-12-31T00:00")]],
    ["time", ["12:30", "9:15:30"]],
    ["uuid", ["123e4567-e89b-12d3-a456-426614174000"]],
    ["jsonb", ['{"a":1}', "[1,2]"]],
    ["jsonb", ['{"a":{"a":"\\"b\\": \\\\u0000"},"":[{"a" :1}]}']],
    ["text", ["Ada", "Bob"]],
    ["text", []],
    ["text", [null, null]],
    // In doubt
    ["text", ["085232", "12"]],
    ["text", ["1", "2", "n/a"]],
    ["text", [1, 2, "n/a"]],
    ["text", [1, { error: "#N/A" }]],
    ["text", ["4111111111111111"]],
    ["text", ["5551234567", "5559876543"]],
    ["text", ["+4930123456"]],
    ["text", ["(555) 123-4567"]],
    ["text", ["555-1234"]],
    ["text", ["Y"]],
    ["text", ["yes", "n"]],
    ["text", ["1E5", "2E7"]],
    ["text", ["1,5"]],
    ["text", ["$12.00"]],
    ["text", ["25%"]],
    ["text", [" 12"]],
    ["text", ["-0"]],
    ["text", [1, true]],
    ["text", [1, day("2020-01-31")]],
    ["text", ["2020-01-31 12:30+01", "2020-01-31 12:30"]],
    ["text", [day("1899-12-31T12:30"), day("2020-01-31")]],
    ["text", ["36:00:00"]],
    ["text", ["{a,b}"]],
    ["text", ['{"a":"\\u0000"}']],
    ["text", ['{"a":1,"b":{},"a":2}']],
    ["text", ['["\\ud83d"]', "[1]"]],
    ["text", ["0000-01-01"]],
  ])("%s where it holds %j", (type, values) => {
    expect(infer(values).type).toBe(type);
  });
});

describe("dates as text", () => {
  test.each<[string, string | undefined, BatchCell[]]>([
    ["date", "DD/MM/YYYY", ["31/01/2020", "01/02/2020"]],
    ["date", "MM/DD/YYYY", ["1/2/2020", "1/31/2020"]],
    ["date", "DD.MM.YYYY", ["31.12.2020", "1.1.2021", day("2021-01-02")]],
    ["date", "DD MMM YYYY", ["3 Jan 2020", "14 February 2020"]],
    ["date", "YYYY/MM/DD", ["2020/01/02"]],
    ["date", "YYYY-MM-DD", ["2020-1-2", "2020-10-20"]],
    ["timestamp", "DD/MM/YYYY HH:mm", ["31/01/2020 12:30", "01/02/2020"]],
    ["timestamp", "MM/DD/YYYY hh:mm A", ["1/31/2020 3:45 PM", "2/1/2020 10:00 AM"]],
    // Nobody can tell
    ["text", undefined, ["01/02/2020", "03/04/2020"]],
    ["text", undefined, ["05/05/2020"]],
    // Two orders, or two notations
    ["text", undefined, ["31/01/2020", "01/31/2020"]],
    ["text", undefined, ["31/01/2020", "2020-01-31"]],
    ["text", undefined, ["31/01/2020", "31.01.2020"]],
    ["text", undefined, ["31/01/20", "28/02/20"]],
    ["text", undefined, ["31/02/2020"]],
  ])("are %s %s where the column holds %j", (type, dateFormat, values) => {
    expect(infer(values)).toMatchObject({ type, dateFormat });
  });
});

test("digits under a header that names no quantity are text", () => {
  for (const header of ["Phone", "Phone 2", "Tel. (work)", "ZIP code", "Customer postcode", "ISBN", "PLZ"])
    expect(infer([12345, 67890], header).type).toBe("text");
  for (const header of ["Age", "Phones sold", "Mobile sales", "Hotel", "Capacity", "Number", "Customer"])
    expect(infer([12345, 67890], header).type).toBe("integer");
});

test("a column says how sure its type is, and what spoke against the nearest one", () => {
  expect(infer([1, 2, 3])).toEqual({
    type: "integer", dateFormat: undefined, confidence: 1, values: 3, because: undefined, nearest: undefined,
  }); // prettier-ignore
  expect(infer([1, 2, 3], "h", false).confidence).toBe(4 / 5);
  expect(infer([])).toMatchObject({ type: "text", confidence: 0, values: 0, because: "no value" });
  expect(infer([1, "n/a", 3, "?", 5, "-", "x"])).toMatchObject({ type: "text", nearest: undefined });
  expect(infer([1, "n/a", 3, 4, "?", 5, "-", 6, "x"])).toMatchObject({
    type: "text",
    confidence: 1,
    nearest: {
      type: "integer",
      fits: 5,
      against: [
        { row: 3, value: "n/a" },
        { row: 6, value: "?" },
        { row: 8, value: "-" },
      ],
    },
  });
  expect(infer(["01/02/2020"]).because).toMatch(/every value reads as DD\/MM\/YYYY and as MM\/DD\/YYYY/);
  expect(infer(["012"]).because).toMatch(/leading zeros/);
});

test("inference looks at the first so many records, and passes over blank rows", () => {
  const inference = new Inference();
  inference.add(batchOfRows([[1], [null], [2], ["x"]]), 2);
  expect([inference.records, inference.column(1, "h", false).type]).toEqual([2, "integer"]);
  expect(SAMPLE_ROWS).toBe(10_000);
});

test("every value of a column passes the check of the type that was inferred from it", () => {
  const whole = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  );
  const dates = fc.date({ min: new Date("1900-03-01"), max: new Date("9999-12-31"), noInvalidDate: true });
  const cell: fc.Arbitrary<readonly BatchCell[]> = fc.oneof(
    fc.array(whole),
    fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), whole)),
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)),
    fc.array(fc.boolean()),
    fc.array(fc.constantFrom("yes", "No", "Y", "n", "true", "F", "t", "on", "1", "0")),
    fc.array(dates),
    fc.array(dates.map((date) => new Date(date.toISOString().slice(0, 10)))),
    fc.array(dates.map((date) => date.toISOString().slice(0, 19).replace("T", " "))),
    fc.array(dates.map((date) => date.toISOString().slice(0, 10).split("-").toReversed().join("/"))),
    fc.array(dates.map((date) => `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 16)}+02:00`)),
    fc.array(dates.map((date) => date.toISOString().slice(11, 23))),
    fc.array(fc.uuid()),
    fc.array(fc.jsonValue().map((value) => JSON.stringify(value))),
    fc.array(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789+-.:/eE ") }))),
  );
  fc.assert(
    fc.property(
      fc.oneof({ weight: 3, arbitrary: cell }, { weight: 1, arbitrary: fc.tuple(cell, cell).map((two) => two.flat()) }),
      (values) => {
        const { type, dateFormat } = infer(values);
        const column = table({
          name: "t",
          columns: { c: { type, ...(dateFormat === undefined ? {} : { dateFormat }) } },
        }).columns[0]!;
        const batch = batchOfRows(values.map((value) => [value]));
        const check = checkFor(column);
        for (let i = 0; i < batch.cellCount; i++) {
          const verdict = check?.(batch.bytes, batch.starts[i]!, batch.ends[i]!, batch.types[i] as CellType);
          expect(verdict, `${batch.bytes.toString("utf8", batch.starts[i], batch.ends[i])} as ${type}`).not.toBeTypeOf(
            "object",
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});
