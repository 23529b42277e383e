// The same table in each format, in every spelling that the format has for it, is read as the same
// rows; and so are links, merged cells and repeated rows. fast-check prints the seed of a failure.
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Duration } from "../cells/duration.ts";
import { columnName } from "../cells/reference.ts";
import { CellError, type CellValue } from "../cells/rows.ts";
import { open } from "../workbook.ts";
import { readLinks } from "../xlsx/links.ts";
import { readMerged } from "../xlsx/merged.ts";
import { collect, source, styleSheet, workbook, worksheet, xf } from "./workbook-writer.ts";
import { zip } from "./zip-writer.ts";

type Table = readonly (readonly CellValue[])[];

const xmlText = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;").replaceAll("\r", "&#13;"); // prettier-ignore
const DAY = 86_400_000;

/** Rows as what readers give: without nulls at their ends, and without rows that hold nothing. */
function trimmed(table: Table): [number, ...CellValue[]][] {
  return table.flatMap((row, n) => {
    const last = row.findLastIndex((value) => value !== null && value !== "");
    const values = row.slice(0, last + 1).map((value) => (value === "" ? null : value));
    return last < 0 ? [] : [[n + 1, ...values] as [number, ...CellValue[]]];
  });
}

async function rowsOf(bytes: Uint8Array): Promise<[number, ...CellValue[]][]> {
  await using book = await open(source(bytes), { csv: { delimiter: ",", quote: '"', escape: "none" } });
  return (await collect(book.sheet().rows())).map((row) => [row.number, ...row.values]);
}

/** Spellings are drawn from a list of numbers, over and over. */
class Choices {
  readonly #draws: readonly number[];
  #at = 0;
  constructor(draws: readonly number[]) {
    this.#draws = draws;
  }
  of<T>(...all: readonly T[]): T {
    return all[this.#draws[this.#at++ % this.#draws.length]! % all.length]!;
  }
}

const STYLES = styleSheet([0, 14, 46, 22].map(xf).join(""));

/** The same part with a prefix in each tag that has none. What looks like a tag in CDATA stays. */
function withPrefix(xml: string): string {
  return xml
    .split(/(<!\[CDATA\[.*?\]\]>)/s)
    .map((part, n) => (n % 2 === 1 ? part : part.replaceAll(/<(\/?)(?=[a-z])(?!x:)/gi, "<$1x:")))
    .join("");
}

/** A workbook in which each cell is spelled in one of the ways that there are. */
function xlsx(table: Table, choices: Choices): Uint8Array {
  const strings: string[] = [];
  const item = (text: string): string =>
    choices.of(
      `<t xml:space="preserve">${xmlText(text)}</t>`,
      `<t>${xmlText(text)}</t>`,
      `<r><rPr><b/></rPr><t>${xmlText(text)}</t></r><rPh sb="0" eb="1"><t>no</t></rPh>`,
      `<x:t>${xmlText(text)}</x:t>`,
    );
  const cell = (value: CellValue, ref: string): string => {
    const r = choices.of(` r="${ref}"`, ` r='${ref}'`);
    const style = (n: number): string => ` s="${n}"`;
    if (value === null) return choices.of("", "", `<c${r}/>`, `<c${r} s="1"/>`, `<c${r}><v></v></c>`);
    if (typeof value === "number") return choices.of(`<c${r}><v>${value}</v></c>`, `<c${r} t="n" s="0"><v>${value}</v></c>`, `<c${r}><f>A1</f><v>${value}</v></c>`, `<c${r}>\n<v> ${value} </v></c>`); // prettier-ignore
    if (typeof value === "boolean") return choices.of(`<c${r} t="b"><v>${Number(value)}</v></c>`, `<c${r} t="b"><v>${value}</v></c>`); // prettier-ignore
    if (value instanceof CellError) return `<c${r} t="e"><v>${value.code}</v></c>`;
    if (value instanceof Duration) return `<c${r}${style(2)}><v>${value.milliseconds / DAY}</v></c>`;
    if (value instanceof Date) return choices.of(`<c${r}${style(1)}><v>${value.getTime() / DAY + 25_569}</v></c>`, `<c${style(3)}${r}><v>${value.getTime() / DAY + 25_569}</v></c>`, `<c${r} t="d"><v>${value.toISOString()}</v></c>`); // prettier-ignore
    strings.push(`<si>${item(value)}</si>`);
    return choices.of(
      `<c${r} t="s"><v>${strings.length - 1}</v></c>`,
      `<c${r} t="inlineStr"><is>${item(value)}</is></c>`,
      `<c${r} t="str"><v>${xmlText(value)}</v></c>`,
      `<c${r} t="str"><f>"a"</f><v><![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>").replaceAll("\r", "]]>&#13;<![CDATA[")}]]></v></c>`,
    );
  };
  const rows = table.map((row, n) => {
    const cells = row.map((value, column) => cell(value, `${columnName(column + 1)}${n + 1}`)).join(choices.of("", "\n ", "<!-- x -->")); // prettier-ignore
    return `<row${choices.of(` r="${n + 1}"`, ` r='${n + 1}' spans="1:9"`, ` spans="1:9" r="${n + 1}"`)}>${cells}</row>`;
  });
  const prefixed = choices.of(false, false, true);
  const xml = worksheet(rows.join(""));
  return workbook({
    sheets: [{ xml: prefixed ? withPrefix(xml) : xml }],
    strings: strings.join("").replaceAll("<x:t>", "<t>").replaceAll("</x:t>", "</t>"),
    formats: [],
    entries: [{ name: "xl/styles.xml", data: STYLES }],
  });
}

/** The content of an OpenDocument file, in which equal cells and rows may be written once. */
function openDocument(table: Table, choices: Choices): string {
  const paragraph = (text: string): string => {
    const spaces = text.replaceAll(/ {2,}|^ | $|(?<=\n) | (?=\n)/g, (run) => `\0${run.length}\0`);
    const marked = xmlText(spaces)
      .replaceAll("\t", "<text:tab/>")
      .replaceAll(/\0(\d+)\0/g, '<text:s text:c="$1"/>');
    return choices.of(
      `<text:p>${marked.replaceAll("\n", "</text:p><text:p>")}</text:p>`,
      `<text:p>${marked.replaceAll("\n", "<text:line-break/>")}</text:p>`,
      `<text:p><text:span>${marked.replaceAll("\n", "</text:span><text:line-break/><text:span>")}</text:span></text:p>`,
    );
  };
  const cell = (value: CellValue, repeated: number): string => {
    const times = repeated === 1 ? choices.of("", ' table:number-columns-repeated="1"') : ` table:number-columns-repeated="${repeated}"`; // prettier-ignore
    const is = (type: string, attribute: string): string =>
      `<table:table-cell${times} office:value-type="${type}" ${attribute}><text:p>shown</text:p></table:table-cell>`;
    if (value === null || value === "") return choices.of(`<table:table-cell${times}/>`, `<table:covered-table-cell${times}></table:covered-table-cell>`); // prettier-ignore
    if (typeof value === "number") return is(choices.of("float", "percentage", "currency"), `office:value="${value}"`);
    if (typeof value === "boolean") return is("boolean", `office:boolean-value="${value}"`);
    if (value instanceof Date) return is("date", `office:date-value="${value.toISOString().slice(0, 23)}"`);
    if (value instanceof Duration) return is("time", `table:style-name="span" office:time-value="${value.milliseconds < 0 ? "-" : ""}PT${Math.abs(value.milliseconds) / 1000}S"`); // prettier-ignore
    if (value instanceof CellError) return `<table:table-cell${times} office:value-type="string" calcext:value-type="error"><text:p>${value.code}</text:p></table:table-cell>`; // prettier-ignore
    return choices.of(
      `<table:table-cell${times} office:value-type="string">${paragraph(value)}</table:table-cell>`,
      `<table:table-cell${times} office:value-type="string">${paragraph(value)}<office:annotation><text:p>no</text:p></office:annotation></table:table-cell>`,
    );
  };
  const runs = <T>(items: readonly T[], same: (a: T, b: T) => boolean): [T, number][] => {
    const found: [T, number][] = [];
    for (const item of items) {
      const last = found.at(-1);
      if (last && same(last[0], item) && choices.of(true, true, false)) last[1]++;
      else found.push([item, 1]);
    }
    return found;
  };
  const key = (value: CellValue): string => JSON.stringify([value, value instanceof CellError, value instanceof Duration, value instanceof Date]); // prettier-ignore
  const rows = runs(table, (a, b) => a.map(key).join() === b.map(key).join()).map(([row, times]) => {
    const cells = runs(row, (a, b) => key(a) === key(b)).map(([value, count]) => cell(value, count));
    const repeated = times === 1 ? "" : ` table:number-rows-repeated="${times}"`;
    const xml = `<table:table-row${repeated}>${cells.join("")}</table:table-row>`;
    return choices.of(xml, `<table:table-row-group>${xml}</table:table-row-group>`);
  });
  const styles =
    '<number:time-style style:name="N1" number:truncate-on-overflow="false"/><style:style style:name="span" style:data-style-name="N1"/>';
  return `<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="t" xmlns:text="x" xmlns:style="s" xmlns:number="n" xmlns:calcext="c"><office:automatic-styles>${styles}</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="Data">${rows.join("")}</table:table></office:spreadsheet></office:body></office:document>`;
}

const text = fc
  .string({ unit: fc.constantFrom("a", "B", "é", "中", "😀", " ", "&", "<", ">", '"', "'", "]", "_", "0", ";", ",", "\n", "\t") })
  .map((value) => value.slice(0, 20)); // prettier-ignore
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })).map((value) => (Object.is(value, -0) ? 0 : value)); // prettier-ignore
const moment = fc.date({ min: new Date("1900-03-01"), max: new Date("9999-12-30"), noInvalidDate: true }).map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000)); // prettier-ignore
const value: fc.Arbitrary<CellValue> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: text },
  number,
  fc.boolean(),
  moment,
  fc.integer({ min: -1e9, max: 1e9 }).map((seconds) => new Duration(seconds * 1000)),
  fc.constantFrom("#N/A", "#DIV/0!").map((code) => new CellError(code)),
);
const tables = fc
  .tuple(fc.array(fc.array(value, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 3 })))
  // Some rows come several times.
  .map(([rows, times]) => rows.flatMap((row, n) => Array<CellValue[]>(times[n] ?? 1).fill(row))); // prettier-ignore
const draws = fc.array(fc.nat(11), { minLength: 1, maxLength: 40 });

test("an .xlsx file gives the values that were written, however each cell is spelled", async () => {
  await fc.assert(
    fc.asyncProperty(tables, draws, async (table, of) => {
      expect(await rowsOf(xlsx(table, new Choices(of)))).toEqual(trimmed(table));
    }),
    { numRuns: 300 },
  );
});

test("an .ods and a .fods file give the values that were written, repeated or not", async () => {
  const mimetype = { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true };
  await fc.assert(
    fc.asyncProperty(tables, draws, async (table, of) => {
      const content = openDocument(table, new Choices(of));
      const want = trimmed(table);
      expect(await rowsOf(zip([mimetype, { name: "content.xml", data: content }]))).toEqual(want);
      expect(await rowsOf(Buffer.from(content))).toEqual(want);
    }),
    { numRuns: 300 },
  );
});

test("delimited text gives the texts that were written, in each encoding and packed", async () => {
  const plain = (value: CellValue): string => (value === null ? "" : value instanceof Date ? value.toISOString() : String(value)); // prettier-ignore
  const quoted = (field: string, always: boolean): string =>
    always || /[",\n]|^ | $|^=/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  await fc.assert(
    fc.asyncProperty(tables, draws, async (table, of) => {
      const choices = new Choices(of);
      const lines = table.map((row) => row.map((one) => quoted(plain(one), choices.of(true, false))).join(","));
      const written = lines.map((line) => `${line}\n`).join("");
      // The number of a row is that of the line on which it begins.
      const starts = lines.map((_, n) => lines.slice(0, n).join("\n").split("\n").length + (n === 0 ? 0 : 1));
      const texts: Table = table.map((row) => row.map((one) => plain(one) || null));
      const want = trimmed(texts).map(([n, ...values]) => [starts[n - 1], ...values]);
      fc.pre(written !== "");
      const utf16 = Buffer.from(`\ufeff${written}`, "utf16le");
      const forms = [Buffer.from(written), Buffer.from(`\ufeff${written}`), utf16, Buffer.from(utf16).swap16(), gzipSync(written)];
      for (const bytes of forms) expect(await rowsOf(bytes)).toEqual(want);
    }),
    { numRuns: 200 },
  );
}); // prettier-ignore

describe("what an .xlsx file lists after its rows", () => {
  async function* pieces(xml: string, size: number): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(xml);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 40 }), fc.nat(30), fc.nat(5))
    .map(([row, column, rows, columns]) => ({ firstRow: row, lastRow: row + rows, firstColumn: column, lastColumn: column + columns })); // prettier-ignore
  type Range = typeof range extends fc.Arbitrary<infer R> ? R : never;
  const refOf = ({ firstRow, lastRow, firstColumn, lastColumn }: Range, dollar: string): string =>
    `${dollar}${columnName(firstColumn)}${dollar}${firstRow}:${dollar}${columnName(lastColumn)}${dollar}${lastRow}`;
  /** Tags before the rows' end do not count. */
  const part = (tags: string): string =>
    `<worksheet><mergeCell ref="A1:B1"/><hyperlink ref="A1" location="no"/><sheetData><row r="1"><c r="A1" t="str"><v>&lt;mergeCell ref="A1:B1"/></v></c></row></sheetData><x>${tags}</x></worksheet>`;

  test("merged cells are those that were written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(range), fc.integer({ min: 1, max: 200 }), fc.constantFrom("", "$"), fc.constantFrom('"', "'"), fc.constantFrom("", "x:"), async (ranges, size, dollar, quote, prefix) => {
        const tags = ranges.map((one) => `<${prefix}mergeCell ref=${quote}${refOf(one, dollar)}${quote}/>`).join("");
        expect(await readMerged(pieces(part(tags), size), {})).toEqual(ranges);
      }),
    );
  }); // prettier-ignore

  test("each cell of a range has the range's link, and no other cell", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 4 }), fc.integer({ min: 1, max: 200 }), fc.constantFrom('"', "'"), async (ranges, size, quote) => {
        const tags = ranges.map((one, n) => `<hyperlink r:id=${quote}rId${n}${quote} ref=${quote}${refOf(one, "")}${quote} location="é&amp;${n}"/>`).join("");
        const linkAt = await readLinks(pieces(part(tags), size), {}, new Map(ranges.map((_, n) => [`rId${n}`, `https://${n}.example/`])));
        const wrong: string[] = [];
        for (let row = 1; row <= 95; row++)
          for (let column = 1; column <= 50; column++) {
            const within = ranges.flatMap((one, n) => (row >= one.firstRow && row <= one.lastRow && column >= one.firstColumn && column <= one.lastColumn ? [`https://${n}.example/#é&${n}`] : []));
            const found = linkAt(row, column);
            // Of several, any is right.
            if (found === undefined ? within.length > 0 : !within.includes(found)) wrong.push(`${row}, ${column}: ${found}`);
          }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }); // prettier-ignore
});
