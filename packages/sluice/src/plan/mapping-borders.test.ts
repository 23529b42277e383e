// Each rule by which a header finds its column, with a pair of headers, one on either side of its
// border.
import { describe, expect, test } from "vitest";
import { describeError } from "../errors.ts";
import { table, type ColumnSpec } from "../schema/schema.ts";
import { toIdentifier } from "../schema/identifiers.ts";
import { LIKENESS_BOUND, LIKENESS_MARGIN, likeness } from "./likeness.ts";
import { columnNames, mapHeaders, nearest, type Place } from "./mapping.ts";

const PLACE: Place = { file: "f.csv", sheet: "s", headerRow: 1 };

/** By column, how its header was found, or the code of the refusal. */
function mapped(
  headers: readonly string[],
  columns: Readonly<Record<string, ColumnSpec>> | readonly string[],
  map: Readonly<Record<string, string>> = {},
  place: Partial<Place> = {},
): Record<string, string> | string {
  const specs = Array.isArray(columns)
    ? Object.fromEntries(columns.map((name: string) => [name, { type: "text" }]))
    : columns;
  const schema = table({ name: "t", columns: specs as Record<string, ColumnSpec> });
  const all = headers.map((text, n) => ({ text, sheetColumn: n + 1 }));
  try {
    const { load, matches } = mapHeaders(all, schema.columns, new Map(Object.entries(map)), { ...PLACE, ...place });
    return Object.fromEntries(
      load.map(({ column, sheetColumn, header }) => [column.name, `${header} by ${matches.get(sheetColumn)!.by}`]),
    );
  } catch (error) {
    return describeError(error).code;
  }
}

test.each<[rule: string, header: string, columns: string[], by: string | undefined]>([
  ["its very name", "e_mail", ["e_mail"], "name"],
  ["its name in capitals", "E_MAIL", ["e_mail"], "name"],
  ["its name with other signs", "E-Mail!", ["e_mail"], "name"],
  ["its name without signs", "email", ["e_mail"], "name"],
  ["two letters that changed places", "emial", ["email"], "likeness"],
  ["a letter that came twice", "quantitty", ["quantity"], "likeness"],
  ["a letter too few in a short name", "quantit", ["quantity"], undefined],
  ["a letter too few in a long name", "neighborhood", ["neighbourhood"], "likeness"],
  ["another word", "amount", ["quantity"], undefined],
  ["another number", "address 1", ["address_2"], undefined],
  ["the same number", "adress 2", ["address_2"], "likeness"],
  ["the same words in another order", "name of the customer", ["customer_name"], "likeness"],
  ["one word more", "customer name long", ["customer_name"], undefined],
  ["another first letter", "nax value", ["max_value"], undefined],
  ["a sign that is a word", "%", ["percent"], "name"],
])("%s: %j", (_, header, columns, by) => {
  expect(mapped([header], columns)).toEqual(by === undefined ? {} : { [columns[0]!]: `${header} by ${by}` });
});

test("likeness counts from its bound on, and only if the next best is farther off than its margin", () => {
  const whole = "neighbourhoodassociation";
  const pairs = [0, 1, 2, 3, 4, 5].map((less) => {
    const name = whole.slice(0, whole.length - less);
    return [name, likeness(name, whole)] as const;
  });
  const alike = pairs.filter(([, score]) => score >= LIKENESS_BOUND).map(([name]) => name);
  expect(alike.length).toBeGreaterThan(1);
  expect(alike.length).toBeLessThan(pairs.length);
  for (const [name] of pairs)
    expect([name, Object.keys(mapped([name], [whole])).length]).toEqual([name, alike.includes(name) ? 1 : 0]);
  expect(LIKENESS_MARGIN).toBeGreaterThan(0);
  // Both columns are as near as the other.
  expect(mapped(["favourite colour z"], ["favourite_colour_x", "favourite_colour_y"])).toBe("ambiguous_header");
  expect(mapped(["favourite colour z"], ["favourite_colour_x", "price"])).toEqual({
    favourite_colour_x: "favourite colour z by likeness",
  });
  expect(mapped(["favourite colour z"], ["favourite_colour_x", "favourite_colour_y"], {}, { hidden: true })).toBe(
    "ambiguous_header",
  );
});

describe("who comes first", () => {
  test("--map before a name, and a name before likeness", () => {
    expect(mapped(["email", "mail"], ["email"], { mail: "email", email: "" })).toEqual({ email: "mail by map" });
    expect(mapped(["emial", "email"], ["email"])).toEqual({ email: "email by name" });
    expect(mapped(["email"], ["email", "other"], { email: "other" })).toEqual({ other: "email by map" });
  });

  test("two headers of one column are refused, however each was found", () => {
    expect(mapped(["email", "E-Mail"], ["email"])).toBe("duplicate_header");
    expect(mapped(["emial", "emali"], ["email"])).toBe("duplicate_header");
    expect(mapped(["email", "x"], ["email"], { x: "email" })).toBe("duplicate_header");
    expect(mapped(["email", "E-Mail"], ["email"], { "E-Mail": "" })).toEqual({ email: "email by name" });
  });

  test("headers that come to one name get the numbers that an import gave them", () => {
    expect(mapped(["Total", "Total"], ["total", "total_2"])).toEqual({
      total: "Total by name",
      total_2: "Total by name",
    });
    expect(mapped(["Yes", "Yes %"], ["yes", "yes_percent"])).toEqual({
      yes: "Yes by name",
      yes_percent: "Yes % by name",
    });
    // As an earlier version called them.
    expect(mapped(["Yes", "Yes %"], ["yes", "yes_2"])).toEqual({ yes: "Yes by name", yes_2: "Yes % by name" });
  });

  test("a column that the database fills is named by --map, as a key, or not at all", () => {
    const columns = { id: { type: "integer", generated: true }, name: { type: "text" } };
    expect(mapped(["id", "name"], columns)).toBe("generated_column");
    expect(mapped(["id", "name"], columns, { id: "id" })).toEqual({ id: "id by map", name: "name by name" });
    expect(mapped(["id", "name"], columns, { id: "" })).toEqual({ name: "name by name" });
    expect(mapped(["id", "name"], columns, {}, { keys: ["id"] })).toEqual({ id: "id by name", name: "name by name" });
    // By likeness it is never meant.
    expect(mapped(["idd", "name"], { idd_: { type: "integer", generated: true }, name: { type: "text" } }, {})).toBe(
      "generated_column",
    );
    expect(
      mapped(["iddentity", "name"], { identity: { type: "integer", generated: true }, name: { type: "text" } }),
    ).toEqual({ name: "name by name" });
  });

  test("--map names headers and columns that there are", () => {
    expect(mapped(["a"], ["a"], { b: "a" })).toBe("unknown_header");
    expect(mapped(["a"], ["a"], { a: "b" })).toBe("unknown_column");
    expect(mapped(["a"], ["a"], { a: "" })).toEqual({});
  });

  test("further names of a column in a schema file count as its name", () => {
    const columns = { email: { type: "text", header: ["Contact", "Post"] } } as Record<string, ColumnSpec>;
    expect(mapped(["Contact"], columns)).toEqual({ email: "Contact by name" });
    expect(mapped(["POST"], columns)).toEqual({ email: "POST by name" });
    expect(mapped(["Poster"], columns)).toEqual({});
  });
});

test("nearest() names three at most, and none that is not near", () => {
  const { columns } = table({
    name: "t",
    columns: Object.fromEntries(
      ["price", "prices", "priced", "pricey", "zone"].map((name) => [name, { type: "text" }]),
    ),
  });
  const found = nearest({ text: "pric", sheetColumn: 1 }, columns).map(({ name }) => name);
  expect(found).toHaveLength(3);
  expect(found[0]).toBe("price");
  expect(nearest({ text: "xylophone", sheetColumn: 1 }, columns)).toEqual([]);
});

test.each([
  ["Straße", "straße"],
  ["2024", "_2024"],
  ["2024 total", "_2024_total"],
  ["  A  b ", "a_b"],
  ["ID", "id"],
  ["pcon11cd", "pcon11cd"],
  ["%", ""],
  ["İl", "il"],
])("toIdentifier(%j) is %j", (header, name) => {
  expect(toIdentifier(header)).toBe(name);
});

test("columns of the system, signs and nothing get names that can be columns", () => {
  const names = columnNames(
    ["xmin", "%", "", "Yes", "Yes"].map((text, n) => ({ text, sheetColumn: n + 1 })),
    new Map(),
  );
  expect([...names.values()]).toEqual(["xmin_2", "percent", "column_3", "yes", "yes_2"]);
});
