import { expect, test } from "vitest";
import { isForm, isReport, isTurned } from "./form.ts";
import type { HeadRow } from "./head-rows.ts";
import { detectLayout } from "./header-row.ts";

/** Rows as `A | B`; a number or an ISO date is of that kind. */
function rowsOf(...lines: string[]): HeadRow[] {
  return lines.map((line, n) => ({
    number: n + 1,
    cells: line.split("|").flatMap((cell, c) => {
      const text = cell.trim();
      const sort = /^\d{4}-/.test(text) ? "date" : /^\d+$/.test(text) ? "number" : "text";
      return text === "" ? [] : [{ column: c + 1, text, sort }];
    }),
  }));
}

test.each([
  ["labels with colons", ["Order form", "Name: | Ada | Date: | 2024-01-31", "Street: | High St 1", "City: | Bonn | Zip: | 53111", "Phone: | 123"]],
  ["labels with colons, some empty", ["Name: | Ada", "Street: | x", "City: | Bonn | Zip:", "Phone: | 123", "Total | 5"]],
  ["pairs of many kinds", ["Company | ACME", "Founded | 2001-01-31", "Employees | 12", "City | Bonn", "Branches | 3", "Owner | Eve"]],
  ["pairs that end with two numbers", ["Company | ACME", "Founded | 2001-01-31", "City | Bonn", "Owner | Eve", "Small | 1", "Large | 2"]],
])("%s are a form", (_, lines) => {
  expect(isForm(rowsOf(...lines))).toBe(true);
}); // prettier-ignore

test.each([
  ["a table", ["Name | Born | Pay", "Ada | 1990-01-31 | 5", "Bob | 1991-01-31 | 6", "Eve | 1992-01-31 | 7", "Joe | 1993-01-31 | 8"]],
  ["a table of two columns", ["Country | Cases", "Peru | 5", "Chile | 6", "Cuba | 7", "Fiji | 8"]],
  ["a table below its remarks", ["Customer: | ACME", "Date: | 2024-01-31", "Item | Price", "A | 1", "B | 2", "C | 3", "D | 4"]],
  ["a list of texts", ["Key | Text", "a | x", "b | y", "c | z", "d | w"]],
  ["three rows", ["Name: | Ada", "City: | Bonn", "Phone: | 12"]],
  ["a column of three numbers at the end", ["Company | ACME", "Founded | 2001-01-31", "City | Bonn", "Owner | Eve", "Small | 1", "Large | 2", "Huge | 3"]],
  ["a column of three numbers at the beginning", ["Small | 1", "Large | 2", "Huge | 3", "Company | ACME", "Founded | 2001-01-31", "City | Bonn", "Owner | Eve"]],
])("%s is none", (_, lines) => {
  expect(isForm(rowsOf(...lines))).toBe(false);
}); // prettier-ignore

test.each([
  [true, "texts between numbers", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | Ulm", "Score | 1 | 2 | 3"]],
  [true, "one row of four", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | Ulm", "Score | 1 | 2 | 3", "Rank | 3 | 1 | 2"]],
  [false, "one row of five", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | Ulm", "Score | 1 | 2 | 3", "Rank | 3 | 1 | 2", "Age | 7 | 8 | 9"]],
  [false, "two rows", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | Ulm"]],
  [false, "two values", ["Born | 1815 | 1912", "City | London | Bonn", "Score | 1 | 2"]],
  [false, "a row of two kinds", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | 5", "Score | 1 | 2 | 3"]],
  [false, "a row that is shorter", ["Born | 1815 | 1912 | 1970", "City | London | Bonn", "Score | 1 | 2 | 3"]],
  [false, "marks for missing values", ["North | 5 | 6 | 7", "South | n/a | n/a | n/a", "East | 1 | 2 | 3"]],
  [false, "the same name twice", ["Born | 1815 | 1912 | 1970", "City | London | Bonn | Ulm", "City | a | b | c"]],
  [false, "numbers in front", ["1 | 1815 | 1912 | 1970", "2 | London | Bonn | Ulm", "3 | 1 | 2 | 3"]],
  [false, "records of one kind", ["Ada | 5 | 6 | 7", "Bob | 1 | 2 | 3", "Eve | 1 | 2 | 3"]],
])("it is %s that a table is turned: %s", (turned, _, lines) => {
  expect(isTurned(rowsOf(...lines))).toBe(turned);
}); // prettier-ignore

const SECTION = ["TOTAL BY CANDIDATE", "| AA | Obama | 93", "| AA | McCain | 130"];

test("sections below titles, without names over their columns, are a printed report", () => {
  const isOne = (...lines: string[]): boolean => {
    const rows = rowsOf(...lines);
    const layout = detectLayout(rows);
    return isReport(rows.filter(({ number }) => number >= layout.firstRow), layout); // prettier-ignore
  };
  const head = ["COUNTY NAME: Monroe", "PRECINCT: 1", "BALLOTS CAST: 235"];
  expect(isOne(...head, ...SECTION, ...SECTION, ...SECTION, ...SECTION)).toBe(true);
  expect(isOne(...head, ...SECTION, ...SECTION, ...SECTION)).toBe(false);
  // Groups of a table, which has a name over each column.
  const groups = ["STREETS", "Request | 5 | 6", "OFFICE", "Request | 7 | 8", "PENSIONS", "Request | 9 | 1", "FUND", "Request | 2 | 3"];
  expect(isOne("Department | Class 100 | Class 200", ...groups)).toBe(false);
}); // prettier-ignore
