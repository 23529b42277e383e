// Rejects in the ledger: one that goes into the last message of its transaction is what COPY would
// have made of it.
import { expect, test } from "vitest";
import type { Reject } from "../reject.ts";
import { databases } from "../test/database.ts";
import { ensureLedger } from "../ledger/schema.ts";
import { recordSql } from "./record.ts";

const reject: Reject = {
  file: "f",
  sheet: "s",
  row: 2,
  column: "Id",
  value: "7",
  code: "unique_violation",
  reason: 'duplicate key value violates unique constraint "t_pkey": Key (id)=(7) already exists.',
  cells: ["7", null, ["n", "1.5"]],
};

const ALIKE: readonly Reject[] = [
  reject,
  { ...reject, column: undefined, value: undefined, cells: [] },
  { ...reject, value: "it's", cells: ["it's", `"'\\`, "\\'; drop table x; --"] },
  { ...reject, value: "\\N", reason: "\\t\t\\\\", cells: ["a\tb\nc\rd", "\\N", ""] },
  { ...reject, column: "$1", value: "null", code: "sqlstate_P0001", cells: [["d", "2020-01-31T00:00:00.000"]] },
];

test.each(databases)("$name: a reject is the same in both ways", async ({ open }) => {
  await using database = await open();
  const { target } = database;
  await ensureLedger(target);
  for (const [n, one] of ALIKE.entries()) {
    await target.query(recordSql([one], `sql ${n}`)!);
    const { rows } = await target.query(
      "select row_number::text, column_name, value, code, reason, cells::text from sluice.rejects where import = $1",
      [`sql ${n}`],
    );
    const { row, column, value, code, reason, cells } = one;
    expect(rows).toEqual([[String(row), column ?? null, value ?? null, code, reason, JSON.stringify(cells)]]);
  }
});

test.each([
  ["several", [reject, { ...reject, row: 3 }]],
  ["none", []],
  ["one that the database's encoding may not hold", [{ ...reject, value: "naïve" }]],
  ["one whose cells it may not hold", [{ ...reject, cells: ["日"] }]],
  ["one with a NUL", [{ ...reject, value: "a\0b" }]],
  ["a long one", [{ ...reject, cells: ["x".repeat(20_000)] }]],
] as const)("is left to COPY: %s", (_, rejects) => {
  expect(recordSql(rejects, "id")).toBeUndefined();
});
