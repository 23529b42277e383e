import { expect, test } from "vitest";
import type { Reject } from "../api/shapes.ts";
import { toRows, toSend, wordsOf } from "./reject-rows.ts";

const rejects: Reject[] = [
  { row: 4, column: "Email", value: "x", code: "invalid_email", reason: "r", cells: ["Ada", "x", ["n", "7"]] },
  { row: 9, column: null, code: "too_few_columns", reason: "r", cells: ["Bob"] },
];
const rows = toRows(rejects, ["Name", "Email", "Age", "City"]);

test("rows have a text for each column, and know which one is at fault", () => {
  expect(rows.map(({ row, cells, faults }) => ({ row, cells, faults: [...faults] }))).toEqual([
    { row: 4, cells: ["Ada", "x", "7", ""], faults: [1] },
    { row: 9, cells: ["Bob", "", "", ""], faults: [1, 2, 3] },
  ]);
});

test("only changed rows are sent, whole; cells that were not changed keep their types", () => {
  expect(toSend(rows, new Map([[4, new Map([[1, "ada@x.example"]])]]))).toEqual([
    { row: 4, cells: ["Ada", "ada@x.example", ["n", "7"], null] },
  ]);
});

test("a cell that was emptied is empty, not a text", () => {
  expect(toSend(rows, new Map([[4, new Map([[0, ""]])]]))[0]!.cells[0]).toBeNull();
});

test("a date is shown as a day, and goes back as it was", () => {
  const cells: Reject["cells"] = [["d", "2019-08-08T00:00:00.000"], ["d", "2019-08-08T12:00:00.000"], ""];
  const [row] = toRows([{ ...rejects[1]!, cells }], ["a", "b", "c"]);
  expect(row!.cells).toEqual(["2019-08-08", "2019-08-08T12:00:00.000", ""]);
  expect(toSend([row!], new Map([[9, new Map([[2, "x"]])]]))[0]!.cells).toEqual([...cells.slice(0, 2), "x"]);
});

test("codes are words", () => expect(wordsOf("too_few_columns")).toBe("too few columns"));
