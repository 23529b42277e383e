// Files that were made to do harm, each written by a few lines: no more than some megabytes,
// whatever they inflate to. Each must end in a clear error, or be read rightly, in little time and
// memory. hostile.test.ts holds them to it, one process each; bench/hostile.ts prints what they
// cost.
import { constants, crc32, deflateRawSync } from "node:zlib";
import type { SheetErrorCode } from "../../errors.ts";
import { entriesOf, mainNamespace, rels, workbook, worksheet, type WorkbookParts } from "../workbook-writer.ts";
import { zip, type ZipEntry } from "../zip-writer.ts";

export interface Hostile {
  readonly name: string;
  readonly file: () => Uint8Array;
  /** The error's code, or how many cells are read, all sheets together. */
  readonly ends: SheetErrorCode | number;
}

const MiB = 2 ** 20;
const sheetName = "xl/worksheets/sheet1.xml";
const stringsName = "xl/sharedStrings.xml";
const open = `<worksheet xmlns="${mainNamespace}"><sheetData>`;
const close = "</sheetData></worksheet>";
const cell = '<row r="1"><c r="A1"><v>1</v></c></row>';

/**
 * An entry of `head`, so many MiB of `unit` again and again, and `tail`; `noise` bytes that do not
 * compress stand in each MiB, as a comment.
 */
function bomb(name: string, head: string, unit: string, mebibytes: number, tail: string, noise = 0): ZipEntry {
  const comment = noise > 0 ? `<!--${random(noise)}-->` : "";
  const block = Buffer.from(comment + unit.repeat(Math.floor((MiB - comment.length) / unit.length)));
  const flush = { finishFlush: constants.Z_FULL_FLUSH };
  const packed = deflateRawSync(block, flush);
  let crc = crc32(head);
  for (let i = 0; i < mebibytes; i++) crc = mebibytes > 600 ? 0 : crc32(block, crc);
  return {
    name,
    data: "",
    raw: Buffer.concat([deflateRawSync(head, flush), ...Array<Buffer>(mebibytes).fill(packed), deflateRawSync(tail)]),
    crc: crc32(tail, crc),
    // What does not fit in 32 bits is a lie.
    size: Math.min(head.length + block.length * mebibytes + tail.length, 0xfffffffe),
  };
}

/** Bytes of base64 that always are the same. */
function random(count: number): string {
  const bytes = Buffer.alloc(Math.ceil(count * 0.75));
  let state = 1;
  for (let i = 0; i < bytes.length; i++) bytes[i] = (state = (state * 48_271) % 2_147_483_647) >> 16;
  return bytes.toString("base64").slice(0, count);
}

const withEntry = (entry: ZipEntry, parts: WorkbookParts = {}): Buffer => workbook({ ...parts, entries: [entry] });
const sheetBomb = (unit: string, mebibytes: number, head = open, tail = close): Buffer =>
  withEntry(bomb(sheetName, head, unit, mebibytes, tail));
const stringsBomb = (unit: string, mebibytes: number, index: number, noise = 0): Buffer =>
  withEntry(bomb(stringsName, "<sst>", unit, mebibytes, "</sst>", noise), {
    strings: "",
    rows: `<row r="1"><c r="A1" t="s"><v>${index}</v></c></row>`,
  });
const one = (name: string, rows: string, ends: Hostile["ends"], parts: WorkbookParts = {}): Hostile => ({
  name,
  file: () => workbook({ ...parts, rows }),
  ends,
});
/**
 * Bytes of an honest workbook, changed at places that are counted from the end-of-directory record.
 */
const patched = (patch: (bytes: Buffer, end: number) => void, zip64 = false): Buffer => {
  const bytes = zip(
    entriesOf({ rows: cell }).map((entry) => ({ ...entry, zip64 })),
    { zip64 },
  );
  patch(bytes, bytes.lastIndexOf("PK\u0005\u0006", undefined, "latin1"));
  return bytes;
};
const laughs =
  '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>';

const archives: Hostile[] = [
  { name: "a sheet of 4 GiB of spaces", file: () => sheetBomb(" ", 4096), ends: "limit" },
  { name: "a sheet of 4 GiB of the same empty row", file: () => sheetBomb('<row r="1"/>', 4096), ends: "limit" },
  {
    name: "a sheet of 4 GiB behind its rows",
    file: () => sheetBomb(" ", 4096, open + cell + close, ""),
    ends: "limit",
  },
  {
    name: "a workbook part of 4 GiB",
    file: () => withEntry(bomb("xl/workbook.xml", "<workbook>", " ", 4096, "</workbook>")),
    ends: "limit",
  },
  {
    name: "a styles part of 4 GiB",
    file: () =>
      withEntry(bomb("xl/styles.xml", "<styleSheet>", "<a/>", 4096, "</styleSheet>"), { rows: cell, formats: [] }),
    ends: "limit",
  },
  {
    name: "a workbook part of 160 MiB that compresses no better than an honest one",
    file: () => withEntry(bomb("xl/workbook.xml", "<workbook>", "<definedName/>", 160, "</workbook>", 20_000)),
    ends: "limit",
  },
  {
    name: "1,000 sheets whose entries lie over each other, 40 MiB each",
    file: () => {
      const sheets = Array.from({ length: 1000 }, () => ({ rows: "" }));
      const [first, ...rest] = entriesOf({ sheets }).filter(({ name }) => name.includes("sheets/"));
      const shared = bomb(first!.name, open, " ", 40, close);
      const others = entriesOf({ sheets }).filter(({ name }) => !name.includes("sheets/"));
      return overlapping(
        [...others, shared],
        rest.map(({ name }) => name),
      );
    },
    ends: "limit",
  },
  {
    name: "sizes that are a lie: 10 bytes are announced, 4 GiB come",
    file: () => withEntry({ ...bomb(sheetName, open, " ", 4096, close), size: 10 }),
    ends: "limit",
  },
  {
    name: "sizes that are a lie: 4 GB are announced, one cell comes",
    file: () => workbook({ entries: [{ name: sheetName, data: worksheet(cell), size: 0xfffffffe }] }),
    ends: 1,
  },
  {
    name: "an archive in an archive",
    file: () => workbook({ entries: [{ name: sheetName, data: zip([{ name: "x", data: "x", stored: true }]) }] }),
    ends: "bad_encoding",
  },
  {
    name: "70,000 entries",
    file: () =>
      zip(
        [
          ...entriesOf({ rows: cell }),
          ...Array.from({ length: 70_000 }, (_, i) => ({ name: `${i}`, data: "", stored: true })),
        ],
        { zip64: true },
      ),
    ends: "limit",
  },
  {
    name: "300 entries with names of 65,535 bytes",
    file: () =>
      zip([
        ...entriesOf({ rows: cell }),
        ...Array.from({ length: 300 }, (_, i) => ({ name: `${i}`.padEnd(65_535, "x"), data: "", stored: true })),
      ]),
    ends: "bad_archive",
  },
  {
    name: "a comment of 65,535 bytes that is all signatures",
    file: () => zip(entriesOf({ rows: cell }), { comment: "PK\u0005\u0006".repeat(16_383) }),
    ends: 1,
  },
  {
    name: "a directory that claims 2³² − 2 bytes",
    file: () => patched((bytes, end) => bytes.writeUInt32LE(0xfffffffe, end + 12)),
    ends: "bad_archive",
  },
  {
    name: "a zip64 directory that claims 2⁶³ bytes",
    file: () => patched((bytes, end) => bytes.writeBigUInt64LE(2n ** 63n, end - 76 + 40), true),
    ends: "bad_archive",
  },
  {
    name: "a zip64 directory that lies at 2⁶³",
    file: () => patched((bytes, end) => bytes.writeBigUInt64LE(2n ** 63n, end - 76 + 48), true),
    ends: "bad_archive",
  },
  {
    name: "a zip64 record that lies at 2⁶³",
    file: () => patched((bytes, end) => bytes.writeBigUInt64LE(2n ** 63n, end - 20 + 8), true),
    ends: 1,
  },
  {
    name: "zip64 sizes of 2⁶³ in the directory",
    file: () => {
      const bytes = zip(entriesOf({ rows: cell }).map((entry) => ({ ...entry, zip64: true })));
      for (let at = bytes.indexOf("PK\u0001\u0002"); at >= 0; at = bytes.indexOf("PK\u0001\u0002", at + 1, "latin1"))
        bytes.writeBigUInt64LE(2n ** 63n, at + 46 + bytes.readUInt16LE(at + 28) + 12);
      return bytes;
    },
    ends: "bad_archive",
  },
  {
    name: "names that lead out of the archive",
    file: () =>
      zip([...entriesOf({ rows: cell }), { name: "../../../etc/passwd", data: "x" }, { name: "C:\\x", data: "x" }]),
    ends: 1,
  },
];

const xml: Hostile[] = [
  ...["xl/workbook.xml", "xl/_rels/workbook.xml.rels", sheetName, stringsName].map((name) => ({
    name: `entities that define each other, in ${name}`,
    file: () =>
      workbook({
        rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
        strings: "",
        entries: [{ name, data: `${laughs}<x>&c;</x>` }],
      }),
    ends: "doctype" as const,
  })),
  {
    name: "an external entity",
    file: () =>
      withEntry({
        name: sheetName,
        data: '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>',
      }),
    ends: "doctype",
  },
  one("an entity that is not defined", '<row r="1"><c r="A1" t="str"><v>&a;</v></c></row>', "bad_xml"),
  { name: "a tag that never ends", file: () => sheetBomb("a", 60, `${open}<row r="1"><c `, ""), ends: "limit" },
  {
    name: "an attribute of 100 MiB in a row",
    file: () => sheetBomb(random(1000), 100, `${open}<row r="1" a="`),
    ends: "limit",
  },
  {
    name: "an attribute of 100 MiB in a cell",
    file: () => sheetBomb(random(1000), 100, `${open}<row r="1"><c a="`),
    ends: "limit",
  },
  { name: "a comment of 100 MiB", file: () => sheetBomb(random(1000), 100, `${open}<!--`), ends: "limit" },
  one("a million attributes in one tag", `<row r="1"><c ${'a="" '.repeat(MiB)} r="A1"><v>1</v></c></row>`, 1),
  {
    name: "an attribute of 100 MiB in the workbook part",
    file: () => withEntry(bomb("xl/workbook.xml", `<workbook a="`, random(1000), 100, `"/>`)),
    ends: "limit",
  },
  ...(
    [
      ["between rows", "<a>".repeat(MiB)],
      ["in a row", `<row r="1">${"<a>".repeat(MiB)}`],
      ["in a cell", `<row r="1"><c r="A1">${"<a>".repeat(MiB)}`],
      ["in a text", `<row r="1"><c r="A1" t="inlineStr"><is>${"<r>".repeat(MiB)}`],
    ] as const
  ).map(([where, rows]) => one(`a million elements in each other, ${where}`, rows, "bad_xml")),
  {
    name: "a million elements in each other, in front of the rows",
    file: () => withEntry({ name: sheetName, data: "<a>".repeat(MiB) }),
    ends: "bad_xml",
  },
  {
    name: "a million elements in each other, in the workbook part",
    file: () => withEntry({ name: "xl/workbook.xml", data: "<a>".repeat(MiB) }),
    ends: "bad_xml",
  },
  {
    name: "a million elements in each other, in the shared strings",
    file: () =>
      workbook({ rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings: `<sst><si>${"<r>".repeat(MiB)}` }),
    ends: "bad_xml",
  },
];

const repeated = (rows: number, columns: number): string =>
  Array.from({ length: rows }, () => `<row>${'<c t="s"><v>0</v></c>'.repeat(columns)}</row>`).join("");
const text = "x".repeat(32_767);
const cells: Hostile[] = [
  one("a cell XFE1048577", '<row r="1048577"><c r="XFE1048577"><v>1</v></c></row>', "row_out_of_range"),
  one("a column beyond the last", '<row r="1"><c r="XFE1"><v>1</v></c></row>', "column_out_of_range"),
  one("a column of ten letters", '<row r="1"><c r="ZZZZZZZZZZ1"><v>1</v></c></row>', "column_out_of_range"),
  one("a row of 2³¹", '<row r="2147483648"><c><v>1</v></c></row>', "row_out_of_range"),
  one("a row of 10³⁰", `<row r="1${"0".repeat(30)}"><c><v>1</v></c></row>`, "bad_reference"),
  one("a jump from the first row to the last", `${cell}<row r="1048576"><c><v>1</v></c></row>`, 2),
  one(
    "200,000 rows that go backwards",
    Array.from({ length: 200_000 }, (_, i) => `<row r="${200_000 - i}"><c><v>1</v></c></row>`).join(""),
    200_000,
  ),
  one("a row of a billion columns, by its spans", '<row r="1" spans="1:1000000000"><c r="A1"><v>1</v></c></row>', 1),
  { name: "rows without end", file: () => sheetBomb("<row><c><v>1</v></c></row>", 60), ends: "row_out_of_range" },
  {
    name: "cells without end",
    file: () => sheetBomb("<c><v>1</v></c>", 60, `${open}<row r="1">`),
    ends: "column_out_of_range",
  },
  {
    name: "three million cells in one place",
    file: () => sheetBomb('<c r="A1"><v>1</v></c>', 60, `${open}<row r="1">`, `</row>${close}`),
    ends: "column_out_of_range",
  },
  {
    name: "three million warnings in one row",
    file: () => sheetBomb('<c r="A1"><f/></c>', 60, `${open}<row r="1">`, `</row>${close}`),
    ends: "column_out_of_range",
  },
  {
    name: "a text of 100 MiB",
    file: () => sheetBomb(random(1000), 100, `${open}<row r="1"><c r="A1" t="inlineStr"><is><t>`),
    ends: "limit",
  },
  one("a number of 3 MB", `<row r="1"><c r="A1"><v>${"1".repeat(3 * MiB)}</v></c></row>`, 1),
  one("a style of 10³⁰⁰", `<row r="1"><c r="A1" s="1${"0".repeat(300)}"><v>1</v></c></row>`, 1),
  {
    name: "a dimension of the whole sheet",
    file: () =>
      withEntry({
        name: sheetName,
        data: `<worksheet><dimension ref="A1:XFD1048576"/><sheetData>${cell}</sheetData></worksheet>`,
      }),
    ends: 1,
  },
];

const strings: Hostile[] = [
  one(
    "an index beyond the shared strings",
    '<row r="1"><c r="A1" t="s"><v>1</v></c></row>',
    "shared_string_out_of_range",
    { strings: "<si><t>a</t></si>" },
  ),
  one("an index of 10³⁰⁸", '<row r="1"><c r="A1" t="s"><v>1e308</v></c></row>', "shared_string_out_of_range", {
    strings: "<si><t>a</t></si>",
  }),
  one("a negative index", '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', "shared_string_out_of_range", {
    strings: "<si><t>a</t></si>",
  }),
  one("counts that lie", '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', 1, {
    strings: '<sst count="4294967295" uniqueCount="4294967295"><si><t>a</t></si></sst>',
  }),
  {
    name: "900 million empty shared strings, the first of them wanted",
    file: () => stringsBomb("<si/>", 4096, 0),
    ends: 0,
  },
  {
    name: "900 million empty shared strings, the last of them wanted",
    file: () => stringsBomb("<si/>", 4096, 800_000_000),
    ends: "limit",
  },
  {
    name: "12 million empty shared strings, with a last one",
    file: () => stringsBomb("<si/>", 60, 12_000_000),
    ends: 0,
  },
  {
    name: "40 million tiny shared strings that compress no better than honest ones",
    file: () => stringsBomb("<si><t/></si>", 500, 40_000_000, 8000),
    ends: 0,
  },
  {
    name: "a shared string of endless runs",
    file: () =>
      withEntry(bomb(stringsName, "<sst><si>", "<r/>", 60, "</si></sst>"), {
        strings: "",
        rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
      }),
    ends: "limit",
  },
];

const repeats: Hostile[] = [
  one("one row of 16,384 cells that repeat a text of 32,767 bytes", repeated(1, 16_384), "limit", {
    strings: `<si><t>${text}</t></si>`,
  }),
  one("1,000 rows of 300 cells that repeat a text of 32,767 bytes", repeated(1000, 300), "limit", {
    strings: `<si><t>${text}</t></si>`,
  }),
];

const tables: Hostile[] = [
  {
    name: "a million styles",
    file: () =>
      withEntry(bomb("xl/styles.xml", "<styleSheet><cellXfs>", '<xf numFmtId="14"/>', 15, "</cellXfs></styleSheet>"), {
        formats: [],
        rows: cell,
      }),
    ends: 1,
  },
  {
    name: "ten million styles",
    file: () =>
      withEntry(bomb("xl/styles.xml", "<styleSheet><cellXfs>", "<xf/>", 60, "</cellXfs></styleSheet>"), {
        formats: [],
        rows: cell,
      }),
    ends: "limit",
  },
  {
    name: "100,000 number formats",
    file: () => {
      const formats = Array.from({ length: 100_000 }, (_, i) => `<numFmt numFmtId="${i}" formatCode="0"/>`).join("");
      return workbook({
        rows: cell,
        formats: [],
        entries: [{ name: "xl/styles.xml", data: `<styleSheet><numFmts>${formats}</numFmts></styleSheet>` }],
      });
    },
    ends: "limit",
  },
  {
    name: "a million sheets, all of them one part",
    file: () =>
      withEntry(
        bomb(
          "xl/workbook.xml",
          `<workbook xmlns:r="r"><sheets>`,
          '<sheet name="a" r:id="rId1"/>',
          30,
          "</sheets></workbook>",
        ),
        { rows: cell },
      ),
    ends: "limit",
  },
  {
    name: "200,000 relationships",
    file: () =>
      workbook({
        rows: cell,
        entries: [
          {
            name: "xl/_rels/workbook.xml.rels",
            data: rels(Array.from({ length: 200_000 }, (_, i) => [`rId${i}`, "x", "y"])),
          },
        ],
      }),
    ends: "limit",
  },
  {
    name: "sheets that lead to the workbook, to the shared strings and to each other's relationships",
    file: () =>
      workbook({
        sheets: [{}, {}, {}],
        strings: "<si><t>a</t></si>",
        entries: [
          {
            name: "xl/_rels/workbook.xml.rels",
            data: rels([
              ["rId1", "worksheet", "workbook.xml"],
              ["rId2", "worksheet", "sharedStrings.xml"],
              ["rId3", "worksheet", "_rels/workbook.xml.rels"],
              ["rId4", "sharedStrings", "workbook.xml"],
            ]),
          },
        ],
      }),
    ends: 0,
  },
];

const large = `<row><c t="str"><v>${random(600)}</v></c></row>`;
const honest: Hostile[] = [
  {
    name: "a sheet of 520 MiB, more than fits in a string of JavaScript",
    file: () => withEntry(bomb(sheetName, open, large, 520, close, 20_000)),
    ends: 520 * Math.floor((MiB - 20_007) / large.length),
  },
];

export const hostileGroups: Readonly<Record<string, readonly Hostile[]>> = {
  "the archive": archives,
  "the XML": xml,
  "rows and cells": cells,
  "shared strings": strings,
  "shared strings that cells repeat": repeats,
  "what is only large": honest,
  "lists of the workbook": tables,
};

/** An archive in which further names lead to the data of the last entry. */
function overlapping(entries: readonly ZipEntry[], names: readonly string[]): Buffer {
  const bytes = zip(entries);
  const last = bytes.lastIndexOf("PK\u0001\u0002", undefined, "latin1");
  const end = bytes.lastIndexOf("PK\u0005\u0006", undefined, "latin1");
  const directory = bytes.readUInt32LE(end + 16);
  const records = names.map((name) => {
    const record = Buffer.from(bytes.subarray(last, last + 46));
    record.writeUInt16LE(name.length, 28);
    return Buffer.concat([record, Buffer.from(name)]);
  });
  const tail = Buffer.from(bytes.subarray(end));
  tail.writeUInt16LE(entries.length + names.length, 8);
  tail.writeUInt16LE(entries.length + names.length, 10);
  tail.writeUInt32LE(end - directory + records.reduce((sum, { length }) => sum + length, 0), 12);
  return Buffer.concat([bytes.subarray(0, end), ...records, tail]);
}
