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
  expect(messageOf(() => checkTypes(new Map([["b", "text"]]), load))).toBe(
    'unknown_column: --type "b=text": there is no column or header "b". Columns: a.',
  );
});

/** A sheet of these rows, the first of which is its header. */
function sheetOf(rows: readonly (readonly BatchCell[])[], complete = true) {
  const [names, ...records] = rows;
  const headers = headersOf(names as (string | null)[]);
  const inference = new Inference();
  inference.add(batchOfRows(records, 2));
  const sample = { inference, complete } as Parameters<typeof designTable>[2];
  const load = (types: ReadonlyMap<string, string> = new Map()) => {
    const all = withUnnamed(headers, inference.columns);
    const { columns } = designTable("t", all, sample, new Map(), types);
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

test("notes on columns without a name", () => {
  const notes = (header: readonly BatchCell[], width: number): string[] => {
    const { load } = sheetOf([header, Array.from({ length: width }, (_, n) => n)]);
    const cells = header.flatMap((text, n) => (typeof text === "string" ? [{ column: n + 1, text, sort: "text" as const }] : []));
    const layout = { ...detectLayout([{ number: 1, cells }]), headers: headersOf(header as string[]), headerRows: [1] };
    return unnamedNotes(load(), layout);
  };
  expect([notes(["a", "b"], 2), notes(["a", null, "c"], 3), notes(["a"], 4), notes(["a"], 9)]).toMatchSnapshot("all of it");
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
  await expect(said({ day: "integer" })).rejects.toThrow(
    '--type "day=integer": the column "day" is date, and an import changes no column. Leave it out, or import into a new table with --table; if the table holds nothing else than this file, drop it and import again.',
  );
}); // prettier-ignore
