// Names, days, numbers and zones of a schema: what each text is read as, or the whole refusal.
import { expect, test } from "vitest";
import { dateFormatsOf, dateReader, isDay } from "./date-format.ts";
import { nameOfColumn, normalizeName, quoteIdentifier, quoteLiteral, quoteTable, schemaOf, spellSigns, tableNameFor, toIdentifier, unusedIdentifier } from "./identifiers.ts"; // prettier-ignore
import {
  amountOf,
  decimalOf,
  inNotation,
  isRatio,
  NOTATIONS,
  numberReader,
  unitOf,
  withUnit,
} from "./number-format.ts";
import { indexDdl, table, tableDdl } from "./schema.ts";
import { isTimeZone, offsetIn } from "./time-zone.ts";
import { baseType, isNumberType } from "./types.ts";

/** What a function makes of each text, one a line. */
function each(of: (text: string) => unknown, ...texts: readonly string[]): string {
  return texts
    .map((text) => {
      try {
        return `${JSON.stringify(text)} → ${JSON.stringify(of(text)) ?? "nothing"}`;
      } catch (error) {
        return `${JSON.stringify(text)}: ${(error as Error).message}`;
      }
    })
    .join("\n");
}

test("each name", () => {
  const long = "abcdefghij".repeat(7);
  const group = (bytes: number): string => `${"a b ".repeat(9)}${"x".repeat(bytes - 36)}`;
  const words = ["A b", "2 b", "ä\u0308", "a\u0308b", "A/B", "A / B", " / B", "A / ", "2024 / 2025", "aB1Cd", "1Ab", "1AB", "%", "a_", "__a__", "İ", long, `${long} / b`, `a / ${long}`, `${group(60)} / b`, `${group(61)} / b`, `${group(59)} / b`, `${long} / ${"y".repeat(40)}`, `${long} / ${"y".repeat(41)}`, `${long} / ${"y".repeat(42)}`, "é".repeat(40), `${long} / 2`, "9".repeat(63), "x".repeat(63), "x".repeat(64), `${"ab ".repeat(30)}/ x`, `${"ab ".repeat(30)} / x`];
  expect({
    toIdentifier: each(toIdentifier, ...words), normalizeName: each(normalizeName, "A b", "ＡＢ", "a\u0308", "é-É_1", "½", "!"), spellSigns: each(spellSigns, "Yes %", "#$€£&+", "a", "5%"),
    quoteIdentifier: each(quoteIdentifier, "a", 'a"b"', "", "a\0"), quoteTable: each(quoteTable, "t", "s.t", "s.t.u", ".t", "t.", ".", "a.b"), schemaOf: each(schemaOf, "t", "s.t", "s.t.u", ".t", "t.", "s.tt", "ss.t"), quoteLiteral: each(quoteLiteral, "a", "it's", "a\\b", "\\'", "", "a\0"),
    tableNameFor: each(tableNameFor, "a.csv", "Q3 Report (final).xlsx", "/x/y/a.csv", "C:\\x\\a.csv", "a.csv.gz", "a.tar.GZ", "a", ".csv", "a.b.csv", "%.csv", "/", ""), nameOfColumn: nameOfColumn(7),
  }).toMatchSnapshot("as each function has it");
  const taken = new Set<string>();
  const names = ["a", "a", "a", "a_2", "x".repeat(63), "x".repeat(63), ...Array.from({ length: 9 }, () => "é".repeat(31))].map((name) => unusedIdentifier(name, taken));
  expect([names, [...taken]]).toMatchSnapshot("until they are unused");
}); // prettier-ignore

test("each date", () => {
  const texts = [
    "31.12.2024", "1.2.2024", "01.02.2024", "1/2/2024", "13/2/2024", "2/13/2024", "2024/1/2", "2024-01-02", "2024.1.2", "1.2.10", "01.02.10", "01.02.29", "01.02.30", "01-02-10", "1-2-10", "1/2/10", "1/2/69", "1/2/30", "12.30.15", "30.12.15", "31/12/99", "99/12/31", "1/2/3", "1/2/123", "123/1/2", "32.1.2024", "0.1.2024", "1.0.2024", "1.13.2024", "30.02.2024", "29.02.2024", "29.02.2023", "29.02.1900", "29.02.2000", "31.04.2024", "30.04.2024", "31.06.2024", "31.09.2024", "31.11.2024", "31.10.2024", "1.1.0000", "1.1.0001",
    "1 Jan 2024", "1. Jan 2024", "1-Jan-24", "1-jan-2024", "1 January 2024", "1 Janu 2024", "Jan 1, 2024", "Jan. 1, 2024", "January 1 2024", "Sept 1, 2024", "sep 1, 24", "May 1, 2024", "Jan-1-2024", "Jan Feb 2024", "Foo 1, 2024", "1 Foo 2024", "1/Jan/2024", "1.Jan.2024", "1 Jan, 2024", "1 2 2024", "1 2, 2024", "1.2/2024", "1/2-2024", "Jan/1/2024",
    "31.12.2024 12:30", "31.12.2024, 12:30", "31.12.2024T12:30", "31.12.2024  12:30", "31.12.2024 12:30:15", "31.12.2024 12:30:15.25", "31.12.2024 12:30:15.1234567", "31.12.2024 12:30:15.1234560", "31.12.2024 24:00", "31.12.2024 23:60", "31.12.2024 23:59:60", "12/31/2024 3:30 PM", "12/31/2024 3:30PM", "12/31/2024 3:30 p.m.", "12/31/2024 12:00 AM", "12/31/2024 12:00 pm", "12/31/2024 13:00 PM", "12/31/2024 0:30 AM", "12/31/2024 1:5 AM", "12/31/2024 5", "", "x", "20240131", "1.2", "1.2.3.2024",
  ];
  expect(each((text) => dateFormatsOf(text).map((format) => [format, dateReader(format)!(text)]), ...texts)).toMatchSnapshot("as it can be read");
  const formats = ["YYYYMMDD", "DDMMYY", "DD.MM.YYYY", "DD.MM.YY", "MMM DD, YYYY", "DD-MMM-YYYY", "DD.MM.YYYY HH:mm", "DD.MM.YYYY hh:mm A", "YYYY/MM/DD", "DD.MM", "DD.MM.YYYY.", "DD.MM.YYYY DD", "MM.MMM.YYYY", "YY.YYYY.DD", "", "x", "HH:mm", "DD.MM.YYYY  HH:mm", "dd.mm.yyyy", "DD MM YYYY"];
  const some = ["20240131", "310124", "010169", "010168", "31.12.2024", "31.12.24", "31x12x2024", "Jan 31, 2024", "31-jan-2024", "31.12.2024 12:30", "31.12.2024 1:30 pm", "2024/1/31", "31 12 2024", "31.12.2024."];
  expect(each((format) => { const read = dateReader(format); return read && some.flatMap((text) => { const found = read(text); return found ? `${text} is ${found.date} ${found.time ?? ""}` : []; }); }, ...formats)).toMatchSnapshot("in a notation that is stated");
  const days = [[0, 1, 1], [1, 1, 1], [2024, 0, 1], [2024, 13, 1], [2024, 12, 31], [2024, 12, 32], [2024, 1, 0], [2024, 2, 28], [2024, 2, 29], [2023, 2, 29], [1900, 2, 29], [2000, 2, 29], [2024, 2, 30], [2024, 4, 30], [2024, 4, 31], [2024, 6, 31], [2024, 9, 31], [2024, 11, 31], [2024, 7, 31], [2024, 8, 31], [2024, 3, 29]] as const;
  expect(days.filter(([year, month, day]) => isDay(year, month, day)).map((day) => day.join("-"))).toMatchSnapshot("that there is");
}); // prettier-ignore

test("each number", () => {
  const texts = ["1", "1234", "1,234", "1.234", "1 234", "1'234", "1’234", "1\u00a0234", "1\u202f234", "1,23", "1.23", "12,345.67", "12.345,67", "12 345,67", "12'345.67", "1,234,567", "1.234.567", "1,2345", "1,234,56", "12,34,567", "0,5", ".5", ",5", "5.", "5,", "00,5", "1,234.", "-5", "+5", "5-", "(5)", "(5", "5)", "−5", "- 5", "$5", "$-5", "-$5", "($5)", "5 $", "5$", "€ 5", "5 €", "5€", "EUR 5", "5 EUR", "5 %", "5%", "5 ‰", "5 kg", "5kg", "5 m²", "5 °C", "5 km/h", "$ 5 kg", "5 kilograms of it", "1e5", "x", "", " 5 ", "--5", "5 5", "0,005", "0.500", "1,000", "1.000", "925.000", "1,234 %", "CHF 1'234.50", "₹1,23,456"];
  expect(each(amountOf, ...texts)).toMatchSnapshot("in every notation");
  const notations = [...NOTATIONS, "1.234,56 €", "$1,234.56", "1234.56 %", "1234,56", "1 234,56 kg", "1,234.56 $", "€1234.56", "1234", "1.5", "x", "", "1.234,56 (x)"];
  expect(each((notation) => { const read = numberReader(notation); return [decimalOf(notation), unitOf(notation), inNotation("-1234.5", notation), read && texts.flatMap((text) => { const found = read(text); return found === undefined ? [] : `${text} is ${found}`; }).join(" | ")]; }, ...notations)).toMatchSnapshot("in a notation that is stated");
  expect([["1,234.56", ""], ["1,234.56", "$"], ["1.234,56", "€"], ["1234.56", "%"], ["1234.56", "US$"], ["1234.56", "kg"]].map(([notation, unit]) => withUnit(notation!, unit!))).toMatchSnapshot("with a unit");
  expect(each(isRatio, "%", "‰", "€", "kg", "", "% p.a.")).toMatchSnapshot("that is a ratio");
}); // prettier-ignore

test("each type and zone", () => {
  expect(each((type) => [baseType(type), isNumberType(type)], "int", "INT4", "int2", "int8", "decimal(4, 1)", "float4", "FLOAT8", "float", "bool", "timestamp(3)", "timestamptz", "timestamp (3) with time zone", "time", "timetz", "character varying(9)", "character", "char (3)", "varchar", " double   precision ", "real", "smallint", "bigint", "numeric", "money", "text[]", "_int4")).toMatchSnapshot("as its base");
  const moments = ["2024-07-01 12:00", "2024-01-01T12:00:05.25", "2024-03-31 01:59:59", "2024-03-31 02:00", "2024-03-31 02:59:59", "2024-03-31 03:00", "2024-10-27 01:59", "2024-10-27 02:00", "2024-10-27 02:59:59", "2024-10-27 03:00", "1890-01-01 00:00", "0001-06-01 00:00", "9999-12-31 23:59:59"];
  expect(each((zone) => { const of = offsetIn(zone); return of && [...new Set(moments.map((moment) => { const found = of(moment); return `${moment} ${typeof found === "string" ? found : found.offset}`; }))]; }, "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "UTC", "Etc/GMT+5", "+02:00", "+0230", "-05", "+15:59", "+16:00", "+1", "+02:60", "Nowhere/Else", "Europe/", "europe/berlin", "1", "")).toMatchSnapshot("with its offsets");
  expect([isTimeZone("UTC"), isTimeZone("x y")]).toEqual([true, false]);
}); // prettier-ignore

test("each table that a schema states, and why one is refused", () => {
  const check = { "~standard": { version: 1 as const, vendor: "t", validate: (value: unknown) => ({ value }) } };
  const of = (spec: object): string => {
    try {
      const schema = table({ name: "t", columns: { a: {} }, ...spec });
      return JSON.stringify([schema, tableDdl(schema)]);
    } catch (error) {
      return (error as Error).message;
    }
  };
  const column = (spec: object): string => of({ columns: { a: spec, b: {} } });
  expect([
    of({}), of({ name: "" }), of({ name: 7 }), of({ name: "s.t" }), of({ name: `s.${"x".repeat(64)}` }), of({ name: "x".repeat(63) }), of({ columns: {} }), of({ columns: undefined }), of({ other: 1 }), of({ key: ["a"] }), of({ key: ["z"] }), of({ key: "a" }), of({ name: "s." }), of({ columns: { a: {}, deleted_at: { type: "timestamptz" } }, key: ["a"] }), of({ indexes: [["a"]] }), of({ indexes: [{ columns: ["a"], name: "i" }] }), of({ indexes: [["z"]] }), of({ width: "exact" }), of({ width: "other" }), of({ columns: { ["x".repeat(64)]: {} } }), of({ columns: { "": {} } }),
    ...[{}, { type: "integer", notNull: true, unique: true, default: "7" }, { primaryKey: true }, { primaryKey: true, notNull: true }, { header: "A" }, { header: ["A", "B"] }, { maxLength: 3 }, { maxLength: 0 }, { maxLength: 1.5 }, { format: "email" }, { format: "url" }, { nulls: ["-"] }, { generated: true }, { other: 1 }, { check }, check, { check: {} }, { check: 7 }, { from: "A" }, { from: ["A", "B"] }, { from: "" }, { from: ["A", ""] }, { from: 7 }, { transform: (text: unknown) => text }, { transform: 7 }, { value: "x" }, { value: null }, { value: "x", from: "A" }, { value: "x", transform: () => "y" },
      { type: "date", dateFormat: "DD.MM.YYYY" }, { dateFormat: "DD.MM.YYYY" }, { type: "date", dateFormat: "x" }, { type: "TIMESTAMPTZ(3)", dateFormat: "DD.MM.YYYY HH:mm" }, { type: "integer", numberFormat: "1.234,56" }, { type: "integer", numberFormat: "x" }, { type: "date", numberFormat: "1.234,56" }, { type: "timestamptz", timeZone: "UTC" }, { type: "timestamptz", timeZone: "x" }, { type: "text", timeZone: "UTC" }].map(column),
    indexDdl({ columns: ["a", 'b"'] }, "s.t"), indexDdl({ name: "i", columns: ["a"] }, "t"), tableDdl(table({ name: "t", columns: { a: {} } }), "s.u").create.join(";"),
  ]).toMatchSnapshot();
}); // prettier-ignore
