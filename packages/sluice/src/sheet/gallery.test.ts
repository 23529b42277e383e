// A gallery of sheets, each with all that is decided of it: where the header is and what it says,
// what the columns are, which rows are records, what is left out and noted. Then each sheet once
// more with one small change after the other, and what that change makes of the layout.
import { join } from "node:path";
import { expect, test } from "vitest";
import { previewFile, type SheetPreview } from "../preview.ts";
import { table } from "../schema/schema.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { newFolder } from "../test/database.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { layoutDoubts } from "./doubts.ts";
import { headRows } from "./head-rows.ts";
import { detectLayout } from "./header-row.ts";

/** A line is a row, `|` parts its cells. Numbers, days and errors are such; all else is text. */
const GALLERY: Readonly<Record<string, string>> = {
  plain: `
Name|Age|City
Ada|36|London
Bob|41|Paris
Eve|29|Rome`,
  "words only": `
Name|Job|City
Ada|poet|London
Bob|cook|Paris
Eve|judge|Rome`,
  "no header": `
2024-01-01|-2.1|3.4|0
2024-01-02|-1|4.4|1.2
2024-01-03|0.3|5|0.1
2024-01-04|0.7|5.5|0`,
  "a title, remarks and a blank row": `
Sales of the year 2024
Exported|2024-12-31
By|Ada
https://example.org/sales

Item|Sold|Price
Tea|12|3.5
Milk|30|1.2
Bread|25|2.8
Salt|4|0.9`,
  "named values above": `
Customer:|Smith|Date:|2024-01-31
Order:|4711|Due:|2024-02-28

Item|Count|Price|Sum
Tea|2|3.5|7
Milk|3|1.2|3.6
Bread|1|2.8|2.8`,
  "units below the header": `
Time|Speed|Height|Note
s|m/s|m|-
0|1.5|100|start
1|2.5|98|
2|3.5|95|
3|4.5|90|end`,
  "units in brackets": `
Time|Speed|Mass
[s]|[m/s]|(kg)
0|1.5|10
1|2.5|11
2|3.5|12`,
  "a description below each name": `
id|name|born
the number of the person|first and last name|day of birth
integer|text|date
1|Ada|1990-01-31
2|Bob|1985-02-01
3|Eve|2001-06-15
4|Max|1999-01-01`,
  "numbers of columns": `
District|People|Area|Density
1|2|3|4
North|1200|30|40
South|900|45|20
West|1600|20|80
East|700|35|20`,
  "groups above the names": `
|2023||2024|
Item|Sold|Price|Sold|Price
Tea|12|3.5|13|3.6
Milk|30|1.2|31|1.3
Bread|25|2.8|26|2.9
Salt|4|0.9|5|1`,
  "groups of words, with names of their own": `
Person||Address||
Name|Age|Street|Town|Code
Ada|36|Main St 1|London|N1
Bob|41|Rue A 2|Paris|75001
Eve|29|Via B 3|Rome|00100`,
  "a header in two lines": `
First|Date of|Amount
name|birth|in €
Ada|1990-01-31|12.5
Bob|1985-02-01|7
Eve|2001-06-15|8.25`,
  "years across": `
Country|2021|2022|2023|2024
France|67.5|67.7|67.9|68.1
Italy|59.1|58.9|58.8|58.7
Spain|47.4|47.6|48.1|48.5
Malta|0.52|0.53|0.55|0.56`,
  "months across, and a corner without a name": `
|Jan|Feb|Mar
North|1|2|3
South|4|5|6
West|7|8|9`,
  "a total at the end": `
Item|Count|Sum
Tea|2|7
Milk|3|3.6
Bread|1|2.8
Total|6|13.4`,
  "a total of numbers at the end, and a source": `
No|Count|Sum
1|2|7
2|3|3.6
3|1|2.8
Total|6|13.4

Source: the shop, 2024
* preliminary`,
  "subtotals and titles of sections": `
Item|Count|Sum
Drinks
Tea|2|7
Milk|3|4
Subtotal|5|11
Food
Bread|1|3
Salt|4|2
Cake|2|9
Subtotal|7|14
Grand total|12|25`,
  "a header that comes again": `
Name|Age|City
Ada|36|London
Bob|41|Paris
Name|Age|City
Eve|29|Rome
Max|50|Bonn
Name|Age|City
Zoe|33|Oslo`,
  "another table below": `
Name|Age|City
Ada|36|London
Bob|41|Paris
Eve|29|Rome

Item|Price|Sold
Tea|3.5|12
Milk|1.2|30
Bread|2.8|25`,
  "two tables side by side": `
Name|Age||Item|Price
Ada|36||Tea|3.5
Bob|41||Milk|1.2
Eve|29||Bread|2.8
Max|50||Salt|0.9`,
  "the same names three times side by side": `
Day|Sold|Day|Sold|Day|Sold
2024-01-01|5|2024-02-01|6|2024-03-01|7
2024-01-02|8|2024-02-02|9|2024-03-02|4
2024-01-03|3|2024-02-03|2|2024-03-03|1`,
  "columns of one name": `
Name|Value|Value|Value|Value|Note|Note
a|1|2|3|4|x|y
b|5|6|7|8|z|w
c|9|1|2|3|u|v`,
  "many columns without a name": `
Report|2024
1|2|3|4|5
6|7|8|9|10
11|12|13|14|15`,
  "a name that is a date": `
Status|2024-01-31
Name|Job
Ada|poet
Bob|cook`,
  "a form": `
Name:|Ada Lovelace
Born:|1915-12-10
Town:|London
Phone:|912345
Notes:|none`,
  "one column with delimiters": `
name;age;city
Ada;36;London
Bob;41;Paris
Eve;29;Rome`,
  "one column": `
Name
Ada
Bob
Eve`,
  "lines of a report": `
Sales report
${Array.from({ length: 22 }, (_, n) => `Item ${"abcdefghijklmnopqrstuvwxyz"[n]} ..... ${n * 7 + 1}`).join("\n")}`,
  "marks of footnotes in the header": `
Name *|Age ¹|City (2)
Ada|36|London
Bob|41|Paris
Eve|29|Rome
* as of 2024
¹ in years
(2) of birth`,
  "blank rows and a lone note": `
Name|Age|City
Ada|36|London

Bob|41|Paris

see above
Eve|29|Rome

Max|50|Bonn`,
  "errors and marks": `
Name|Age|City
Ada|#N/A|London
Bob|n/a|-
Eve|29|#REF!
-|?|x`,
  "one row": `
Name|Age|City`,
  "a list with a legend below": `
Code|Name|Value
A|first|1
B|second|2
C|third|3

Legend
A|the first of all
B|the next one
C|the last one`,
  "sections whose titles have a column": `
Name|Job|Age
North
Ada|poet|36
Bob|cook|41
South
Eve|judge|29
Max|baker|50
Zoe|nurse|33`,
  "a wide row of words above": `
a|b|c|d|e|f
Name|Age|City|Job|Pay|Note
Ada|36|London|poet|100|x
Bob|41|Paris|cook|200|y`,
};

function cellOf(text: string): BatchCell {
  if (text === "") return null;
  if (text.startsWith("#")) return { error: text };
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return new Date(text);
  return /^-?\d+(?:\.\d+)?$/.test(text) && !/^0\d/.test(text) ? Number(text) : text;
}

const rowsOf = (sketch: string): BatchCell[][] =>
  sketch
    .slice(1)
    .split("\n")
    .map((line) => line.split("|").map(cellOf));

function described(found: SheetPreview): unknown {
  const { headerRows, unitsRow, firstRow, records, columns, sample, rejects, leftOut, notes, error } = found;
  return {
    header: `rows ${headerRows.join(", ") || "none"}, units ${unitsRow ?? "none"}, records from ${firstRow}: ${records}`,
    columns: columns.map(({ letter, header, unit, column, type, dateFormat, numberFormat, inferred }) =>
      [letter, JSON.stringify(header), unit, "→", column, type, dateFormat, numberFormat, inferred.because, inferred.nearest?.type].filter((one) => (one ?? null) !== null).join(" ")), // prettier-ignore
    rows: sample.map(({ row, values }) => `${row}: ${values.map((value) => value ?? "∅").join(" | ")}`),
    leftOut: leftOut.map((one) => JSON.stringify(one)),
    rejects: rejects.first.map(({ row, column, value, reason }) => `${row} ${column} ${value}: ${reason}`),
    notes,
    error: error?.message ?? null,
  };
}

test("each sheet, with all that is decided of it", async () => {
  await using folder = newFolder();
  const sheets = Object.fromEntries(
    Object.values(GALLERY).map((sketch, n) => [`s${n}`, rowsOf(sketch) as Parameters<typeof writeWorkbook>[1][string]]),
  );
  const file = await writeWorkbook(join(folder.path, "gallery.xlsx"), sheets);
  for (const [n, what] of Object.keys(GALLERY).entries()) {
    const { imports, notes } = await previewFile({ file, fileName: "gallery.xlsx", sheet: `s${n}` });
    expect({ ...(described(imports[0]!) as object), of: notes }).toMatchSnapshot(what);
  }
});

test("a column that is called by a sign makes no row of signs the header", async () => {
  await using folder = newFolder();
  const sheet = { s: [["-", "*"], ["a", "b"], ["x", "y"], ["z", "w"]] }; // prettier-ignore
  const file = await writeWorkbook(join(folder.path, "signs.xlsx"), sheet);
  const schema = table({ name: "t", columns: { "%": {}, a: {} } });
  const { imports } = await previewFile({ file, schema });
  expect([imports[0]!.headerRows, imports[0]!.firstRow]).toEqual([[2], 3]);
});

/** The sheet with one small change after the other. */
function* changes(rows: readonly (readonly BatchCell[])[]): Generator<[what: string, rows: BatchCell[][]]> {
  const copy = (): BatchCell[][] => rows.map((row) => [...row]);
  for (let row = 0; row < Math.min(rows.length, 9); row++) {
    yield [`without row ${row + 1}`, copy().toSpliced(row, 1)];
    yield [`a blank row before ${row + 1}`, copy().toSpliced(row, 0, [null])];
    yield [`row ${row + 1} twice`, copy().toSpliced(row, 0, [...rows[row]!])];
    yield [`only row ${row + 1} and on`, copy().slice(row)];
    yield [`up to row ${row + 1}`, copy().slice(0, row + 1)];
    for (const [column, cell] of rows[row]!.entries()) {
      const at = `${"ABCDEFGH"[column]}${row + 1}`;
      const put = (value: BatchCell): BatchCell[][] => {
        const changed = copy();
        changed[row]![column] = value;
        return changed;
      };
      if (cell === null) yield [`${at} filled`, put("word")];
      else yield [`no ${at}`, put(null)];
      if (typeof cell === "string") yield [`${at} a number`, put(7 + row)];
      if (typeof cell === "string") yield [`${at} the word before`, put(rows[row]![column - 1] ?? rows[row - 1]?.[column] ?? "word")];
      if (typeof cell !== "string" && cell !== null) yield [`${at} a word`, put("word")];
    }
  }
} // prettier-ignore

function layoutSaid(rows: readonly (readonly BatchCell[])[]): string {
  const head = headRows(batchOfRows(rows));
  if (head.length === 0) return "nothing";
  const layout = detectLayout(head);
  const { headers, ...rest } = layout;
  const names = headers.map(({ text, sheetColumn, unit }) => `${sheetColumn} ${text}${unit === undefined ? "" : ` (${unit})`}`);
  const doubts = layoutDoubts(head, layout).map((note) => note.slice(0, 70));
  const more = Object.entries(rest).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  return JSON.stringify([names.join(", "), Object.fromEntries(more), ...doubts]);
} // prettier-ignore

test.each(Object.entries(GALLERY))("small changes to the sheet with %s", (_, sketch) => {
  const rows = rowsOf(sketch);
  const outcomes = new Map<string, string[]>([[layoutSaid(rows), ["as it is"]]]);
  for (const [what, changed] of changes(rows)) {
    const said = layoutSaid(changed);
    outcomes.set(said, [...(outcomes.get(said) ?? []), what]);
  }
  expect([...outcomes].map(([said, whats]) => `${said}\n    ${whats.join(", ")}`).join("\n")).toMatchSnapshot();
});
