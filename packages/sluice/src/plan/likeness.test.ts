import fc from "fast-check";
import { expect, test } from "vitest";
import { LIKENESS_BOUND, likeness } from "./likeness.ts";

test.each([
  ["E-Mail", "email"],
  ["Adress", "address"],
  ["Cateogry", "category"],
  ["Date of birth", "birth_date"],
  ["Name, first", "first_name"],
  ["Orders", "order"],
  ["Organisation", "organization"],
  ["Desciption", "description"],
  ["Bezeichung", "bezeichnung"],
])("%j is taken for %j", (header, column) => {
  expect(likeness(header, column)).toBeGreaterThanOrEqual(LIKENESS_BOUND);
});

test.each([
  ["County", "country"],
  ["First name", "last_name"],
  ["Name", "company_name"],
  ["State", "status"],
  ["Price", "prize"],
  ["Quality", "quantity"],
  ["Created by", "created_at"],
  ["Address 2", "address_1"],
  ["Address 2", "address"],
  ["Import date", "export_date"],
  ["Latitude", "altitude"],
  ["Paid", "unpaid"],
  ["Is inactive", "is_active"],
  ["id", "ip"],
  ["!!!", "name"],
  ["Max value", "min_value"],
])("%j is never taken for %j", (header, column) => {
  expect(likeness(header, column)).toBeLessThan(LIKENESS_BOUND);
});

test("each letter, word and number has its cost", () => {
  const costs = [
    ["ab", "ab"], ["", "ab"], ["ab", ""], ["!", "?"], ["a", "b"],
    // A letter of 10 that is missing, other, doubled, the plural's, or has changed places.
    ["abcdefghij", "abcdefghi"], ["abcdefghij", "abcdefghix"], ["abcdefghij", "abcdefghijk"], ["abcdefghij", "abcddefghij"], ["abcdefghij", "abcdefghijs"],
    ["abcdefghij", "abcdsefghij"], ["abcdefghij", "abcdefghji"], ["abcdefghij", "acbdefghij"], ["abcdefghij", "bacdefghij"],
    ["abcdefghij", "abdcefghxj"], ["abcdefghij", "abdxefghij"], ["abcdefghij", "abxcefghij"], ["abcdefghij", "aabcdefghij"], ["ss", "sss"], ["as", "a"], ["abs", "abss"],
    ["abc", "axbc"], ["abxc", "abcy"], ["saa", "aas"], ["abcdefghij", "klmnopqrst"], ["abcdefghij", "aklmnopqrs"],
    // Words, and numbers.
    ["date of birth", "birth date"], ["the name and an id for a place in it", "id it name place"], ["der name", "name"], ["die name", "name das de du la le"], ["name by", "name"],
    ["b a", "a b c"], ["a 1", "a 2"], ["a 1", "a"], ["abcdefghij 12", "abcdefghijk 12"], ["abcdefghij 1 2", "abcdefghijk 12"], ["1 abcdefghij", "1 abcdefghijk"], ["1 abcdefghij", "abcdefghijk 1"],
    ["abcd١fgh", "abcd1fgh"],
    // As long as a name may be, and longer.
    [`ab${"x".repeat(62)}`, `ac${"x".repeat(62)}`], [`ab${"x".repeat(63)}`, `ac${"x".repeat(62)}`], [`ab${"x".repeat(70)}`, `AB${"x".repeat(70)}`],
  ] as const; // prettier-ignore
  const said = costs.map(([a, b]) => `${a} ~ ${b}: ${likeness(a, b).toFixed(4)}`);
  expect(said).toMatchSnapshot();
});

test("likeness() is the same both ways, at most 1, and 1 for a name with itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const score = likeness(a, b);
      expect(score).toBeCloseTo(likeness(b, a), 12);
      expect(score >= 0 && score <= 1).toBe(true);
      if (/\p{L}/u.test(a)) expect(likeness(a, a)).toBe(1);
    }),
  );
});
