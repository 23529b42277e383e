// What inference decides of each sort of column, and all that it says of it: the type, the
// notation, the marks, the reason of a doubt, the nearest type and what speaks against it.
import { expect, test } from "vitest";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { kindOf } from "./cell-kind.ts";
import { Inference } from "./infer.ts";
import { CellType } from "@sluice/sheets";

const day = (text: string): Date => new Date(`${text}Z`);
const times = (n: number, of: (i: number) => BatchCell): BatchCell[] => Array.from({ length: n }, (_, i) => of(i));

const COLUMNS: readonly (readonly [values: readonly BatchCell[], header?: string])[] = [
  [[]],
  [[1, 2, 3]],
  [[1, 2.5]],
  [[1, 2_147_483_648]],
  [[1, 1e21]],
  [[0.1 + 0.2, 1]],
  [["1", "2", "n/a"]],
  [["1", "2", "many"]],
  [["1", "many", "more"]],
  [["007", "12"]],
  [["+7", "12"]],
  [["1234567890123456", "2"]],
  [["9123456789", "9123456780"]],
  [["9123456789", "91"]],
  [[912345678, 912345679], "Phone"],
  [[912345678, 912345679], "Phone 2 (work)"],
  [[912345678, 912345679], "Phones sold"],
  [["912 345 678", "912 345 679", "912 345 670"]],
  [["912 345 678", "12 345 679", "912 345 670"]],
  [["912 345 678", "912 345 679"]],
  [["1,234.50", "12.00"]],
  [["1.234,50", "12,00"]],
  [["1.234", "5.678"]],
  [["1.234", "5.67"]],
  [["1'234.50", "7"]],
  [["$1", "$2.50"]],
  [["1 €", "2,50 €"]],
  [["1 €", "$2"]],
  [["5 %", "7.5 %"]],
  [["5 %", "7"]],
  [["(5)", "(7)"]],
  [["(5)", "7"]],
  [["12-", "7"]],
  [["5 kg", "7 kg"]],
  [["5 kg", "7 g"]],
  [["1e5", "2e5"]],
  [["1.5e5", "2"]],
  [["4.00612E+12", "4.00613E+12"]],
  [["4.00612E+12", "3.2E+05"]],
  [["4.00612E+12", "1"], "EAN"],
  [["true", "FALSE"]],
  [["yes", "No"]],
  [["y", "n"]],
  [["y", "y"]],
  [["t", "f", "t"]],
  [[true, "true"]],
  [["1", "0"]],
  [[day("2020-01-31"), day("2020-02-01")]],
  [[day("2020-01-31"), day("2020-02-01T12:00")]],
  [[day("2020-01-31"), "2020-02-01"]],
  [[day("1899-12-31T12:00"), "12:30"]],
  [["2020-01-31", "2020-02-01 12:00"]],
  [["2020-01-31 12:00Z", "2020-01-31 12:00+02"]],
  [["2020-01-31 12:00Z", "2020-01-31 12:00"]],
  [["31.12.2024", "01.02.2024"]],
  [["01.02.2024", "03.04.2024"]],
  [["12/31/24", "1/2/24"]],
  [["31.12.2024 12:00", "01.02.2024"]],
  [["31-Jan-2020", "1-Feb-2020"]],
  [["31.12.2024", "soon", "01.02.2024"]],
  [["12:30", "8:05"]],
  [["12:30", "3:45 PM"]],
  [["12:30", "26:10"]],
  [["26:10:00", "-1:30:00"]],
  [["26:10:00", "8:00:00"]],
  [["58:30", "1:02:11"]],
  [[{ duration: "37:30:00" }, "8:00"]],
  [["123e4567-e89b-12d3-a456-426614174000"]],
  [[" 123e4567-e89b-12d3-a456-426614174000"]],
  [['{"a":1}', "[]"]],
  [['{"a":1,"a":2}']],
  [["a@b.co", "c@d.co"]],
  [["https://example.org/a", "x"]],
  [[{ error: "#N/A" }, 1, { error: "#N/A" }, { error: "#REF!" }]],
  [["n/a", "-", "1", "-"]],
  [["n/a", "-"]],
  [["a", "-", "b"]],
  [times(12, (i) => (i < 7 ? i : `word ${i}`))],
  [times(12, (i) => (i < 5 ? i : `word ${i}`))],
  [times(3, (i) => "x".repeat(90 + 20 * i))],
];

const shown = (value: BatchCell): string =>
  value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : typeof value === "string" && value.length > 40 ? `"…"(${value.length})` : JSON.stringify(value); // prettier-ignore

test("each column has the type of its values, and what is said of it", () => {
  const lines = COLUMNS.map(([values, header = "h"]) => {
    const inference = new Inference();
    inference.add(batchOfRows(values.map((value) => [value]), 2)); // prettier-ignore
    const { type, nearest, ...rest } = inference.column(1, header, values.length <= 5);
    const said = Object.entries(rest).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0) && value !== ""); // prettier-ignore
    const near = nearest && `nearest ${nearest.type}${nearest.notation === undefined ? "" : ` as ${nearest.notation}`}, ${nearest.fits} fit, not ${nearest.against.map(({ row, value }) => `${value} (${row})`).join(", ")}`; // prettier-ignore
    const about = said.filter(([name]) => name !== "values").map(([name, value]) => `${name === "because" ? "" : `${name} `}${typeof value === "string" ? value : JSON.stringify(value)}`); // prettier-ignore
    return `${values.slice(0, 4).map(shown).join(", ")}${header === "h" ? "" : ` under ${header}`}\n    ${[type, ...about, ...(near === undefined ? [] : [near])].join("; ")}`;
  });
  expect(lines.join("\n")).toMatchSnapshot("all of it");
});

test("columns decide together how a point is read", () => {
  const decided = (rows: readonly (readonly BatchCell[])[], delimiter?: string): string[] => {
    const inference = new Inference(() => false, true, delimiter);
    inference.add(batchOfRows(rows, 2));
    return rows[0]!.map((_, n) => {
      const { type, numberFormat } = inference.column(n + 1, "h", true);
      return numberFormat === undefined ? type : `${type} ${numberFormat}`;
    });
  };
  expect([
    decided([["1.234", "0.5"]]),
    decided([["1.234", "7,25"]]),
    decided([["1,234", "0.5"]]),
    decided([["1,234", "7,25"]]),
    decided([["1.234", "0.5", "7,25"]]),
    decided([["1.234", "x"]]),
    decided([["1.234", "x"]], ","),
    decided([["1.234", "x"]], ";"),
    decided([["1.234"]], ","),
    decided([["1.234", "7,25"]], ","),
  ]).toMatchSnapshot("all of it");
});

test("the kind of each sort of text", () => {
  const texts = [
    "0", "-0", "7", "+7", "007", "-12", "2147483647", "2147483648", "-2147483648", "1234567890", "123456789012345",
    "1234567890123456", ".5", "0.5", "00.5", "12.", "1.234", "12.3456", "1.5e7", "1e5", "1E+5", "1e-5", "1.5E+11", "1.123456E+11",
    "9e+09", "1e999", "1,5", "1,234", "1,23", "1.234.567", "1 234", "12'345", "$5", "5$", "€ 5", "5 %", "(5)", "5-", "-5 kg",
    "TRUE", "f", "Yes", "nope", "n/a", "NA", "-", "--", "?", ".", "null", "[]", "{}", "[1", "{a}", "2020-01-31", "2020-02-30",
    "2020-01-31T12:00", "2020-01-31 24:00", "2020-01-31 12:00:00.1234567", "2020-01-31 12:00Z", "2020-01-31 12:00 +0100", "1/2/2020",
    "31.12.20", "12:00", "1:2", "23:59:59.5", "24:00", "3:45pm", "13:45 pm", "-1:30", "99999:59:59", "100000:00", "a@b.co", "a@b", "a b@c.de",
    "http://x", "HTTPS://x", "ftp://x", "http:// x", "word", "x1", "A-17",
  ]; // prettier-ignore
  const kinds = texts.map((text) => {
    const bytes = Buffer.from(` ${text} `);
    return `${text} → ${kindOf(bytes, 0, bytes.length, CellType.string)}`;
  });
  expect(kinds.join("\n")).toMatchSnapshot("all of it");
});
