// Reading an import's rejects costs as much as there are, also while the server's statistics know
// of earlier imports only. Then it takes a new one for a row or two.
import pg from "pg";
import { expect, test } from "vitest";
import { newDatabase, server } from "../test/database.ts";
import { openTarget } from "../database/open.ts";
import { rejectsOf } from "./ledger.ts";
import { ensureLedger } from "./schema.ts";

const ROWS = 2_000;

test.skipIf(server === undefined)(
  "each page of rejects is found by the index, whatever the statistics say",
  async () => {
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn });
    await ensureLedger(target);
    const client = new pg.Client({ connectionString: database.dsn });
    await client.connect();
    try {
      const rejects = (id: string): string =>
        `insert into sluice.rejects select '${id}', n, 'a', 'x', 'invalid_number', 'not a number', '["x"]' from generate_series(2, ${ROWS + 1}) n`;
      await client.query(rejects("before"));
      await client.query("analyze sluice.rejects");
      await client.query(rejects("now"));
      await client.query("begin");
      const asked = {
        query: async (text: string, values: readonly (string | null)[] = []) => {
          const { rows } = await client.query<(string | null)[]>({ text, values: [...values], rowMode: "array" });
          return { rows, columns: [], count: rows.length };
        },
      };
      const read: number[] = [];
      for await (const page of rejectsOf(asked, "now", { file: "f", sheet: "s" }))
        read.push(...page.map(({ row }) => row));
      expect(read).toEqual(Array.from({ length: ROWS }, (_, n) => n + 2));
      const entries = await client.query<{ read: string }>(
        "select pg_stat_get_xact_tuples_returned('sluice.rejects_pkey'::regclass) as read",
      );
      // Each of them once, and the first one of each page once more.
      expect(Number(entries.rows[0]!.read)).toBeLessThan(2 * ROWS);
    } finally {
      await client.end();
    }
  },
);
