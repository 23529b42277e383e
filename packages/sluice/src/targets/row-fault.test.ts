import { expect, test } from "vitest";
import { rowNamed } from "./row-fault.ts";

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
