// Each text of an option, as a value or with the whole refusal; and which engine options the flags
// become.
import { expect, test } from "vitest";
import { addedColumns, columnNames, delimiter, fileOptions, type FileFlags, headerMap, headers, natural, positive, quote, range, skips, tableName, timeZone, typeMap } from "./option-texts.ts"; // prettier-ignore
import { table } from "./schema/schema.ts";

const plain = (value: unknown): unknown =>
  value instanceof Map ? [...value].map(([key, one]) => [key, plain(one)]) : value;

function said(read: (text: string) => unknown, ...texts: readonly string[]): string[] {
  return texts.map((text) => {
    try {
      return `${JSON.stringify(text)} → ${JSON.stringify(read(text), (_, value: unknown) => plain(value))}`;
    } catch (error) {
      return `${JSON.stringify(text)}: ${(error as Error).name}: ${(error as Error).message}`;
    }
  });
}

test("each text is a value, or is refused with what was expected", () => {
  const before = new Map([["a", "b"]]);
  expect({
    natural: said(natural, "0", "7", "007", "999999999999999", "1000000000000000", "-1", "1.5", "", " 7", "x"),
    positive: said(positive, "1", "0", "00", "-1", "x"),
    columnNames: said(columnNames, "a", "a, b ,c", "a,,b", "", ","),
    addedColumns: said((text) => addedColumns(text, new Map([["file", "old"]])), "sheet", "row=n", " row = n , section", "file=new", "row=", "=n", "cell", "row,", "Row", "row=a=b"),
    headerMap: said((text) => headerMap(text, before), "A=a", " A = a ", "A=B=c", "A=", "=a", "A", "", "a=c"),
    typeMap: said((text) => typeMap(text, before), "a=text", " a = date(DD/MM/YYYY) ", "a=b=text", "a=", "a= ", "=text", "text", "c=int"),
    timeZone: said(timeZone, "Europe/Berlin", "UTC", "Berlin", "+01:00", ""),
    headers: said((text) => headers(text), "none", "1", "2-3", "1-6", "1-7", "3-2", "0", "0-2", "9999999", "10000000", "x", "", "S=2", " S = none", "a=b=4-5", "S=x", "=3", "2-", "2-2"),
    skips: said((text) => skips(text), "0", "7", "S=7", "S=", "x", " 7"),
    range: said(range, "A1:B2", "A:B", "x"),
    tableName: said(tableName, "t", "shop.t", "shop.", ".t", "", "a..b", "x".repeat(63), "x".repeat(64), "é".repeat(32), "a\0b"),
    delimiter: said(delimiter, "tab", "\\t", ";", "", ";;", "|"),
    quote: said(quote, "none", "'", "", "''"),
  }).toMatchSnapshot();
}); // prettier-ignore

test("what is said twice of sheets stands beside what was said before", () => {
  const once = skips("S=1", skips("5"));
  const twice = skips("T=2", skips("S=3", once));
  expect([once, twice, skips("9", twice)].map(({ all, sheets }) => [all, [...sheets]])).toEqual([
    [5, [["S", 1]]],
    [5, [["S", 3], ["T", 2]]],
    [9, [["S", 3], ["T", 2]]],
  ]); // prettier-ignore
  expect([...headerMap("B=c", new Map([["A", "a"]]))]).toEqual([["A", "a"], ["B", "c"]]); // prettier-ignore
});

const NOTHING: FileFlags = { map: new Map(), type: new Map(), null: [], add: new Map() };

test("flags that are not stated are no options, and each that is stated is one", () => {
  const schema = table({ name: "t", columns: { a: {} } });
  const each: readonly Partial<FileFlags>[] = [
    { table: "t" }, { sheet: "s" }, { map: new Map([["A", "a"]]) }, { type: new Map([["a", "text"]]) }, { null: ["-"] }, { timeZone: "UTC" }, { add: new Map([["row", "n"]]) }, { header: { all: "none", sheets: new Map() } }, { header: { sheets: new Map([["s", [1, 2]]]) } },
    { skip: { all: 3, sheets: new Map() } }, { skip: { all: 0, sheets: new Map([["s", 4]]) } }, { range: "A:B" }, { limit: 0 }, { skipLast: 0 }, { allRows: false }, { fillMerged: false }, { text: "shown" }, { text: "value" }, { links: true }, { links: false }, { migrate: true }, { delimiter: ";" }, { quote: "" }, { encoding: "utf-8" }, { escape: "backslash" }, { streamingOnly: true }, { streamingOnly: false },
  ]; // prettier-ignore
  const of = (flags: Partial<FileFlags>, given?: typeof schema): unknown =>
    JSON.stringify(fileOptions({ ...NOTHING, ...flags }, given), (_, value: unknown) => plain(value));
  expect([...each.map((flags) => of(flags)), of({}), of({}, schema), of(Object.assign({}, ...each) as Partial<FileFlags>)]).toMatchSnapshot(); // prettier-ignore
});
