// Hazards of rows, columns and sheets.
import { mainNamespace, rels, workbook } from "../workbook-writer.ts";
import { inline, inSheet, row, type Hazard, type HazardGroup } from "./hazard.ts";

const cell = (ref: string, value: number): string => `<c r="${ref}"><v>${value}</v></c>`;
const one = (r: number): string => `<row r="${r}">${cell(`A${r}`, r)}</row>`;
const whole = (before: string, rows: string, after = ""): { sheets: { xml: string }[] } => ({
  sheets: [{ xml: `<worksheet xmlns="${mainNamespace}">${before}<sheetData>${rows}</sheetData>${after}</worksheet>` }],
});

const sheets: Hazard[] = [
  {
    name: "hidden and very hidden sheets are read, and say that they are hidden",
    file: () =>
      workbook({
        sheets: [
          { name: "A", state: "veryHidden", rows: one(1) },
          { name: "B", state: "hidden", rows: one(2) },
          { name: "C", rows: one(3) },
        ],
      }),
    sheets: [
      { name: "A", state: "veryHidden", cells: { A1: 1 } },
      { name: "B", state: "hidden", cells: { A2: 2 } },
      { name: "C", cells: { A3: 3 } },
    ],
  },
  {
    name: "chart sheets, dialogs and macro sheets are left out",
    file: () =>
      workbook({
        sheets: [{ name: "Chart" }, { name: "Data", rows: one(1) }, { name: "Dialog" }],
        entries: [
          ...["chartsheet", "dialogsheet"].map((kind) => ({
            name: `xl/${kind}s/sheet1.xml`,
            data: `<${kind} xmlns="${mainNamespace}"><sheetViews><sheetView workbookViewId="0"/></sheetViews></${kind}>`,
          })),
          {
            name: "xl/_rels/workbook.xml.rels",
            data: rels([
              ["rId1", "chartsheet", "chartsheets/sheet1.xml"],
              ["rId2", "worksheet", "worksheets/sheet2.xml"],
              ["rId3", "dialogsheet", "dialogsheets/sheet1.xml"],
            ]),
          },
        ],
      }),
    sheets: [{ name: "Data", cells: { A1: 1 } }],
  },
  {
    name: "sheets come in the order of their tabs, whatever their parts are called",
    file: () =>
      workbook({
        sheets: [
          { name: "First", rows: one(1) },
          { name: "Second", rows: one(2) },
        ],
        entries: [
          {
            name: "xl/_rels/workbook.xml.rels",
            data: rels([
              ["rId2", "worksheet", "worksheets/sheet1.xml"],
              ["rId1", "worksheet", "worksheets/sheet2.xml"],
            ]),
          },
        ],
      }),
    sheets: [
      { name: "First", cells: { A2: 2 } },
      { name: "Second", cells: { A1: 1 } },
    ],
  },
  {
    name: "sheet names may hold entities and any character",
    file: () => workbook({ sheets: [{ name: "A &amp; B &lt;东京&gt; &quot;é&quot;", rows: one(1) }] }),
    sheets: [{ name: 'A & B <东京> "é"', cells: { A1: 1 } }],
  },
];

export const layout: HazardGroup = {
  title: "Rows, columns and sheets",
  hazards: [
    inSheet(
      "cells without r stand after the cell before them",
      { rows: '<row r="2"><c><v>1</v></c><c r="D2"><v>4</v></c><c><v>5</v></c></row>' },
      { A2: 1, D2: 4, E2: 5 },
      { seen: "calamine #261, exceljs #2961" },
    ),
    inSheet(
      "rows without r stand below the row before them",
      { rows: '<row><c r="A1"><v>1</v></c></row><row r="5"><c><v>5</v></c></row><row><c><v>6</v></c></row>' },
      { A1: 1, A5: 5, A6: 6 },
      { seen: "calamine #261" },
    ),
    inSheet("a missing dimension is of no account", whole("", one(3)), { A3: 3 }, { seen: "pandas #39001" }),
    inSheet(
      "a dimension that is too small is of no account",
      whole('<dimension ref="A1"/>', `<row r="2">${cell("A2", 1)}${cell("C2", 3)}</row>${one(9)}`),
      { A2: 1, C2: 3, A9: 9 },
      { seen: "pandas #39001" },
    ),
    inSheet(
      "a dimension of the whole sheet costs nothing",
      whole('<dimension ref="A1:XFD1048576"/>', one(1)),
      { A1: 1 },
      { seen: "SheetJS #2432" },
    ),
    inSheet(
      "cells out of order are put in order",
      { rows: `<row r="1">${cell("C1", 3)}${cell("A1", 1)}${cell("B1", 2)}</row>` },
      { A1: 1, B1: 2, C1: 3 },
    ),
    inSheet(
      "rows out of order are read where they say they are",
      { rows: one(5) + one(2) + one(4) },
      { A5: 5, A2: 2, A4: 4 },
    ),
    inSheet(
      "a row that comes twice gives the cells of both",
      { rows: `<row r="2">${cell("A2", 1)}</row><row r="2">${cell("B2", 2)}</row>` },
      { A2: 1, B2: 2 },
    ),
    inSheet(
      "of two cells in one place the later one counts, with a warning",
      { rows: `<row r="1">${cell("A1", 1)}${cell("A1", 2)}</row>` },
      { A1: 2 },
      { choice: true, warnings: ["A1 stands in the row twice; the later one counts"] },
    ),
    inSheet(
      "sparse rows and columns reach the last cell of a sheet",
      { rows: `<row r="3">${cell("XFD3", 1)}</row><row r="1048576">${cell("XFD1048576", 2)}</row>` },
      { XFD3: 1, XFD1048576: 2 },
    ),
    inSheet(
      "styled empty rows down to the last one are no rows",
      {
        rows:
          one(1) +
          Array.from({ length: 20_000 }, (_, i) => `<row r="${i + 2}" s="1" customFormat="1"/>`).join("") +
          '<row r="1048576"><c r="A1048576" s="1"/></row>',
        formats: ["yyyy-mm-dd"],
      },
      { A1: 1 },
      { seen: "PhpSpreadsheet #3982" },
    ),
    inSheet(
      "empty cells at the end of a row are no values",
      { rows: row("><v>1</v></c>", ' s="1"/>', ' s="1"></c>'), formats: ["0"] },
      { A1: 1 },
    ),
    inSheet(
      "merged cells have their value at the top left",
      whole(
        "",
        row("><v>1</v></c>", "/>") + '<row r="2"><c r="A2"/><c r="B2"/></row>',
        '<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>',
      ),
      { A1: 1 },
    ),
    inSheet(
      "hidden rows and columns are read like all others",
      whole(
        '<cols><col min="2" max="2" hidden="1"/></cols>',
        `<row r="1" hidden="1">${cell("A1", 1)}${cell("B1", 2)}</row>`,
      ),
      { A1: 1, B1: 2 },
    ),
    inSheet(
      "what stands before and after the rows is passed over",
      whole(
        '<sheetPr><tabColor rgb="FFFF0000"/></sheetPr><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" state="frozen"/></sheetView></sheetViews>',
        row(inline("<t>x</t>")),
        '<autoFilter ref="A1:A9"/><dataValidations count="1"><dataValidation type="list" sqref="B1:B9"><formula1>"a,b"</formula1></dataValidation></dataValidations><hyperlinks><hyperlink ref="A1" location="Sheet1!A2"/></hyperlinks>',
      ),
      { A1: "x" },
    ),
    inSheet(
      "extensions and unknown elements between rows, cells and values are passed over",
      {
        rows: `<z:ext xmlns:z="urn:z"><row r="9">${cell("A9", 9)}</row></z:ext><row r="1"><z:ext xmlns:z="urn:z"><c r="B1"><v>9</v></c></z:ext><c r="A1"><v>1</v><extLst><ext><v>7</v></ext></extLst></c></row>`,
      },
      { A1: 1 },
    ),
    inSheet(
      "a sheet without rows is empty",
      { sheets: [{ xml: `<worksheet xmlns="${mainNamespace}"><dimension ref="A1"/><sheetData/></worksheet>` }] },
      {},
    ),
    ...sheets,
  ],
};
