// Hazards of a cell's type and value.
import { CellError } from "../../cells/rows.ts";
import { inline, inSheet, row, type HazardGroup } from "./hazard.ts";

const noValue = (cell: string): string =>
  `${cell} is a formula without a saved value and is read as empty; open the workbook in Excel and save it to have the value`;

export const values: HazardGroup = {
  title: "Types and values",
  hazards: [
    inSheet(
      "booleans are true and false, also in words",
      { rows: row(' t="b"><v>1</v></c>', ' t="b"><v>0</v></c>', ' t="b"><v>true</v></c>', ' t="b"><v>false</v></c>') },
      { A1: true, B1: false, C1: true, D1: false },
    ),
    inSheet(
      "errors are errors, not text",
      { rows: row(...["#DIV/0!", "#N/A", "#NAME?", "#SPILL!"].map((code) => ` t="e"><v>${code}</v></c>`)) },
      {
        A1: new CellError("#DIV/0!"),
        B1: new CellError("#N/A"),
        C1: new CellError("#NAME?"),
        D1: new CellError("#SPILL!"),
      },
      { seen: "calamine #607" },
    ),
    inSheet(
      't="n" in words and no type at all are numbers',
      { rows: row(' t="n"><v>1.5</v></c>', "><v>2.5</v></c>") },
      { A1: 1.5, B1: 2.5 },
    ),
    inSheet(
      't="str" is text as it stands, also when it looks like a number',
      { rows: row(' t="str"><v>085232</v></c>', ' t="str"><f>TEXT(1,"0")</f><v>1</v></c>') },
      { A1: "085232", B1: "1" },
      { seen: "calamine #633" },
    ),
    inSheet(
      "an empty <v/>, an empty <t/> and an empty text are empty cells",
      { rows: row("><v/></c>", ' t="str"><v></v></c>', inline("<t/>"), ' t="s"><v/></c>', "><v>5</v></c>") },
      { E1: 5 },
      { seen: "calamine #607" },
    ),
    inSheet(
      "an inline string may stand in <v>, or have a <v> beside it",
      { rows: row(' t="inlineStr"><v>in v</v></c>', ' t="inlineStr"><is><t>in is</t></is><v>0</v></c>') },
      { A1: "in v", B1: "in is" },
      { seen: "calamine #633" },
    ),
    inSheet(
      "a formula counts as the value that was saved with it",
      {
        rows: row("><f>1+1</f><v>2</v></c>", ' t="b"><f>TRUE()</f><v>1</v></c>', ' t="e"><f>1/0</f><v>#DIV/0!</v></c>'),
      },
      { A1: 2, B1: true, C1: new CellError("#DIV/0!") },
    ),
    inSheet(
      "shared and array formulas count as the values that were saved with them",
      {
        rows: row(
          '><f t="shared" ref="A1:B1" si="0">1+1</f><v>2</v></c>',
          '><f t="shared" si="0"/><v>2</v></c>',
          '><f t="array" ref="C1:D1">A1:B1</f><v>2</v></c>',
          "><v>2</v></c>",
          ' cm="1"><f t="array" aca="1" ref="E1">SUM(1)</f><v>1</v></c>',
        ),
      },
      { A1: 2, B1: 2, C1: 2, D1: 2, E1: 1 },
      { seen: "calamine #553" },
    ),
    inSheet(
      "a formula without a saved value is empty, with a warning",
      { rows: row("><f>1+1</f></c>", "><f>1+1</f><v></v></c>", "><v>3</v></c>") },
      { C1: 3 },
      { choice: true, warnings: [noValue("A1"), noValue("B1")] },
    ),
    inSheet(
      "numbers keep all their digits",
      {
        rows: row(
          "><v>0.1</v></c>",
          "><v>0.30000000000000004</v></c>",
          "><v>123456789012345</v></c>",
          "><v>9007199254740993</v></c>",
          "><v>1.7976931348623157E+308</v></c>",
          "><v>4.9406564584124654E-324</v></c>",
        ),
      },
      {
        A1: 0.1,
        B1: 0.300_000_000_000_000_04,
        C1: 123_456_789_012_345,
        D1: 9_007_199_254_740_992,
        E1: Number.MAX_VALUE,
        F1: Number.MIN_VALUE,
      },
      { seen: "duckdb-excel #69" },
    ),
    inSheet(
      "numbers may be written as 1E+05, .5, -0, with zeros in front or spaces around",
      { rows: row("><v>1E+05</v></c>", "><v>.5</v></c>", "><v>-0</v></c>", "><v>007</v></c>", "><v> 12\n</v></c>") },
      { A1: 100_000, B1: 0.5, C1: -0, D1: 7, E1: 12 },
      { seen: "duckdb-excel #69" },
    ),
    inSheet(
      "percentages and currencies are their numbers",
      {
        rows: row(' s="1"><v>0.25</v></c>', ' s="2"><v>1234.5</v></c>', ' s="3"><v>-7</v></c>'),
        formats: ["0.00%", '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-', "[$¥-804]#,##0;[Red]\\-[$¥-804]#,##0"],
      },
      { A1: 0.25, B1: 1234.5, C1: -7 },
    ),
    inSheet(
      "long numbers and leading zeros that are stored as text stay text",
      {
        rows: row(inline("<t>12345678901234567890</t>"), ' s="1" t="str"><v>000123</v></c>', inline("<t>1E5</t>")),
        formats: ["@"],
      },
      { A1: "12345678901234567890", B1: "000123", C1: "1E5" },
    ),
    inSheet(
      "a value that does not fit its type is text, with a warning",
      { rows: row("><v>abc</v></c>", ' t="b"><v>2</v></c>', ' t="d"><v>2020-02-30</v></c>') },
      { A1: "abc", B1: "2", C1: "2020-02-30" },
      {
        choice: true,
        warnings: [
          'A1 is not a number: "abc"; it is read as text',
          'B1 is not a boolean: "2"; it is read as text',
          'C1 is not a date: "2020-02-30"; it is read as text',
        ],
      },
    ),
  ],
};
