// Characters, numbers and times at their first and last values, and files that end inside one.
import { describe, expect, test } from "vitest";
import { SheetError } from "../errors.ts";
import type { CellValue } from "../cells/rows.ts";
import { open, type OpenOptions } from "../workbook.ts";
import { readCell, readRows, readValues, source, workbook } from "./workbook-writer.ts";

/** The first value of each row of a text, or the code of the refusal. */
async function texts(bytes: Uint8Array, options: OpenOptions = {}): Promise<(CellValue | undefined)[] | string> {
  try {
    await using book = await open(source(bytes), options);
    const found: (CellValue | undefined)[] = [];
    for await (const row of book.sheet().rows()) found.push(row.values[0]);
    return found;
  } catch (error) {
    if (error instanceof SheetError) return error.code;
    throw error;
  }
}

const utf16le = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, "utf16le");
const utf16be = (text: string): Buffer => utf16le(text).swap16();

describe("a file that ends inside a character", () => {
  // The last character of each is cut after every byte but its last one.
  test.each<[encoding: string, whole: Buffer, last: number, options?: OpenOptions]>([
    ["UTF-16LE", utf16le("a\nb\u4E2D"), 2],
    ["UTF-16BE", utf16be("a\nb\u4E2D"), 2],
    ["UTF-16LE, in a surrogate pair", utf16le("a\nb\u{1F600}"), 4],
    ["UTF-16BE, in a surrogate pair", utf16be("a\nb\u{1F600}"), 4],
    ["Shift_JIS", Buffer.from("610a6293fa", "hex"), 2, { csv: { encoding: "shift_jis" } }],
    ["GB 18030, of two bytes", Buffer.from("610a62d6d0", "hex"), 2, { csv: { encoding: "gb18030" } }],
    ["GB 18030, of four bytes", Buffer.from("610a6281308130", "hex"), 4, { csv: { encoding: "gb18030" } }],
    ["EUC-KR", Buffer.from("610a62c7d1", "hex"), 2, { csv: { encoding: "euc-kr" } }],
    ["UTF-8 that is asked for", Buffer.from("a\nb\u{1F600}"), 4, { csv: { encoding: "utf-8" } }],
  ])("is refused, and nothing of it given for a whole one: %s", async (_, whole, last, options) => {
    const [first, second] = (await texts(whole, options)) as string[];
    expect([first, second?.[0], [...second!].length]).toEqual(["a", "b", 2]);
    for (let cut = 1; cut < last; cut++)
      expect([cut, await texts(whole.subarray(0, -cut), options)]).toEqual([cut, "bad_encoding"]);
  });

  test("UTF-8 by itself: a last character that is cut off is marked as the other bytes that are none", async () => {
    const whole = Buffer.from("name\nb\u{1F600}\n".repeat(20) + "c\u{1F600}");
    for (let cut = 1; cut < 4; cut++) {
      const found = await texts(whole.subarray(0, -cut));
      expect([cut, typeof found === "string" ? found : found.at(-1)]).toEqual([cut, "bad_encoding"]);
    }
  });
});

describe("the first and last characters of each length", () => {
  const borders = ["\u007F", "\u0080", "\u07FF", "\u0800", "\uD7FF", "\uE000", "\uFFFD", "\u{10000}", "\u{10FFFF}"];
  const hex = (char: string): string => char.codePointAt(0)!.toString(16);
  const units = (char: string): string =>
    Array.from(
      { length: char.length },
      (_, i) => `_x${char.charCodeAt(i).toString(16).toUpperCase().padStart(4, "0")}_`,
    ).join("");

  test.each(borders.map((char) => [hex(char), char]))("U+%s comes as it is, in every spelling", async (_, char) => {
    for (const spelling of [char, `&#x${hex(char)};`, `&#${char.codePointAt(0)};`, units(char)]) {
      const text = `a${spelling}b`;
      expect(await readCell(`<c r="A1" t="inlineStr"><is><t>${text}</t></is></c>`)).toBe(`a${char}b`);
      expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si><t>${text}</t></si>` })).toBe(`a${char}b`);
      expect(await readCell(`<c r="A1" t="str"><v>${text}</v></c>`)).toBe(`a${char}b`);
    }
    for (const bytes of [Buffer.from(`x\na${char}b\n`), utf16le(`x\na${char}b\n`), utf16be(`x\na${char}b\n`)])
      expect(await texts(bytes)).toEqual(["x", `a${char}b`]);
  });

  test.each([
    ["&#xD800;", "bad_xml"],
    ["&#xDFFF;", "bad_xml"],
    ["&#x110000;", "bad_xml"],
  ])("%s is no character", async (text, code) => {
    const [found] = await Promise.allSettled([readCell(`<c r="A1" t="inlineStr"><is><t>${text}</t></is></c>`)]);
    expect(found.status === "rejected" ? (found.reason as SheetError).code : found.value).toBe(code);
  });

  test.each([
    ["_xD800_", "\uFFFD"],
    ["_xDC00_", "\uFFFD"],
    ["_xDBFF__xE000_", "\uFFFD\uE000"],
    ["_xD7FF__xDC00_", "\uD7FF\uFFFD"],
    ["_xDC00__xD800_", "\uFFFD\uFFFD"],
  ])("%s is half a pair, which no text can hold", async (text, want) => {
    expect(await readCell(`<c r="A1" t="inlineStr"><is><t>${text}</t></is></c>`)).toBe(want);
    expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si><t>${text}</t></si>` })).toBe(want);
  });
});

describe("row numbers of every length", () => {
  const numbers = [1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 1_048_576];

  test("rows and their cells are read with one to seven digits", async () => {
    const rows = numbers.map(
      (n) => `<row r="${n}"><c r="A${n}"><v>${n}</v></c><c r="XFD${n}" t="str"><v>x${n}</v></c></row>`,
    );
    const found = await readRows(workbook({ rows: rows.join("") }));
    expect(found.map(({ number, values }) => [number, values[0], values.length, values.at(-1)])).toEqual(
      numbers.map((n) => [n, n, 16_384, `x${n}`]),
    );
    expect(found.flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  test("a digit that differs is seen, whichever it is", async () => {
    let seen = 0;
    for (const n of numbers.filter((n) => n >= 10)) {
      for (let digit = 0; digit < String(n).length; digit++) {
        const other = String(n).split("");
        other[digit] = other[digit] === "0" ? "1" : "0";
        if (digit === 0) other[digit] = n < 200_000 || n > 999_999 ? "2" : "1";
        if (other.join("") === String(n) || Number(other.join("")) > 1_048_576) continue;
        seen++;
        const [row] = await readRows(
          workbook({ rows: `<row r="${n}"><c r="A${n}"><v>1</v></c><c r="B${other.join("")}"><v>2</v></c></row>` }),
        );
        expect([row!.number, row!.values, row!.warnings]).toEqual([
          n,
          [1, 2],
          [`cell B${other.join("")} stands in row ${n}; it is read as B${n}`],
        ]);
      }
      // One digit more, and one less.
      for (const other of [`${n}0`, String(n).slice(0, -1)]) {
        if (Number(other) > 1_048_576 || Number(other) < 1) continue;
        const [row] = await readRows(workbook({ rows: `<row r="${n}"><c r="A${other}"><v>1</v></c></row>` }));
        expect([row!.number, row!.warnings.length]).toEqual([n, 1]);
      }
    }
    expect(seen).toBeGreaterThan(40);
  });
});

describe("dates and times", () => {
  const FORMATS = ["yyyy-mm-dd hh:mm:ss.000", "[h]:mm:ss"];
  const serial = async (value: string, properties = "", style = 1): Promise<unknown> => {
    const [row] = await readValues({
      formats: FORMATS,
      properties,
      rows: `<row r="1"><c r="A1" s="${style}"><v>${value}</v></c></row>`,
    });
    const found = row?.[1];
    return found instanceof Date ? found.toISOString() : found;
  };

  test.each([
    ["1", "1900-01-01T00:00:00.000Z"],
    ["59.999999", "1900-02-28T23:59:59.914Z"],
    ["61", "1900-03-01T00:00:00.000Z"],
    ["2958465", "9999-12-31T00:00:00.000Z"],
    ["2958465.99999999", "9999-12-31T23:59:59.999Z"],
    ["2958465.999999995", 2958465.999999995],
    ["2958466", 2958466],
    ["0.999999995", "1900-01-01T00:00:00.000Z"],
    ["0.99999999", "1899-12-31T23:59:59.999Z"],
    ["43861.99999999999", "2020-02-01T00:00:00.000Z"],
    ["-0.5", -0.5],
  ])("the serial number %s is %s", async (value, want) => {
    expect(await serial(value)).toBe(want);
  });

  test.each([
    ["0", "1904-01-01T00:00:00.000Z"],
    ["2957003", "9999-12-31T00:00:00.000Z"],
    ["2957004", 2957004],
  ])("in the system of 1904 %s is %s", async (value, want) => {
    expect(await serial(value, '<workbookPr date1904="1"/>')).toBe(want);
  });

  test.each([
    ["9999-12-31", "9999-12-31T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999", "9999-12-31T23:59:59.999Z"],
    ["9999-12-31T23:59:59.9995", "9999-12-31T23:59:59.9995"],
    ["9999-12-31T24:00:00", "9999-12-31T24:00:00"],
    ["9999-12-30T24:00:00", "9999-12-31T00:00:00.000Z"],
    ["0001-01-01", "0001-01-01T00:00:00.000Z"],
    ["0099-12-31T24:00", "0100-01-01T00:00:00.000Z"],
    ["2023-12-31T24:00:00", "2024-01-01T00:00:00.000Z"],
    ["2024-02-28T24:00", "2024-02-29T00:00:00.000Z"],
    ["2024-01-01T24:00:00.001", "2024-01-01T24:00:00.001"],
    ["2024-01-01T23:60", "2024-01-01T23:60"],
    ["2024-01-01T23:59:60", "2024-01-01T23:59:60"],
    ["2024-04-31", "2024-04-31"],
    ["1900-02-29", "1900-02-29"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
  ])("the ISO text %s is %s", async (text, want) => {
    const found = await readCell(`<c r="A1" t="d"><v>${text}</v></c>`);
    expect(found instanceof Date ? found.toISOString() : found).toBe(want);
  });
});

test.each([
  ["999999999999999", 999_999_999_999_999],
  ["9007199254740991", 9_007_199_254_740_991],
  ["9007199254740993", 9_007_199_254_740_992],
  ["0.1234567890123456", 0.1234567890123456],
  ["123456789.123456", 123456789.123456],
  ["1e22", 1e22],
  ["1e23", 1e23],
  ["5e-324", 5e-324],
  ["2e-324", 0],
  ["1.7976931348623157e308", Number.MAX_VALUE],
  ["-0", -0],
  ["00012", 12],
  [`1${"0".repeat(299)}`, 1e299],
  [`0.${"0".repeat(299)}1`, 1e-300],
])("the number %s is read to its last digit", async (text, want) => {
  expect(await readCell(`<c r="A1"><v>${text}</v></c>`)).toBe(want);
});
