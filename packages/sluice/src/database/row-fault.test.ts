import { expect, test } from "vitest";
import { isRowFault, rowNamed } from "./row-fault.ts";

test.each([
  ["COPY people, line 700", 699],
  ['COPY people, line 7, column age: "old"', 6],
  ['COPY people, line 7: "7\tMetro, line 2\nCOPY people, line 3"', 6],
  ['PL/pgSQL function refuse() line 3 at RAISE\nCOPY people, line 7: "7"', 6],
  // German, Spanish and French
  ['COPY people, Zeile 7: "7\tMetro, line 2\nCOPY people, line 3"', 6],
  ["COPY people, línea 7, columna age: «, line 2»", 6],
  ["COPY people, ligne 7, colonne age\u00a0: «\u00a0old\u00a0»", 6],
  ['SQL statement "SELECT 1 FROM ONLY parents"', undefined],
  [undefined, undefined],
])("the row that %j names", (where, row) => {
  expect(rowNamed(Object.assign(new Error("refused"), { code: "23514", where }))).toBe(row);
});

test.each([
  ["42P01", "unnamed portal parameter $1 = '...'", true],
  ["42601", "portal \"sluice_a\" parameter $12 = 'two\nlines'", true],
  ["54001", 'COPY people, line 7, column j: "[[["', true],
  ["42704", "COPY people, ligne 7, colonne age\u00a0: «\u00a0old\u00a0»", true],
  // What a trigger does, or a lost table, is not a value's fault.
  ["42P01", 'PL/pgSQL function f() line 1 at SQL statement\nCOPY people, line 7: "7"', false],
  ["42P01", 'COPY people, line 7: "7, column j: "', false],
  ["42601", 'SQL statement "select $1"\nPL/pgSQL function f() line 1', false],
  ["42P01", undefined, false],
  ["57014", "unnamed portal parameter $1 = '...'", false],
])("a value that its type does not take, by the code %s: %j", (code, where, is) => {
  expect(isRowFault(Object.assign(new Error("refused"), { code, where }))).toBe(is);
});
