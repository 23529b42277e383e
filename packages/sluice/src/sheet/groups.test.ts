import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { previewFile, type SheetPreview } from "../preview.ts";
import { newFolder } from "../test/database.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { groupColumns } from "./groups.ts";
import { headRows } from "./head-rows.ts";

const found = (rows: readonly (readonly BatchCell[])[]): number[] => groupColumns(headRows(batchOfRows(rows)));

describe("a column names groups", () => {
  const towns = ["Bern", "Basel", "Biel"].flatMap((town): [string | null, string, number][] => [
    [town, "young", 5],
    [null, "old", 7],
    [null, "oldest", 2],
  ]);

  test("if the rows without a name have the labels of other groups", () => {
    expect(found(towns)).toEqual([1]);
    // Groups of groups, each with its parts.
    const years = [2010, 2020].flatMap((year) =>
      towns.map((row, n): BatchCell[] => [n === 0 ? `in ${year}` : null, ...row]),
    );
    expect(found(years)).toEqual([1, 2]);
    // The name of a group stands in a row of its own figures.
    expect(found(towns.map(([town, age, n]) => (town === null ? [null, age, n] : [town, null, n])))).toEqual([1]);
  });

  test("also if years or dates tell the records of a group apart", () => {
    const years = ["Bern", "Basel", "Biel"].flatMap((town): BatchCell[][] => [
      [town, 2021, 5],
      [null, 2022, 7],
      [null, "2023(r)", 2],
      [null, 2024, 4],
    ]);
    expect(found(years)).toEqual([1]);
    expect(found(years.map(([town = null, year, n = null]) => [town, typeof year === "number" ? `${year}-01-31` : "2023-01-31", n]))).toEqual([1]); // prettier-ignore
    // Numbers are values, also if they come again.
    expect(found(years.map(([town = null, , n = null], row) => [town, 21 + (row % 4), n]))).toEqual([]);
    // Years that go on tell all of them apart.
    expect(found(years.map(([town = null, , n = null], row) => [town, 1990 + row, n]))).toEqual([]);
  });

  test("with its other name, and that of a group that does not end", () => {
    expect(found(towns.map(([town, age, n]) => [town && `in ${town}`, town && town.length, age, n]))).toEqual([1, 2]);
    expect(found(towns.map(([town, age, n], row) => [row === 0 ? "2024" : null, town, age, n]))).toEqual([1, 2]);
    expect(found(towns.map(([town, age, n], row) => [row === 1 ? "2024" : null, town, age, n]))).toEqual([2]);
  });

  test("but not if labels are all different, or come twice in a group", () => {
    expect(found(towns.map(([town, age, n], row) => [town, `${age} ${row}`, n]))).toEqual([]);
    expect(found(towns.map(([town, , n]) => [town, "young", n]))).toEqual([]);
    // A name in most rows, one group, or no label beside it.
    expect(
      found(towns.map(([town, age, n], row) => [row % 3 === 2 ? null : `${town ?? "Bern"} ${row}`, age, n])),
    ).toEqual([]);
    expect(found(towns.slice(0, 3))).toEqual([]);
    expect(found(towns.map(([town, , n]) => [town, n]))).toEqual([]);
  });

  test("and a note says so, with the option that keeps the order", async () => {
    await using folder = newFolder();
    const file = join(folder.path, "people.csv");
    await writeFile(file, ["town,age,n", ...towns.map((row) => row.map((cell) => cell ?? "").join(","))].join("\n"));
    const look = async (options = {}): Promise<SheetPreview> => (await previewFile({ file, ...options })).imports[0]!;
    expect((await look()).notes).toEqual([
      'the column "town" has a value in the first row of each group, as it seems, and is empty in the others, which nothing else tells apart; --add row keeps the order of the rows, by which they can be filled',
    ]);
    // The name is beside the second row of its group.
    const inside = ["Bern", "Basel", "Biel"].flatMap((town) => [",all,5", `${town},men,3`, ",women,2"]);
    await writeFile(file, ["town,who,n", ...inside].join("\n"));
    expect((await look()).notes).toEqual([
      'the column "town" has a value in one row of each group, as it seems, and is empty in the others, which nothing else tells apart; row 2 has none, so that the value may be in the middle of its group, and filling downwards would be wrong; --add row keeps the order of the rows',
    ]);
    await writeFile(file, ["town,age,n", ...towns.map((row) => row.map((cell) => cell ?? "").join(","))].join("\n"));
    const { sample } = await look({ add: new Map([["row", "row"]]) });
    expect(sample.map(({ values }) => values.at(-1))).toEqual(["2", "3", "4", "5", "6"]);
  });
});
