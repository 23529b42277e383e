import { describe, expect, test } from "vitest";
import { columnNames, mapHeaders, nearest } from "./mapping.ts";
import { table, type TableSpec } from "../schema/schema.ts";
import type { Header } from "../options.ts";
import { tableNameFor } from "../schema/identifiers.ts";

const PLACE = { file: "people.xlsx", sheet: "Data", headerRow: 1 };

const headers = (...texts: string[]): Header[] => texts.map((text, n) => ({ sheetColumn: n + 1, text }));

function mapped(texts: string[], columns: TableSpec["columns"], map: Record<string, string> = {}): string[] {
  const schema = table({ name: "people", columns });
  const { load, homeless, matches } = mapHeaders(
    headers(...texts),
    schema.columns,
    new Map(Object.entries(map)),
    PLACE,
  );
  const found = load.map(({ header, column, sheetColumn }) => {
    const { by, score } = matches.get(sheetColumn)!;
    return `${header} → ${column.name} by ${by}${score === 1 ? "" : ` ${score.toFixed(2)}`}`;
  });
  return [...found, ...homeless.map(({ text }) => `${text} → nothing`)];
}

test("a header finds its column by --map, by name, by a header of the schema, by its letters and digits, then by likeness", () => {
  expect(
    mapped(
      ["Tel", "name", "Full E-mail", "B.O.R.N", "Adress"],
      { phone: {}, name: {}, email: { header: "Full E-mail" }, born: {}, address: {} },
      { Tel: "phone" },
    ),
  ).toEqual([
    "Tel → phone by map",
    "name → name by name",
    "Full E-mail → email by name",
    "B.O.R.N → born by name",
    "Adress → address by likeness 0.96",
  ]);
});

test("of two columns whose letters and digits a header has, it means the first one of the schema", () => {
  const columns = { b: { header: "Unit-Price" }, a: { header: "Unit_price" } };
  expect(mapped(["UNIT.PRICE"], columns)).toEqual(["UNIT.PRICE → b by name"]);
});

test("--map can exchange the names of two columns of a new table", () => {
  const columns = { two: { header: "one" }, one: { header: "two" } };
  expect(mapped(["one", "two"], columns, { one: "two", two: "one" })).toEqual(["one → two by map", "two → one by map"]);
});

test("likeness never takes a column that another header means, nor one that the database fills, nor one that is not alike enough", () => {
  expect(mapped(["Address", "Adress"], { address: {} })).toEqual(["Address → address by name", "Adress → nothing"]);
  expect(mapped(["Createdat", "Custmer"], { created_att: { generated: true }, customs: {} })).toEqual([
    "Createdat → nothing",
    "Custmer → nothing",
  ]);
});

describe("what is not clear is an error that names the candidates", () => {
  test.each<[string[], TableSpec["columns"], string, RegExp]>([
    [
      ["Shipping addres"],
      { shipping_address: {}, shippingaddresss: {} },
      "ambiguous_header",
      /"Shipping addres" \(column A\) could mean shipping_address \(0\.98\) or shippingaddresss \(0\.96\)\. Say which with --map "Shipping addres=shipping_address"/,
    ],
    [
      ["Adress", "Addres"],
      { address: {} },
      "duplicate_header",
      /"Adress" \(column A\) and "Addres" \(column B\) both mean the column "address"/,
    ],
    [["Name", "Name"], { name: {} }, "duplicate_header", /two columns have the header "Name": A and B/],
  ])("%j in %j", (texts, columns, code, message) => {
    expect(() => mapped(texts, columns)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
  });
});

test("columns that come near are named with their scores, best first", () => {
  const { columns } = table({ name: "t", columns: { email: {}, mail_count: {}, name: {} } });
  expect(nearest({ sheetColumn: 1, text: "e mails" }, columns)).toEqual([
    { name: "email", score: expect.closeTo(0.95, 2) as number },
  ]);
});

test("names of columns: hostile, empty, twice, too long, reserved", () => {
  const long = "x".repeat(80);
  const names = columnNames(
    headers('a"; drop table x; --', "!!!", "Name", "name", long, long, "select", "2020"),
    new Map(),
  );
  expect([...names.values()]).toEqual([
    "a_drop_table_x", "column_2", "name", "name_2", "x".repeat(63), `${"x".repeat(61)}_2`, "select", "_2020",
  ]); // prettier-ignore
});

test.each([
  ["Q3 Report (final).xlsx", "q3_report_final"],
  ["/data/2024.csv", "_2024"],
  ["!!!.xlsx", "import"],
])("a table for %s is called %s", (file, name) => {
  expect(tableNameFor(file)).toBe(name);
});

test("a part of a name that is a sign alone becomes a word, and finds the columns of earlier tables", () => {
  const texts = ["2019 / Votes", "2019 / %", "Share", "Share %"];
  const names = [...columnNames(headers(...texts), new Map()).values()];
  expect(names).toEqual(["_2019_votes", "_2019_percent", "share", "share_percent"]);
  expect(mapped(texts, { _2019_votes: {}, _2019: {}, share: {}, share_percent: {} })).toEqual([
    "2019 / Votes → _2019_votes by name",
    "2019 / % → _2019 by name",
    "Share → share by name",
    "Share % → share_percent by name",
  ]);
});

test("signs become words where they alone tell headers apart, or are all that there is", () => {
  const headers = ["Yes", "Yes / %", "# of polls", "%", "+", "Yes"].map((text, n) => ({ sheetColumn: n + 1, text }));
  expect([...columnNames(headers, new Map()).values()]).toEqual([
    "yes",
    "yes_percent",
    "of_polls",
    "percent",
    "plus",
    "yes_2",
  ]);
});
