// Every limit with a file that needs exactly what is allowed, and with one that needs one more. The
// tables have a line for each limit: the compiler refuses a new one that is missing.
import { Buffer } from "node:buffer";
import { deflateRawSync, gzipSync } from "node:zlib";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { SheetError } from "./errors.ts";
import { defaultLimits, fixed, inflatedMax, resolveLimits, textMax, tokenMax, type Limits } from "./limits.ts";
import { checkedContents, Unsound } from "./library/protocol.ts";
import { DEPTH_MAX } from "./package/xml.ts";
import { Archive } from "./package/zip.ts";
import { openSource } from "./source.ts";
import { spool } from "./spool.ts";
import { entriesOf, source, styleSheet, workbook, xf, type WorkbookParts } from "./test/workbook-writer.ts";
import { zip } from "./test/zip-writer.ts";
import { open } from "./workbook.ts";
import { Pages, PAGE_SHIFT } from "./xlsx/pages.ts";

const MiB = 2 ** 20;

/** How many cells of the first sheet are read, or the code of the refusal. */
async function read(bytes: Uint8Array, limits: Partial<Limits> = {}): Promise<number | string> {
  try {
    await using book = await open(source(bytes), { limits });
    let cells = 0;
    for await (const row of book.sheet().rows()) cells += [...row.cells()].length;
    return cells;
  } catch (error) {
    if (error instanceof SheetError) return error.code;
    throw error;
  }
}

/** A file, and the limit that is just enough for it. */
interface Exact {
  readonly what: string;
  readonly file: () => Uint8Array;
  readonly needs: number;
  /** What reading with one less ends in; `limit` if it is not said. */
  readonly ends?: string;
}

/** Limits of time and memory have no exact end: why, and which test reaches them. */
interface Measured {
  readonly measured: string;
}

const CELL: WorkbookParts = { rows: '<row r="1"><c r="A1"><v>1</v></c></row>' };
const book = workbook(CELL);
const parts = entriesOf(CELL);
/** The content types are looked at only if nothing else says what a part is. */
const readParts = parts.filter(({ name }) => name !== "[Content_Types].xml");
const size = (data: string | Uint8Array): number => Buffer.byteLength(data);
const text = Buffer.from("a,b\nc,d\n");
const ods = (table: string): Uint8Array =>
  zip([
    { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true },
    {
      name: "content.xml",
      data: `<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="T">${table}</table:table></office:spreadsheet></office:body></office:document-content>`,
    },
  ]);
const odsCell = (inner: string, attributes = ""): string =>
  `<table:table-cell office:value-type="string"${attributes}><text:p>${inner}</text:p></table:table-cell>`;
const html = (rows: string): Uint8Array => Buffer.from(`<html><body><table>${rows}</table></body></html>`);
const inline = (content: string): Uint8Array =>
  workbook({ rows: `<row r="1"><c r="A1" t="inlineStr"><is><t>${content}</t></is></c></row>` });
const shared = (item: string): Uint8Array =>
  workbook({ rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings: `<si>${item}</si>` });
const formula = (content: string): Uint8Array =>
  workbook({ rows: `<row r="1"><c r="A1" t="str"><f>A2</f><v>${content}</v></c></row>` });

const LIMITS: Readonly<Record<keyof Limits, readonly Exact[] | Measured>> = {
  fileBytes: [
    { what: "a workbook", file: () => book, needs: book.length },
    { what: "a text", file: () => text, needs: text.length },
    { what: "a text in gzip", file: () => gzipSync(text), needs: gzipSync(text).length },
  ],
  entries: [
    { what: "an archive", file: () => book, needs: parts.length },
    {
      what: "an archive with entries that nobody reads",
      file: () =>
        workbook({
          ...CELL,
          entries: [
            { name: "a", data: "" },
            { name: "b/", data: "" },
          ],
        }),
      needs: parts.length + 2,
    },
  ],
  partBytes: [
    {
      what: "a workbook's largest part",
      file: () => book,
      needs: Math.max(...readParts.map(({ data }) => size(data))),
    },
    { what: "a text in gzip", file: () => gzipSync(text), needs: text.length },
  ],
  totalBytes: [
    {
      what: "all parts of a workbook",
      file: () => book,
      needs: readParts.reduce((sum, { data }) => sum + size(data), 0),
    },
    { what: "a text in gzip", file: () => gzipSync(text), needs: text.length },
  ],
  inflation: { measured: "it is a quotient: the test of inflatedMax() and the one below it have its borders" },
  sharedStringBytesInMemory: {
    measured: "past it strings move to a file, and no reading ends: the test of pages below",
  },
  cellBytes: [
    { what: "an inline string", file: () => inline("abcd"), needs: 4 },
    { what: "a text of three bytes a character", file: () => inline("€€"), needs: 6 },
    { what: "an inline string with an escape", file: () => inline("a&amp;bc"), needs: 4 },
    { what: "a shared string", file: () => shared("<t>abcd</t>"), needs: 4 },
    { what: "a shared string with an escape", file: () => shared("<t>a&lt;bc</t>"), needs: 4 },
    { what: "a shared string in runs", file: () => shared("<r><t>ab</t></r><r><t>cd</t></r>"), needs: 4 },
    { what: "a formula's text", file: () => formula("abcd"), needs: 4 },
    { what: "a field", file: () => Buffer.from("abcd,e\n"), needs: 4 },
    { what: "a text's last field", file: () => Buffer.from("e,abcd"), needs: 4 },
    { what: "a field in quotes", file: () => Buffer.from('"abcd",e\n'), needs: 4 },
    { what: "a field with quotes in it", file: () => Buffer.from('"ab""c",e\n'), needs: 4 },
    { what: "a field of other bytes than UTF-8", file: () => Buffer.from("\uFEFFa€€,e\n", "utf16le"), needs: 7 },
    {
      what: "a cell of OpenDocument",
      file: () => ods(`<table:table-row>${odsCell("abcd")}</table:table-row>`),
      needs: 4,
    },
    { what: "a cell of a library's file", file: () => html("<tr><td>abcd</td><td>e</td></tr>"), needs: 4 },
  ],
  rows: [
    {
      what: "the number of a row",
      file: () => workbook({ rows: '<row r="7"><c r="A7"><v>1</v></c></row>' }),
      needs: 7,
      ends: "row_out_of_range",
    },
    {
      what: "rows without a number",
      file: () => workbook({ rows: "<row><c><v>1</v></c></row>".repeat(3) }),
      needs: 3,
      ends: "row_out_of_range",
    },
    { what: "lines", file: () => Buffer.from("a\nb\nc\n"), needs: 3, ends: "row_out_of_range" },
    { what: "lines within quotes", file: () => Buffer.from('"a\n\n"\nb\n'), needs: 4, ends: "row_out_of_range" },
    {
      what: "rows of OpenDocument",
      file: () => ods(`<table:table-row>${odsCell("a")}</table:table-row>`.repeat(3)),
      needs: 3,
      ends: "row_out_of_range",
    },
    {
      what: "rows that are repeated",
      file: () => ods(`<table:table-row table:number-rows-repeated="5">${odsCell("a")}</table:table-row>`),
      needs: 5,
      ends: "row_out_of_range",
    },
  ],
  columns: [
    {
      what: "a reference",
      file: () => workbook({ rows: '<row r="1"><c r="AB1"><v>1</v></c></row>' }),
      needs: 28,
      ends: "column_out_of_range",
    },
    {
      what: "cells without a reference",
      file: () => workbook({ rows: `<row r="1">${"<c><v>1</v></c>".repeat(3)}</row>` }),
      needs: 3,
      ends: "column_out_of_range",
    },
    { what: "fields", file: () => Buffer.from("a,b,c\n"), needs: 3, ends: "column_out_of_range" },
    { what: "an empty last field", file: () => Buffer.from("a,b,\n"), needs: 3, ends: "column_out_of_range" },
    {
      what: "cells of OpenDocument",
      file: () => ods(`<table:table-row>${odsCell("a").repeat(3)}</table:table-row>`),
      needs: 3,
      ends: "column_out_of_range",
    },
    {
      what: "cells that are repeated",
      file: () => ods(`<table:table-row>${odsCell("a", ' table:number-columns-repeated="5"')}</table:table-row>`),
      needs: 5,
      ends: "column_out_of_range",
    },
  ],
  libraryFileBytes: [
    { what: "a file of HTML", file: () => html("<tr><td>1</td></tr>"), needs: html("<tr><td>1</td></tr>").length },
  ],
  libraryInflatedBytes: { measured: "library/book.test.ts: what the parts of an .xlsb inflate to" },
  libraryMemoryBytes: { measured: "library/book.test.ts: memory is looked at every so often" },
  libraryMilliseconds: { measured: "library/book.test.ts: processor time" },
  libraryMillisecondsPerMiB: { measured: "library/book.test.ts: processor time" },
};

const exact = Object.entries(LIMITS).flatMap(([limit, cases]) =>
  "measured" in cases ? [] : cases.map((one) => ({ limit, ...one })),
);

test.each(exact)("$limit: $what is read with what it needs, and refused with one less", async (one) => {
  const bytes = one.file();
  expect(await read(bytes, { [one.limit]: one.needs })).toBeGreaterThan(0);
  expect(await read(bytes, { [one.limit]: one.needs - 1 })).toBe(one.ends ?? "limit");
});

test("fileBytes counts a stream as it counts a file", async () => {
  const spooled = async (fileBytes: number): Promise<string> => {
    const { path, [Symbol.asyncDispose]: remove } = await spool(Readable.from([text]), "stdin", {
      limits: { fileBytes },
    });
    await remove();
    return path;
  };
  expect(await spooled(text.length)).not.toBe("");
  await expect(spooled(text.length - 1)).rejects.toMatchObject({ code: "limit" });
});

test("entries: as many sheets of a library's file, and not one more", () => {
  const contents = (sheets: number): unknown => ({
    sheets: Array.from({ length: sheets }, (_, n) => ({ name: `S${n}`, state: "visible" })),
    date1904: false,
  });
  const limits = resolveLimits({ entries: 2 });
  expect(checkedContents(contents(2), limits).sheets).toHaveLength(2);
  expect(() => checkedContents(contents(3), limits)).toThrow(Unsound);
});

test("inflation: 64 MiB are always allowed, and from there on so many times what is compressed", async () => {
  const limits = resolveLimits({ inflation: 2 });
  expect([inflatedMax(limits, 0), inflatedMax(limits, 32 * MiB), inflatedMax(limits, 32 * MiB + 1)]).toEqual([
    64 * MiB,
    64 * MiB,
    64 * MiB + 2,
  ]);
  const data = Buffer.alloc(65 * MiB);
  const packed = deflateRawSync(data);
  const bytes = zip([{ name: "a", data, raw: packed }]);
  const inflate = async (inflation: number): Promise<number> => {
    const archive = await Archive.open(await openSource(source(bytes)), resolveLimits({ inflation }));
    let length = 0;
    for await (const piece of archive.read(archive.find("a")!)) length += piece.length;
    return length;
  };
  expect(await inflate(data.length / packed.length)).toBe(data.length);
  await expect(inflate((data.length - 1) / packed.length)).rejects.toMatchObject({ code: "limit" });
});

test("sharedStringBytesInMemory: so many bytes of pages stay, and one page more moves to the file", () => {
  const page = 4 << PAGE_SHIFT;
  for (const [budget, stay] of [
    [5 * page, 5],
    [5 * page - 1, 4],
  ] as const) {
    const pages = new Pages(budget);
    for (let n = 0; n < 6; n++) pages.add(1);
    expect(pages.inMemory.filter((one) => one !== undefined)).toHaveLength(stay);
    pages.close();
  }
});

test("what follows from the limits", () => {
  expect([tokenMax({ ...defaultLimits, cellBytes: 1 }), tokenMax(defaultLimits)]).toEqual([
    fixed.tokenBytes,
    16 * MiB + 65_536,
  ]);
  const limits = resolveLimits({ inflation: 100 });
  expect([textMax(limits, MiB), textMax(limits, 2 * MiB)]).toEqual([512 * MiB, 1000 * MiB]);
});

test("a limit is a number above 0; rows and columns never go past the format", () => {
  for (const bad of [0, -1, Number.NaN, "5"])
    expect(() => resolveLimits({ cellBytes: bad as number })).toThrow(SheetError);
  expect(() => resolveLimits({ other: 1 } as Partial<Limits>)).toThrow(/no limit called "other"/);
  for (const name of Object.keys(defaultLimits) as (keyof Limits)[]) {
    expect(resolveLimits({ [name]: 1 })[name]).toBe(1);
    expect(resolveLimits({ [name]: undefined })[name]).toBe(defaultLimits[name]);
    const capped = name === "rows" || name === "columns";
    expect(resolveLimits({ [name]: defaultLimits[name] + 1 })[name]).toBe(defaultLimits[name] + (capped ? 0 : 1));
  }
});

/**
 * Caps that are no option: a file at the cap and one past it. Tokens and rows are looked at a
 * window at a time, so they end later.
 */
const CAPS: Readonly<
  Record<keyof typeof fixed | "DEPTH_MAX", readonly [at: () => Uint8Array, past: () => Uint8Array, ends?: string]>
> = {
  directoryBytes: [() => directory(fixed.directoryBytes), () => directory(fixed.directoryBytes + 1), "bad_archive"],
  smallPartBytes: [() => smallPart(fixed.smallPartBytes), () => smallPart(fixed.smallPartBytes + 1)],
  smallPartElements: [() => elements(fixed.smallPartElements), () => elements(fixed.smallPartElements + 1)],
  tokenBytes: [() => comment(fixed.tokenBytes), () => comment(2 * fixed.tokenBytes)],
  styles: [() => styled(fixed.styles, 0), () => styled(fixed.styles + 1, 0)],
  formats: [() => styled(1, fixed.formats), () => styled(1, fixed.formats + 1)],
  rowBytes: [() => wideRow(fixed.rowBytes - 1), () => wideRow(2 * fixed.rowBytes)],
  DEPTH_MAX: [() => nested(DEPTH_MAX), () => nested(DEPTH_MAX + 1), "bad_xml"],
};

test.each(Object.entries(CAPS))(
  "%s: a file at the cap is read, and one past it refused",
  async (_, [at, past, ends = "limit"]) => {
    expect(await read(at())).toBe(1);
    expect(await read(past())).toBe(ends);
  },
);

/** A workbook whose archive has a directory of so many bytes. */
function directory(bytes: number): Uint8Array {
  const own = parts.reduce((sum, { name }) => sum + 46 + name.length, 0);
  const names: string[] = [];
  for (let left = bytes - own; left > 0;) {
    // No name is longer than 65,535, and no entry shorter than 46 with a name of some letters.
    const entry = left > 131_000 ? 65_000 : left > 65_000 ? left - 65_000 : left;
    names.push(`${names.length}`.padEnd(entry - 46, "x"));
    left -= entry;
  }
  return workbook({ ...CELL, entries: names.map((name) => ({ name, data: "", stored: true })) });
}

const withStyles = (xml: string): Uint8Array =>
  workbook({ ...CELL, formats: [], entries: [{ name: "xl/styles.xml", data: xml, stored: true }] });

function smallPart(bytes: number): Uint8Array {
  const head = styleSheet(xf(0));
  const block = `<!--${" ".repeat(MiB - 7)}-->`;
  const whole = Math.floor((bytes - head.length) / MiB);
  return withStyles(head + block.repeat(whole) + "\n".repeat(bytes - head.length - whole * MiB));
}

function elements(count: number): Uint8Array {
  const head = styleSheet(xf(0), "", "<!---->");
  const own = [...head.matchAll(/<[a-z]/gi)].length;
  return withStyles(head.replace("<!---->", "<a/>".repeat(count - own)));
}

function comment(bytes: number): Uint8Array {
  return withStyles(styleSheet(xf(0), "", `<!--${" ".repeat(bytes - 7)}-->`));
}

function styled(count: number, formats: number): Uint8Array {
  const codes = Array.from({ length: formats }, (_, n) => `<numFmt numFmtId="${n + 200}" formatCode="0"/>`).join("");
  return withStyles(styleSheet('<xf numFmtId="0"/>'.repeat(count), formats > 0 ? `<numFmts>${codes}</numFmts>` : ""));
}

function wideRow(bytes: number): Uint8Array {
  const head = '<row r="1"><c r="A1"><v>1</v></c>';
  const block = `<!--${" ".repeat(MiB - 7)}-->`;
  const left = bytes - head.length - "</row>".length;
  return workbook({ rows: `${head}${block.repeat(Math.floor(left / MiB))}${" ".repeat(left % MiB)}</row>` });
}

function nested(depth: number): Uint8Array {
  // worksheet, and what lies in it.
  const inner = "<a>".repeat(depth - 1) + "</a>".repeat(depth - 1);
  const rows = entriesOf(CELL).map((entry) =>
    entry.name.includes("sheet1")
      ? { ...entry, data: String(entry.data).replace("<sheetData>", `${inner}<sheetData>`) }
      : entry,
  );
  return zip(rows);
}

test("every limit has its lines in the table, or says why it cannot have", () => {
  expect(Object.keys(LIMITS).toSorted()).toEqual(Object.keys(defaultLimits).toSorted());
  expect(Object.keys(CAPS).toSorted()).toEqual([...Object.keys(fixed), "DEPTH_MAX"].toSorted());
});
