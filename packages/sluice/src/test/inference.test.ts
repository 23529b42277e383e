// Random sheets, inferred, imported and read back: nothing is rejected, nothing is lost, and every
// value is the one in the sheet.
import { background } from "@sluice/go/context";
import fc from "fast-check";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runImport } from "../import.ts";
import { databases, newFolder } from "./database.ts";
import { writeWorkbook, type TestCell } from "./workbook.ts";

/** A column of a sheet: its cells, and how PostgreSQL's text of a cell is compared with it. */
interface RandomColumn {
  readonly cells: readonly TestCell[];
  readonly same: (cell: TestCell, loaded: string) => boolean;
}

const column = <T extends TestCell>(
  cell: fc.Arbitrary<T>,
  same: (cell: T, loaded: string) => boolean,
): fc.Arbitrary<RandomColumn> =>
  fc
    .array(fc.option(cell, { freq: 5 }), { minLength: 12, maxLength: 12 })
    .map((cells) => ({ cells, same: same as RandomColumn["same"] }));

const asText = (cell: string | number, loaded: string): boolean => String(cell) === loaded;
const asNumber = (cell: number, loaded: string): boolean => cell === Number(loaded);
/** The date that a text or a cell means, as PostgreSQL writes it, with midnight left out. */
const asMoment = (iso: string, loaded: string): boolean =>
  iso
    .replace("T", " ")
    .replace(/\.000$/, "")
    .replace(/(:\d\d\.\d*?)0+$/, "$1")
    .replace(/ 00:00:00$/, "") === loaded.replace(/ 00:00:00$/, "");

const moment = fc
  .date({ min: new Date("1900-03-01"), max: new Date("9999-12-30"), noInvalidDate: true })
  // A cell keeps milliseconds, a number of days not always all of them.
  .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000));
const day = moment.map((date) => date.toISOString().slice(0, 10));
const word = fc.string({
  unit: fc.constantFrom(..."abcäß🙂 09.,:/-+%$eE'\"\\\t".match(/./gu)!),
  minLength: 1,
  maxLength: 12,
});

const COLUMNS: readonly fc.Arbitrary<RandomColumn>[] = [
  column(fc.integer(), asNumber),
  column(fc.maxSafeInteger(), asNumber),
  column(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }), asNumber),
  column(fc.integer().map(String), asText),
  column(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String), asText),
  column(
    fc.tuple(fc.nat(9999), fc.nat(99)).map(([a, b]) => `${a}.${String(b).padStart(2, "0")}`),
    asText,
  ),
  column(
    fc.nat(99_999).map((n) => String(n).padStart(5, "0")),
    asText,
  ),
  column(fc.boolean(), (cell, loaded) => String(cell)[0] === loaded),
  column(moment, (cell, loaded) => asMoment(cell.toISOString().slice(0, -1), loaded)),
  column(
    day.map((iso) => new Date(iso)),
    (cell, loaded) => asMoment(cell.toISOString().slice(0, -1), loaded),
  ),
  column(day, (cell, loaded) => cell === loaded),
  column(fc.uuid(), asText),
  column(word, asText),
  // With a letter: a mark for a missing value, or a number in another notation, is read as such
  // among numbers.
  column(
    fc.oneof(
      word.filter((text) => /[abcäß]/u.test(text)),
      fc.integer(),
    ),
    asText,
  ),
];

const open = databases[0]!.open;

test("a random sheet goes in whole, and comes out as it was", async () => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fc.tuple(...COLUMNS), async (columns) => {
      const name = `sheet_${++made}`;
      const rows = columns[0]!.cells.map((_, n): TestCell[] => [n, ...columns.map(({ cells }) => cells[n]!)]);
      const header = ["N", ...columns.map((_, n) => `Column ${String.fromCodePoint(65 + n)}`)];
      const file = await writeWorkbook(join(folder.path, `${name}.xlsx`), { Sheet: [header, ...rows] });
      const { inserted, rejects } = await runImport(background(), { file, target, header: [1, 1] });
      expect(rejects).toEqual([]);
      expect(inserted).toBe(rows.length);
      const loaded = (await target.query(`select * from ${name} order by n`)).rows;
      for (const [n, row] of rows.entries()) {
        for (const [c, cell] of row.slice(1).entries()) {
          const value = loaded[n]![c + 1] ?? null;
          const empty = cell === null || (typeof cell === "string" && cell.trim() === "");
          const good = empty ? value === null : value !== null && columns[c]!.same(cell, value);
          expect(good, `row ${n + 2}, column ${c}: ${JSON.stringify(cell)} became ${value}`).toBe(true);
        }
      }
    }),
    { numRuns: 25 },
  );
});
