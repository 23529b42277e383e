// Hazards of the parts: where they lie, how they are found, and how their XML is written.
import { contentTypes, entriesOf, mainNamespace, rels, workbook } from "../workbook-writer.ts";
import { zip, type ZipEntry } from "../zip-writer.ts";
import { at, type Hazard, type HazardGroup } from "./hazard.ts";

const entries = entriesOf({
  strings: "<si><t>text</t></si>",
  formats: ["yyyy-mm-dd"],
  rows: '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>43861</v></c><c r="C1" t="inlineStr"><is><t>é &amp; 中</t></is></c></row>',
});
const sheets = [{ name: "Sheet1", cells: { A1: "text", B1: at("2020-01-31"), C1: "é & 中" } }];

/** The same workbook with its entries changed: the cells are the same. */
const same = (name: string, change: (entry: ZipEntry) => ZipEntry, seen?: string): Hazard => ({
  name,
  file: () => zip(entries.map(change)),
  sheets,
  ...(seen === undefined ? {} : { seen }),
});
/** The XML of every part but those of the package changed. */
const xml = (name: string, change: (text: string) => string | Uint8Array, seen?: string): Hazard =>
  same(name, (entry) => (entry.name.startsWith("xl/") ? { ...entry, data: change(String(entry.data)) } : entry), seen);
const renamed = (
  name: string,
  names: Readonly<Record<string, string>>,
  targets: ZipEntry[],
  seen?: string,
): Hazard => ({
  name,
  file: () =>
    zip([
      ...entries
        .filter((entry) => !targets.some((target) => target.name === entry.name) && names[entry.name] !== "")
        .map((entry) => ({ ...entry, name: names[entry.name] ?? entry.name })),
      ...targets,
    ]),
  sheets,
  ...(seen === undefined ? {} : { seen }),
});
const links = (sheet: string, strings: string, styles: string): ZipEntry => ({
  name: "xl/_rels/workbook.xml.rels",
  data: rels([
    ["rId1", "worksheet", sheet],
    ["rId2", "sharedStrings", strings],
    ["rId3", "styles", styles],
  ]),
});
const types = (workbook: string, sheet: string, strings: string, styles: string): ZipEntry => ({
  name: "[Content_Types].xml",
  data: contentTypes({
    [workbook]: "sheet.main",
    [sheet]: "worksheet",
    [strings]: "sharedStrings",
    [styles]: "styles",
  }),
});
/** A prefix in front of every element, as programs based on the Open XML SDK write it. */
const prefixed = (text: string, prefix: string): string =>
  text.replace(/<(\/?)([A-Za-z])/g, `<$1${prefix}:$2`).replace(` xmlns="`, ` xmlns:${prefix}="`);
const utf16 = (text: string, big: boolean): Buffer => {
  const bytes = Buffer.from(`\ufeff${text.replace('encoding="UTF-8"', 'encoding="UTF-16"')}`, "utf16le");
  return big ? bytes.swap16() : bytes;
};
const strict = (text: string): string =>
  text
    .replaceAll("http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument")
    .replaceAll(mainNamespace, "http://purl.oclc.org/ooxml/spreadsheetml/main");

export const parts: HazardGroup = {
  title: "Parts and XML",
  hazards: [
    xml(
      "a prefix in front of every element is of no account",
      (text) => prefixed(text, "x"),
      "readxl #80, calamine #634",
    ),
    xml("a prefix may be long, and another one in each part", (text) =>
      prefixed(text, text.includes("<sst") ? "strings" : "main_1"),
    ),
    same(
      "strict OOXML, with namespaces of its own, is read",
      (entry) => ({ ...entry, data: strict(String(entry.data)) }),
      "calamine #587, excelize #1447",
    ),
    renamed(
      "targets may be absolute",
      {},
      [links("/xl/worksheets/sheet1.xml", "/xl/sharedStrings.xml", "/xl/styles.xml")],
      "calamine #530",
    ),
    renamed("targets may be written with backslashes", {}, [
      links("worksheets\\sheet1.xml", "\\xl\\sharedStrings.xml", "styles.xml"),
    ]),
    renamed("targets may go up and down", {}, [
      links("./x/../worksheets/sheet1.xml", "../xl/sharedStrings.xml", "./styles.xml"),
    ]),
    renamed(
      "parts may lie anywhere, if relationships lead to them",
      {
        "xl/workbook.xml": "book.xml",
        "xl/_rels/workbook.xml.rels": "",
        "xl/worksheets/sheet1.xml": "data/a.xml",
        "xl/sharedStrings.xml": "data/b.xml",
        "xl/styles.xml": "data/c.xml",
      },
      [
        types("book.xml", "data/a.xml", "data/b.xml", "data/c.xml"),
        { name: "_rels/.rels", data: rels([["rId1", "officeDocument", "book.xml"]]) },
        { ...links("data/a.xml", "data/b.xml", "data/c.xml"), name: "_rels/book.xml.rels" },
      ],
      "readxl #80",
    ),
    renamed(
      "without relationships of the package the content types lead to the workbook",
      { "_rels/.rels": "", "xl/workbook.xml": "xl/book.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/book.xml.rels" },
      [types("xl/book.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml")],
    ),
    renamed("without content types the relationships suffice", { "[Content_Types].xml": "" }, []),
    xml("the prefix of relationships may be any", (text) =>
      text.replace("xmlns:r=", "xmlns:rel=").replaceAll(" r:id=", " rel:id="),
    ),
    xml("attributes may be quoted singly", (text) => text.replaceAll('"', "'")),
    xml("tags may be spread over lines", (text) =>
      text.replaceAll(/ (?=[\w:]+=")/g, "\n\t").replaceAll(/(?<![?/])>/g, "\n>"),
    ),
    xml("spaces and comments between elements are passed over", (text) =>
      text.replaceAll(/>(?=<(?!\/(t|v)>))/g, ">\n <!-- < > --> "),
    ),
    xml("a byte-order mark in front of UTF-8 is passed over", (text) => `\ufeff${text}`, "EPPlus #1388"),
    xml("parts may be written in UTF-16, little end first", (text) => utf16(text, false)),
    xml("parts may be written in UTF-16, big end first", (text) => utf16(text, true)),
    {
      name: "a part may be written in ISO-8859-1, if it says so",
      file: () =>
        workbook({
          sheets: [
            {
              xml: Buffer.from(
                `<?xml version="1.0" encoding="ISO-8859-1"?><worksheet xmlns="${mainNamespace}"><sheetData><row r="1"><c r="A1" t="str"><v>\xe9\xdf</v></c></row></sheetData></worksheet>`,
                "latin1",
              ),
            },
          ],
        }),
      sheets: [{ name: "Sheet1", cells: { A1: "éß" } }],
    },
    xml("a part without an XML declaration is read", (text) => text.replace(/^<\?xml.*\?>\s*/, "")),
    {
      name: "external links, and parts that nobody needs, may be missing",
      file: () =>
        workbook({
          rows: '<row r="1"><c r="A1"><v>1</v></c></row>',
          entries: [
            {
              name: "xl/_rels/workbook.xml.rels",
              data: rels([
                ["rId1", "worksheet", "worksheets/sheet1.xml"],
                ["rId2", "sharedStrings", "sharedStrings.xml"],
                ["rId3", "theme", "theme/theme1.xml"],
                ["rId4", "externalLink", "externalLinks/externalLink1.xml"],
              ]),
            },
          ],
        }),
      sheets: [{ name: "Sheet1", cells: { A1: 1 } }],
      seen: "calamine #634",
    },
    {
      name: "alternate content in the workbook part is passed over",
      file: () =>
        workbook({
          properties:
            '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="x15"><x15ac:absPath url="C:\\" xmlns:x15ac="http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac"/></mc:Choice></mc:AlternateContent>',
          rows: '<row r="1"><c r="A1"><v>1</v></c></row>',
        }),
      sheets: [{ name: "Sheet1", cells: { A1: 1 } }],
    },
  ],
};
