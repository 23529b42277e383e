import { describe, expect, test } from "vitest";
import { detectLayout, headRows, statedLayout, type Layout } from "./header-row.ts";
import { batchOfRows, type BatchCell } from "./test/batch.ts";

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

describe("a header of two rows is joined", () => {
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
