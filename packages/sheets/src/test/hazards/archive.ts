// Hazards of the archive, and of files that are no archive at all. Each archive holds the same
// workbook.
import { cfb } from "../cfb-writer.ts";
import { entriesOf, rels } from "../workbook-writer.ts";
import { zip, type ZipEntry, type ZipOptions } from "../zip-writer.ts";
import type { Hazard, HazardGroup } from "./hazard.ts";

const entries = entriesOf({
  strings: "<si><t>text</t></si>",
  rows: '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>2</v></c></row>',
});
const sheets = [{ name: "Sheet1", cells: { A1: "text", B1: 2 } }];
const all = (change: Partial<ZipEntry>): ZipEntry[] => entries.map((entry) => ({ ...entry, ...change }));

function archive(name: string, of: readonly ZipEntry[] = entries, options: ZipOptions = {}, seen?: string): Hazard {
  return { name, file: () => zip(of, options), sheets, ...(seen === undefined ? {} : { seen }) };
}

const refused = (name: string, code: Hazard["refused"], bytes: string | Uint8Array, seen?: string): Hazard => ({
  name,
  file: () => (typeof bytes === "string" ? Buffer.from(bytes) : bytes),
  refused: code!,
  ...(seen === undefined ? {} : { seen }),
});

export const archives: HazardGroup = {
  title: "Archives",
  hazards: [
    archive("zip64 fields in the directory are followed", all({ zip64: true }), {}, "SheetJS #2766"),
    archive("zip64 records at the end are followed", entries, { zip64: true }, "EPPlus #1388"),
    archive("sizes may stand after the data (data descriptors)", all({ descriptor: true }), {}, "unzip-stream #50"),
    archive("stored entries are read", all({ stored: true }), {}, "SheetJS #2766"),
    archive(
      "stored entries with data descriptors are read",
      all({ stored: true, descriptor: true }),
      {},
      "unzip-stream #50",
    ),
    archive("a comment at the end is passed over", entries, { comment: "a comment" }),
    archive("a comment may hold the signature of the directory's end", entries, {
      comment: "PK\u0005\u0006 and more than twenty-two bytes",
    }),
    {
      name: "junk in front of the archive is passed over",
      file: () => Buffer.concat([Buffer.from("PK junk ".repeat(100)), zip(entries)]),
      sheets,
    },
    {
      name: "junk after the archive is passed over",
      file: () => Buffer.concat([zip(entries), Buffer.alloc(3000)]),
      sheets,
    },
    archive(
      "names may be written with backslashes",
      entries.map((entry) => ({ ...entry, name: entry.name.replaceAll("/", "\\") })),
    ),
    archive(
      "names are found in another case",
      entries.map((entry) => ({ ...entry, name: entry.name.toUpperCase() })),
    ),
    archive("of names that differ in case only, the very one is read", [
      { name: "xl/worksheets/SHEET1.xml", data: "<worksheet/>" },
      ...entries,
    ]),
    archive("of two entries of one name the later counts, as Office has it", [
      { name: "xl/worksheets/sheet1.xml", data: "<worksheet/>" },
      ...entries,
    ]),
    archive("entries may lie in any order", entries.toReversed()),
    archive("directories as entries are of no account", [
      { name: "xl/", data: "", stored: true },
      { name: "xl/worksheets/", data: "", stored: true },
      ...entries,
    ]),
    archive("names that lead out of the archive are names like any other", [
      { name: "../../etc/passwd", data: "x" },
      { name: "/absolute", data: "x" },
      ...entries,
    ]),
    archive("other parts may be damaged: what is not needed is not read", [
      ...entries,
      { name: "xl/media/image1.png", data: "x", raw: Buffer.from("ffffffff", "hex") },
    ]),
    refused(
      "an encrypted workbook is an OLE container, and is refused",
      "encrypted",
      cfb(["EncryptionInfo", "EncryptedPackage"]),
      "excelize #199",
    ),
    refused("an entry with a zip password is refused", "encrypted", zip(all({ flags: 1 }))),
    {
      name: "a web page with the extension of a workbook is read as its table, all of it text",
      seen: "xlrd #350",
      choice: true,
      file: () => Buffer.from("<html><table><tr><td>1</td><td>085232</td></tr></table></html>"),
      sheets: [{ name: "Sheet1", cells: { A1: "1", B1: "085232" } }],
    },
    {
      name: "an XML spreadsheet of Excel 2003 is read",
      seen: "xlrd #351",
      choice: true,
      file: () =>
        Buffer.from(
          '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Data"><Table><Row><Cell><Data ss:Type="Number">1.5</Data></Cell><Cell><Data ss:Type="String">085232</Data></Cell></Row></Table></Worksheet></Workbook>',
        ),
      sheets: [{ name: "Data", cells: { A1: 1.5, B1: "085232" } }],
    },
    refused(
      "a saved web page (MIME) is refused",
      "not_a_workbook",
      "MIME-Version: 1.0\nContent-Type: multipart/related\n",
      "xlrd #350",
    ),
    refused(
      "a part with a DOCTYPE is refused",
      "doctype",
      zip(
        entries.map((entry) =>
          entry.name.includes("sheet1")
            ? { ...entry, data: String(entry.data).replace(/\?>/, '?><!DOCTYPE worksheet [<!ENTITY a "b">]>') }
            : entry,
        ),
      ),
    ),
    refused(
      "a Word document with the extension of a workbook is refused",
      "no_workbook",
      zip([
        { name: "_rels/.rels", data: rels([["rId1", "officeDocument", "word/document.xml"]]) },
        { name: "word/document.xml", data: "<document/>" },
      ]),
    ),
    refused("an archive that is cut off is refused", "truncated", zip(entries).subarray(0, 700)),
    refused(
      "a part with a wrong checksum is refused",
      "crc_mismatch",
      zip(entries.map((entry) => (entry.name.includes("sheet1") ? { ...entry, crc: 1 } : entry))),
    ),
  ],
};
