// Rivals that fill the same table take turns: each into a fresh one, after a checkpoint, and what
// is in it is checked.
import type pg from "pg";
import { count, median, printTable, seconds, times } from "./run.ts";

/** One way to fill the table. */
export interface Contender {
  readonly name: string;
  /** Statements that make the table, where the contender does not make it itself. */
  readonly before?: readonly string[];
  /** Fills it. */
  readonly run: () => Promise<Timing>;
}

export interface Timing {
  /** What counts. */
  readonly milliseconds: number;
  /** What the program itself says that the import took, where that is something else. */
  readonly own?: number;
}

/** The nine columns that come from the sheet. */
export const cells = "name, category, phone, email, address, city, country, website, description";

/**
 * The table that contenders fill, and a text of each of its rows, as SQL, by which their rows are
 * compared.
 */
export interface Filled {
  readonly table: string;
  readonly text: string;
}

/** Of every row's nine texts. The Go program writes an empty cell as '', the others as NULL. */
const businesses: Filled = {
  table: "businesses",
  text: `concat_ws(chr(31), ${cells
    .split(", ")
    .map((column) => `coalesce(${column}, '')`)
    .join(", ")})`,
};

/**
 * Prints a table of medians, the first contender being what the others are measured by, and returns
 * the medians in milliseconds.
 *
 * @throws where a contender does not leave exactly `rows` rows, or in the first round not the same
 *   rows as the first one
 */
export async function compare(
  client: pg.Client,
  rows: number,
  runs: number,
  contenders: readonly Contender[],
  { table, text }: Filled = businesses,
): Promise<readonly number[]> {
  // In any order of the rows.
  const digest = `select count(*) as rows, sum(hashtextextended(${text}, 0)::numeric) as digest from ${table}`;
  const timings = contenders.map((): Timing[] => []);
  let expected: string | undefined;
  for (let round = 0; round < runs; round++) {
    for (const [k, { name, before = [], run }] of contenders.entries()) {
      await client.query(`drop table if exists ${table}`);
      for (const statement of before) await client.query(statement);
      await client.query("checkpoint"); // nobody pays for what the one before left to write
      timings[k]!.push(await run());
      const query = round === 0 ? digest : `select count(*) as rows from ${table}`;
      const found = (await client.query<{ rows: string; digest?: string }>(query)).rows[0]!;
      if (Number(found.rows) !== rows) throw new Error(`${name} left ${found.rows} rows in the table, not ${rows}`);
      expected ??= found.digest;
      if (round === 0 && found.digest !== expected)
        throw new Error(`${name} left other rows in the table than ${contenders[0]!.name}`);
    }
  }
  await client.query(`drop table if exists ${table}`);
  const medians = timings.map((figures) => median(figures.map(({ milliseconds }) => milliseconds)));
  printTable(
    ["", "median", "from", "to", "rows/s", "its own clock", `time / ${contenders[0]!.name}`],
    contenders.map(({ name }, k) => {
      const mid = medians[k]!;
      const all = timings[k]!.map(({ milliseconds }) => milliseconds);
      const own = timings[k]!.flatMap((timing) => timing.own ?? []);
      return [
        name,
        seconds(mid),
        seconds(Math.min(...all)),
        seconds(Math.max(...all)),
        count((rows / mid) * 1000),
        own.length > 0 ? seconds(median(own)) : "",
        times(mid / medians[0]!),
      ];
    }),
  );
  console.log();
  return medians;
}
