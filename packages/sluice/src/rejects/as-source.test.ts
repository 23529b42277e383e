// What is rejected comes back: the reject file is imported like any other, as it is or repaired.
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { businesses } from "../schema/businesses.ts";
import { runImport } from "../import.ts";
import { RejectFile } from "./file.ts";
import type { Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { databases, newFolder } from "../test/database.ts";
import { EXAMPLE } from "../test/program.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import type { Target } from "../target.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

const DAY = new Date(Date.UTC(2020, 0, 31));

interface Imported {
  readonly result: ImportResult;
  readonly rejects: readonly Reject[];
}

/** Imports a file, and writes what is rejected to another one, each row changed by `repair`. */
async function imported(
  target: Target,
  options: Partial<ImportOptions> & { readonly file: string },
  path?: string,
  repair: (reject: Reject) => Reject = (reject) => reject,
): Promise<Imported> {
  const rejects: Reject[] = [];
  const file = path === undefined ? undefined : new RejectFile(path);
  const result = await runImport(background(), {
    target,
    onRejects: async (list, headers) => {
      rejects.push(...list);
      await file?.write(headers, list.map(repair));
    },
    ...options,
  });
  await file?.[Symbol.asyncDispose]();
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return { result, rejects };
}

/**
 * What does not depend on which file a row is rejected from; cells as text, since text is all that
 * CSV has.
 */
function essence({ rejects }: Imported): unknown[] {
  return rejects.map(({ column, value, code, cells }) => ({
    column,
    value,
    code,
    cells: cells.map((cell) => (Array.isArray(cell) ? cell[1] : cell)),
  }));
}

async function workbook(folder: string, rows: readonly (readonly TestCell[])[]): Promise<string> {
  return writeWorkbook(join(folder, "people.xlsx"), { People: rows });
}

describe.each(databases)("on $name", ({ open }) => {
  test.each(["xlsx", "csv"])(
    "the example's rejects, as .%s, are rejected again for the same reasons, and go in when they are repaired",
    async (kind) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const wanted = { schema: businesses, target };
      const [as, repaired] = [join(folder.path, `as-it-is.${kind}`), join(folder.path, `repaired.${kind}`)];
      const first = await imported(target, { ...wanted, file: EXAMPLE }, as);
      expect(first.result).toMatchObject({ inserted: 9987, rejected: 13 });

      const fix = (reject: Reject): Reject => ({
        ...reject,
        cells: Array.from({ length: 9 }, (_, n) =>
          n === 0 ? (reject.cells[0] ?? "Name") : n === 3 ? `a${reject.row}@b.example` : (reject.cells[n] ?? null),
        ),
      });
      const second = await imported(target, { ...wanted, file: as }, repaired, fix);
      expect(essence(second)).toEqual(essence(first));
      expect(second.result).toMatchObject({ inserted: 0, rejected: 13, reasons: first.result.reasons });
      expect(second.result.notes.join()).toMatch(/this is a file of rejects/);
      if (kind === "xlsx") expect(second.rejects.map(({ row }) => row)).toEqual(first.rejects.map((_, n) => n + 2));

      const third = await imported(target, { ...wanted, file: repaired });
      expect(third.result).toMatchObject({ total: 13, inserted: 13, rejected: 0 });
    },
  );

  test("cells come back with type and value: long numbers, dates, booleans, columns that are left out", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const row = (amount: TestCell, n: number): TestCell[] => [
      "085232", amount, DAY, new Date(DAY.getTime() + 45_015_123), true, n, "=1+1", { error: "#N/A" }, null, "left out",
    ]; // prettier-ignore
    const titles = ["Code", "Amount", "Day", "At", "Ok", "row", "Formula", "Error", "Empty", "Note"];
    const file = await workbook(folder.path, [titles, row(0.30000000000000004, 2), row("x", 1e21), row(null, 0.1)]);
    const schema = table({
      name: "people",
      columns: {
        code: {},
        amount: { type: "numeric(10,2)", notNull: true },
        day: { type: "date" },
        at: { type: "timestamp" },
        ok: { type: "boolean" },
        row: { type: "numeric" },
        formula: {},
        error: {},
        empty: {},
      },
    });
    const map = new Map([["Note", ""]]);
    const path = join(folder.path, "bad.xlsx");
    const repair = (reject: Reject): Reject => ({
      ...reject,
      cells: reject.cells.with(1, ["n", "0.30000000000000004"]),
    });
    const first = await imported(target, { file, schema, map }, path, repair);
    expect(first.rejects.map(({ code }) => code)).toEqual(["invalid_number", "missing_value"]);
    expect(first.rejects[0]!.cells).toEqual([
      "085232", "x", ["d", "2020-01-31T00:00:00.000"], ["d", "2020-01-31T12:30:15.123"], ["b", "true"], ["n", "1e+21"],
      "=1+1", ["e", "#N/A"], null, "left out",
    ]); // prettier-ignore
    expect((await imported(target, { file: path, schema, map })).result).toMatchObject({ inserted: 2, rejected: 0 });
    const { rows } = await target.query("select code, amount, day, at, ok, formula, error, empty from people");
    expect(new Set(rows.map(String))).toEqual(
      new Set([["085232", "0.30", "2020-01-31", "2020-01-31 12:30:15.123", "t", "=1+1", "#N/A", ""].join()]),
    );
    expect(rows).toHaveLength(3);
  });

  test("what the database refuses has its cells as well", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (name text, age integer check (age < 100))");
    const file = await workbook(folder.path, [
      ["Name", "Age", "Note"],
      ["Ada", 36, "x"],
      ["Methuselah", 969.0, "y"],
    ]);
    const path = join(folder.path, "bad.xlsx");
    const map = new Map([["Note", ""]]);
    const first = await imported(target, { file, map }, path);
    expect(first.rejects).toMatchObject([
      { row: 3, code: "check_violation", cells: ["Methuselah", ["n", "969"], "y"] },
    ]);
    expect(essence(await imported(target, { file: path, map, table: "people" }))).toEqual(essence(first));
  });

  test("a row whose own cells have all been emptied is no record", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await workbook(folder.path, [
      ["Name", "Age"],
      ["Ada", "old"],
      ["Bob", "young"],
    ]);
    const schema = table({ name: "people", columns: { name: {}, age: { type: "integer" } } });
    const path = join(folder.path, "bad.xlsx");
    await imported(target, { file, schema }, path, (reject) => ({
      ...reject,
      cells: reject.row === 2 ? [null, null] : ["Bob", ["n", "20"]],
    }));
    expect((await imported(target, { file: path, schema })).result).toMatchObject({ total: 1, inserted: 1 });
  });

  test("--max-errors: stops when more are rejected, keeps what is done, and goes on with a larger number", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await workbook(folder.path, [
      ["Name", "Age"],
      ...Array.from({ length: 100 }, (_, n) => [`n${n}`, n % 10 === 9 ? "old" : n]),
    ]);
    const options = {
      file,
      schema: table({ name: "people", columns: { name: {}, age: { type: "integer" } } }),
      method: "batch",
      batchSize: 5,
      workers: 1,
    } as const;
    const stopped: Reject[] = [];
    const onRejects = (list: readonly Reject[]): void => void stopped.push(...list);
    const failure = runImport(background(), { ...options, target, maxErrors: 3, onRejects });
    await expect(failure).rejects.toMatchObject({ code: "too_many_errors", exitCode: 1 });
    await expect(failure).rejects.toThrow(
      /^4 rows have been rejected, and --max-errors 3 allows no more than that\.\n36 rows of this import are in the table "people" and stay there\.\nGo on with: the same command and a larger --max-errors, or none/,
    );
    expect(stopped.map(({ row }) => row)).toEqual([11, 21, 31, 41]);
    expect((await target.query("select count(*) from people")).rows).toEqual([["36"]]);

    // No more than it has already: it does not begin.
    await expect(runImport(background(), { ...options, target, maxErrors: 3 })).rejects.toThrow(/^4 rows have been/);
    expect((await target.query("select count(*) from people")).rows).toEqual([["36"]]);

    const rest = await imported(target, { ...options, maxErrors: 10 });
    expect(rest.result).toMatchObject({ total: 100, inserted: 90, rejected: 10 });
    expect(rest.rejects.map(({ row }) => row)).toEqual([11, 21, 31, 41, 51, 61, 71, 81, 91, 101]);
  });
});
