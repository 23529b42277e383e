// The whole text of what mapping and design say: refusals with their ways out, and notes. A new
// message belongs into one of the lists.
import { expect, test } from "vitest";
import { describeError } from "../errors.ts";
import type { Header } from "../options.ts";
import { table, type ColumnSpec } from "../schema/schema.ts";
import { detectLayout } from "../sheet/header-row.ts";
import { Inference } from "../sheet/infer.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { checkTypes, commentDdl, designColumns, designTable, parseType, textNotes, unnamedNotes, withNotations, withUnnamed } from "./design.ts"; // prettier-ignore
import { mapHeaders, type Place } from "./mapping.ts";

const PLACE: Place = { file: "f.csv", sheet: "s", headerRow: 3 };

const headersOf = (texts: readonly (string | null)[]): Header[] =>
  texts.flatMap((text, n) => (text === null ? [] : [{ text, sheetColumn: n + 1 }]));

const columnsOf = (columns: Readonly<Record<string, ColumnSpec>>): ReturnType<typeof table>["columns"] => table({ name: "t", columns }).columns; // prettier-ignore

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    const { code, message } = describeError(error);
    return `${code}: ${message}`;
  }
  return "no error";
}

test("what mapping refuses", () => {
  const text = { type: "text" };
  const refusal = (
    headers: readonly (string | null)[],
    columns: Readonly<Record<string, ColumnSpec>>,
    map: Readonly<Record<string, string>> = {},
    place: Partial<Place> = {},
  ): string =>
    messageOf(() => mapHeaders(headersOf(headers), columnsOf(columns), new Map(Object.entries(map)), { ...PLACE, ...place }));
  const long = "x".repeat(70);
  const generated = { id: { type: "integer", generated: true } as ColumnSpec };
  expect(
    [
      refusal(["Name", "name"], { name: text }),
      refusal(["Name", null, "Name"], { name: text }),
      refusal([long, long.toUpperCase()], { [long.slice(0, 60)]: { ...text, header: [long, long.toUpperCase()] } }),
      refusal(["Name"], { name: text }, { Nam: "name" }),
      refusal(["Name", "Age"], { name: text }, { Nam: "name" }),
      refusal(["Name"], { name: text, other: text }, { Name: "nome" }),
      refusal(["adres line"], { adress_line: text, addres_line: text }),
      refusal(["adres line"], { adress_line: text, addres_line: text }, {}, { hidden: true }),
      refusal(["id"], generated),
      refusal(["id"], generated, {}, { unique: ["id"] }),
      refusal(["id"], generated, {}, { keys: ["id"] }),
    ].join("\n"),
  ).toMatchSnapshot("all of it");
}); // prettier-ignore

test("what --type takes and refuses", () => {
  const of = (text: string): string => {
    const said = messageOf(() => parseType("c", text));
    return said === "no error"
      ? JSON.stringify(parseType("c", text))
      : said.replace(/^(bad_type: .*?): expected a type .*$/, "$1");
  };
  expect(messageOf(() => parseType("c", "1"))).toMatchSnapshot("the whole advice");
  const texts = [
    "integer", "numeric(10,2)", "numeric(1.234,56)", "numeric(10,2)(1.234,56)", "numeric(10, 2) (1,234.56 $)", "int(1234.56 %)", "text(1.234,56)",
    "date(DD/MM/YYYY)", "timestamp(DD.MM.YYYY HH:mm)", "timestamptz (YYYY-MM-DD hh:mm A)", "timestamp(3)", "date(3)", "date(DD/MM)", "date()",
    "timestamp(HH:mm)", "timestamp with time zone", "text[]", '"My type"', "shop.kind", "numeric(5,-2)", "varchar(20)", "1", "", "int;", "a'b", "(1)",
  ]; // prettier-ignore
  expect(texts.map((text) => `${JSON.stringify(text)} → ${of(text)}`).join("\n")).toMatchSnapshot("each text");
  const load = [{ column: columnsOf({ a: {} })[0]!, sheetColumn: 1, header: "A b" }];
  expect(messageOf(() => checkTypes(new Map([["a", "text"], ["A b", "text"]]), load))).toBe("no error"); // prettier-ignore
  const two = [...load, { column: columnsOf({ c: {} })[0]!, sheetColumn: 2, header: "C" }];
  expect(messageOf(() => checkTypes(new Map([["b", "text"]]), two))).toBe(
    'unknown_column: --type "b=text": there is no column or header "b". Columns: a, c.',
  );
});

/** A sheet of these rows, the first of which is its header. */
function sheetOf(rows: readonly (readonly BatchCell[])[], complete = true) {
  const [names, ...records] = rows;
  const headers = headersOf(names as (string | null)[]);
  const inference = new Inference();
  inference.add(batchOfRows(records, 2));
  if (complete) inference.endSheet();
  const sample = { inference, complete } as Parameters<typeof designTable>[2];
  const load = (types: ReadonlyMap<string, string> = new Map(), map: ReadonlyMap<string, string> = new Map()) => {
    const every = withUnnamed(headers, inference.columns);
    const all = every.filter(({ text }) => map.get(text) !== "");
    const { columns } = designTable("t", every, sample, map, types);
    return columns.map((column, n) => ({ column, sheetColumn: all[n]!.sheetColumn, header: all[n]!.text }));
  };
  return { headers, sample, load };
}

test("the columns of a new table, and those that are added to one", () => {
  const { headers, sample, load } = sheetOf([
    ["Id", "Price (€)", null, "Paid on", "Yes", "Yes %", "xmin", "Id", "Note"],
    [1, "1.234,50 €", "x", "31.12.2024", "y", "5 %", 1, 7, "a"],
    [2, "7 €", null, "1.2.2024", "n", "7 %", 2, 8, "b"],
  ]);
  const types = new Map([["Note", "varchar(9)"], ["paid_on", "timestamp(DD.MM.YYYY HH:mm)"]]); // prettier-ignore
  const said = (columns: readonly { name: string; type: string; dateFormat?: string | undefined; numberFormat?: string | undefined }[]) =>
    columns.map(({ name, type, dateFormat, numberFormat }) => [name, type, dateFormat, numberFormat].filter((one) => one !== undefined).join(" ")); // prettier-ignore
  expect([said(load().map(({ column }) => column)), said(load(types).map(({ column }) => column)), said(designColumns(headers, columnsOf({ id: {}, note: {} }), sample, new Map())), commentDdl("shop.t", load(), [...headers.slice(1), { ...headers[0]!, unit: "no. it's" }])]).toMatchSnapshot("all of it");
}); // prettier-ignore

test("a header is a comment as it is, with its unit, whatever the server makes of backslashes", () => {
  const load = (headers: readonly string[]) =>
    headers.map((header, n) => ({ column: columnsOf({ [`c${n}`]: {} })[0]!, sheetColumn: n + 1, header }));
  const of = (headers: readonly string[], unit?: string): string[] =>
    commentDdl("t", load(headers), headers.map((text, n) => ({ text, sheetColumn: n + 1, ...(unit === undefined ? {} : { unit }) }))); // prettier-ignore
  expect([...of(["c0", "It's", "a\\b", "a\\'\0b"]), ...of(["c0"], "kg"), ...commentDdl("t", load(["A"]), [])]).toEqual([
    `comment on column "t"."c1" is 'It''s'`,
    `comment on column "t"."c2" is E'a\\\\b'`,
    `comment on column "t"."c3" is E'a\\\\''b'`,
    `comment on column "t"."c0" is 'c0 (kg)'`,
    `comment on column "t"."c0" is 'A'`,
  ]);
});

test("notes on columns that are text because of a few values", () => {
  const notes = (rows: readonly (readonly BatchCell[])[], stated: readonly string[] = []): string[] => {
    const { load, sample } = sheetOf(rows);
    return textNotes(load(), sample, new Map(stated.map((name) => [name, "text"])), 2);
  };
  const column = (of: readonly BatchCell[]): (readonly BatchCell[])[] => [["v"], ...of.map((value) => [value])];
  const wide = (bad: (n: number) => BatchCell, from = 4): BatchCell[][] => [["a", "b", "c", "d"], ...Array.from({ length: 9 }, (_, row) => Array.from({ length: 4 }, (_, n) => (row === from && n < 3 ? bad(n) : row * 10 + n)))]; // prettier-ignore
  expect([
    notes(column([1, 2, "many"])),
    notes(column([1, 2, "many"]), ["v"]),
    notes(column(["31.12.2024", "1.2.2024", "soon"])),
    notes(column(["1.234,50", "7,25", `so ${"much ".repeat(20)}`])),
    notes(column([1, "many", "more"])),
    notes(wide(() => "x")),
    notes(wide((n) => `Name ${n}`, 0)),
    notes(wide((n) => `Name ${n} and so on`)),
    notes(wide((n) => "..x*".slice(n))),
  ]).toMatchSnapshot("all of it");
}); // prettier-ignore

test("a note on many columns: its bounds, what it shows, and its advice", () => {
  /** A sheet of numbers, but for the cells that the function gives. */
  const notes = (bad: (row: number, column: number) => BatchCell | undefined, width = 4, height = 12, stated: readonly string[] = [], firstRow = 2) => {
    const { load, sample } = sheetOf([
      Array.from({ length: width }, (_, n) => `h ${n}`),
      ...Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, n) => bad(row + 2, n) ?? row * 10 + n)),
    ]);
    return textNotes(load(), sample, new Map(stated.map((name) => [name, "text"])), firstRow);
  };
  const inRow = (row: number, columns: number, text: string | ((n: number) => string)) => (at: number, n: number) =>
    at === row && n < columns ? (typeof text === "string" ? text : text(n)) : undefined;
  const named = (n: number): string => `Name ${n}`;
  expect({
    "two of four": notes(inRow(6, 2, "zz")),
    "three of six, and of seven": [notes(inRow(6, 3, "zz"), 6), notes(inRow(6, 3, "zz"), 7)],
    "one is stated, by name or header": [notes(inRow(6, 4, "zz"), 4, 12, ["h_0"]), notes(inRow(6, 3, "zz"), 4, 12, ["h 0"])],
    "marks of three characters, four and five": ["zzz", "zzzz", "zzzzz"].map((mark) => notes(inRow(6, 3, mark))),
    "three marks, and four": [3, 4].map((marks) => notes((row, n) => (n < 4 && row > 4 && row <= 4 + marks ? ["zz", "b?", "yy", "c?"][row - 5] : undefined), 4, 30)),
    "a mark in one column only": notes((row, n) => (row === 6 && n < 3 ? ["zz", "zz", "b?"][n] : undefined)),
    "marks in nine of ten columns, and eight": [9, 8].map((marked) => notes((row, n) => (row === 6 ? (n < marked ? "zz" : named(n)) : undefined), 10)),
    "rows in order, and three of them": notes((row, n) => (row === 9 - n * 2 ? `some ${n}` : undefined)),
    "two kinds of number": notes((row, n) => (row === 6 ? named(n) : n > 1 ? `${row},5` : undefined)),
    "a long text": notes(inRow(6, 3, (n) => `${"long ".repeat(9)}${n}`)),
    "the tenth row, and the eleventh": [11, 12].map((row) => notes(inRow(row, 4, named), 4, 20)),
    "the tenth row after a later one": notes(inRow(14, 4, named), 4, 20, [], 5),
    "two columns of three in a row": notes((row, n) => (n < 3 && row === (n < 2 ? 5 : 8) ? named(n) : undefined)),
    "three columns of five in a row": notes((row, n) => (row === (n < 3 ? 5 : 8 + n) ? named(n) : undefined), 5),
  }).toMatchSnapshot();
}); // prettier-ignore

test("a total whose label does not fit its column decides no type, if that is not stated as text", async () => {
  const rows = [["No", "Sum"], [1, 1], [2, 2], [3, 3], ["Total", 6]]; // prettier-ignore
  const types = (...stated: readonly (readonly [string, string])[]): string[] =>
    sheetOf(rows)
      .load(new Map(stated))
      .map(({ column }) => `${column.name} ${column.type}`);
  expect([types(), types(["no", "text"]), types(["No", "varchar(9)"]), types(["no", "integer"])]).toEqual([
    ["no integer", "sum integer"],
    ["no text", "sum integer"],
    ["no varchar(9)", "sum integer"],
    ["no integer", "sum integer"],
  ]);
  // Nor the notation of a column that is there.
  const { sample } = sheetOf([["No", "Sum"], ["1,5", "1"], ["2,5", "2"], ["Total", "6 €"]]); // prettier-ignore
  const load = columnsOf({ no: { type: "numeric" }, sum: { type: "integer" } }).map((column, n) => ({ column, sheetColumn: n + 1, header: column.name })); // prettier-ignore
  const found = await withNotations(load, async () => sample, new Map());
  expect(found.map(({ column }) => column.numberFormat)).toEqual(["1.234,56", undefined]);
});

test("a header that --map leaves out makes no column, and one that it names is called so", () => {
  const { load } = sheetOf([["Id", "Note", "Id"], [1, "a", 2], [3, "b", 4]]); // prettier-ignore
  const names = (map: Readonly<Record<string, string>>): string[] => load(new Map(), new Map(Object.entries(map))).map(({ column, sheetColumn, header }) => `${sheetColumn} ${header} ${column.name}`); // prettier-ignore
  expect([names({ Note: "" }), names({ Note: "id" }), names({ Note: "key" })]).toMatchSnapshot();
});

test("a column of which another note speaks is not told of once more", () => {
  const notes = (...values: readonly BatchCell[]): string[] => {
    const { load, sample } = sheetOf([["v"], ...values.map((value) => [value])]);
    return textNotes(load(), sample, new Map(), 2);
  };
  expect([notes(1, 2, 3, { error: "#N/A" }), notes("007", "8", "9"), notes(1, 2, "x y")].map(({ length }) => length)).toEqual([0, 0, 1]); // prettier-ignore
});

test("notes on columns without a name", () => {
  const notes = (header: readonly BatchCell[], width: number): string[] => {
    const { load } = sheetOf([header, Array.from({ length: width }, (_, n) => n)]);
    const cells = header.flatMap((text, n) => (typeof text === "string" ? [{ column: n + 1, text, sort: "text" as const }] : []));
    const layout = { ...detectLayout([{ number: 1, cells }]), headers: headersOf(header as string[]), headerRows: [1] };
    return unnamedNotes(load(), layout);
  };
  expect([notes(["a", "b"], 2), notes(["a", null, "c"], 3), notes(["a"], 4), notes(["a"], 6), notes(["a"], 9)]).toMatchSnapshot("all of it");
  // A header may be such a name itself, and without a header every column has one.
  expect(notes(["a", "column_2"], 2)).toEqual([]);
  const { load } = sheetOf([["column_1"], [1]]);
  expect(unnamedNotes(load(), { ...detectLayout([{ number: 1, cells: [{ column: 1, text: "a", sort: "text" }] }]), headers: [], headerRows: [] })).toEqual([]);
}); // prettier-ignore

test("the notation of a column that is there comes from the sheet, if nothing is stated", async () => {
  const { sample } = sheetOf([
    ["day", "at", "sum", "share", "note"],
    ["31.12.2024", "31.12.2024 12:00", "1.234,50", "5 %", "1,5"],
    ["1.2.2024", "1.2.2024 13:00", "7,25", "7,5 %", "2,5"],
  ]);
  const columns = columnsOf({ day: { type: "date" }, at: { type: "timestamp" }, sum: { type: "numeric(9,2)" }, share: { type: "numeric" }, note: { type: "text" } }); // prettier-ignore
  const load = columns.map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }));
  const said = async (types: Readonly<Record<string, string>> = {}, known = true): Promise<string> => {
    const found = await withNotations(load, known ? async () => sample : undefined, new Map(Object.entries(types)));
    return found.map(({ column: { name, dateFormat, numberFormat } }) => `${name} ${dateFormat ?? numberFormat ?? "-"}`).join(", ");
  };
  expect(await said()).toBe("day DD.MM.YYYY, at DD.MM.YYYY HH:mm, sum 1.234,56, share 1.234,56 %, note -");
  expect(await said({}, false)).toBe("day -, at -, sum -, share -, note -");
  expect(await said({ day: "date(MM.DD.YYYY)", sum: "numeric(9,2)(1,234.56)", share: "numeric(1234,56)" })).toBe(
    "day MM.DD.YYYY, at DD.MM.YYYY HH:mm, sum 1,234.56, share 1234,56 %, note -",
  );
  // By the header, which is not the column's name, and a time in the notation of a day.
  const titled = load.map((entry) => ({ ...entry, header: entry.header.toUpperCase() }));
  const all = async (types: Readonly<Record<string, string>>, of = titled): Promise<unknown> =>
    (await withNotations(of, async () => sample, new Map(Object.entries(types)))).map(({ column, ...entry }) => ({
      ...entry,
      column: Object.fromEntries(Object.entries(column).filter(([, value]) => value !== undefined)),
    }));
  expect([
    await all({ DAY: "date(MM.DD.YYYY)", AT: "date(DD.MM.YYYY)", SUM: "integer(1234,56)", NOTE: "text" }),
    await all({}, columnsOf({ day: { type: "date", dateFormat: "YYYY/MM/DD" }, at: { type: "date" }, sum: { type: "numeric", numberFormat: "1,234.56" } }).map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }))),
    await all({}, columnsOf({ day: { type: "integer" }, at: { type: "timestamptz" }, sum: { type: "text" }, share: { type: "date" } }).map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }))),
  ]).toMatchSnapshot();
  for (const [name, type] of [["day", "timestamp(DD.MM.YYYY HH:mm)"], ["note", "date(DD.MM.YYYY)"], ["note", "numeric(1,234.56)"], ["at", "numeric"], ["sum", "date(DD.MM.YYYY)"]] as const) {
    const refused = await said({ [name]: type }).catch((error: unknown) => describeError(error));
    expect(refused).toMatchObject({ code: "bad_type", message: expect.stringContaining(`the column "${name}" is `) });
  }
  await expect(said({ day: "integer" })).rejects.toThrow(
    '--type "day=integer": the column "day" is date, and an import changes no column. Leave it out, or import into a new table with --table; if the table holds nothing else than this file, drop it and import again.',
  );
}); // prettier-ignore
