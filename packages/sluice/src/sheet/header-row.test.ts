// Sheets on both sides of each rule's border, with the header that is found. Long, because it is a
// list of sheets.
import { describe, expect, test } from "vitest";
import { headRows } from "./head-rows.ts";
import { detectLayout, statedLayout, type Layout } from "./header-row.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";

function layout(rows: readonly (readonly BatchCell[])[], known: readonly string[] = []): Layout {
  return detectLayout(headRows(batchOfRows(rows)), (text) => known.includes(text));
}

/** The header's rows, then its texts. */
function found(rows: readonly (readonly BatchCell[])[], known?: readonly string[]): [number[], string[]] {
  const { headerRows, headers } = layout(rows, known);
  return [[...headerRows], headers.map((header) => header.text)];
}

const PEOPLE: BatchCell[][] = [
  ["Name", "Age", "City"],
  ["Ada", 36, "London"],
  ["Bob", 41, "Paris"],
];
const TEXTS: BatchCell[][] = [
  ["Name", "Mail", "City"],
  ["Ada", "ada@example.org", "London"],
  ["Bob", "bob@example.org", "Paris"],
];
const PRICES: BatchCell[][] = [
  ["Item", "Price"],
  ["Tea", 3.5],
  ["Milk", 1.2],
  ["Bread", 2.8],
];
const RAIN: BatchCell[][] = [
  ["2024-01-01", -2.1, 3.4, 0],
  ["2024-01-02", -1, 4.4, 1.2],
  ["2024-01-03", 0.3, 5, 0.1],
];
const WORDS: BatchCell[][] = [
  ["Name", "Job", "City"],
  ["Ada", "poet", "London"],
  ["Bob", "cook", "Paris"],
];

describe("the header is", () => {
  test.each<[string, BatchCell[][], number[], string[]]>([
    ["the first row", PEOPLE, [1], ["Name", "Age", "City"]],
    ["the first row of words over words", WORDS, [1], ["Name", "Job", "City"]],
    ["the first row where there is one record", PEOPLE.slice(0, 2), [1], ["Name", "Age", "City"]],
    ["the only row", [["Name", "Age"]], [1], ["Name", "Age"]],
    ["the only row, even of numbers", [[1, 2]], [1], ["1", "2"]],
    ["below blank rows", [[null], [null], ...PEOPLE], [3], ["Name", "Age", "City"]],
    ["below a title", [["Staff 2024"], ...PEOPLE], [2], ["Name", "Age", "City"]],
    ["below a title and a blank row", [["Staff 2024"], [null], ...WORDS], [3], ["Name", "Job", "City"]],
    ["below a title in the middle", [[null, "Staff 2024"], ...WORDS], [2], ["Name", "Job", "City"]],
    [
      "below remarks",
      [
        ["Exported", "2020-01-31"],
        ["By", "me"],
        [null],
        ["Id", "Name", "Job", "City", "Age"],
        [1, "Ada", "poet", "London", 36],
        [2, "Bob", "cook", "Paris", 41],
      ],
      [4],
      ["Id", "Name", "Job", "City", "Age"],
    ],
    [
      "below many lines of remarks in one column, right above it",
      [
        ...Array.from({ length: 14 }, (_, n): BatchCell[] => [null, `Remark ${n}`]),
        ["MtC/yr"],
        [null, "Peru", "Chile", "Cuba"],
        [1959, 0.5, 1.5, 2.5],
        [1960, 0.25, 1.25, 2.25],
        [1961, 0.5, 1.5, 2.5],
      ],
      [16],
      ["Peru", "Chile", "Cuba"],
    ],
    [
      "below a block of remarks that looks like a header",
      [["Customer:", "ACME"], ["Date:", "2024-01-01"], [null], ["item", "qty", "price"], ["A", 1, 2.5], ["B", 2, 3.5]],
      [4],
      ["item", "qty", "price"],
    ],
    [
      "below a comment",
      [
        ["# made by x", "version 2"],
        ["id", "n"],
        [1, 2],
        [3, 4],
      ],
      [2],
      ["id", "n"],
    ],
    ["below a name and its date", [["Date", "2024-01-01"], ...PEOPLE], [2], ["Name", "Age", "City"]],
    ["below a name and its date, of words", [["Date", "2024-01-01"], ...WORDS], [2], ["Name", "Job", "City"]],
    ["below a name and its number", [["Rows", 5], ...PEOPLE], [2], ["Name", "Age", "City"]],
    ["below a name and its date, in as many columns", [["Date", "2024-01-01"], ...PRICES], [2], ["Item", "Price"]],
    ["below a name and its number, in as many columns", [["Year", 2024], ...PRICES], [2], ["Item", "Price"]],
    [
      "below a name and its date, over dates",
      [
        ["As of", "2024-01-01"],
        ["Name", "Born"],
        ["Ada", "1990-01-31"],
        ["Bob", "1985-02-01"],
        ["Eve", "2001-06-15"],
      ],
      [2],
      ["Name", "Born"],
    ],
    [
      "below names and their values, and a blank row",
      [["Date", "2024-01-01"], ["Store", "North"], ["Manager", "Ada"], [null], ...PRICES],
      [5],
      ["Item", "Price"],
    ],
    [
      "below names and their numbers, and a blank row",
      [["Loan", 10000], ["Months", 12], ["Rate", 0.05], [null], ["Month", "Due"], [1, 856.5], [2, 856.5], [3, 856.5]],
      [5],
      ["Month", "Due"],
    ],
    [
      "below several names and their values in one row",
      [["Lat", 47.5, "Lon", 8.3, "Alt", 520], [null], ["Day", "Low", "High", "Rain"], ...RAIN],
      [3],
      ["Day", "Low", "High", "Rain"],
    ],
    [
      "below a line of words with a date, and one of words",
      [
        ["Line 12"],
        ["Monday to Friday", null, "valid from", "2024-12-15"],
        ["All times local"],
        ["Stop", "1201", "1203", "1205"],
        ["North", "6:00", "7:00", "8:00"],
        ["Market", "6:10", "7:10", "8:10"],
        ["Harbour", "6:25", "7:25", "8:25"],
      ],
      [4],
      ["Stop", "1201", "1203", "1205"],
    ],
    [
      "below a line of words that is wider than the title, and one of words",
      [
        ["Line 12"],
        ["Monday to Friday", null, "valid", "in winter"],
        ["All times local"],
        ["Stop", "Run 1", "Run 2", "Run 3", "Run 4"],
        ["North", "6:00", "7:00", "8:00", "9:00"],
        ["Market", "6:10", "7:10", "8:10", "9:10"],
        ["Harbour", "6:25", "7:25", "8:25", "9:25"],
      ],
      [4],
      ["Stop", "Run 1", "Run 2", "Run 3", "Run 4"],
    ],
    [
      "below a block of names and their values that begins with words",
      [
        ["Project", "Alpha"],
        ["Budget", 12000],
        ["Start", "2024-01-01"],
        [null],
        ["Task", "Hours"],
        ["Plan", 10],
        ["Build", 40],
        ["Test", 12],
      ],
      [5],
      ["Task", "Hours"],
    ],
    [
      "the first row, if one kind of values is below it",
      [
        ["Project", "Hours"],
        ["Alpha", 12000],
        ["Beta", 20],
        [null],
        ["Task", "Hours"],
        ["Plan", 10],
        ["Build", 40],
        ["Test", 12],
      ],
      [1],
      ["Project", "Hours"],
    ],
    [
      "below a name and its date, and one of words, that are wider",
      [
        ["Report date", "2024-05-01", null, "Currency", "EUR"],
        ["Account", "Debit", "Credit"],
        ["4000", 10.5, 0],
        ["4010", 20, 5],
        ["4020", 3, 3],
      ],
      [2],
      ["Account", "Debit", "Credit"],
    ],
    [
      "a row with a year above another table",
      [
        ["Region", 2019],
        ["North", 5],
        ["South", 6],
        ["West", 7],
        [null],
        ["City", "Rent"],
        ["Rome", 3],
        ["Bonn", 4],
        ["Oslo", 9],
      ],
      [1],
      ["Region", "2019"],
    ],
    [
      "a row with a year over a mark for a missing value",
      [
        ["Country", 2019],
        ["Peru", ".."],
        ["Chile", 1],
        ["Cuba", 3],
        ["Haiti", 2],
      ],
      [1],
      ["Country", "2019"],
    ],
    ["a row with a number, if the next one names no values", [["Name", 5], ...WORDS], [1], ["Name", "5"]],
    [
      "a row with a date, if the next one is as wide",
      [
        ["Date", "2024-01-01"],
        ["Ada", "here"],
        ["Bob", "away"],
        ["Cy", "here"],
      ],
      [1],
      ["Date", "2024-01-01"],
    ],
    [
      "a row with an empty cell",
      [
        ["Name", null, "City"],
        ["Ada", 36, "London"],
        ["Bob", 41, "Paris"],
      ],
      [1],
      ["Name", "City"],
    ],
    [
      "a row with years",
      [
        ["Country", 2019, 2020],
        ["Peru", 5.5, 7],
        ["Chile", 1, 2.5],
      ],
      [1],
      ["Country", "2019", "2020"],
    ],
    [
      "a row with years over whole numbers",
      [
        ["Country", 2019, 2020],
        ["Peru", 5, 7],
        ["Chile", 1, 2],
      ],
      [1],
      ["Country", "2019", "2020"],
    ],
    ["the first row where rows have many lengths", [["A"], ["1"], ["1", "2"], ["1", "2", "3"]], [1], ["A"]],
    ["the first row over longer records", [["Name"], ["Ada", 36], ["Bob", 41]], [1], ["Name"]],
    [
      "dates",
      [
        ["Item", new Date("2020-01-01T00:00Z")],
        ["rent", 5],
      ],
      [1],
      ["Item", "2020-01-01"],
    ],
  ])("%s", (_, rows, headerRows, texts) => {
    expect(found(rows)).toEqual([headerRows, texts]);
  });
});

test.each<[string, BatchCell[][]]>([
  ["numbers over numbers", PEOPLE.slice(1)],
  ["addresses over addresses", TEXTS.slice(1)],
  ["amounts over amounts, in any notation", [["10,5", "€ 1.200,00"], ["11,2", "(5 %)"], ["12,8", "22,4-"]]], // prettier-ignore
  [
    "dates over dates",
    [
      ["2020-01-31", "a"],
      ["2020-02-01", "b"],
      ["2020-02-02", "c"],
    ],
  ],
  [
    "booleans over booleans",
    [
      [true, "a"],
      [false, "b"],
    ],
  ],
])("there is none where the first row holds %s", (_, rows) => {
  expect(layout(rows)).toMatchObject({ headers: [], headerRows: [], firstRow: 1 });
});

test("rows of names with their values in one cell are above the header, as banks write them", () => {
  const rows: BatchCell[][] = [
    ["Bank code : 1001010101", "Agency code : 10000", "From : 01/04/2020", "To : 02/04/2020"],
    ["Account number : 08088804068", "Owner : Ada 1", ": EUR"],
    ["Balance at the end", null, null, null, "+31070,11"],
    ["Date", "Number", "Label", "Debit", "Credit", "Detail"],
    ["01/04/20", "OP 1", "tea", "-50,00", null, "x"],
    ["02/04/20", "OP 2", "milk", null, "1300,00", "y"],
  ];
  expect(found(rows)).toEqual([[4], ["Date", "Number", "Label", "Debit", "Credit", "Detail"]]);
  // A question with its number is a name.
  const survey: BatchCell[][] = [["Q1: age", "Q2: town"], [36, "Rome"], [41, "Paris"], [29, "London"]]; // prettier-ignore
  expect(found(survey)).toEqual([[1], ["Q1: age", "Q2: town"]]);
});

test("thousands of a currency and words for percent are units", () => {
  const rows: BatchCell[][] = [
    ["Rank", "State", "Expenses", "Share", "Receipts"],
    [null, null, "$1,000", "Percent", "$1,000"],
    [null, "All", 354277464, null, 354277464],
    [1, "California", 37866933, 10.7, 37866934],
    [2, "Iowa", 26148302, 7.4, 26148303],
  ];
  const { headers, unitsRow, firstRow } = layout(rows);
  expect([unitsRow, firstRow, headers.map(({ unit }) => unit)]).toEqual([2, 3, [undefined, undefined, "$1,000", "Percent", "$1,000"]]); // prettier-ignore
  // Amounts of a table are values.
  const prices: BatchCell[][] = [["Item", "Price", "Rate"], ["a", "$1,000", "Percent"], ["b", "$2,500", "Percent"], ["c", "$1,200", "Days"]]; // prettier-ignore
  expect(layout(prices)).toMatchObject({ unitsRow: undefined, firstRow: 2 });
});

describe("a header of two rows is joined", () => {
  test("a group over years, beside names whose cells are merged downwards", () => {
    const rows: BatchCell[][] = [
      ["Region", "Code", "Sales", null],
      [null, null, "2023", "2024"],
      ["North", "c1", 5, 7],
      ["South", "c2", 6, 8],
      ["West", "c3", 9, 8],
    ];
    expect(found(rows)).toEqual([
      [1, 2],
      ["Region", "Code", "Sales / 2023", "Sales / 2024"],
    ]);
  });

  test("groups over names", () => {
    const rows: BatchCell[][] = [
      [null, "2019", null, "2020", null],
      ["Country", "Min", "Max", "Min", "Max"],
      ["Peru", 1, 2, 3, 4],
      ["Chile", 1, 2, 3, 4],
    ];
    expect(found(rows)).toEqual([
      [1, 2],
      ["Country", "2019 / Min", "2019 / Max", "2020 / Min", "2020 / Max"],
    ]);
    expect(layout(rows).firstRow).toBe(3);
  });

  test("and a third row in the columns of numbers, if all else in it is the name once more", () => {
    const rows: BatchCell[][] = [
      [null, null, "PRESIDENT", null, "SENATE", null],
      ["County", "Precinct", "Obama", "Romney", "Sen", "Votes"],
      [null, null, "Dem", "Rep", "sen", "all"],
      ["Barbour", 1, 70, 166, "Sen14", 141],
      ["Barbour", 2, 168, 436, "Sen14", 350],
      ["Barbour", 3, 142, 379, "Sen15", 317],
    ];
    expect(found(rows)).toEqual([
      [1, 2, 3],
      ["County", "Precinct", "PRESIDENT / Obama Dem", "PRESIDENT / Romney Rep", "SENATE / Sen", "SENATE / Votes all"],
    ]);
    rows[2]![4] = "Sen13";
    expect(found(rows)[0]).toEqual([1, 2]);
  });

  test("names that are merged downwards hold rows of groups together, over one record too", () => {
    const rows: BatchCell[][] = [
      ["Id", "Name", "Income", null, null, null, "Costs", "Net"],
      [null, null, "Basic", null, "Extra", "Total", "Taxes", null],
      [null, null, "Salary", "Other", null, null, "Tax", null],
      ["7", "Ada", 1000, 20, 5, 1025, 300, 725],
    ];
    const names = [
      "Id",
      "Name",
      "Income / Basic / Salary",
      "Income / Basic / Other",
      "Income / Extra",
      "Income / Total",
      "Costs / Taxes / Tax",
      "Net",
    ];
    expect(found(rows)).toEqual([[1, 2, 3], names]);
    const more = [rows[3]!, rows[3]!];
    expect(found([["Report of May"], [null], rows[0]!, [null], ...rows.slice(1), ...more])).toEqual([[3, 5, 6], names]);
  });

  test("cells merged downwards keep their own name, below a title", () => {
    const rows: BatchCell[][] = [
      ["Staff"],
      ["Name", "Address", null, "Age"],
      [null, "Street", "City", null],
      ["Ada", "High St 1", "London", 36],
      ["Bob", "Rue 2", "Paris", 41],
    ];
    // Nothing but Age shows that row 3 is no record, and it has no name there.
    expect(found(rows)[0]).toEqual([2]);
    rows[3]![2] = 12_345;
    rows[4]![2] = 54_321;
    expect(found(rows)).toEqual([
      [2, 3],
      ["Name", "Address / Street", "Address / City", "Age"],
    ]);
    expect(layout(rows).passedOver).toEqual([1]);
  });

  test("but a title, or remarks, are no groups", () => {
    expect(found([["Sales"], ["Id", "Amount"], [1, 2.5], [2, 3.5]])).toEqual([[2], ["Id", "Amount"]]);
    expect(
      found([
        ["Company", "ACME"],
        ["Id", "Amount", "Tax"],
        [1, 2.5, 1],
        [2, 3.5, 1],
      ])[1],
    ).toEqual(["Id", "Amount", "Tax"]);
  });
});

test("remarks with a colon are no groups, wherever they stand", () => {
  const rows: BatchCell[][] = [
    ["Unit:", null, "Office:", null],
    ["Code", "Name", "Account", "Amount"],
    [1, "Ada", 5, 2.5],
    [2, "Bob", 6, 3.5],
  ];
  expect(found(rows)).toEqual([[2], ["Code", "Name", "Account", "Amount"]]);
});

test("headers that go on in the next rows are one", () => {
  const rows: BatchCell[][] = [
    ["Hires by function"],
    ["Function", "Percent", "Number", "Minimum"],
    [null, "of Hires", "of Hires", "Monthly"],
    [null, null, "(all)", "Salary"],
    ["Sales", 0.5, 10, 4000],
    ["Finance", 0.25, 5, 5000],
    ["Other", 0.25, 5, 3000],
  ];
  expect(found(rows)).toEqual([
    [2, 3, 4],
    ["Function", "Percent of Hires", "Number of Hires (all)", "Minimum Monthly Salary"],
  ]);
  // A record has a name.
  rows[2]![0] = "Unknown";
  expect(found(rows)[0]).toEqual([2]);
});

test("a row of units belongs to the header", () => {
  const rows: BatchCell[][] = [
    ["Item", "Weight", "Speed"],
    [null, "kg", "(m/s)"],
    ["a", 1, 2],
    ["b", 3, 4],
  ];
  expect(layout(rows)).toMatchObject({
    headerRows: [1],
    unitsRow: 2,
    firstRow: 3,
    headers: [{ text: "Item" }, { text: "Weight", unit: "kg" }, { text: "Speed", unit: "m/s" }],
  });
  expect(
    layout([
      ["Item", "Size"],
      ["shirt", "m"],
      ["socks", "l"],
    ]),
  ).toMatchObject({ unitsRow: undefined, firstRow: 2 });
});

test.each<[string, BatchCell[]]>([
  ["signs for missing values", ["-", "-", "-"]],
  ["words for missing values", ["n/a", "n/a", "n/a"]],
  ["words for missing values, but for the first", [null, "unknown", "(none)"]],
  ["grades", [null, "A", "B"]],
  ["sizes", ["m", "s", "l"]],
  ["words", ["x", "y", "z"]],
])("a first record of %s over numbers is a record", (_, first) => {
  const rows: BatchCell[][] = [["id", "one", "two"], first, [1, 2, 3], [4, 5, 6]];
  expect(layout(rows)).toMatchObject({ headerRows: [1], unitsRow: undefined, firstRow: 2 });
});

test("letters are units where they are the same in all columns but the first, or beside other units", () => {
  const rows: BatchCell[][] = [["id", "one", "two"], [null, "t", "t"], [1, 2, 3], [4, 5, 6]]; // prettier-ignore
  expect(layout(rows).unitsRow).toBe(2);
  rows[1] = ["s", "V", "mA"];
  expect(layout(rows).unitsRow).toBe(2);
});

test("headers that are known decide", () => {
  const rows: BatchCell[][] = [
    ["one", "two", "three"],
    ["Name", "Age", "City"],
    ["Ada", "old", "London"],
  ];
  expect(found(rows)[0]).toEqual([1]);
  expect(found(rows, ["Name", "City"])).toEqual([[2], ["Name", "Age", "City"]]);
  expect(found(rows, ["London"])[0]).toEqual([1]);
});

test("a header of two rows is not given up for one of its rows, since it has more headers that are known", () => {
  const rows: BatchCell[][] = [
    ["Name", "Address", null, "Age"],
    [null, "Street", "Zip", null],
    ["Ada", "High St 1", 12_345, 36],
    ["Bob", "Rue 2", 54_321, 41],
  ];
  const all = ["Name", "Address / Street", "Address / Zip", "Age"];
  expect(found(rows, all)).toEqual([[1, 2], all]);
  expect(found(rows, ["Name", "Address", "Age"])[0]).toEqual([1]);
});

test("what is stated holds", () => {
  const rows = headRows(batchOfRows(PEOPLE));
  expect(statedLayout(rows, [2, 2], 1)).toMatchObject({
    headerRows: [2], firstRow: 3, passedOver: [1], headers: [{ text: "Ada" }, { text: "36" }, { text: "London" }],
  }); // prettier-ignore
  expect(statedLayout(rows, [1, 2], 1).headers.map((header) => header.text)).toEqual([
    "Name / Ada",
    "Age / 36",
    "City / London",
  ]);
  expect(statedLayout(rows, "none", 2)).toMatchObject({ headers: [], headerRows: [], firstRow: 2 });
  expect(statedLayout(rows, [9, 9], 1)).toMatchObject({ headers: [], firstRow: 10 });
});

describe("names that are no words are a header where they are a series that goes on in no row below", () => {
  const records: BatchCell[][] = [
    ["W1", "Ward 1", 90, 5, 3, 9],
    ["W2", "Ward 2", 80, 7, 1, 4],
    ["W3", "Ward 3", 70, 2, 8, 8],
  ];

  test("ages below a link and a title", () => {
    const rows: BatchCell[][] = [
      ["Contents"],
      [null],
      ["Table 7"],
      [null],
      ["Code", "Name", "All", 0, 1, 2],
      ...records,
    ];
    expect(found(rows)).toEqual([[5], ["Code", "Name", "All", "0", "1", "2"]]);
  });

  test("weeks over the days on which they end: the second row says more of the columns", () => {
    const day = (n: number): Date => new Date(Date.UTC(2020, 0, 3 + 7 * n));
    const rows: BatchCell[][] = [
      ["Week", null, 1, 2, 3],
      ["Ended", null, day(0), day(1), day(2)],
      ["Deaths", null, 12_254, 14_058, 12_990],
      ["Boys", null, 9, 2, 8],
      ["Girls", null, 3, 8, 5],
    ];
    expect(layout(rows)).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
  });

  test("years with footnote marks, as texts of which a bracket is a part", () => {
    const rows: BatchCell[][] = [["Jobs"], [null, "2021 1)", 2022, 2023, "20242)"], ["Women", 1.5, 2, 2.5, 3.5], ["Men", 3, 1, 4, 2.5], ["Both", 2, 9, 8, 8]]; // prettier-ignore
    expect(found(rows)).toEqual([[2], ["2021 1)", "2022", "2023", "20242)"]]);
  });

  test("months that go back over sums that grow", () => {
    const rows: BatchCell[][] = [["up to month", 5, 4, 3, 2], ["sold", 90, 71, 40, 12], ["let", 80, 77, 31, 10], ["lost", 9, 6, 3, 1]]; // prettier-ignore
    expect(found(rows)).toEqual([[1], ["up to month", "5", "4", "3", "2"]]);
  });

  test.each<[string, number[]]>([
    ["halved", [1024, 512, 256, 128, 64]],
    ["rounded, and none at the end", [100, 50, 25, 12.5, 6.25, 3.13, 1.56, 0]],
    ["ten times as much each, and none first", [0, 0.01, 0.1, 1, 10]],
  ])("doses of a dilution: %s", (_, doses) => {
    const rows = [1, 2, 3].map((n): BatchCell[] => [`s${n}`, ...doses.map((_, i) => ((i * 7 + n * 5) % 11) / 10)]);
    expect(found([["Strain", ...doses], ...rows])).toEqual([[1], ["Strain", ...doses.map(String)]]);
  });

  test("but not numbers whose ratios differ, below no names", () => {
    const rows: BatchCell[][] = [
      ["a", 90, 50, 20, 11],
      ["b", 70, 71, 4, 12],
      ["c", 20, 30, 31, 8],
      ["d", 5, 9, 1, 3],
    ];
    expect(layout(rows).headerRows).toEqual([]);
  });

  test("but not numbers that go down in steps of their own, below names", () => {
    const rows: BatchCell[][] = [
      ["Year", "Sex", "All", "0 – 9", "10 – 19", "20 – 29", "30 – 39", "40 – 49"],
      [null, "both", 99, 50, 30, 10, 6, 3],
      [2020, "men", 50, 26, 10, 6, 8, 1],
      [null, "women", 49, 24, 20, 4, 1, 2],
      [2021, "men", 51, 24, 12, 4, 5, 1],
    ];
    expect(layout(rows)).toMatchObject({ headerRows: [1], firstRow: 2 });
  });

  test("but not where the rows below are series too", () => {
    expect(layout([[1, 2, 3, 4], [2, 4, 6, 8], [3, 6, 9, 12], [4, 8, 12, 16]]).headerRows).toEqual([]); // prettier-ignore
  });
});

describe("rows below the header say more of the columns and are no records", () => {
  const series: BatchCell[][] = [["1987-01-01", 1.5, 2.5], ["1987-02-01", 1.25, 2], ["1987-03-01", 3, 4]]; // prettier-ignore

  test("codes of series", () => {
    const rows: BatchCell[][] = [["Date", "Phoenix", "Denver"], [null, "PHXR", "DNXR"], ...series];
    expect(layout(rows)).toMatchObject({
      headerRows: [1],
      aboutRows: [2],
      firstRow: 3,
      headers: [{ text: "Date" }, { text: "Phoenix", unit: "PHXR" }, { text: "Denver", unit: "DNXR" }],
    });
  });

  test("names below codes are the header, below a link", () => {
    const rows: BatchCell[][] = [
      ["Back to Contents", "Data 1"],
      ["Sourcekey", "RBRTE", "RWTC"],
      ["Date", "Brent spot price", "Texas spot price"],
      ...series,
    ];
    expect(found(rows)).toEqual([[3], ["Date", "Brent spot price", "Texas spot price"]]);
  });

  test("the questions and the ids of a survey", () => {
    const rows: BatchCell[][] = [
      ["Start", "Q1"],
      ["Start Date", "How old are you?"],
      ['{"ImportId":"startDate"}', '{"ImportId":"QID1"}'],
      ["2024-03-01 10:00:00", 34],
    ];
    expect(layout(rows)).toMatchObject({ headerRows: [1], aboutRows: [2, 3], firstRow: 4 });
  });

  test.each<[string, BatchCell[]]>([
    ["numbers", [1, 2, 3, 4]],
    ["numbers in brackets, which a spreadsheet reads as negative", [-1, -2, -3, -4]],
    ["numbers in brackets", ["(1)", "(2)", "(3)", "(4)"]],
    ["a letter and numbers", ["A", 1, 2, 3]],
    ["a letter and numbers from two on", ["A", 2, 3, 4]],
  ])("%s of the columns", (_, numbers) => {
    const rows: BatchCell[][] = [
      ["Households by source of light"],
      [null],
      ["Place", "Households", "Source of light", null],
      [null, null, "Electricity", "Candles"],
      numbers,
      [null],
      ["TOTAL", 7598, 4804, 131],
      ["Aileu", 3846, 2601, 26],
      ["Hoholau", 326, 278, 4],
    ];
    expect(layout(rows)).toMatchObject({
      headerRows: [3, 4],
      aboutRows: [5],
      firstRow: 6,
      headers: [
        { text: "Place" },
        { text: "Households" },
        { text: "Source of light / Electricity" },
        { text: "Source of light / Candles" },
      ],
    });
  });

  test("numbers of the columns, anew for each group", () => {
    const rows: BatchCell[][] = [
      [null, "North", null, null, "South", null, null],
      ["Item", "State", "Towns", "All", "State", "Towns", "All"],
      [null, 1, 2, 3, 1, 2, 3],
      ["Roads", 5, 6, 11, 7, 1, 8],
      ["Schools", 9, 2, 11, 7, 5, 12],
      ["Courts", 1, 8, 9, 6, 1, 7],
    ];
    expect(layout(rows)).toMatchObject({ headerRows: [1, 2], aboutRows: [3], firstRow: 4 });
    // The texts may be in the second column, below numbers of lines.
    const lines = rows.map((row, n): BatchCell[] => [n === 1 ? "No" : n < 3 ? null : n - 2, ...row]);
    const codes: BatchCell[] = ["Line", "Name", "C1", "C2", "C3", "C4", "C5", "C6"];
    expect(layout(lines.toSpliced(3, 0, codes))).toMatchObject({ headerRows: [1, 2], aboutRows: [3, 4], firstRow: 5 });
  });

  const mice: BatchCell[][] = [["2020-01-01", 5, 6], ["2020-01-02", 7, 8], ["2020-01-03", 9, 1], ["2020-01-04", 2, 3], ["2020-01-05", 4, 4], ["2020-01-06", 7, 7]]; // prettier-ignore

  test.each<[string, BatchCell[][], number[]]>([
    ["what is said of each series", [["Unit", "head", "head"], ["Code", "M1", "M2"]], [2, 3]], // prettier-ignore
    ["the date on which each series begins", [["First", new Date(Date.UTC(2020, 0, 1)), new Date(Date.UTC(2020, 0, 1))]], [2]], // prettier-ignore
    ["a text alone over values", [[null, "Number of animals", null]], [2]],
    ["a second header, over the titles of a section", [["day", "black", "white"], ["IN ALL", null, null], [null, "caught", "seen"]], [2, 3, 4]], // prettier-ignore
  ])("%s", (_, about, expected) => {
    expect(layout([["Day", "Black", "White"], ...about, ...mice])).toMatchObject({ aboutRows: expected });
  });

  test.each<[string, BatchCell[][]]>([
    ["values with marks", [[null, "0.5***", "0.25*"]]],
    ["a text over texts", [["a first day", null, null]]],
    ["a word that is there for a missing value", [[null, "unknown", "tbd"]]],
  ])("but not %s", (_, about) => {
    const texts = mice.map(([, ...values], n): BatchCell[] => [`Ward ${"abcdef"[n]}`, ...values]);
    expect(layout([["Ward", "Black", "White"], ...about, ...texts]).aboutRows).toEqual([]);
  });

  test("a record whose text is there, with one word over the columns of values", () => {
    const wards = mice.map(([, ...values], n): BatchCell[] => [`Ward ${"abcdef"[n]}`, ...values]);
    expect(layout([["Ward", "Black", "White"], ["Ward 0", "closed", "closed"], ...wards]).aboutRows).toEqual([]);
  });

  test("the name of the first column, below the one of a series", () => {
    const rows: BatchCell[][] = [["Time", null, 2023, 2024], ["Country"], ["Peru", null, 5, 6], ["Chile", null, 7, 1], ["Cuba", null, 9, 3]]; // prettier-ignore
    expect(layout(rows)).toMatchObject({ aboutRows: [2], headers: [{ text: "Time", unit: "Country" }, {}, {}] });
    // Another one is the title of a section, and so is this.
    expect(layout(rows.toSpliced(4, 0, ["Isles"])).aboutRows).toEqual([]);
    expect(layout(rows.with(0, ["Time", null, "Men", "Women"])).aboutRows).toEqual([]);
    // Beside records with few values, it is one without any.
    const few: BatchCell[][] = [["People", 2021, 2022, 2023, 2024], ["Abaco"], ["Aruba", 1, 2, 3, 4], ["Bimini", null, null, 5], ["Cuba", 5, 6, 7, 8]]; // prettier-ignore
    expect(layout(few)).toMatchObject({ aboutRows: [], firstRow: 2 });
    expect(layout(few.with(3, ["Bimini", 1, null, 5]))).toMatchObject({ aboutRows: [2], firstRow: 3 });
  });

  test("a text alone over numbers, unless another one follows as the title of a section", () => {
    const row = (name: string): BatchCell[] => [name, 5, 6, 7];
    const rows: BatchCell[][] = [["Age", "2001", "2011", "2021"], [null, "All"], row("young"), row("old"), row("older")]; // prettier-ignore
    expect(layout(rows)).toMatchObject({ aboutRows: [2], firstRow: 3 });
    const sections = [...rows, [null, "Men"], row("young"), row("old")];
    expect(layout(sections)).toMatchObject({ aboutRows: [], firstRow: 2 });
  });

  test("numbers of the columns beside a column of years, if they leave it empty", () => {
    const years = [1962, 1963, 1964, 1965].map((year, n): BatchCell[] => [year, n, n * 3, 0, 5]);
    const names: BatchCell[] = ["Year", "Napa", "Yolo", "Kern", "Butte"];
    const numbers: BatchCell[] = [null, "[1]", "[2]", "[3]", "[4]"];
    expect(layout([names, numbers, ...years])).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
    expect(layout([names, [null, 1, 2, 3, 4], ...years])).toMatchObject({ aboutRows: [2] });
    expect(layout([names, [1961, 1, 2, 3, 4], ...years])).toMatchObject({ aboutRows: [] });
  });

  test("a column without a name has the one of the row below", () => {
    const rows: BatchCell[][] = [[null, "Black", "White"], ["Day", "caught", "seen"], ...mice]; // prettier-ignore
    expect(layout(rows).headers.map(({ text }) => text)).toContain("Day");
  });

  test("numbers of the columns from 0 on, the number of the column of texts", () => {
    const rows: BatchCell[][] = [
      ["Place", "Men", "Women", "All"],
      ["0", "1", "2", "3"],
      ["North", 5, 6, 11],
      ["South", 1, 2, 3],
      ["West", 3, 2, 5],
    ];
    expect(layout(rows)).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
    // Ages from 0 on are names or values.
    const ages: BatchCell[][] = [["Year", "a", "b", "c"], [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]; // prettier-ignore
    expect(layout(ages).aboutRows).toEqual([]);
  });

  test("numbers of the columns, over one record", () => {
    const one: BatchCell[][] = [
      ["Place", "Men", "Women", "Both"],
      [1, 2, 3, 4],
      ["Aileu", 5, 6, 11],
    ];
    expect(layout(one)).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
  });

  test.each<[string, BatchCell[][]]>([
    [
      "a record of numbers",
      [
        ["a", "b", "c"],
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
    ],
    [
      "a record that counts on by more",
      [
        ["Code", "b", "c"],
        [1, 3, 5],
        ["x", 5, 6],
        ["y", 8, 9],
        ["z", 1, 1],
      ],
    ],
    ["numbers below a title alone", [["Cases by month"], [1, 2, 3], ["x", 5, 6], ["y", 8, 9], ["z", 1, 1]]],
    [
      "a record over one other",
      [
        ["Code", "b", "c"],
        [1, 2, 3],
        ["x", 5, 6],
      ],
    ],
  ])("but not %s", (_, rows) => {
    expect(layout(rows).aboutRows).toEqual([]);
  });

  test("formats", () => {
    const rows: BatchCell[][] = [["site", "date", "flow"], ["15s", "20d", "14n"], ["A", "2020-01-01", 1], ["B", "2020-01-02", 2], ["C", "2020-01-03", 3]]; // prettier-ignore
    expect(layout(rows).aboutRows).toEqual([2]);
  });

  test.each<[string, BatchCell[]]>([
    ["a value in one of the columns", ["1986-12-01", "PHXR", "DNXR"]],
    ["the same word twice", [null, "none", "none"]],
  ])("but not a row with %s", (_, row) => {
    expect(layout([["Date", "Phoenix", "Denver"], row, ...series]).aboutRows).toEqual([]);
  });
});

test("parties over the names of candidates are no codes, since they come again and again", () => {
  const rows: BatchCell[][] = [
    ["Precinct", "Senator", null, "Governor", null],
    [null, "DEM", "REP", "DEM", "REP"],
    [null, "Ann Lee", "Bob Roe", "Cy Poe", "Di Coe"],
    ["01-01", 5, 6, 7, 8],
    ["01-02", 4, 3, 2, 1],
    ["01-03", 9, 8, 7, 6],
  ];
  expect(found(rows)).toEqual([
    [1, 2, 3],
    ["Precinct", "Senator / DEM Ann Lee", "Senator / REP Bob Roe", "Governor / DEM Cy Poe", "Governor / REP Di Coe"],
  ]);
});

test("a second row under cells that are merged across names the gaps", () => {
  const rows: BatchCell[][] = [
    ["Area", "Theft", null, "Fraud", null],
    [null, null, "Rate", null, "Rate"],
    ["North", 5, 1.5, 7, 2.5],
    ["South", 6, 1.75, 8, 2],
    ["West", 4, 2, 3, 1],
  ];
  expect(found(rows)).toEqual([[1, 2], ["Area", "Theft", "Theft / Rate", "Fraud", "Fraud / Rate"]]); // prettier-ignore
});

test("groups over groups over names are joined, as found and as stated", () => {
  const rows: BatchCell[][] = [
    [null, "2019", null, null, null, "2020", null, null, null],
    [null, "Men", null, "Women", null, "Men", null, "Women", null],
    ["Age", "in", "out", "in", "out", "in", "out", "in", "out"],
    ["young", 1, 2, 3, 4, 5, 6, 7, 8],
    ["old", 8, 7, 6, 5, 4, 3, 2, 1],
  ];
  const [numbers, names] = found(rows);
  expect(numbers).toEqual([1, 2, 3]);
  expect([names[0], names[1], names[8]]).toEqual(["Age", "2019 / Men / in", "2020 / Women / out"]);
  expect(statedLayout(headRows(batchOfRows(rows)), [1, 3], 1).headers.map(({ text }) => text)).toEqual(names);
});

test("a row of units below the header does not make the header a remark", () => {
  const rows: BatchCell[][] = [
    [null, "Crude oil", "Coal"],
    [null, "($/bbl)", "($/mt)"],
    [1960, 1.5, "…"],
    [1961, 1.5, 7],
    [1962, 1.5, 8],
    [1963, 1.5, 9],
  ];
  expect(layout(rows)).toMatchObject({ headerRows: [1], unitsRow: 2 });
});

describe("rows above and below that belong to the header", () => {
  const numbers = (rows: number, ...start: (string | number)[]): BatchCell[][] =>
    Array.from({ length: rows }, (_, n) => start.map((cell) => (typeof cell === "number" ? cell + n : `${cell}${n}`)));

  test("rows above tell equal names apart, cell by cell, and a divided word is one", () => {
    const head: BatchCell[][] = [
      ["Labour force"],
      [null, "State", "County", null, "Unemploy-"],
      ["Code", "FIPS", "FIPS", "Year", "ment rate"],
    ];
    expect(found([...head, ...numbers(5, "CN", "s", "c", 2005, 3)])).toEqual([
      [2, 3],
      ["Code", "State FIPS", "County FIPS", "Year", "Unemployment rate"],
    ]);
  });

  test("rows above tell equal names apart as groups over several columns", () => {
    const head: BatchCell[][] = [
      ["Table 1"],
      [null, "GDP", null, null, null, null, "Change"],
      [null, "Dollars", null, null, null, "Rank", "Percent", null, null, "Rank"],
      [null, 2017, 2018, 2019, 2020, 2020, 2018, 2019, 2020, 2020],
    ];
    expect(found([...head, ...numbers(6, "x", 10_000, 20_000, 30_000, 40_000, 1, 1.5, 2.5, 3.5, 7)])[1]).toEqual([
      "GDP / Dollars / 2017",
      "GDP / Dollars / 2018",
      "GDP / Dollars / 2019",
      "GDP / Dollars / 2020",
      "GDP / Rank / 2020",
      "Change / Percent / 2018",
      "Change / Percent / 2019",
      "Change / Percent / 2020",
      "Change / Rank / 2020",
    ]);
  });

  test("a row above that tells nothing apart is a remark", () => {
    const [rows] = found([["by the office", "of statistics"], ["Name", "Value", "Value"], ...numbers(5, "x", 5, 7)]);
    expect(rows).toEqual([2]);
  });

  test("the columns of texts may have their names below those of the numbers", () => {
    const head: BatchCell[][] = [["Purpose", null, "0 - 6", "7 - 10"], ["Sex", "Age group"]]; // prettier-ignore
    expect(found([...head, ...numbers(5, "m", "a", 12, 37)])).toEqual([
      [1, 2],
      ["Purpose / Sex", "Age group", "0 - 6", "7 - 10"],
    ]);
    // A record without numbers has a text that others have, too.
    const record: BatchCell[][] = [["Country", null, "2019", "2020"], ["Peru", "Lima"], ["Peru", "Cusco", 5, 6], ["Chile", "Lota", 7, 8], ["Chile", "Arica", 9, 3]]; // prettier-ignore
    expect(found(record)[0]).toEqual([1]);
  });

  test("a remark over several rows and cells is none of it", () => {
    const remark: BatchCell[][] = [
      ["Lots of people"],
      ["cannot resist writing", null, "notes"],
      ["at", "the", "top of sheets"],
      ["or", "merging"],
    ];
    expect(found([...remark, ["Name", "Age", "Born"], ...numbers(6, "x", 36, 1990)])[0]).toEqual([5]);
  });
});

describe("a header of merged cells that were parted", () => {
  const crimes: (string | number)[][] = [
    ["Year", "District", "Theft", "Theft", "Fraud", "Fraud"],
    ["Year", "District", "cases", "solved", "cases", "solved"],
    [2016, "North", 10, 4, 7, 1],
    [2016, "South", 12, 5, 8, 2],
    [2016, "West", 9, 3, 6, 1],
  ];
  const both: [number[], string[]] = [
    [1, 2],
    ["Year", "District", "Theft / cases", "Theft / solved", "Fraud / cases", "Fraud / solved"],
  ];

  test("repeats its texts in rows that tell the columns apart together", () => {
    expect(found(crimes)).toEqual(both);
    const words = crimes.map((row, n) => (n < 2 ? row : row.map((cell) => `${cell} [1-9]`)));
    expect(found(words)).toEqual(both);
    expect(found([["Crimes", null, "in 2016"], [null], ...crimes])).toEqual([[3, 4], both[1]]);
    // Over one record the second row has more labels.
    const sort = ["Year", "District", "Property", "Property", "Property", "Property"];
    const names = both[1].map((name, n) => (n < 2 ? name : `Property / ${name}`));
    expect(found([sort, ...crimes.slice(0, 3)])).toEqual([[1, 2, 3], names]);
  });

  test("is one row where the next one repeats nothing, holds units, or tells no columns apart", () => {
    const [first = [], , ...records] = crimes;
    const pairs: BatchCell[] = ["Name", "Child", "Child", "Pet", "Pet"];
    expect(found([pairs, ["Ada", "Bob", "Eve", "Rex", "Tom"], ["Cem", "Dee", "Fay", "Max", "Kim"]])[0]).toEqual([1]);
    expect(layout([first, [null, null, "kg", "t", "kg", "t"], ...records])).toMatchObject({ headerRows: [1], unitsRow: 2 }); // prettier-ignore
    expect(found([first, ["Year", "District", "cases", "cases", "cases", "cases"], ...records])[0]).toEqual([1]);
  });
});

describe("a cell that is merged downwards beside the header", () => {
  test("has the name of the first column in the row that names all other columns together", () => {
    const years: BatchCell[][] = [[2013, 51, 49, 5, 7], [2014, 52, 50, 6, 8], [2015, 53, 51, 7, 9]]; // prettier-ignore
    const groups: BatchCell[][] = [[null, "Town", null, "Land", null], [null, "Men", "Women", "Men", "Women"]]; // prettier-ignore
    const names = ["Town / Men", "Town / Women", "Land / Men", "Land / Women"];
    const below = [["All persons"], ["Year", "Persons"], ...groups, ...years];
    expect(found(below)).toEqual([
      [2, 3, 4],
      ["Year", ...names],
    ]);
    expect(layout(below).passedOver).toEqual([1]);
    // A label with a colon, a value, or a blank row between say something else.
    for (const row of [
      ["Year:", "Persons"],
      ["Year", 2024],
    ])
      expect(found([row, ...groups, ...years])).toEqual([[2, 3], names]);
    expect(found([["Year", "Persons"], [null], ...groups, ...years])).toEqual([[3, 4], names]);
  });

  const FORMS: BatchCell[][] = [
    ["Place", "Sales", null, "Area", null],
    ["Forms:"],
    ["a - free market"],
    ["b - by tender", "a", "b", "a", "b"],
    ["North", 5, 6, 7.5, 8],
    ["South", 1, 2, 3.5, 4],
    ["West", 3, 2, 1.5, 5],
  ];

  test("may hold lines, the last one beside the names: the groups above tell these apart", () => {
    expect(found(FORMS)).toEqual([[1, 2, 3, 4], ["Place", "Sales / a", "Sales / b", "Area / a", "Area / b"]]); // prettier-ignore
    // A row is not one of groups if it tells no names apart, or is too far above.
    const names = (over: BatchCell[][]): string[] => found([...over, ...FORMS.slice(3)])[1];
    expect(names([["Place", "Sales", null, null, null], ["Forms:"]])).toEqual(["b - by tender", "a", "b", "a", "b"]);
    expect(names([FORMS[0]!, ["1"], ["2"], ["3"], ["4"]])).toEqual(["b - by tender", "a", "b", "a", "b"]);
  });
});

describe("an outline", () => {
  const lines: BatchCell[][] = [["Food"], [null, "Fruit"], [null, "Bread"], ["Tools"], [null, "Saw"], ["Toys"]];

  test("has no header: each row has one text, and rows go back to the left", () => {
    expect(layout(lines)).toMatchObject({ headerRows: [], firstRow: 1, passedOver: [] });
    // A title above a list is none, nor is a list of two columns.
    expect(found([["List"], [null, "Name"], ...["a", "b", "c", "d", "e"].map((one) => [null, one])])[0]).toEqual([2]);
    expect(found([["Kind", "Name"], ...lines])[0]).toEqual([1]);
  });
});

describe("names of which no row has most", () => {
  test("are in the rows right above the first record that have them together", () => {
    const births: BatchCell[][] = [
      ["Births by sex"],
      [null, null, null, "as registered", null, null, "per 1,000"],
      ["Year", null, "Births", null, null, "Ratio", "Rate"],
      [null, null, "all", "boys", "girls", null, null],
      ["Y47", 1958, 413, "…", "…", null, 41.7],
      ["Y48", 1959, 423, "…", "…", null, 41.2],
      ["Y49", 1960, 419, 215, 204, 1.05, 39.6],
    ];
    expect(found(births)).toEqual([
      [3, 4],
      ["Year", "Births / all", "Births / boys", "Births / girls", "Ratio", "Rate"],
    ]);
  });

  test("are those over numbers, if the first column has none, and a title is none of them", () => {
    const prices: BatchCell[][] = [
      ["Consumer prices"],
      ["Units: index"],
      [null],
      [null, "Index"],
      ["All goods"],
      ["1997M01", 65.8],
      ["1997M02", 65.7],
    ];
    expect(found(prices)).toEqual([[4], ["Index"]]);
    // A text over the column of texts names no column.
    expect(found([prices[0]!, prices[1]!, ...prices.slice(5)])[0]).toEqual([1]);
  });

  test("are none, if the first row holds values as the rows below it do, be they more", () => {
    const answers: BatchCell[][] = [
      [2019, 1, 2, 3],
      [2019, 1, 1, 3],
      [2019, 2, 1, 1, 1, 0, 1, 0],
      [2019, 2, 2, 1, 0, 0, 1, 1],
      [2019, 1, 2, 1, 1, 1, 1, 1],
    ];
    expect(layout(answers)).toMatchObject({ headerRows: [], firstRow: 1 });
    expect(found([["Year", 1, 2, 3], ...answers.slice(1)])[0]).toEqual([1]);
  });
});

test("a row that tells equal names apart is a part of them, and one below names that differ says more of them", () => {
  const lines: BatchCell[][] = [
    [null, null, "Population", "Population", "Area", "Area"],
    [null, null, "2019", "2020 (p)", "2019", "2020"],
    ["01", "North", 10, 12, 7.5, 7.5],
    ["02", "South", 11, 13, 8.5, 8.5],
    ["03", "West", 12, 14, 9.5, 9.5],
  ];
  const dated = lines.with(1, [null, null, "31.12.2019", "31.12.2020", "at the end of 2019", "at the end of 2020"]);
  expect(layout(dated)).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
  const names = [
    "Population 31.12.2019",
    "Population 31.12.2020",
    "Area at the end of 2019",
    "Area at the end of 2020",
  ];
  expect(layout(dated).headers.map(({ text, unit }) => [text, unit])).toEqual(names.map((name) => [name, undefined]));
  // A name that no other one is like stays as it is.
  const other = dated.with(0, [null, null, "Population", "Population", "Area", "Forest"]);
  expect(
    layout(other)
      .headers.slice(1)
      .map(({ text, unit }) => [text, unit]),
  ).toEqual([
    ["Population 31.12.2020", undefined],
    ["Area", "at the end of 2019"],
    ["Forest", "at the end of 2020"],
  ]);
  const apart = dated.with(0, [null, null, "Population", "Last population", "Area", "Last area"]);
  expect(layout(apart)).toMatchObject({ headerRows: [1], aboutRows: [2] });
});

test("a blank row may be between groups and names, if the names are the same in each group", () => {
  const school: BatchCell[][] = [
    ["Year", "Primary", null, null, "High", null, null],
    [null],
    [null, "All", "Men", "Women", "All", "Men", "Women"],
    [2018, 9, 4, 5, 7, 3, 4],
    [2019, 8, 4, 4, 6, 3, 3],
  ];
  const names = [
    "Year",
    "Primary / All",
    "Primary / Men",
    "Primary / Women",
    "High / All",
    "High / Men",
    "High / Women",
  ];
  expect(found(school)).toEqual([[1, 3], names]);
  // Names that differ need no groups, so those may be a remark.
  expect(found(school.with(2, [null, "a", "b", "c", "d", "e", "f"]))[0]).toEqual([3]);
  // Three blank rows may be left of cells that were merged downwards; more are none.
  expect(found(school.toSpliced(1, 1, [null], [null], [null]))).toEqual([[1, 5], names]);
  expect(found(school.toSpliced(1, 1, [null], [null], [null], [null]))[0]).toEqual([6]);
});

test("groups in two rows tell names apart together, and a group ends with the one above it", () => {
  const beds: BatchCell[][] = [
    [null, "Hospitals", null, null, null, "All", null],
    [null],
    [null, "General", null, "Special", null, null, null],
    [null],
    [null, "Beds", "Cases", "Beds", "Cases", "Beds", "Cases"],
    ["North", 90, 41, 25, 7, 115, 48],
    ["South", 85, 44, 24, 6, 109, 50],
    ["West", 70, 38, 20, 5, 90, 43],
  ];
  expect(found(beds)).toEqual([
    [1, 3, 5],
    [
      "Hospitals / General / Beds",
      "Hospitals / General / Cases",
      "Hospitals / Special / Beds",
      "Hospitals / Special / Cases",
      "All / Beds",
      "All / Cases",
    ],
  ]);
  // A row over single columns is no row of groups, and names that differ need none.
  expect(found(beds.with(0, ["As of", "May", null, null, null, "2024", null]))[0]).toEqual([5]);
  expect(found(beds.with(4, [null, "a", "b", "c", "d", "e", "f"]))[0]).toEqual([5]);
});

test("a header goes on in rows that leave the records' first column empty, over four rows at most", () => {
  const votes: BatchCell[][] = [
    [null, "Total", "State", "State", null, "House"],
    [null, "Votes", "Auditor", "Superintendent", null, "District 5"],
    [null, null, null, "of Instruction", null, null],
    [null, "Cast", "Harris", "Emmons", "Shoults", "Bagby"],
    ["North", 230, 180, 97, 45, 196],
    ["South", 58, 33, 84, 32, "NA"],
    ...["East", "West", "Hill", "Lake"].map((name, n): BatchCell[] => [name, 12, 9, 8, 3, n < 2 ? 7 : "NA"]),
  ];
  expect(found(votes)).toEqual([
    [1, 2, 3, 4],
    [
      "Total Votes Cast",
      "State Auditor Harris",
      "State Superintendent of Instruction Emmons",
      "State Superintendent of Instruction / Shoults",
      "House District 5 Bagby",
    ],
  ]);
  // A word in the first column makes a record of it.
  expect(found(votes.with(1, ["East", "few", "none", "some", null, null]))[0]).toEqual([1]);
});

test("the questions of a survey, and their answers, over marks and words that are shorter", () => {
  const survey: BatchCell[][] = [
    ["Respondent", "Q1", null, "Q2", "Q3", null],
    [null, "How good are", null, "Would you come again?", "Which channels?", null],
    [null, "prices", "service", null, "Email", "Phone"],
    ["R1", 5, 3, "Yes", "x", null],
    ["R2", 3, 4, "No", null, "x"],
    ["R3", 2, 5, "Yes", "x", "x"],
  ];
  expect(found(survey)).toEqual([
    [1, 2, 3],
    [
      "Respondent",
      "Q1 How good are prices",
      "Q1 How good are / service",
      "Q2 Would you come again?",
      "Q3 Which channels? Email",
      "Q3 Which channels? / Phone",
    ],
  ]);
  // If all columns have a name, a row with words in odd places is a record.
  const named: BatchCell[][] = [
    ["Group", "State", "Score"],
    [null, "not started yet", "to be announced"],
  ];
  const records: BatchCell[][] = ["A", "B", "C"].map((name, n) => [name, "ok", n]);
  expect(found([...named, ...records])[0]).toEqual([1]);
  // A word as long as the others of its column is a value.
  expect(found(survey.with(2, [null, "few", "many", "Yes", null, null]))[0]).toEqual([1, 2]);
});

test("the days of a month over those of the week are parts of the names", () => {
  const days: BatchCell[][] = [
    ["May 2024"],
    [null, null, 1, 2, 3, 4],
    ["No", "Name", "Wed", "Thu", "Fri", "Wed"],
    [1, "Ada", "x", "x", null, "x"],
    [2, "Bob", "x", null, "x", null],
    [3, "Eve", null, "x", "x", "x"],
  ];
  expect(found(days)).toEqual([
    [2, 3],
    ["No", "Name", "1 Wed", "2 Thu", "3 Fri", "4 Wed"],
  ]);
  // What records have in their columns is a record.
  expect(found(days.with(2, ["0", "Cem", "x", "x", null, null]))[0]).toEqual([2]);
});

test("a title with a name and its value is no row of groups, unless the names need groups", () => {
  const names: BatchCell[] = ["No", "Name", "Mon", "Tue", "Sum"];
  const title: BatchCell[] = ["Attendance", null, null, "Month: May 2024", null];
  const records: BatchCell[][] = [1, 2, 3].map((n) => [n, `P${n}`, 1, n, n + 1]);
  expect(found([title, names, ...records])).toEqual([[2], names]);
  const shared: BatchCell[] = ["No", "Name", "All", "No", "All"];
  expect(found([title, shared, ...records])[0]).toEqual([1, 2]);
});

test("units are also below a row that says more of the columns, and of two parts", () => {
  const crops: BatchCell[][] = [
    ["Monat", "Weizen", "Roggen"],
    ["Month", "Wheat", "Rye"],
    [null, "t/ha", "t"],
    ["Januar", 100, 20],
    ["Februar", 110, 22],
    ["März", 120, 25],
  ];
  expect(layout(crops)).toMatchObject({ headerRows: [1], aboutRows: [2], unitsRow: 3, firstRow: 4 });
  expect(layout(crops).headers.map(({ unit }) => unit)).toEqual(["Month", "Wheat, t/ha", "Rye, t"]);
  expect(layout(crops.toSpliced(1, 1))).toMatchObject({ headerRows: [1], unitsRow: 2 });
  expect(layout(crops.toSpliced(1, 2, [null, "N/A", "t"]))).toMatchObject({ unitsRow: undefined });
});

test("letters number the columns as well, unless a record could have them", () => {
  const rows: BatchCell[][] = [
    ["District", "Cattle", "Sheep"],
    ["A", "B", "C"],
    ["Upper", 120, 900],
    ["Middle", 80, 45],
    ["Lower", 75, 220],
  ];
  expect(layout(rows)).toMatchObject({ headerRows: [1], aboutRows: [2], firstRow: 3 });
  const grades = rows.map((row, n) => (n < 2 ? row : ["ABC"[n - 2]!, ...row.slice(1)]));
  expect(layout(grades)).toMatchObject({ aboutRows: [] });
});

test("words below the last name, and right of it, part that name over columns of texts", () => {
  const plants: BatchCell[][] = [
    ["Station", "Units", "Main parts"],
    [null, null, "Type", "Maker", "Capacity"],
    ["Taiz", 4, "Engine", "Italy", "30 MW"],
    ["Hali", 3, "Engine", "Japan", "12 MW"],
    ["Sana", 2, "Turbine", "Japan", "9 MW"],
  ];
  const names = ["Station", "Units", "Main parts Type", "Main parts / Maker", "Main parts / Capacity"];
  expect(found(plants)).toEqual([[1, 2], names]);
  // A value, a cell before the last name, and a record that goes on are none.
  expect(found(plants.with(1, [null, null, "Engine", "Peru", "5 MW"]))[0]).toEqual([1]);
  expect(found(plants.with(1, [null, "old", "Engine", "Peru", "small"]))[0]).toEqual([1]);
  expect(found(plants.with(2, [null, null, "Engine", "Italy", "30 MW"]))[0]).toEqual([1]);
});

test("codes of the columns below their numbers are no record, but a record is one", () => {
  const budget: BatchCell[][] = [
    ["Purpose", "Code", null, "Sum", null],
    [null, "office", "type", "in 2012", "in 2013"],
    [1, 2, 3, 4, 5],
    ["name", "office_code", "type_code", "year2012", "year2013"],
    ["Ministry", 188, 20, 1088.5, 915],
    ["Service", 188, 31, 23.5, 24],
    ["Travel", 189, 32, 20.5, 21],
  ];
  expect(layout(budget)).toMatchObject({ headerRows: [1, 2], aboutRows: [3, 4], firstRow: 5 });
  const without = budget.with(3, ["Office", "n/a", 30, 12.5, 15]);
  expect(layout(without)).toMatchObject({ headerRows: [1, 2], aboutRows: [3], firstRow: 4 });
});

test("names with their values are no groups over a table that begins after a blank row", () => {
  const readings: BatchCell[][] = [
    ["Meter", "451-A", null, "Unit", "Wh"],
    [null],
    ["Date", "Reading", "Used"],
    ["2024-01-01", 10, 1],
    ["2024-02-01", 12, 2],
    ["2024-03-01", 15, 3],
  ];
  expect(found(readings)).toEqual([[3], ["Date", "Reading", "Used"]]);
});

test("numbers of the columns may leave the first one empty, if all records begin with a text there", () => {
  const rows: BatchCell[][] = [
    ["Region", "2019", null, "2020", null],
    [null, "All", "Men", "All", "Men"],
    [null, "1", "2", "3", "4"],
    ["North", 305, 150, 310, 152],
    ["South", 204, 100, 207, 102],
    ["East", 101, 50, 103, 51],
  ];
  expect(layout(rows)).toMatchObject({ headerRows: [1, 2], aboutRows: [3], firstRow: 4 });
  // If a record has no text there either, they may be a record.
  expect(layout(rows.with(4, [null, 1, 2, 3, 5]))).toMatchObject({ aboutRows: [] });
});

test("a remark of two cells is none of the names that a row below it, after a blank one, has for all columns", () => {
  const record: BatchCell[] = ["Ada", 36, "Paris"];
  const names: BatchCell[] = ["Name", "Age", "City"];
  expect(found([["Staff 2024"], ["made by", "me"], [null], names, record])).toEqual([[4], names]);
  expect(found([["Staff 2024"], ["made by", "me"], [null], names, record, record, record])[0]).toEqual([4]);
  expect(found([["Staff 2024"], ["Year", 2024], [null], names, record])[0]).toEqual([4]);
  // Right below it they are a record, as it is where they name no column more.
  expect(found([["Name", "Age"], [null], ["Ada", 36], ["Bob", 41]])[0]).toEqual([1]);
  expect(found([["Name", "Age"], [null], ["Ada", "old"], ["Bob", 41], ["Eve", 23]])[0]).toEqual([1]);
});

test("names with what they mean are above those of the columns, if a line of one text is between them", () => {
  const rows: BatchCell[][] = [
    ["Data of the bank"],
    [null],
    ["GDP", "Gross domestic product"],
    [null],
    ["Frequency: yearly"],
    ["date", "GDP"],
    ["2020-01-01", 5.5],
    ["2021-01-01", 6.5],
    ["2022-01-01", 6.75],
  ];
  expect(found(rows)).toEqual([[6], ["date", "GDP"]]);
  // Without a blank row, the line is a title of a section.
  expect(layout(rows.toSpliced(3, 1)).headerRows).toEqual([3]);
});

test("a row of texts is a record, if half of them are in other records, or end as all values of their columns", () => {
  const lessons: BatchCell[][] = [["Latin", null, "Art"], ["Greek", "Music", "Art"], ["Latin", "Sport", "Law"], ["Greek", "Music", "Law"]]; // prettier-ignore
  expect(layout(lessons).headerRows).toEqual([]);
  const pairs = "abcdefgh".split("").map((name, n): BatchCell[] => [name, `x${name} (${n} h)`, `y${name} (${n + 3} h)`]); // prettier-ignore
  expect(layout(pairs).headerRows).toEqual([]);
  expect(layout([["Who", "First (h)", "Next (h)"], ...pairs]).headerRows).toEqual([1]);
  // The header comes again on the next page.
  expect(layout([...WORDS, ...WORDS]).headerRows).toEqual([1]);
});

test("a row with fractions holds measured values, and no names", () => {
  const matrix: BatchCell[][] = [
    [null, "0 to 5", "5 to 25"],
    ["a", 43.33, 17.65, null, "a", "b", "c"],
    ["b", 17.65, 37.09, "a", 43.33, 17.65, 10.73],
    ["c", 10.73, 10.5, "b", 17.65, 37.09, 10.5],
    ["d", 6.04, 8.93, "c", 10.73, 10.5, 23.99],
  ];
  expect(found(matrix)).toEqual([[1], ["0 to 5", "5 to 25"]]);
  // Whole numbers may be names, such as those of wards.
  const wards = matrix.with(1, ["Ward", 43, 17, null, "a", "b", "c"]);
  expect(found(wards)[0]).toContain(2);
});

describe("what is above the table", () => {
  const [names, ...goods]: BatchCell[][] = [["No", "Item", "Count", "Price"], [1, "Tea", 2, 3.5], [2, "Milk", 1, 1.2], [3, "Rye", 4, 2.5]]; // prettier-ignore

  test.each<[string, BatchCell[][]]>([
    ["buttons that lead to other sheets", [[null, "Menu ►", "Sales►", "Costs ►"], ["House of Ada"], [null, "Menu ►", "Sales►", "Costs ►"], ["Place:", null, null, "Area:"]]],
    ["buttons that lead back", [["◄ Menu", "« Sales"], [null]]],
  ])("%s are no names", (_, above) => {
    expect(found([...above, names!, ...goods])).toEqual([[above.length + 1], names]);
  }); // prettier-ignore

  test("totals above records without a header are no header", () => {
    const total: BatchCell[] = [null, null, "Total:", 18.2];
    expect(layout([total, ...goods])).toMatchObject({ headerRows: [], firstRow: 1 });
    expect(layout([total, names!, ...goods]).headerRows).toEqual([2]);
  });
});

describe("names over replicates are those of each column", () => {
  const records = [0.1, 0.2, 0.3].map((n): BatchCell[] => ["s", n, n + 2, n, n + 1, n, n + 3, n, n, n + 5]);
  const names: BatchCell[] = ["Dose", "0 h", null, null, "1 h", null, null, "2 h"];
  const each = ["0 h", "0 h", "0 h", "1 h", "1 h", "1 h", "2 h", "2 h", "2 h"];

  test("also if the first column has no name", () => {
    expect(found([names, ...records])).toEqual([[1], ["Dose", ...each]]);
    expect(found([names.with(0, null), ...records])).toEqual([[1], each]);
  });

  test.each<[string, BatchCell[][]]>([
    ["the groups are not as wide as each other", [["Dose", "0 h", null, "1 h", null, null, null, "2 h"], ...records]],
    ["a column more is filled", [names, ...records.map((row) => [...row, 1])]],
    ["a column holds texts", [names, ...records.map((row) => row.with(3, "late"))]],
    ["there are two groups", [names.slice(0, 5), ...records.map((row) => row.slice(0, 7))]],
  ])("but not if %s", (_, rows) => {
    expect(layout(rows).headers.map(({ text }) => text)).toEqual(rows[0]!.filter((name) => name !== null));
  });
});

describe("names in the row above, right of the header's own, are those of these columns", () => {
  const games: BatchCell[][] = [
    [1, "Peru – Chad", "20.11.", "A", "2:1", "1:1", "3:1"],
    [2, "Togo – Laos", "21.11.", "B", "0:0", "2:0", "1:0"],
    [3, "Cuba – Mali", "22.11.", "A", "1:2", "0:3", "2:2"],
  ];
  const [above, names]: BatchCell[][] = [
    [null, null, null, null, "Player", "Ada", "Bob"],
    ["No", "Game", "Day", "Group", "Result"],
  ];

  test("if they name all of them", () => {
    expect(found([above!, names!, ...games])).toEqual([
      [1, 2],
      ["No", "Game", "Day", "Group", "Result", "Ada", "Bob"],
    ]);
  });

  test.each<[string, BatchCell[][]]>([
    ["one of them has none", [above!.with(6, null), names!, ...games]],
    ["two have the same", [above!.with(6, "Ada"), names!, ...games]],
    ["a blank row is between", [above!, [null], names!, ...games]],
  ])("but not if %s", (_, rows) => {
    expect(layout(rows).headers.map(({ text }) => text)).toEqual(names);
  });
});

describe("names that a spreadsheet has made for a table without names", () => {
  const records: BatchCell[][] = [1, 2, 3].map((n) => ["North", `t${n}`, n, n + 1]);
  const names = ["Region", "Town", "Men", "Women"];

  test.each<[string, BatchCell[]]>([
    ["one beside a title", ["Towns", "Spalte1", "Spalte2", "Spalte3"]],
    ["Spanish ones", ["Towns", "Census", "Columna1", "Columna2"]],
    ["Japanese ones", ["列1", "列2", "列3", "列4"]],
  ])("%s are no header, if the names are right below", (_, automatic) => {
    expect(found([automatic, names, ...records])).toEqual([[2], names]);
  });

  test("they are the header if nothing else names the columns", () => {
    expect(layout([["Column1", "Column2", "Column3", "Column4"], ...records]).headerRows).toEqual([1]);
  });
});
