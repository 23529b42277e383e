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
