import fc from "fast-check";
import { expect, test } from "vitest";
import { normalizeName, quoteIdentifier, quoteTable, toIdentifier, unusedIdentifier } from "./identifiers.ts";

test("quoteIdentifier() makes a hostile name just a name", () => {
  expect(quoteIdentifier('a"; drop table x; --')).toBe('"a""; drop table x; --"');
  expect(() => quoteIdentifier("a\0b")).toThrow(RangeError);
});

test("quoteTable() reads one dot as schema.table and nothing else", () => {
  expect(quoteTable("crm.people")).toBe('"crm"."people"');
  expect(quoteTable("people")).toBe('"people"');
  expect(quoteTable(".people")).toBe('".people"');
  expect(quoteTable('x"; drop table y')).toBe('"x""; drop table y"');
});

test.each([
  ["Name", "name"],
  ["E-mail  (work)", "e_mail_work"],
  ["createdAt", "created_at"],
  ["Größe", "größe"],
  ["名前", "名前"],
  ["2020", "_2020"],
  ["PCON11CD", "pcon11cd"],
  ["address2Line", "address2_line"],
  ["İl", "il"],
  ["  ", ""],
  ["!!!", ""],
])("toIdentifier(%j) is %j", (header, identifier) => {
  expect(toIdentifier(header)).toBe(identifier);
});

test("toIdentifier() and unusedIdentifier() stay within 63 bytes and whole characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (header) => {
      const taken = new Set<string>();
      const first = unusedIdentifier(toIdentifier(header) || "x", taken);
      const second = unusedIdentifier(toIdentifier(header) || "x", taken);
      expect(Buffer.byteLength(first)).toBeLessThanOrEqual(63);
      expect(Buffer.byteLength(second)).toBeLessThanOrEqual(63);
      expect(second).not.toBe(first);
      expect(first.isWellFormed()).toBe(header.isWellFormed() || first.isWellFormed());
    }),
  );
});

test("normalizeName() sees through case, spaces and punctuation", () => {
  expect(normalizeName("E-Mail Address")).toBe(normalizeName("email_address"));
  expect(normalizeName("ＮＡＭＥ")).toBe("name");
});

test("a long name of groups keeps its last part", () => {
  const group = "Real gross domestic product / Thousands of chained (2017) dollars";
  expect(toIdentifier(`${group} / 2020`)).toBe("real_gross_domestic_product_thousands_of_chained_2017_dol_2020");
  expect(toIdentifier("2017 / 2020")).toBe("_2017_2020");
  const both = `${"x".repeat(70)} / ${"y".repeat(70)}`;
  expect(toIdentifier(both)).toBe("x".repeat(63));
  for (const name of [`${group} / 2020`, `2${group} / 2020`, both, `${"ü".repeat(40)} / €€€ ж`])
    expect(Buffer.byteLength(toIdentifier(name))).toBeLessThanOrEqual(63);
});
