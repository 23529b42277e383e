// Each rule of inference, of the header and of totals with a pair of inputs, one on either side of
// its border.
import { describe, expect, test } from "vitest";
import { CellType } from "@sluice/sheets";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { kindOf } from "../values/cell-kind.ts";
import { headRows } from "./head-rows.ts";
import { detectLayout, otherTable, type Layout } from "./header-row.ts";
import { partedTables, repeatedBlocks } from "./side-by-side.ts";
import { Inference, type InferredColumn } from "./infer.ts";
import { layoutDoubts } from "./doubts.ts";
import { scoreOf } from "./table-score.ts";
import { Totals } from "./totals.ts";

function infer(
  values: readonly BatchCell[],
  header = "h",
  delimiter?: string,
  beside: readonly BatchCell[] = [],
): InferredColumn {
  const inference = new Inference(undefined, true, delimiter);
  inference.add(
    batchOfRows(
      values.map((value, n) => (beside.length === 0 ? [value] : [value, beside[n] ?? null])),
      2,
    ),
  );
  return inference.column(1, header, true);
}
const typeOf = (values: readonly BatchCell[], header?: string): string => {
  const { type, dateFormat, numberFormat } = infer(values, header);
  return [type, dateFormat ?? numberFormat].filter((part) => part !== undefined).join(" ");
};
const day = (text: string): Date => new Date(`${text}Z`);

describe("a type's border", () => {
  test.each<[rule: string, values: BatchCell[], type: string, others: BatchCell[], otherType: string]>([
    [
      "nine digits as text, and ten of one length",
      ["123456789", "987654321"],
      "integer",
      ["1234567890", "1987654321"],
      "text",
    ],
    ["ten digits of one length, and of several", ["1234567890", "1987654321"], "text", ["1234567890", "17"], "bigint"],
    ["the same beside a mark", ["1234567890", "1987654321", "n/a"], "text", ["1234567890", "17", "n/a"], "bigint"],
    ["fifteen digits as text, and sixteen", ["123456789012345", "1"], "bigint", ["1234567890123456", "1"], "text"],
    ["a zero in front", ["10", "20"], "integer", ["10", "020"], "text"],
    ["zero itself", ["0", "1"], "integer", ["00", "1"], "text"],
    ["a minus before zero", ["-1", "0"], "integer", ["-0", "1"], "text"],
    ["a plus", ["1", "2"], "integer", ["+1", "2"], "text"],
    ["a point before three digits, and before two", ["1.25", "2.50"], "numeric", ["1.250", "2.500"], "text"],
    ["three digits after a point in one of them", ["1.250", "2.5"], "numeric", ["1.250", "2.500"], "text"],
    ["a comma before two digits", ["1,25", "2,50"], "numeric 1.234,56", ["1,250", "2,500"], "text"],
    ["a currency, and two of them", ["$1.50", "$2"], "numeric $1234.56", ["$1.50", "€2"], "text"],
    ["percent beside percent, and beside a number", ["25 %", "3 %"], "integer 1234.56 %", ["25 %", "3"], "text"],
    ["parentheses beside a number, and alone", ["(5)", "7"], "integer 1234.56", ["(5)", "(7)"], "text"],
    ["an exponent with a sign, and a part number", ["1E+5", "2E+6"], "double precision", ["1E5", "2E6"], "text"],
    ["true beside false, and beside yes", ["true", "false"], "boolean", ["true", "yes"], "text"],
    ["y beside n, and alone", ["y", "n"], "boolean", ["y", "y"], "text"],
    ["t beside f, and alone", ["t", "f"], "boolean", ["t", "t"], "text"],
    ["yes alone, and y alone", ["yes", "yes"], "boolean", ["y", "y"], "text"],
    ["a day past 12, and none", ["13/02/2024", "01/02/2024"], "date DD/MM/YYYY", ["12/02/2024", "01/02/2024"], "text"],
    ["a month past 12", ["02/13/2024", "01/02/2024"], "date MM/DD/YYYY", ["02/13/2024", "13/02/2024"], "text"],
    ["a date of a calendar, and none", ["2024-02-29", "2024-01-01"], "date", ["2023-02-29", "2024-01-01"], "text"],
    [
      "a date beside a time stamp",
      ["2024-01-01", "2024-01-02"],
      "date",
      ["2024-01-01", "2024-01-02 10:00"],
      "timestamp",
    ],
    [
      "a zone for all, and for one",
      ["2024-01-01T10:00Z", "2024-01-01T11:00Z"],
      "timestamptz",
      ["2024-01-01T10:00Z", "2024-01-01T11:00"],
      "text",
    ],
    ["23:59, and 24:00", ["23:59", "00:00"], "time", ["24:00", "00:00"], "text"],
    [
      "a uuid, and one digit less",
      ["123e4567-e89b-12d3-a456-426614174000"],
      "uuid",
      ["123e4567-e89b-12d3-a456-42661417400"],
      "text",
    ],
    ["an object, and a word", ['{"a":1}', "[]"], "jsonb", ['{"a":1}', "a"], "text"],
    ["a key once, and twice", ['{"a":1}'], "jsonb", ['{"a":1,"a":2}'], "text"],
    ["cells of integers and decimals", [1, 2], "integer", [1, 2.5], "numeric"],
    ["15 digits of a decimal, and 17", [0.1, 1.5], "numeric", [0.1 + 0.2, 1.5], "double precision"],
    [
      "days, and one with a time",
      [day("2024-01-01"), day("2024-01-02")],
      "date",
      [day("2024-01-01"), day("2024-01-02T10:00")],
      "timestamp",
    ],
    ["a word among numbers", [1, 2], "integer", [1, 2, "three"], "text"],
    ["a mark among numbers, and among words", ["1", "n/a"], "integer", ["one", "n/a"], "text"],
    ["points with blanks between them, and two signs", ["1", ". ."], "integer", ["1", ".-"], "text"],
    ["as many points as fill a cell, and a word", ["1", "............."], "integer", ["1", "....n"], "text"],
    ["a mark beside values, and nothing but marks", ["1", "-"], "integer", ["-", "-"], "text"],
    ["blanks around a number, and a padded code", [" 12", "13"], "integer", [" 012", "13"], "text"],
  ])("%s", (_, values, type, others, otherType) => {
    expect([typeOf(values), typeOf(others)]).toEqual([type, otherType]);
  });

  test.each<[header: string, type: string]>([
    ["Phone", "text"],
    ["Phone 2", "text"],
    ["Tel. (work)", "text"],
    ["ZIP code", "text"],
    ["Phone calls", "integer"],
    ["Mobile sales", "integer"],
    ["Number", "integer"],
    ["Zipped", "integer"],
  ])("digits below %j are %s", (header, type) => {
    expect(typeOf(["12345", "23456"], header)).toBe(type);
  });

  test("digits in groups: of one length and eight digits or more they are names", () => {
    expect(typeOf(["912 345 678", "912 345 679", "612 345 678"])).toBe("text");
    expect(typeOf(["912 345 678", "12 345 679", "612 345 678"])).toMatch(/^integer /);
    expect(typeOf(["912 345", "912 346", "612 345"])).toMatch(/^integer /);
    // Two alone are too few to tell.
    expect(typeOf(["912 345 678", "912 345 679"])).toMatch(/^integer /);
  });

  test("codes that a spreadsheet has cut: exponents from 10 to 15, no more than two apart", () => {
    expect(infer(["8.85909E+11", "8.85912E+11"]).because).toMatch(/a spreadsheet has cut/);
    expect(infer(["8.85909E+10", "8.85912E+12"]).because).toMatch(/a spreadsheet has cut/);
    expect(infer(["8.85909E+10", "8.85912E+13"])).toMatchObject({ type: "double precision", because: undefined });
    expect(infer(["8.85909E+15", "8.85912E+15"]).because).toMatch(/a spreadsheet has cut/);
    expect(infer(["8.85909E+16", "8.85912E+16"])).toMatchObject({ type: "double precision", because: undefined });
    expect(infer(["8.85909E+16", "8.85912E+16"], "EAN").because).toMatch(/a spreadsheet has cut/);
    // A number with decimals beside them shows that they are quantities.
    expect(infer(["8.85909E+11", "1.5"])).toMatchObject({ type: "double precision", because: undefined });
  });

  test("a point before three digits is settled by another column, or by the comma that parts fields", () => {
    const values = ["1.250", "2.500"];
    expect(infer(values).because).toMatch(/a point or a comma and three digits/);
    expect(infer(values, "h", ",", ["a", "b"])).toMatchObject({ type: "numeric", numberFormat: undefined });
    expect(infer(values, "h", ";", ["a", "b"]).type).toBe("text");
    expect(infer(values, "h", undefined, ["1,5", "2,25"])).toMatchObject({ type: "integer", numberFormat: "1.234,56" });
    expect(infer(values, "h", undefined, ["1.5", "2.25"])).toMatchObject({ type: "numeric" });
  });

  test("the nearest type of a text column is that of half its values, and not of fewer", () => {
    expect(infer(["1", "2", "x", "y"]).nearest).toMatchObject({
      type: "integer",
      fits: 2,
      against: [{ row: 4 }, { row: 5 }],
    });
    expect(infer(["1", "x", "y"]).nearest).toBeUndefined();
  });

  test("the confidence is 1 for a whole column, and less for a part of one", () => {
    const inference = new Inference();
    inference.add(batchOfRows([[1], [2], [3]], 2));
    expect([inference.column(1, "h", true).confidence, inference.column(1, "h", false).confidence]).toEqual([1, 0.8]);
  });

  test("as many records are looked at as asked for, and it says whether there are more", () => {
    const batch = batchOfRows([[1], [2], ["word"]], 2);
    for (const [limit, more, type] of [
      [3, false, "text"],
      [2, true, "integer"],
    ] as const) {
      const inference = new Inference();
      expect([inference.add(batch, limit), inference.records]).toEqual([more, limit]);
      expect(inference.column(1, "h", true).type).toBe(type);
    }
  });
});

test.each([
  [CellType.number, "999999999", "integer"],
  [CellType.number, "1e5", "integer"],
  [CellType.number, "1e25", "double"],
  [CellType.number, "123456789.12345", "decimal"],
  [CellType.number, "123456789.1234567", "double"],
  [CellType.string, "a@b.c", "email"],
  [CellType.string, "a@b", "text"],
  [CellType.string, " a@b.c", "text"],
  [CellType.string, "http://x", "url"],
  [CellType.string, "ftp://x", "text"],
])("a cell of type %i that holds %s is %s", (type, text, kind) => {
  const bytes = Buffer.from(text);
  expect(kindOf(bytes, 0, bytes.length, type)).toBe(kind);
});

const layout = (rows: readonly (readonly BatchCell[])[]): Layout => detectLayout(headRows(batchOfRows(rows)));
const header = (rows: readonly (readonly BatchCell[])[]): [number[], string[]] => {
  const { headerRows, headers } = layout(rows);
  return [[...headerRows], headers.map(({ text }) => text)];
};

describe("the header's border", () => {
  const records: BatchCell[][] = [
    ["Ada", 4, 1, 7],
    ["Bob", 9, 2, 5],
    ["Cem", 3, 8, 6],
  ];

  test.each<[rule: string, rows: BatchCell[][], rowsOfHeader: number[], others: BatchCell[][], otherRows: number[]]>([
    [
      "labels over numbers, and numbers over numbers",
      [["n", "a", "b", "c"], ...records],
      [1],
      [["n", 1, 7, 3], ...records],
      [],
    ],
    [
      "three even steps are a series, and three uneven ones none",
      [["n", 1, 2, 3], ...records],
      [1],
      [["n", 1, 2, 9], ...records],
      [],
    ],
    [
      "years over numbers that are none",
      [["n", 2001, 2002, 2003], ...records],
      [1],
      [["n", 2001, 5, 2003], ...records],
      [],
    ],
    [
      "a title of one cell, and of two",
      [["Title"], ["n", "a", "b", "c"], ...records],
      [2],
      [["n", "a", "b", "c"], ...records],
      [1],
    ],
    [
      "groups over two columns each, and over one",
      [["Who", null, "What", null], ["n", "a", "b", "c"], ...records],
      [1, 2],
      [["Who", "x", "What", "y"], ["n", "a", "b", "c"], ...records],
      [1],
    ],
    [
      "a remark that ends in a colon is no group",
      [["Who", null, "What", null], ["n", "a", "b", "c"], ...records],
      [1, 2],
      [["Unit:", null, "EUR", null], ["n", "a", "b", "c"], ...records],
      [2],
    ],
  ])("%s", (_, rows, rowsOfHeader, others, otherRows) => {
    expect([header(rows)[0], header(others)[0]]).toEqual([rowsOfHeader, otherRows]);
  });

  test("the header of a second table covers more than half of the columns that its rows fill", () => {
    const other = (...names: BatchCell[]): number | undefined => {
      const heads = headRows(batchOfRows([["n", "a", "b", "c"], ...records, [null], names, ...records]));
      return otherTable(heads, detectLayout(heads))?.number;
    };
    expect([other("x", "y", "z", null), other("x", "y", null, null)]).toEqual([6, undefined]);
    // Letters before digits are an amount only if they are a currency's.
    expect([other("x", "ITE21", "z", null), other("x", "EUR21", "z", null)]).toEqual([6, undefined]);
  });

  test("a row of units, and one of sizes", () => {
    const units = (...row: BatchCell[]): number | undefined => layout([["n", "a", "b", "c"], row, ...records]).unitsRow;
    expect(units(null, "kg", "m", "%")).toBe(2);
    expect(units(null, "(kg)", "[m]", "%")).toBe(2);
    expect(units(null, "S", "M", "L")).toBeUndefined();
    expect(units(null, "m", "m", "m")).toBe(2);
    expect(units("Dee", "m", "m", "m")).toBeUndefined();
    expect(units(null, "n/a", "n/a", "n/a")).toBeUndefined();
    expect(units(null, "kg", "m", 5)).toBeUndefined();
  });

  test("a second table below: after a blank row or a title, and not among the records", () => {
    const first: BatchCell[][] = [
      ["n", "a"],
      ["Ada", 1],
      ["Bob", 2],
      ["Cem", 3],
    ];
    const second: BatchCell[][] = [
      ["x", "y"],
      ["Dee", 4],
      ["Eve", 5],
      ["Fay", 6],
    ];
    const other = (rows: BatchCell[][]): number | undefined => {
      const heads = headRows(batchOfRows(rows));
      return otherTable(heads, detectLayout(heads))?.number;
    };
    expect(other([...first, [null], ...second])).toBe(6);
    expect(other([...first, ["Title"], ...second])).toBe(6);
    expect(other([...first, ...second])).toBeUndefined();
    // The same names again are a header that repeats.
    expect(other([...first, [null], first[0]!, ...second.slice(1)])).toBeUndefined();
  });

  test("an empty column parts two tables if the rows of one end, and those of the other go on", () => {
    const names = ["a", "b", null, "c", "d"];
    const parts = (...rows: BatchCell[][]): unknown => {
      const heads = headRows(batchOfRows([names, ...rows]));
      return partedTables(layout([names, ...rows]), heads.slice(1));
    };
    const both = [1, 2, null, 3, 4];
    const left = [5, 6, null, null, null];
    const two = [
      [1, 2],
      [4, 5],
    ];
    expect(parts(both, left)).toEqual(two);
    expect(parts(both, [null, null, null, 7, 8])).toEqual(two);
    expect(parts(both, [5, 6, null, 7, 8])).toEqual([]);
    expect(parts([1, 2, 9, 3, 4], left)).toEqual([]);
    // A value that is missing ends no table.
    expect(parts(both, left, both)).toEqual([]);
    // A group whose cells are merged downwards is not a table.
    expect(parts(both, [null, null, null, 7, 8], both)).toEqual([]);
  });

  test("columns that are empty since each name is merged across part nothing", () => {
    const spaced = (...rows: BatchCell[][]): unknown => {
      const all = [["a", null, "b", null, "c", null, "d"], ...rows];
      return partedTables(layout(all), headRows(batchOfRows(all)).slice(1));
    };
    expect(spaced([1, null, 2, null, 3, null, 4], [5, null, 6])).toEqual([]);
  });

  test("names that come again in the same order are blocks side by side", () => {
    const blocks = (...names: BatchCell[]): unknown => repeatedBlocks(layout([names, names.map((_, n) => n)]));
    expect(blocks("a", "b", "a", "b")).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(blocks("a", "b", null, "a", "b", null, "a", "b")).toEqual([
      [1, 2],
      [4, 5],
      [7, 8],
    ]);
    expect(blocks("a", "b", "a", "c")).toEqual([]);
    expect(blocks("a", "b", "b", "a")).toEqual([]);
    expect(blocks("a", "a", "a", "a")).toEqual([]);
  });

  test("three columns without a name are worth a note if they are half of all", () => {
    const notes = (names: number, columns: number): boolean => {
      const names_ = Array.from({ length: columns }, (_, n) => (n < names ? `n${n}` : null));
      const heads = headRows(
        batchOfRows([names_, ...[1, 2, 3].map((row) => Array.from({ length: columns }, (_, n) => row * n))]),
      );
      const found = {
        ...detectLayout(heads),
        headers: heads[0]!.cells.map(({ column, text }) => ({ sheetColumn: column, text })),
        headerRows: [1],
        firstRow: 2,
      };
      return layoutDoubts(heads, found).some((note) => note.includes("have no name"));
    };
    expect([notes(3, 6), notes(4, 6), notes(4, 7), notes(1, 3)]).toEqual([true, false, false, false]);
  });

  test("one column whose values hold a delimiter regularly is said: in four of five rows, and not in fewer", () => {
    const notes = (values: string[]): boolean => {
      const heads = headRows(batchOfRows([["all"], ...values.map((value) => [value])]));
      return layoutDoubts(heads, detectLayout(heads)).some((note) => note.includes("one column"));
    };
    const regular = ["a;b", "c;d", "e;f", "g;h"];
    expect([notes([...regular, "ij"]), notes([...regular, "ij", "kl"])]).toEqual([true, false]);
    expect(notes(regular.map((value) => `"${value}"`))).toBe(false);
    expect(notes(["a;b"])).toBe(false);
    // A workbook has no delimiter that could be stated.
    const cells = (rows: BatchCell[][], isText: boolean): string => {
      const heads = headRows(batchOfRows(rows));
      return layoutDoubts(heads, detectLayout(heads), { isText }).join();
    };
    const all = [["all"], ...regular.map((value) => [value])];
    expect(cells(all, true)).toContain('all of it is one column, and its values hold ";" 1 times each: if that parts columns, --delimiter ";" says so'); // prettier-ignore
    expect(cells(all, false)).toContain('if that parts columns, part them in a spreadsheet first ("Text to Columns")');
    // A colon may be a part of a time, so the header has to have it as well.
    const colons = (header: string): string => cells([[header], ["Ada:36"], ["Bob:41"]], true);
    expect(colons("name:age")).toContain('all of it is one column, and its values hold ":" 1 times each');
    expect(colons("name")).not.toContain("one column");
    const fixed = (header: string): string => cells([[header], ["1   Ada    36"], ["2   Bob    41"]], true);
    expect(fixed("id  name  age")).toContain("blanks align words in its lines");
    expect(fixed("id, name, age")).not.toContain("one column");
    const outline = ["a|1", "b|2", "c|3", "d|4", "e|5", "f|6", "g|7"].map((one, n) =>
      n % 2 === 0 ? [one] : [null, one],
    );
    expect(cells(outline, false)).toContain('each row has one value, and these hold "|" 1 times each');
  });

  test("a row above the header is said to be one as well, if it has a text over all of its names but one", () => {
    const says = (above: BatchCell[], header: BatchCell[] = ["YEAR", "Year of the budget"]): string => {
      const records = [1, 2, 3].map((n) => header.map((_, column) => `value ${n} ${column}`));
      const heads = headRows(batchOfRows([above, header, ...records]));
      const layout = { ...detectLayout(heads), headerRows: [2], passedOver: [1], firstRow: 3 };
      return layoutDoubts(heads, layout).find((note) => note.includes("as well")) ?? "";
    };
    expect(says([null, "Description"])).toBe('row 1 ("Description") may be the header as well: --header 1 takes it');
    expect(says(["Title"])).toBe("");
    const four = ["a", "b", "c", "d"];
    expect(says([null, "B", "C", "D"], four)).toContain('row 1 ("B", "C", "D")');
    expect(says(["A", "B", "C", "D"], four)).toContain('row 1 ("A", "B", "C", …)');
    expect(says([null, null, "C", "D"], four)).toBe("");
    expect(says([null, "B", "C", 4], four)).toBe("");
    expect(says([null, "B", "C", "D"], ["a", "b", "c", 4])).toBe("");
  });

  test("a row above the header is said to hold groups, if they are over several names and left out of them", () => {
    const says = (above: BatchCell[], header: BatchCell[], apart = 1): string[] => {
      const records = [1, 2, 3].map((n) => ["Bern", 5 + n, 7, 8, 9]);
      const gap = Array.from({ length: apart - 1 }, (): BatchCell[] => []);
      const heads = headRows(batchOfRows([above, ...gap, header, ...records]));
      const headers = heads[1]!.cells.map(({ column, text }) => ({ sheetColumn: column, text }));
      const layout = { ...detectLayout(heads), headers, headerRows: [1 + apart], passedOver: [1], firstRow: 2 + apart };
      return layoutDoubts(heads, layout).filter((note) => note.includes("--header"));
    };
    const names = ["Town", "Men", "Women", "Young", "Old"];
    expect(says(["Place", "Sex", null, "Age"], names, 2)).toEqual([
      'row 1 ("Place", "Sex", "Age") above the header may name groups of columns, and is left out of the names: --header 1-3 joins it to them',
    ]);
    // A cell over a column without a name is merged downwards.
    expect(says(["Place", "Persons"], [null, "Men", "Women", "Young", "Old"])).toEqual([
      'row 1 ("Place", "Persons") above the header may name groups of columns, and is left out of the names: --header 1-2 joins it to them',
    ]);
    expect(says(["Made by", "me"], names)).toEqual([]);
    expect(says(["Place", "Sex:", null, "Age"], names)).toEqual([]);
    expect(says(["Place", "Sex", null, "Age"], names, 3)).toEqual([]);
  });

  test("prose is no table: from a third of its cells on", () => {
    const doubt = (prose: number): string | undefined => {
      const rows = Array.from({ length: 6 }, (_, n) => [`name ${n}`, n < prose ? "word ".repeat(20) : n]);
      const heads = headRows(batchOfRows([["a", "b"], ...rows]));
      return scoreOf(heads.slice(1), detectLayout(heads)).doubt;
    };
    expect([doubt(4), doubt(5)]).toEqual([undefined, "most of it is prose"]);
  });
});

describe("the totals' border", () => {
  const found = (rows: readonly (readonly BatchCell[])[], complete = true): [number, boolean][] => {
    const totals = new Totals();
    totals.add(batchOfRows(rows, 2));
    return totals.found(complete).map(({ row, proven }) => [row, proven]);
  };

  test.each<[rule: string, rows: BatchCell[][], totals: [number, boolean][]]>([
    [
      "the sum of all",
      [
        ["a", 1],
        ["b", 2],
        ["Total", 3],
      ],
      [[4, true]],
    ],
    [
      "another number",
      [
        ["a", 1],
        ["b", 2],
        ["Total", 4],
      ],
      [[4, false]],
    ],
    [
      "the sum of one record proves nothing",
      [
        ["a", 1],
        ["Total", 1],
      ],
      [[3, false]],
    ],
    [
      "a sum that binary fractions miss",
      [
        ["a", 0.1],
        ["b", 0.2],
        ["Total", 0.3],
      ],
      [[4, true]],
    ],
    [
      "a sum that is off by more",
      [
        ["a", 0.1],
        ["b", 0.2],
        ["Total", 0.300001],
      ],
      [[4, false]],
    ],
    [
      "nothing but zeros",
      [
        ["a", 0],
        ["b", 0],
        ["Total", 0],
      ],
      [[4, false]],
    ],
    [
      "sums of groups",
      [
        ["a", 1],
        ["b", 2],
        ["Subtotal", 3],
        ["c", 4],
        ["d", 5],
        ["Subtotal", 9],
        ["Total", 12],
      ],
      [
        [4, true],
        [7, true],
        [8, true],
      ],
    ],
    [
      "a group of one record beside another proof",
      [
        ["a", 1],
        ["b", 2],
        ["Subtotal", 3],
        ["c", 4],
        ["Subtotal", 4],
      ],
      [
        [4, true],
        [6, true],
      ],
    ],
    [
      "one of two columns is no sum",
      [
        ["a", 1, 1],
        ["b", 2, 1],
        ["Total", 3, 1],
      ],
      [[4, false]],
    ],
    [
      "a word that only begins so",
      [
        ["a", 1],
        ["b", 2],
        ["Totally", 3],
      ],
      [],
    ],
    [
      "a label whose column holds numbers",
      [
        [1, 1],
        [2, 2],
        ["Total", 3],
      ],
      [],
    ],
    [
      "three of them",
      [
        ["a", 1],
        ["Total", 5],
        ["b", 2],
        ["Total", 5],
        ["c", 3],
        ["Total", 5],
      ],
      [
        [3, false],
        [5, false],
        [7, false],
      ],
    ],
    [
      "four among few records are a category",
      [
        ["a", 1],
        ["Total", 5],
        ["b", 2],
        ["Total", 5],
        ["c", 3],
        ["Total", 5],
        ["d", 3],
        ["Total", 5],
      ],
      [],
    ],
  ])("%s", (_, rows, totals) => {
    expect(found(rows)).toEqual(totals);
  });

  test("one whose label does not fit is left to be rejected only if the sheet ends there", () => {
    const rows: BatchCell[][] = [
      [1, 1],
      [2, 2],
      ["Total", 3],
    ];
    expect([found(rows, true), found(rows, false)]).toEqual([[], [[4, true]]]);
    expect(found([...rows, [3, 3]])).toEqual([[4, true]]);
  });
});
