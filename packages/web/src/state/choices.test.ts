import { describe, expect, test } from "vitest";
import type { ColumnPreview } from "../api/shapes.ts";
import { chooseColumn, chooseLayout, chooseOption, NO_CHOICES, toFields } from "./choices.ts";

const column = (header: string, letter: string, more: Partial<ColumnPreview> = {}): ColumnPreview => ({
  letter,
  header,
  unit: null,
  column: header === "" ? `column_${letter}` : header.toLowerCase(),
  type: "text",
  dateFormat: null,
  numberFormat: null,
  nulls: [],
  match: null,
  inferred: { type: "text", missing: [], errors: [], values: 1 },
  ...more,
});
const shown = {
  columns: [column("Name", "A"), column("Pay", "B", { type: "numeric", nulls: ["-"] }), column("", "C")],
};

describe("choices as fields", () => {
  test("nothing chosen is nothing said", () => {
    expect(toFields(NO_CHOICES, shown)).toEqual([]);
  });

  test("the sheet that is shown is named", () => {
    expect(toFields({ ...NO_CHOICES, header: "2" }, { ...shown, sheet: "B" })).toEqual([["sheet", "B"], ["header", "2"]]); // prettier-ignore
    expect(toFields({ ...NO_CHOICES, sheet: "A" }, { ...shown, sheet: "B" })).toEqual([["sheet", "A"]]);
  });

  test("a column is renamed, typed, or left out", () => {
    let choices = chooseColumn(NO_CHOICES, "Name", { name: "who", type: "varchar(9)" });
    choices = chooseColumn(choices, "Pay", { out: true, type: "numeric" });
    expect(toFields(choices, shown)).toEqual([
      ["map", "Name=who"],
      ["type", "Name=varchar(9)"],
      ["map", "Pay="],
    ]);
  });

  test("a notation is said with the type that the column has", () => {
    expect(toFields(chooseColumn(NO_CHOICES, "Pay", { notation: "1.234,56" }), shown)).toEqual([
      ["type", "Pay=numeric(1.234,56)"],
    ]);
  });

  test("a column without a header is named as the table names it", () => {
    expect(toFields(chooseColumn(NO_CHOICES, "C", { type: "date" }), shown)).toEqual([["type", "column_C=date"]]);
  });

  test("marks that are chosen for one column are said for all, and no others are looked for", () => {
    expect(toFields(chooseColumn(NO_CHOICES, "Name", { nulls: ["n/a", "x"] }), shown)).toEqual([
      ["null", ""],
      ["null", "Name=n/a"],
      ["null", "Name=x"],
      ["null", "Pay=-"],
    ]);
    expect(toFields(chooseColumn(NO_CHOICES, "Pay", { nulls: [] }), shown)).toEqual([["null", ""]]);
  });

  test("a choice that is taken back leaves nothing", () => {
    expect(chooseColumn(chooseColumn(NO_CHOICES, "Pay", { out: true }), "Pay", { out: undefined })).toEqual(NO_CHOICES);
    expect(chooseOption(chooseOption(NO_CHOICES, "method", "batch"), "method", "")).toEqual(NO_CHOICES);
  });

  test("another sheet forgets the header and the columns, another header the columns alone", () => {
    const first = { ...chooseColumn(NO_CHOICES, "Pay", { out: true }), sheet: "A", header: "3", table: "t" };
    expect(chooseLayout(first, { sheet: "B" })).toEqual({ columns: {}, options: {}, sheet: "B", table: "t" });
    expect(chooseLayout(first, { header: "5" })).toEqual({
      columns: {},
      options: {},
      sheet: "A",
      header: "5",
      table: "t",
    });
  });
});
