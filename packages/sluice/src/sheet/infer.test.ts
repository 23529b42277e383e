import { CellType } from "@sluice/sheets";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isBlankCell } from "../chunk/blank.ts";
import { AMBIGUOUS, Inference, SAMPLE_ROWS, type InferredColumn } from "./infer.ts";
import { table } from "../schema/schema.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { checkFor, typedCheckFor } from "../values/values.ts";

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
    ["text", ["one", "2", "n/a"]],
    ["text", [1, { error: "#N/A" }]],
    ["text", ["4111111111111111"]],
    ["text", ["5551234567", "5559876543"]],
    ["text", ["+4930123456"]],
    ["text", ["(555) 123-4567"]],
    ["text", ["555-1234"]],
    ["text", ["Y"]],
    ["text", ["yes", "n"]],
    ["text", ["1E5", "2E7"]],
    ["integer", [" 12", "5 "]],
    ["date", ["2020-01-31", " 2020-02-01"]],
    ["time", ["9:15 AM", "12:30 pm"]],
    ["timestamp", ["2020-01-31 10:15:07.0000000"]],
    ["interval", [{ duration: "37:30:00" }, day("1899-12-31T08:00")]],
    ["interval", ["1:30:00", "26:10:00", "0:45:10"]],
    ["interval", ["-1:30:00", "8:00:00.5"]],
    ["interval", [{ duration: "37:30:00" }, "8:00", "0:45:10"]],
    ["text", ["1:30", "26:10", "131:05"]],
    ["text", ["58:30", "1:02:11"]],
    ["text", ["1:30", "26:10:00"]],
    ["text", [{ duration: "37:30:00" }, "9:15 AM"]],
    ["text", ["1:30:00", "26:70:00"]],
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
    ["date", "DD/MM/YY", ["31/01/20", "28/02/20"]],
    ["date", "DD.MM.YY", ["26.06.26", "03.08.25", "15.04.91"]],
    ["date", "DD-MMM-YY", ["3-Jan-24", "14-Feb-99"]],
    ["text", undefined, ["26.06.26", "03.08.25"]],
    // The century of 31 is open, and what has a digit alone may be a version.
    ["text", undefined, ["31/12/31", "28/02/20"]],
    ["text", undefined, ["13.2.10", "14.3.11"]],
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
    type: "integer", dateFormat: undefined, numberFormat: undefined, unit: "", missing: [], errors: [], confidence: 1, values: 3,
    because: undefined, nearest: undefined,
  }); // prettier-ignore
  expect(infer([1, 2, 3], "h", false).confidence).toBe(4 / 5);
  expect(infer([])).toMatchObject({ type: "text", confidence: 0, values: 0, because: "no value" });
  expect(infer([1, "no", 3, "?!", 5, "so", "be"])).toMatchObject({ type: "text", nearest: undefined });
  expect(infer([1, "no", 3, 4, "?!", 5, "so", 6, "be"])).toMatchObject({
    type: "text",
    confidence: 1,
    nearest: {
      type: "integer",
      fits: 5,
      against: [
        { row: 3, value: "no" },
        { row: 6, value: "?!" },
        { row: 8, value: "so" },
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
        const { type, dateFormat, numberFormat, missing } = infer(values);
        const reading = {
          ...(dateFormat === undefined ? {} : { dateFormat }),
          ...(numberFormat === undefined ? {} : { numberFormat }),
          nulls: missing.map(({ text }) => text),
        };
        const column = table({ name: "t", columns: { c: { type, ...reading } } }).columns[0]!;
        const batch = batchOfRows(values.map((value) => [value]));
        const [check, typed] = [checkFor(column), typedCheckFor(column)];
        for (let i = 0; i < batch.cellCount; i++) {
          const cell = [batch.bytes, batch.starts[i]!, batch.ends[i]!, batch.types[i] as CellType] as const;
          if (isBlankCell(batch, i)) continue;
          const verdict = (batch.types[i] === CellType.string ? check?.(...cell) : typed(...cell)) ?? undefined;
          expect(verdict, `${batch.bytes.toString("utf8", batch.starts[i], batch.ends[i])} as ${type}`).not.toBeTypeOf(
            "object",
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});

describe("numbers in other notations", () => {
  test.each<[type: string, numberFormat: string | undefined, values: BatchCell[]]>([
    ["numeric", "1.234,56", ["1.234,56", "-89,90", "10.000,00"]],
    ["numeric", "1.234,56", ["12,5", 3]],
    ["integer", "1,234.56", ["1,234,567", "1,234"]],
    ["numeric", "1 234,56", ["10\u202f237,65", "99,90"]],
    ["integer", "1 234,56", ["1\u00a0200", "15"]],
    ["numeric", "1'234.56", ["1’234.50"]],
    ["numeric", "1,234.56", ["1,200.00-", "15.50", "0.75-"]],
    ["numeric", "1,234.56", ["(1,200.00)", "15.50"]],
    ["numeric", "$1234.56", ["($30.00)", "$12.34", 0]],
    ["numeric", "1234.56", ["\u22125.00", "7.00"]],
    ["numeric", "1.234,56 €", ["1,50 €", "2.000 €"]],
    ["integer", "1234.56 %", ["25%", "7 %"]],
    // A point that can stand for both, and one that cannot.
    ["text", undefined, ["1.250", "2.500", "12.750"]],
    ["text", undefined, ["1,250", "987"]],
    ["numeric", undefined, ["1.250", "2.5"]],
    ["numeric", undefined, ["0.250", "0.125"]],
    ["numeric", undefined, ["1234.250"]],
    // Two notations, two units, or a number that lacks what multiplies it.
    ["text", undefined, ["1.234,56", "1,234.56"]],
    ["text", undefined, ["5 €", "5 $"]],
    ["text", undefined, ["5 %", "0.05"]],
    ["text", undefined, ["5 %", 0.05]],
    // Not quantities.
    ["text", undefined, ["(1)", "(2)", "(3)"]],
    ["text", undefined, ["1.", "2."]],
    ["text", undefined, ["912 345 678", "912 345 679", "612 345 678"]],
    ["text", undefined, ["12 pcs"]],
  ])("are %s as %s where the column holds %j", (type, numberFormat, values) => {
    expect(infer(values)).toMatchObject({ type, numberFormat });
  });

  test("a column that can be read in two ways goes by the decimals of the others", () => {
    const typesOf = (rows: BatchCell[][], delimiter?: string): unknown[] => {
      const inference = new Inference(undefined, true, delimiter);
      inference.add(batchOfRows(rows, 2));
      return inference.columns.map((n) => {
        const { type, numberFormat } = inference.column(n, "h", true);
        return [type, numberFormat];
      });
    };
    expect(typesOf([["1.250", "1,5"]])).toEqual([["integer", "1.234,56"], ["numeric", "1.234,56"]]); // prettier-ignore
    expect(typesOf([["1.250", "1.5"]])).toEqual([["numeric", undefined], ["numeric", undefined]]); // prettier-ignore
    expect(typesOf([["1,250", "$12,345.67"]])).toEqual([["integer", "1,234.56"], ["numeric", "$1,234.56"]]); // prettier-ignore
    // Thousands say as much as decimals.
    expect(typesOf([["1,250", "1,995,196"]])[0]).toEqual(["integer", "1,234.56"]);
    expect(typesOf([["1,250", "1 995 196"]])[0]).toEqual(["text", undefined]);
    expect(typesOf([["1.250", "1,5", "2.5"]])[0]).toEqual(["text", undefined]);
    expect(typesOf([["1.250", 1.5]])[0]).toEqual(["text", undefined]);
  });

  test("a comma between fields is not the one before decimals, if nothing else tells", () => {
    const typeOf = (row: BatchCell[], delimiter: string): unknown => {
      const inference = new Inference(undefined, true, delimiter);
      inference.add(batchOfRows([row], 2));
      return [inference.column(1, "h", true).type, inference.column(1, "h", true).numberFormat];
    };
    expect(typeOf(["1.250", "x"], ",")).toEqual(["numeric", undefined]);
    expect(typeOf(["1,250", "x"], ",")).toEqual(["integer", "1,234.56"]);
    expect(typeOf(["1.250", "x"], ";")).toEqual(["text", undefined]);
    expect(typeOf(["1.250"], ",")).toEqual(["text", undefined]);
    expect(typeOf(["1.250", "1,5"], ",")).toEqual(["integer", "1.234,56"]);
  });

  describe("a point before three digits, and whole numbers of three digits", () => {
    const columnOf = (values: BatchCell[], delimiter = ","): InferredColumn => {
      const inference = new Inference(undefined, true, delimiter);
      inference.add(batchOfRows(values.map((value) => [value, "x"]), 2)); // prettier-ignore
      return inference.column(1, "h", true);
    };

    test.each<[values: BatchCell[], delimiter: string, type: string, numberFormat: string | undefined]>([
      [["1.150", "925", "50.714"], ",", "integer", "1.234,56"],
      [["1.150", "925", "50.714"], ";", "integer", "1.234,56"],
      [["1,150", "925", "50,714"], ";", "integer", "1,234.56"],
      // With four digits, or one alone, nothing is shown.
      [["1.150", "1925", "50.714"], ",", "numeric", undefined],
      [["1.150", "5", "50.714"], ",", "numeric", undefined],
      [["1.150", "925.5", "50.714"], ",", "numeric", undefined],
    ])("%j between %j", (values, delimiter, type, numberFormat) => {
      expect(columnOf(values, delimiter)).toMatchObject({ type, numberFormat });
    });

    test("decimals without a 0 at the end could be measured so: a comma between fields decides, with a word", () => {
      expect(columnOf(["1.151", "925"])).toMatchObject({ type: "numeric", because: expect.stringMatching(AMBIGUOUS) });
      expect(columnOf(["1.151", "2.925"])).toMatchObject({ type: "numeric", because: undefined });
      expect(columnOf(["1.151", "925"], ";")).toMatchObject({ type: "text" });
    });
  });

  test("the reason says both readings", () => {
    expect(infer(["1.250"]).because).toContain("as 1234.56 or as 1.234,56");
  });
});

describe("marks for missing values", () => {
  test.each<[type: string, values: BatchCell[], missing: [string, number][]]>([
    [
      "integer",
      [1, "n/a", 3, "n/a", "-"],
      [
        ["n/a", 2],
        ["-", 1],
      ],
    ],
    ["date", ["2020-01-31", "NA"], [["NA", 1]]],
    ["boolean", ["yes", "no", ".."], [["..", 1]]],
    ["numeric", ["1,5", "…"], [["…", 1]]],
    [
      "integer",
      [1, "\\N", "*****", "#N/A"],
      [
        ["\\N", 1],
        ["*****", 1],
        ["#N/A", 1],
      ],
    ],
    ["integer", [1, "Нет данных", "無資料"], [["Нет данных", 1], ["無資料", 1]]], // prettier-ignore
    ["text", ["MY", "NA", "MZ"], []],
    ["text", ["NA", "NA"], []],
    ["text", [1, "n/a", "two"], []],
    ["text", [1, "none of them"], []],
  ])("%s where the column holds %j", (type, values, missing) => {
    const found = infer(values);
    expect([found.type, found.missing.map(({ text, count }) => [text, count])]).toEqual([type, missing]);
  });

  test("are not looked for where that was said, and others are passed over where they were stated", () => {
    const inference = new Inference((_, text) => text() === "-999", false);
    inference.add(batchOfRows([[1, 1], ["-999", "n/a"]], 2)); // prettier-ignore
    expect([1, 2].map((n) => inference.column(n, "h", true).type)).toEqual(["integer", "text"]);
  });

  test("errors are counted, and are not among them", () => {
    expect(infer([1, { error: "#N/A" }, { error: "#N/A" }])).toMatchObject({
      type: "text",
      errors: [{ text: "#N/A", count: 2 }],
      because: "error cells: 2 × #N/A",
    });
  });
});

test("numbers that a spreadsheet has cut to a few digits are text if they are codes", () => {
  expect(infer(["8.85909E+11", "8.85912E+11"]).because).toMatch(/cut these numbers/);
  expect(infer(["4.00638E+12", 12]).type).toBe("text");
  expect(infer(["4.00638E+20", 12], "Barcode").type).toBe("text");
  // Quantities have fractions, small exponents, or exponents of all sizes.
  expect(infer(["8.85909E+11", "1.5E-7"]).type).toBe("double precision");
  expect(infer(["6.02214E+23"]).type).toBe("double precision");
  expect(infer(["1.5E+10", "2.5E+14"]).type).toBe("double precision");
});
