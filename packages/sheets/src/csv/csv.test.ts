// Delimited text: what is read of the usual and the unusual, and that windows make no difference.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readRecords } from "./book.ts";
import { decodeText } from "../encoding.ts";
import { SheetError } from "../errors.ts";
import { defaultLimits, type Limits } from "../limits.ts";
import type { RandomAccess } from "../source.ts";
import { PLAIN } from "../cells/batch.ts";
import { collect, plainRows, source } from "../test/workbook-writer.ts";
import { open, type OpenOptions } from "../workbook.ts";

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === "string" ? Buffer.from(text) : text);

/** The rows as [number, ...values]. */
async function rows(text: string | Uint8Array, options: OpenOptions = { csv: {} }): Promise<unknown[][]> {
  await using book = await open(source(bytesOf(text)), options);
  return (await collect(book.sheet().rows())).map((row) => [row.number, ...row.values]);
}

async function failure(text: string | Uint8Array, options: OpenOptions = { csv: {} }): Promise<SheetError> {
  try {
    await rows(text, options);
  } catch (error) {
    if (error instanceof SheetError) return error;
    throw error;
  }
  throw new Error("it could be read");
}

const limited = (limits: Partial<Limits>): OpenOptions => ({ csv: {}, limits });

test("a text is a workbook of one sheet, all of it text", async () => {
  await using book = await open(new File(["id,zip\n1,085232\n"], "towns.csv"));
  expect([book.format, book.date1904, book.sheets]).toEqual([
    "csv",
    false,
    [{ name: "towns", index: 0, state: "visible" }],
  ]);
  const [, row] = await collect(book.sheet("towns").rows());
  expect([...row!.cells()]).toEqual([
    { ref: "A2", column: 1, type: "s", value: "1" },
    { ref: "B2", column: 2, type: "s", value: "085232" },
  ]);
});

test("tabs make it tsv; the sheet is named after the file, without .gz too", async () => {
  await using book = await open(new File([new Uint8Array(gzipSync("a\tb\n"))], "my.data.tsv.gz"));
  expect([book.format, book.sheets[0]!.name]).toEqual(["tsv", "my.data"]);
  await using nameless = await open(source(Buffer.from("a,b\n")));
  expect(nameless.sheets[0]!.name).toBe("Sheet1");
  await using called = await open(source(Buffer.from("a\tb\n")), { textName: "Q3 report.TSV.gz" });
  expect([called.sheets[0]!.name, called.sheet("q3 report").name]).toEqual(["Q3 report", "Q3 report"]);
});

test.each<[what: string, text: string, want: unknown[][]]>([
  ["LF", "a,b\nc,d\n", [[1, "a", "b"], [2, "c", "d"]]],
  ["CRLF", "a,b\r\nc,d\r\n", [[1, "a", "b"], [2, "c", "d"]]],
  ["CR", "a,b\rc,d\r", [[1, "a", "b"], [2, "c", "d"]]],
  ["mixed line ends", "a,b\nc,d\r\ne,f\rg,h", [[1, "a", "b"], [2, "c", "d"], [3, "e", "f"], [4, "g", "h"]]],
  ["no line end at the end", "a,b\nc,d", [[1, "a", "b"], [2, "c", "d"]]],
  ["a CR at the very end", "a,b\r", [[1, "a", "b"]]],
  ["quoted fields", '"a","b,c"\r\n"d ""e""",f\r\n', [[1, "a", "b,c"], [2, 'd "e"', "f"]]],
  ["nothing but quotes", '"","""",""""""\n', [[1, null, '"', '""']]],
  ["lines inside of quotes count", 'a,"b\nc\r\nd\re"\nf,g\n', [[1, "a", "b\nc\r\nd\re"], [5, "f", "g"]]],
  ["blank lines count and are no rows", "\n\na,b\n\n  \nc,d\n", [[3, "a", "b"], [5, "  "], [6, "c", "d"]]],
  ["a row of nothing but delimiters is none", "a,b\n,\n,,,\nc\n", [[1, "a", "b"], [4, "c"]]],
  ["empty is empty, quoted or not", 'a,b,c\n"",,x\n', [[1, "a", "b", "c"], [2, null, null, "x"]]],
  ["ragged rows", "a,b\nc\nd,e,f\n", [[1, "a", "b"], [2, "c"], [3, "d", "e", "f"]]],
  ["spaces stay", " a , b\n", [[1, " a ", " b"]]],
  ["a quote inside of an unquoted field", 'a,5" pipe,b"\n', [[1, "a", '5" pipe', 'b"']]],
  ["NUL characters", "a,b\0c\n\0,d\n", [[1, "a", "b\0c"], [2, "\0", "d"]]],
  ["a mark in front of a quoted header", '\ufeff"a,b",c\n1,2\n', [[1, "a,b", "c"], [2, "1", "2"]]],
  ["sep=", "sep=;\r\na;b\r\n1,5;2\r\n", [[2, "a", "b"], [3, "1,5", "2"]]],
  ["sep= behind a mark", "\ufeffsep=|\na|b\n", [[2, "a", "b"]]],
  ["escapes by backslash", 'a,b\n"say \\"hi, you\\" now","c\\\\"\n', [[1, "a", "b"], [2, 'say "hi, you" now', "c\\"]]],
  ["backslashes that escape nothing", 'a,b\n"C:\\new\\",x\\"y\n', [[1, "a", "b"], [2, "C:\\new\\", 'x\\"y']]],
  ["the text of COPY", 'a\tb\tc\n1\t\\N\tx\\ty\\\\z\n2\tC:\\\\new\tx"q\\n"\n\\.\n', [[1, "a", "b", "c"], [2, "1", null, "x\ty\\z"], [3, "2", "C:\\new", 'x"q\n"']]],
  ["a line end behind a backslash", "a\tb\n\\N\tx\\\ny\\\tz\n3\t4\n", [[1, "a", "b"], [2, null, "x\ny\tz"], [4, "3", "4"]]],
  ["octal and hexadecimal escapes", "a\tb\n\\N\t\\101\\x42\\1;\n", [[1, "a", "b"], [2, null, "AB\u0001;"]]],
  ["escapes of bytes that alone are no character", "a\tb\n\\N\t\\177\\200\\x7f\\x80;\n", [[1, "a", "b"], [2, null, "\u007f200\u007fx80;"]]],
  ["a path is no escape", "a\tb\n\\N\tC:\\windows\n", [[1, "a", "b"], [2, "\\N", "C:\\windows"]]],
  ["spaces in front of quotes", 'a, b\n1, "x, y" \n', [[1, "a", " b"], [2, "1", "x, y"]]],
  ["single quotes", "'a,1','it''s'\n'b','c'\n", [[1, "a,1", "it's"], [2, "b", "c"]]],
  ["leading zeros, dates and formulas are text", "1,007,1e5,2020-01-31,=1+1,TRUE\n", [[1, "1", "007", "1e5", "2020-01-31", "=1+1", "TRUE"]]],
])("%s", async (_, text, want) => {
  expect(await rows(text)).toEqual(want);
}); // prettier-ignore

test.each([
  ['a,b\n"c"d,e\n', [["cd", "e"]]],
  ['a,b\n"c" ,e\n', [["c ", "e"]]],
  ['a,b\n"5" pipe",e\n', [['5" pipe', "e"]]],
  ['a,b\n"x ""y"" "z"",e\n', [['x "y" "z"', "e"]]],
  ['a,b\n"c"d', [["cd"]]],
  ['a,b\n"c"d"', [['c"d']]],
])("text after a closing quote is kept, with a warning: %j", async (text, want) => {
  await using book = await open(source(Buffer.from(text)));
  const [, row, more] = await collect(book.sheet().rows());
  expect([row!.values]).toEqual(want);
  expect(row!.warnings).toEqual([
    "row 2 has text after a closing quote, which is kept; a quote inside of quotes must be doubled",
  ]);
  expect(more).toBeUndefined();
});

test("the width is the number of fields, empty ones too", async () => {
  await using book = await open(source(Buffer.from("a,b,,\nc\n,d,\n")));
  expect((await collect(book.sheet().rows())).map(({ width }) => width)).toEqual([4, 1, 3]);
});

test.each([
  ['a,b\nc,"d\ne,f\n', "line 2", "B2"],
  ['"a', "line 1", "A1"],
  ['a,b\n"x\ny","z\n', "line 3", "B2"],
])("a quote that is never closed is an error that names the line where it opens: %j", async (text, line, cell) => {
  const error = await failure(text);
  expect(error).toMatchObject({ code: "unclosed_quote", cell, sheet: "Sheet1" });
  expect(error.message).toContain(`opens on ${line} `);
});

test("without a quote, quotes are text", async () => {
  expect(await rows('a,"b\nc,d\n', { csv: { quote: "" } })).toEqual([
    [1, "a", '"b'],
    [2, "c", "d"],
  ]);
});

test("other encodings are read, and a guess is told", async () => {
  expect(await rows(Buffer.from("\ufeffgröße,中\n", "utf16le"))).toEqual([[1, "größe", "中"]]);
  expect(await rows(Buffer.from([0x83, 0x43, 0x2c, 0x61]), { csv: { encoding: "shift_jis" } })).toEqual([
    [1, "イ", "a"],
  ]);
  await using book = await open(source(Buffer.from("stra\xdfe,b\n", "latin1")));
  const [row] = await collect(book.sheet().rows());
  expect(row!.values).toEqual(["straße", "b"]);
  expect(row!.warnings).toEqual([
    "the text is not UTF-8; it is read as windows-1252. If letters come out wrong, set the option encoding",
  ]);
});

test("bytes that are not UTF-8 in a text that is: the line is named", async () => {
  const text = Buffer.concat([
    Buffer.from("é,ü\n".repeat(50)),
    Buffer.from("a,\xe9\n", "latin1"),
    Buffer.from("b,c\n"),
  ]);
  expect(await failure(text)).toMatchObject({
    code: "bad_encoding",
    cell: "A51",
    message: expect.stringContaining("line 51 holds bytes that are not") as string,
  });
});

test("a guess is told once, however long the text is", async () => {
  const text = Buffer.from("stra\xdfe,b\n".repeat(200_000), "latin1");
  await using book = await open(source(text), { csv: {} });
  const told: string[] = [];
  let batches = 0;
  for await (const batch of book.sheet().batches()) {
    batches++;
    told.push(...batch.warnings.map(({ row, message }) => `${row}: ${message.slice(0, 23)}`));
    batch.release();
  }
  expect(batches).toBeGreaterThan(1);
  expect(told).toEqual(["1: the text is not UTF-8; "]);
});

test("bytes that are not UTF-8 are marked if that is asked for, and the characters beside them stay", async () => {
  const text = Buffer.concat([
    Buffer.from("é,ü\n".repeat(50)),
    Buffer.from("😀中é"),
    Buffer.from("\xe9,\xf0\x9f", "latin1"),
    Buffer.from("中\nb,c\n"),
  ]);
  await using book = await open(source(text), { csv: {}, badBytes: "mark" });
  const found: unknown[] = [];
  for await (const batch of book.sheet().batches()) {
    const [bad, ...others] = batch.badRows!;
    expect([batch.rowNumbers[bad!], others]).toEqual([51, []]);
    found.push(...plainRows([batch]).slice(50));
    batch.release();
  }
  expect(found).toMatchObject([
    {
      number: 51,
      cells: [
        [1, 1, expect.any(Number), "😀中é?"],
        [2, 1, expect.any(Number), "??中"],
      ],
    },
    { number: 52 },
  ]);
});

test("limits count as for workbooks", async () => {
  expect(await failure(`a,${"x".repeat(101)}\n`, limited({ cellBytes: 100 }))).toMatchObject({
    code: "limit",
    cell: "B1",
    message: expect.stringContaining("cellBytes = 100") as string,
  });
  expect(await rows(`${"x".repeat(100)},"${"y".repeat(100)}"\n`, limited({ cellBytes: 100 }))).toHaveLength(1);
  expect(await failure("a,b\n1,2,3,4\n", limited({ columns: 3 }))).toMatchObject({
    code: "column_out_of_range",
    cell: "D2",
  });
  expect(await failure(",".repeat(1e6))).toMatchObject({ code: "column_out_of_range" });
  expect(await failure("a,b\n\n1,2\n", limited({ rows: 2 }))).toMatchObject({ code: "row_out_of_range", cell: "A3" });
  expect(await failure("a,b\n", limited({ fileBytes: 3 }))).toMatchObject({ code: "limit" });
});

test("an open quote does not swallow a large file: the cell's limit ends it, and the line is named", async () => {
  const error = await failure(`a,b\nc,"d\n${"e,f\n".repeat(300_000)}`, limited({ cellBytes: 10_000 }));
  expect(error).toMatchObject({ code: "limit", cell: "B2" });
  expect(error.message).toContain(
    "begins on line 2 has more than the limit cellBytes = 10000. Is a closing quote missing",
  );
});

test("a record that does not end is refused at 64 MiB", async () => {
  const field = Buffer.from(`${"x".repeat(2 ** 20 - 1)},`);
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a,b\n");
    // No more are asked for than fit.
    for (let n = 0; n <= 64; n++) yield field;
    throw new Error("more than 64 MiB of a record were read");
  };
  const dialect = { delimiter: 0x2c, quote: 0x22, backslash: false, escapes: false, spaces: false, sepLine: false };
  const context = { place: { file: "a.csv" }, limits: defaultLimits, dialect, from: 1, to: Number.POSITIVE_INFINITY };
  const reading = collect(readRecords(decodeText(endless(), "utf-8", {}), context, () => 0, undefined, 2 ** 20));
  await expect(reading).rejects.toMatchObject({
    code: "limit",
    message:
      "a.csv: the record that begins on line 2 has more than 67108864 bytes. Is a line end or a closing quote missing there?",
  });
});

test("more rows than a workbook can have are read", { timeout: 60_000 }, async () => {
  await using book = await open(source(Buffer.from("1\n".repeat(1_048_580))), { csv: {} });
  let last = 0;
  for await (const batch of book.sheet().batches()) {
    last = batch.rowNumbers.at(-1)!;
    batch.release();
  }
  expect(last).toBe(1_048_580);
});

test("gzip is inflated, by its content and counted", async () => {
  const text = "a,b\n".repeat(50_000);
  expect(await rows(gzipSync(text))).toHaveLength(50_000);
  expect(await rows(Buffer.concat([gzipSync("a,b\n"), gzipSync("c,d\n")]))).toEqual([
    [1, "a", "b"],
    [2, "c", "d"],
  ]);
  for (const limit of ["partBytes", "totalBytes"])
    expect(await failure(gzipSync(text), limited({ [limit]: 100_000 }))).toMatchObject({
      code: "limit",
      message: expect.stringContaining(`${limit} = 100000`) as string,
    });
  const damaged = gzipSync(text);
  damaged[damaged.length - 6]! ^= 1;
  expect(await failure(damaged)).toMatchObject({ code: "bad_compression" });
  expect(await failure(gzipSync(text).subarray(0, 100))).toMatchObject({ code: "truncated" });
  expect(await failure(gzipSync(Buffer.from("PK\x03\x04....", "latin1")))).toMatchObject({ code: "not_a_workbook" });
});

test("from and to choose lines", async () => {
  await using book = await open(source(Buffer.from('a\n"b\nc"\nd\ne\n"f')));
  const found = await collect(book.sheet().rows({ from: 2, to: 4 }));
  expect(found.map(({ number, values }) => [number, ...values])).toEqual([
    [2, "b\nc"],
    [4, "d"],
  ]);
});

test("a batch that is never released keeps its bytes, and progress grows to 1", async () => {
  const lines = Array.from({ length: 120_000 }, (_, i) => `${i},"x ""${i}"""`);
  await using book = await open(source(Buffer.from(lines.join("\n"))));
  const batches = await collect(book.sheet().batches());
  expect(batches.length).toBeGreaterThan(3);
  const found = plainRows(batches) as { cells: unknown[][] }[];
  expect(found.map(({ cells }) => cells.map((cell) => cell[3]))).toEqual(lines.map((_, i) => [String(i), `x "${i}"`]));
  const progress = batches.map((batch) => batch.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress.at(-1)).toBe(1);
});

const field = fc
  .array(fc.constantFrom("a", "0", "é", "中", "😀", " ", ",", ";", '"', "\n", "\r", "\r\n", "\\", "\t", "\0", "|"), {
    maxLength: 6,
  })
  .map((parts) => parts.join(""));
const table = fc.array(fc.array(field, { minLength: 1, maxLength: 5 }), { maxLength: 8 });

test("what is written by RFC 4180 is read as it was, with any delimiter, line end, window and piece", async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.constantFrom(",", ";", "\t", "|"),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.boolean(),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 40 }),
      async (records, delimiter, lineEnd, last, inputBytes, size) => {
        let line = 1;
        const want: unknown[] = [];
        for (const record of records) {
          const cells = record.flatMap((text, i) => (text === "" ? [] : [[i + 1, 1, Number(isPlain(text)), text]]));
          if (cells.length > 0) want.push({ number: line, width: record.length, warnings: [], cells });
          line += 1 + record.join("").split(/\r\n|\r|\n/).length - 1 - joinedBreaks(record);
        }
        const quoted = (text: string): string => (/["\r\n,;\t|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const text = records.map((record) => record.map(quoted).join(delimiter)).join(lineEnd) + (last ? lineEnd : "");
        const context = {
          place: {},
          limits: defaultLimits,
          dialect: {
            delimiter: delimiter.charCodeAt(0),
            quote: 0x22,
            backslash: false,
            escapes: false,
            spaces: false,
            sepLine: false,
          },
          from: 1,
          to: Infinity,
        };
        const found: unknown[] = [];
        for await (const batch of readRecords(
          decodeText(cut(text, size), "utf-8", {}),
          context,
          () => 0,
          undefined,
          inputBytes,
        )) {
          found.push(...plainRows([batch]));
          batch.release();
        }
        expect(found).toEqual(want);
      },
    ),
    { numRuns: 1000 },
  );
});

/**
 * A field that ends with CR before one that begins with LF is two line ends in the file, and one in
 * the joined text.
 */
function joinedBreaks(record: readonly string[]): number {
  let joined = record.join("").split(/\r\n|\r|\n/).length - 1;
  for (const text of record) joined -= text.split(/\r\n|\r|\n/).length - 1;
  return joined;
}

// eslint-disable-next-line no-control-regex
const isPlain = (text: string): boolean => !/[\x00-\x1f"\\\x7f]/.test(text);

/** Each piece lies in memory that is overwritten when the next one is asked for. */
async function* cut(text: string, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    yield piece;
    piece.fill(0xff);
  }
}

test("whatever bytes a text has, it is read or refused, and the same in small windows", async () => {
  const said = { delimiter: 0x2c, quote: 0x22, backslash: true, spaces: true, sepLine: false };
  let escapes = false;
  const read = async (text: string, inputBytes: number): Promise<unknown> => {
    const context = { place: {}, limits: defaultLimits, dialect: { ...said, escapes }, from: 1, to: Infinity };
    const found: unknown[] = [];
    try {
      for await (const batch of readRecords(
        decodeText(cut(text, 3), "utf-8", {}),
        context,
        () => 0,
        undefined,
        inputBytes,
      ))
        found.push(...plainRows([batch]));
    } catch (error) {
      if (!(error instanceof SheetError)) throw error;
      return [found, error.code, error.cell];
    }
    return found;
  };
  const wild = fc
    .array(fc.constantFrom("a", "é", ",", '"', "\n", "\r", "\\", " ", "\0"), { maxLength: 40 })
    .map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(wild, fc.integer({ min: 1, max: 60 }), fc.boolean(), async (text, inputBytes, withEscapes) => {
      escapes = withEscapes;
      const [small, large] = [await read(text, inputBytes), await read(text, 4096)];
      // Rows in front of the fault come with the small windows only.
      if (JSON.stringify(large).includes("unclosed_quote"))
        expect((small as unknown[]).slice(1)).toEqual((large as unknown[]).slice(1));
      else expect(small).toEqual(large);
    }),
    { numRuns: 2000 },
  );
});

test("a source that gives less than it is asked for is asked again", async () => {
  const bytes = Buffer.from("a,b\n".repeat(1000));
  const short: RandomAccess = {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + Math.min(length, 7)),
  };
  await using book = await open(short);
  expect(await collect(book.sheet().rows())).toHaveLength(1000);
});

test('="00123" is the text in the quotes, as a spreadsheet shows it; whatever else begins so stays', async () => {
  const text = 'a,b\n="00123",="1,5"\n="",x\n="a"&"b","=""1"""\n="open,y\n==,="\n="z"';
  expect(await rows(text, { csv: { delimiter: ",", quote: '"' } })).toEqual([
    [1, "a", "b"],
    [2, "00123", "1,5"],
    [3, null, "x"],
    [4, '="a"&"b"', '="1"'],
    [5, '="open', "y"],
    [6, "==", '="'],
    [7, "z"],
  ]);
});

test('a text in ="…" is not flagged as one that needs no escape', async () => {
  await using book = await open(source(Buffer.from('a,b\n="1\\2",3\n')));
  const found = plainRows(await collect(book.sheet().batches())) as { cells: unknown[][] }[];
  expect(found[1]!.cells.map(([, , flags, text]) => [flags, text])).toEqual([
    [0, "1\\2"],
    [PLAIN, "3"],
  ]);
});
