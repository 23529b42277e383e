// Rows with names: the option `header`.
import { expect, test } from "vitest";
import type { Header, Row } from "./rows.ts";
import type { RowOptions } from "../sheet.ts";
import { collect, source } from "../test/workbook-writer.ts";
import { open } from "../workbook.ts";

const text = "\nName,Age,,Name\n\nAda,36,x,A\nBob,,,,5\n";

async function records(of: string, header: Header, range: { from?: number; to?: number } = {}): Promise<unknown[]> {
  await using book = await open(source(Buffer.from(of)));
  const found = await collect(book.sheet().rows({ header, ...range }));
  return found.map((row) => [row.number, { ...row.record() }]);
}

const ada = { Name: "Ada", Age: "36", C: "x", Name_2: "A" };
const bob = { Name: "Bob", Age: null, C: null, Name_2: null, E: "5" };

test("header: true takes the first row with a value; doubled names are numbered, missing ones are letters", async () => {
  expect(await records(text, true)).toEqual([
    [4, ada],
    [5, bob],
  ]);
});

test("every column has a name of its own, whatever the headers are", async () => {
  const names = async (headers: string): Promise<string[]> =>
    (await records(`${headers}\n1,2,3,4\n`, true)).flatMap((row) => Object.keys((row as [number, object])[1]));
  expect(await names("a,a,a,a")).toEqual(["a", "a_2", "a_3", "a_4"]);
  expect(await names("a,a_2,a,a")).toEqual(["a", "a_2", "a_3", "a_4"]);
  expect(await names("B,,a,")).toEqual(["B", "B_2", "a", "D"]);
});

test("the header may stand above the rows that are asked for", async () => {
  expect(await records(text, true, { from: 5 })).toEqual([[5, bob]]);
  expect(await records(text, true, { to: 4 })).toEqual([[4, ada]]);
  expect(await records(`title,\n${text}`, 3, { from: 6 })).toEqual([[6, bob]]);
});

test("header: a number takes that row; what stands above it is not given", async () => {
  expect(await records(`title,\n${text}`, 3)).toEqual([
    [5, ada],
    [6, bob],
  ]);
});

test("header: names are taken as they are, and every row is given", async () => {
  expect(await records("1,2\n3,4\n", ["a", "b", "c"])).toEqual([
    [1, { a: "1", b: "2", c: null }],
    [2, { a: "3", b: "4", c: null }],
  ]);
});

test("without a header, columns are called by their letters", async () => {
  expect(await records("1,2\n", false)).toEqual([[1, { A: "1", B: "2" }]]);
});

test("a hostile name is just a name", async () => {
  await using book = await open(source(Buffer.from("__proto__,constructor\n1,2\n")));
  const [row] = await collect(book.sheet().rows({ header: true }));
  expect(Object.entries(row!.record())).toEqual([
    ["__proto__", "1"],
    ["constructor", "2"],
  ]);
  const names: string[] = [];
  for (const name in row!.record()) names.push(name);
  expect(names).toEqual(["__proto__", "constructor"]);
  expect("toString" in row!.record()).toBe(false);
});

/** Rows of several batches. */
const long = Array.from({ length: 60_000 }, (_, i) => `row ${i + 1},text\n`).join("");

test("calls of next() that overlap are answered in the order of the rows", async () => {
  await using book = await open(source(Buffer.from(long)));
  const rows = book.sheet().rows()[Symbol.asyncIterator]();
  const found = await Promise.all(Array.from({ length: 60_002 }, () => rows.next()));
  expect(found.slice(0, -2).map(({ value }) => (value as Row).number)).toEqual(
    Array.from({ length: 60_000 }, (_, i) => i + 1),
  );
  expect(found.slice(-2)).toEqual([
    { value: undefined, done: true },
    { value: undefined, done: true },
  ]);
});

test("after return() there are no more rows, and calls before it get theirs", async () => {
  await using book = await open(source(Buffer.from(long)));
  const rows = book.sheet().rows()[Symbol.asyncIterator]();
  const [first, second, end, beyond] = await Promise.all([rows.next(), rows.next(), rows.return!(), rows.next()]);
  expect([(first.value as Row).number, (second.value as Row).number, end.done, beyond.done]).toEqual([
    1,
    2,
    true,
    true,
  ]);
  expect(await rows.next()).toEqual({ value: undefined, done: true });
});

test("a failure comes once, behind the rows before it; then there are no more", async () => {
  await using book = await open(source(Buffer.from(`${long}"never closed`)));
  const rows = book.sheet().rows()[Symbol.asyncIterator]();
  let last = 0;
  const failing = async (): Promise<void> => {
    for (let next = await rows.next(); !next.done; next = await rows.next()) last = next.value.number;
  };
  await expect(failing()).rejects.toMatchObject({ code: "unclosed_quote" });
  expect(last).toBeGreaterThan(0);
  expect(await rows.next()).toEqual({ value: undefined, done: true });
});

test("warnings stay with their rows, whichever rows are asked for", async () => {
  const quotes = 'a,b\nc,"d"e\nf,g\nh,"i"j\n';
  await using book = await open(source(Buffer.from(quotes)));
  const told = async (options: RowOptions): Promise<unknown> =>
    (await collect(book.sheet().rows(options))).map(({ number, warnings }) => [number, warnings.length]);
  expect(await told({})).toEqual([
    [1, 0],
    [2, 1],
    [3, 0],
    [4, 1],
  ]);
  expect(await told({ header: 2 })).toEqual([
    [3, 0],
    [4, 1],
  ]);
  expect(await told({ header: true, from: 3 })).toEqual([
    [3, 0],
    [4, 1],
  ]);
});

test.each([1, 3, 9])("row %i as the header has no value: an error", async (header) => {
  await expect(records(text, header)).rejects.toMatchObject({
    code: "bad_option",
    message: `Row ${header}, which the option header names, has no value; give the row of the headers.`,
  });
});

test("a header that is no row number is a bad option", async () => {
  await expect(records(text, 0)).rejects.toMatchObject({ code: "bad_option" });
});
