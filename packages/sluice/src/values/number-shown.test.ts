import { expect, test } from "vitest";
import { showNumber } from "./number-shown.ts";

test.each<[number, string, string | undefined]>([
  [7, "000", "007"],
  [0.256, "0.0%", "25.6%"],
  [1234.5, '#,##0.00 "EUR"', "1,234.50 EUR"],
  [-1234.5, "_(* #,##0.00_);_(* (#,##0.00)", "(1,234.50)"],
  [1234.5, "[$€-407] #,##0.00", "€ 1.234,50"],
  [45000, "dd.mm.yyyy", "15.03.2023"],
  [45000.25, "d. mmmm yyyy h:mm", "15. March 2023 6:00"],
  [45000, "[$-407]mmmm yyyy", "März 2023"],
  [45000, "m/d/yy", "3/15/23"],
  [1.5625, "[h]:mm", "37:30"],
  [123456789, "000-00-0000", "123-45-6789"],
  [12345678, '#,##0.0,,"M"', "12.3M"],
  [5, "General", undefined],
  [5, "@", undefined],
  [5, ";;;", undefined],
  [5, 'bad "', undefined],
  [-400_000, "yyyy-mm-dd", undefined],
  [5, "0".repeat(300), undefined],
])("%d as %s", (value, format, shown) => {
  expect(showNumber(value, format)).toBe(shown);
});
