import { expect, test } from "vitest";
import { messageForPage, noteForPage } from "./notes.ts";

test.each([
  ["the header is row 3; row 1 above it is passed over", "The header is row 3; row 1 above it is passed over"],
  [
    `"N/A" is read as a missing value in 5 cells (_2031 1, _2030 4): all other values there are of one type; --null "" keeps such marks as text`,
    `"N/A" is read as a missing value in 5 cells (_2031 1, _2030 4): all other values there are of one type`,
  ],
  [
    `the sheet "T" is taken; other sheets hold rows and are left out: "C" (2 rows) (--sheet NAME takes one, --sheet all takes all)`,
    `The sheet "T" is taken; other sheets hold rows and are left out: "C" (2 rows)`,
  ],
  ["--header 1 decides", "--header 1 decides"],
])("a note says what was found, and no option of the command line: %s", (note, shown) => {
  expect(noteForPage(note)).toBe(shown);
});

test.each([
  [
    `more.xlsx, sheet "S", row 1: the table "people" has no column for the header "County" (nearest: country). It has: name. Name a column with --map "County=column", or add a column with --migrate.`,
    `Sheet "S", row 1: the table "people" has no column for the header "County" (nearest: country). It has: name.`,
  ],
  ["more.xlsx: it cannot be read.", "It cannot be read."],
  ["Use --sheet 2.", "Use --sheet 2."],
  [
    `Uploads may not write to the table "t". Name another table, or ask whoever runs the server to allow this one.`,
    `Uploads may not write to the table "t". Name another table, or ask whoever runs the server to allow this one. If that is you, start it with --allow TABLE for each table that it may write to.`,
  ],
])("a message says what is wrong: %s", (message, shown) => {
  expect(messageForPage(message, "more.xlsx")).toBe(shown);
});
