import { expect, test } from "vitest";
import { notationOf, notationsFor } from "./notation.ts";

test.each<[type: string, texts: string[], notation: string | undefined]>([
  ["numeric", ["1.200,00", "waived", "7,50", "1.999,10"], "1.234,56"],
  ["numeric", ["1,200", "2,300.50"], "1,234.56"],
  ["integer", ["1 200", "13"], undefined],
  ["integer", ["1 200", "12 300", "13"], "1 234,56"],
  ["numeric", ["(1'200)", "-2'000.5"], "1'234.56"],
  ["numeric", ["1.5", "2", "n/a"], undefined],
  ["date", ["31/01/2020", "1/2/2020"], "DD/MM/YYYY"],
  ["date", ["01/31/2020", "1/2/2020"], "MM/DD/YYYY"],
  ["date", ["1/2/2020", "3/4/2020"], undefined],
  ["timestamp", ["1.2.2020"], "DD.MM.YYYY"],
  ["text", ["1.200,00"], undefined],
])("as %s the texts %j are written %s", (type, texts, notation) => {
  expect(notationOf(type, texts)).toBe(notation);
});

test("only numbers and dates have notations", () => {
  expect([notationsFor("text"), notationsFor("boolean")]).toEqual([[], []]);
  expect(notationsFor("numeric(10,2)")).toContain("1.234,56");
});
