// Each rule by which a header finds its column, with a pair of headers, one on either side of its
// border.
import { describe, expect, test } from "vitest";
import { describeError } from "../errors.ts";
import { table, type ColumnSpec } from "../schema/schema.ts";
import { toIdentifier } from "../schema/identifiers.ts";
import { LIKENESS_BOUND, LIKENESS_MARGIN, likeness } from "./likeness.ts";
import { columnNames, mapHeaders, nearest, show, type Place } from "./mapping.ts";

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

/** All that mapping says of headers: what is loaded, in order, and how; and what has no column. */
function whole(headers: readonly string[], columns: Readonly<Record<string, ColumnSpec>>, map = {}): unknown {
  const all = headers.map((text, n) => ({ text, sheetColumn: n + 1 }));
  const schema = table({ name: "t", columns });
  const { load, homeless, matches } = mapHeaders(all, schema.columns, new Map(Object.entries(map)), PLACE, ({ text }) =>
    text.startsWith("source"),
  );
  return [
    load.map(({ column, sheetColumn, header }) => {
      const { by, score } = matches.get(sheetColumn)!;
      return `${sheetColumn} ${header} → ${column.name} by ${by} ${score.toFixed(3)}`;
    }),
    homeless.map(({ text, sheetColumn }) => `${sheetColumn} ${text}`),
  ];
}

test("columns are loaded in the sheet's order, each with how it was found", () => {
  const columns: Record<string, ColumnSpec> = {
    price: {},
    quantity: { header: ["Number of things", "Amount"] },
    source_a: {},
    id: { generated: true },
  };
  expect([
    whole(["quantitty", "price", "left out", "zone"], { ...columns, left_out: {} }, { "left out": "" }),
    whole(["Number of thinks", "pric", "price"], columns),
    whole(["sources_a", "zone", "id"], columns, { id: "id" }),
    whole(["what", "b"], { price: {}, b: { header: ["price"] } }, { what: "price" }),
    whole(["price"], { b: { header: ["price", "B"] }, price: {} }),
    whole(["B"], { c: { header: ["B"] }, b: {} }),
    whole(["Price"], { price: {}, other: { header: ["Price"] } }),
    whole(["neighbourhod", "neighborhood"], { neighbourhood: {}, price: {} }, { neighborhood: "" }),
  ]).toMatchSnapshot("all of it");
});

test("likeness is used for fifty headers without a column, and not for fifty-one", () => {
  const of = (count: number): unknown =>
    mapped(["quantitty", ...Array.from({ length: count - 1 }, (_, n) => `zone ${n}`)], ["quantity"]);
  expect([of(50), of(51)]).toEqual([{ quantity: "quantitty by likeness" }, {}]);
});

test("the bounds of likeness count themselves", () => {
  // 1 - 3 / 25 is the bound itself; 1 - 4 / 32 is less.
  const name = "abcdefghijklmnopqrstuvwxy";
  expect(likeness(name, `${name.slice(0, 22)}123`.replaceAll(/\d/g, "z"))).toBe(LIKENESS_BOUND);
  expect(mapped([name], [`${name.slice(0, 22)}zzz`])).toEqual({ [`${name.slice(0, 22)}zzz`]: `${name} by likeness` });
  // A second column at the bound makes two of them, unless the first is better by the margin.
  const second = `${name.slice(0, 22)}zzz`;
  expect(mapped([name], [`${name.slice(0, 23)}zz`, second])).toBe("ambiguous_header");
  expect(mapped([name], [second, `${name.slice(0, 24)}z`])).toEqual({
    [`${name.slice(0, 24)}z`]: `${name} by likeness`,
  });
  expect(mapped([name], [`${name.slice(0, 23)}zz`, `${name.slice(0, 21)}zzzz`])).toEqual({
    [`${name.slice(0, 23)}zz`]: `${name} by likeness`,
  });
});

test("a header that is longer than messages show is cut", () => {
  expect([59, 60, 61].map((length) => show({ text: "x".repeat(length), sheetColumn: 27 }))).toEqual([
    `"${"x".repeat(59)}" (column AA)`,
    `"${"x".repeat(60)}" (column AA)`,
    `"${"x".repeat(60)}…" (column AA)`,
  ]);
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
  // Best first, by the best of a column's names, from 0.4 on.
  const named = table({
    name: "t",
    columns: { abxyz: {}, abyyy: {}, abxxxxxx: { header: ["abcdf", "zzz"] }, abccc: {}, axxxx: {} },
  }).columns;
  expect(nearest({ text: "abcde", sheetColumn: 1 }, named)).toEqual([
    { name: "abxxxxxx", score: 0.8 },
    { name: "abccc", score: 0.6 },
    { name: "abxyz", score: 0.4 },
  ]);
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
