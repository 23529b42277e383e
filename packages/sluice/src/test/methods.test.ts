// Random sheets into tables with rules of every kind, by each method: the same rows, the same
// rejects and the same counts, however they are cut up. Values read like what a database says of
// places and keys, since errors are where the methods differ.
import { background } from "@sluice/go/context";
import fc from "fast-check";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { databases, newFolder } from "./database.ts";
import { writeWorkbook, type TestCell } from "./workbook.ts";
import { ON_CONFLICT, METHODS } from "../options.ts";

const RULES = `
  create type colour as enum ('red', 'blue');
  create table parents (id integer primary key);
  insert into parents values (1), (2), (3);
  create function refuse() returns trigger language plpgsql as $$ begin
    if new.note = 'leave out' then return null; end if;
    if new.note = 'refuse' then raise exception 'not this one, line 3'; end if;
    return new;
  end $$`;

const TABLE = (name: string, more: string): string => `
  create table ${name} (
    ${more} id integer unique, parent integer references parents, later integer references parents deferrable initially deferred,
    colour colour, name varchar(9), note text check (note <> 'check'), amount numeric(4, 1) not null);
  create trigger refuse before insert on ${name} for each row execute function refuse()`;

const HEADER = ["Id", "Parent", "Later", "Colour", "Name", "Note", "Amount"];

/** Mostly one of the first; now and then one of the others, which is refused. */
const often = <T extends TestCell>(good: readonly T[], bad: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });

const row = fc.tuple(
  fc.option(fc.nat(150), { freq: 9 }),
  often<number | null>([1, 2, 3, null], [9]),
  often<number | null>([1, 2, 3, null], [9]),
  often<string | null>(["red", "blue", null], ["green", "red, line 2", 'x\nCOPY t, line 1, column id: "1"']),
  often<string | null>(["Ada", "line 1", ", line 2", "\\N", "tab\there", null], ["far too long", "Key (id)=(1)"]),
  often<string | null>(["Metro, line 2", "x, column id: 1", null], ["leave out", "refuse", "check"]),
  often<number | string | null>([1, 2.5, -99.9], [null, 12_345, "much", 0.25]),
);

const WAYS = [...METHODS.map((method) => ({ method, atomic: false })), { method: "copy", atomic: true }] as const;

test("random sheets, by every method: the same rows, the same rejects, the same counts", async () => {
  await using folder = newFolder();
  await using database = await databases[0]!.open();
  const { target } = database;
  await target.query(RULES);
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 120 }),
      fc.constantFrom(...ON_CONFLICT),
      fc.constantFrom("", "unique (parent, name),"),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 20 }),
      async (rows, onConflict, more, chunkRows, batchSize) => {
        const file = await writeWorkbook(join(folder.path, `${++made}.xlsx`), { Sheet: [HEADER, ...rows] });
        const seen: object[] = [];
        for (const way of WAYS) {
          await target.query(`drop table if exists t; ${TABLE("t", more)}`);
          const rejects: Reject[] = [];
          const result = await runImport(background(), {
            ...way,
            file,
            target,
            table: "t",
            header: [1, 1],
            resume: "never",
            onConflict,
            ...(onConflict === "error" ? {} : { key: ["id"] }),
            chunkRows,
            batchSize,
            onRejects: (list) => void rejects.push(...list),
          });
          const { total, inserted, updated, skipped, rejected } = result;
          const { rows } = await target.query("select * from t order by t::text");
          seen.push({ total, inserted, updated, skipped, rejected, rejects, rows });
        }
        for (const [n, other] of seen.entries()) expect({ ...WAYS[n], ...other }).toEqual({ ...WAYS[n], ...seen[0] });
      },
    ),
    {
      numRuns: 5,
      examples: [
        // A refused text that names another line.
        [
          [
            [null, 1, 1, "red, line 2", "Ada", null, 1],
            [null, 1, 1, "red", "Ada", "leave out", 1],
          ],
          "error",
          "",
          2,
          1,
        ],
        // Refused for its parent, before the next row has its name.
        [
          [
            [null, 1, 9, "red", "Ada", null, 1],
            [null, 1, 1, "red", "Ada", null, 1],
          ],
          "error",
          "unique (parent, name),",
          1,
          2,
        ],
      ],
    },
  );
});
