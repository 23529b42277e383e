import fc from "fast-check";
import { expect, test } from "vitest";
import { amountOf, NOTATIONS, numberReader, withUnit } from "./number-format.ts";

const read = (notation: string, text: string): string | undefined => numberReader(notation)!(text);

test.each([
  ["1.234,56", "1.234,56", "1234.56"],
  ["1.234,56", "-89,90", "-89.90"],
  ["1.234,56", "10.000.000", "10000000"],
  ["1.234,56", "12.750", "12750"],
  ["1.234,56", " 5 ", "5"],
  ["1,234.56", "1,200.00-", "-1200.00"],
  ["1,234.56", "(1,200.00)", "-1200.00"],
  ["1,234.56", "−5.00", "-5.00"],
  ["1,234.56", "12,34,567.89", "1234567.89"],
  ["1,234.56", ".5", "0.5"],
  ["1.234,56", "2,16E-06", "0.00000216"],
  ["1.234,56", "-1,5E+03", "-1500.0"],
  ["1.234,56", "2,1634e+01", "21.6340"],
  ["1 234,56", "1,5E+9", "1500000000.0"],
  ["1 234,56", "10\u202f237,65", "10237.65"],
  ["1 234,56", "1\u00a0000,00", "1000.00"],
  ["1'234.56", "1’234.50", "1234.50"],
  ["1234,56", "1234,5", "1234.5"],
  ["$1,234.56", "$12,345.67", "12345.67"],
  ["$1,234.56", "($30.00)", "-30.00"],
  ["$1,234.56", "$(12.34)", "-12.34"],
  ["$1,234.56", "-$5", "-5"],
  ["$1,234.56", "7", "7"],
  ["1.234,56 €", "5,00- €", "-5.00"],
  ["1.234,56 EUR", "EUR 1.000", "1000"],
  ["1234.56 %", "12.5%", "12.5"],
  ["1234.56 %", "0", "0"],
])("as %s, %j is %s", (notation, text, number) => {
  expect(read(notation, text)).toBe(number);
});

test.each([
  ["1,234.56", "1,5E+03"],
  ["1,234.56", "1,234E+01"],
  ["1.234,56", "1,5E+10"],
  ["1.234,56", "12,5E-01"],
  ["1.234,56", "1.25"],
  ["1.234,56", "0.250"],
  ["1.234,56", "1.2345"],
  ["1.234,56", "1,234.56"],
  ["1.234,56", "12.34.567"],
  ["1.234,56", "5 €"],
  ["1 234,56", "1 2345"],
  ["1 234", "1 234,5"],
  ["$1,234.56", "€5"],
  ["$1,234.56", "$5 %"],
  ["1234.56 %", "0.05"],
  ["1,234.56", "(5"],
  ["1,234.56", "-5-"],
  ["1,234.56", "(-5)"],
  ["1,234.56", "--5"],
  ["1,234.56", "5-7"],
  ["1,234.56", ""],
  ["1,234.56", "-"],
  ["1,234.56", "."],
])("as %s, %j is not a number", (notation, text) => {
  expect(read(notation, text)).toBeUndefined();
});

test.each(["10,2", "1.234.56", "1,234,56", "abc", "", "€1.234,56 €", "12.345,67"])(
  "%j is not a notation",
  (notation) => {
    expect(numberReader(notation)).toBeUndefined();
  },
);

test("a text is read in every notation that it fits, and an ambiguous one differs", () => {
  const readings = (text: string): Record<string, string> => {
    const all = amountOf(text)?.readings ?? [];
    return Object.fromEntries(NOTATIONS.flatMap((notation, n) => (all[n] === undefined ? [] : [[notation, all[n]]])));
  };
  expect(readings("1.250")).toEqual({
    "1234.56": "1.250", "1,234.56": "1.250", "1.234,56": "1250", "1 234.56": "1.250", "1'234.56": "1.250",
  }); // prettier-ignore
  expect(readings("1.234.567")).toEqual({ "1.234,56": "1234567" });
  expect(readings("0,5")).toEqual({ "1.234,56": "0.5", "1 234,56": "0.5", "1'234,56": "0.5" });
  expect(readings("12 pcs")).toEqual({});
});

test("a plain text is read as the same text in dress is", () => {
  // The blank leads the second one past the short way.
  const digits = fc.string({ unit: fc.constantFrom(..."-.,0123456789"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(digits, (text) => {
      expect(amountOf(text)?.readings).toEqual(amountOf(` ${text}`)?.readings);
    }),
    { numRuns: 2000, examples: [["-.5"], ["1-"], ["--1"], [".5.5"], ["-1.234,50"], [",5"], ["1."]] },
  );
});

test("a unit goes where people write it", () => {
  expect(withUnit("1,234.56", "$")).toBe("$1,234.56");
  expect(withUnit("1.234,56", "€")).toBe("1.234,56 €");
  expect(withUnit("1.234,56", "")).toBe("1.234,56");
});
