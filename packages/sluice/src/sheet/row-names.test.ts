// Headers with one name fewer than the rows have values, in delimited text.
import { expect, test } from "vitest";
import { headRows } from "./head-rows.ts";
import { detectLayout } from "./header-row.ts";
import { withRowNames } from "./row-names.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";

/** The columns of the names, from 1. */
function columnsOf(rows: readonly (readonly BatchCell[])[], delimiter: string | undefined = ","): number[] {
  const head = headRows(batchOfRows(rows));
  return withRowNames(head, detectLayout(head), delimiter).headers.map(({ sheetColumn }) => sheetColumn);
}

const DOSES: BatchCell[][] = [["dose", "weight"], ["c1", "0.5", "12"], ["c2", "0.7", "NA"], ["c3", "-1.5", "14"]]; // prettier-ignore

test("the first column has the names of the rows if all others are numbers", () => {
  expect(columnsOf(DOSES)).toEqual([2, 3]);
  // Of a workbook a row has no fields: the last column is one without a name.
  const head = headRows(batchOfRows(DOSES));
  expect(withRowNames(head, detectLayout(head), undefined).rowNames).toBeUndefined();
});

test("the first column counts the rows", () => {
  const rows = (first: string, from: number): BatchCell[][] => [[first, "town"], ...["Rome", "Paris", "London"].map((town, n) => [String(from + n), `Ada ${n}`, town])]; // prettier-ignore
  expect(columnsOf(rows("name", 1))).toEqual([2, 3]);
  expect(columnsOf(rows("name", 0))).toEqual([2, 3]);
  expect(columnsOf(rows("name", 2))).toEqual([1, 2]);
  for (const own of ["id", "No.", "#", "person_id", "Row number"]) expect(columnsOf(rows(own, 1))).toEqual([1, 2]);
});

test("names stay where they are if anything else can be meant", () => {
  const [header, ...rows] = DOSES;
  const changed = (at: number, row: BatchCell[]): BatchCell[][] => [header!, ...rows.with(at, row)];
  expect(columnsOf(changed(1, ["c1", "0.7", "13"]))).toEqual([1, 2]);
  expect(columnsOf(changed(1, ["c2", "much", "13"]))).toEqual([1, 2]);
  expect(columnsOf(changed(1, ["c2", "0.7"]))).toEqual([1, 2]);
  expect(columnsOf(changed(1, ["c2", "0.7", "13", "1"]))).toEqual([1, 2]);
  expect(columnsOf(DOSES.slice(0, 3))).toEqual([1, 2]);
});
