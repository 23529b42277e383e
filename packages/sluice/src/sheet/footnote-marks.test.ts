import { expect, test } from "vitest";
import { headRows, type HeadRow } from "./head-rows.ts";
import { detectLayout } from "./header-row.ts";
import { withoutMarks } from "./footnote-marks.ts";

test.each([
  ["Population¹", "Population"],
  ["Population ⁽²⁾", "Population"],
  ["Rate¹,² (%)", "Rate (%)"],
  ["GDP (%)¹", "GDP (%)"],
  ["2019³", "2019"],
  ["Einwohner ᵃ⁾", "Einwohner"],
  ["Imports¹/Exports²", "Imports/Exports"],
  ["Area km²", "Area km²"],
  ["Area (km²)", "Area (km²)"],
  ["Square metres²", "Square metres²"],
  ["R²", "R²"],
  ["10³ tonnes", "10³ tonnes"],
  ["1ˢᵗ quarter", "1ˢᵗ quarter"],
  ["Population", "Population"],
])("%s is %s", (header, name) => {
  expect(withoutMarks(header)).toBe(name);
});

const label = (column: number, text: string, raised?: string): HeadRow["cells"][number] => ({
  column,
  text,
  ...(raised === undefined ? {} : { raised }),
  sort: "text",
});
const record = (number: number): HeadRow => ({
  number,
  cells: [label(1, "x"), { column: 2, text: "1", sort: "number" }, { column: 3, text: "2", sort: "number" }],
});
const sheet = (...header: HeadRow["cells"]): HeadRow[] => [
  { number: 1, cells: header },
  record(2),
  record(3),
  record(4),
];
const namesOf = (rows: HeadRow[], known?: (text: string) => boolean): string[] =>
  detectLayout(rows, known).headers.map(({ text }) => text);

test("names are without marks, and the layout tells which had some", () => {
  const rows = sheet(label(1, "Country"), label(2, "Births1", "Births¹"), label(3, "Area km2", "Area km²"));
  expect(namesOf(rows)).toEqual(["Country", "Births", "Area km2"]);
  expect(detectLayout(rows).marked).toEqual(["Births¹"]);
});

test("names that would be the same keep their marks", () => {
  const rows = sheet(label(1, "Country"), label(2, "Births¹"), label(3, "Births²"));
  expect(namesOf(rows)).toEqual(["Country", "Births¹", "Births²"]);
  expect(detectLayout(rows).marked).toEqual([]);
});

test("a header that a table knows with its mark stays", () => {
  const rows = sheet(label(1, "Country"), label(2, "Births1", "Births¹"), label(3, "Deaths"));
  expect(namesOf(rows, (text) => text === "Births1")).toEqual(["Country", "Births1", "Deaths"]);
  expect(namesOf(rows, (text) => text === "Births")).toEqual(["Country", "Births", "Deaths"]);
});

test("rows of a batch come with their superscripts", () => {
  const bytes = Buffer.from("Births1");
  const batch = {
    rowCount: 1,
    cellCount: 1,
    bytes,
    rowNumbers: Int32Array.of(4),
    widths: Int32Array.of(2),
    firstCell: Int32Array.of(0, 1),
    columns: Int32Array.of(2),
    types: Uint8Array.of(1),
    flags: Uint8Array.of(1),
    starts: Int32Array.of(0),
    ends: Int32Array.of(7),
    progress: 1,
    warnings: [],
    raised: { at: (row: number, column: number) => (row === 4 && column === 2 ? "Births¹" : undefined) } as never,
    release: () => undefined,
  };
  expect(headRows(batch)).toEqual([{ number: 4, cells: [{ column: 2, text: "Births1", raised: "Births¹", sort: "text" }], width: 2 }]); // prettier-ignore
});
