// Repaired rows of an import that has finished: checked, encoded and loaded as its other rows were,
// by the plan that the ledger has.
//
// One transaction takes the rows out of the import's rejects, puts them into the table, and counts
// that. What is refused again is among the rejects again, with its new cells. A row that is no open
// reject any more is left alone, so a repair that comes twice, or from two callers at once, goes in
// once.
import { CellType, type RowBatch } from "@sluice/sheets";
import { Encoder } from "../chunk/encode.ts";
import { SluiceError } from "../errors.ts";
import { callerSql, notAllowed, NOT_OWN } from "../ledger/made.ts";
import type { Entry } from "../ledger/ledger.ts";
import { countRepair, rejectsOfRows, fateOf, takeRejects, type OpenReject, type Fate } from "../ledger/open-rejects.ts";
import { expectSameTable } from "../ledger/table-shape.ts";
import type { Caller } from "../options.ts";
import { withCatalogue } from "../plan/catalogue.ts";
import { conflictNow } from "../plan/conflict.ts";
import { revivePlan, schemaHash, type Plan } from "../plan/plan.ts";
import type { RejectCell } from "../reject.ts";
import type { TableSchema } from "../schema/schema.ts";
import { isDatabaseError, type ChunkState, type Target } from "../target.ts";
import { loadPlanOf } from "./pipeline.ts";

/** A row with all of its cells, from column A on. */
export interface RepairedRow {
  readonly row: number;
  readonly cells: readonly RejectCell[];
}

export interface RepairResult extends Pick<ChunkState, "inserted" | "updated" | "skipped"> {
  /** The rows that are refused again, with the current reasons. */
  readonly rejects: readonly OpenReject[];
  /** Rows that were no open rejects: repaired before, or never rejected. None of them went in. */
  readonly settled: readonly number[];
}

/**
 * Puts repaired rows in, each once.
 *
 * @param schemas those that the import may have begun with: their checks count if it did
 * @throws SluiceError (`not_finished`) if the import has not finished or was undone,
 *   (`check_missing`) if its checks are not available, or as an import into the current table
 */
export async function repairRows(
  target: Target,
  entry: Entry,
  rows: readonly RepairedRow[],
  schemas: readonly TableSchema[],
  caller: Caller | undefined,
): Promise<RepairResult> {
  const { id, file, sheet } = entry;
  await expectSameTable(target, { id });
  const plan = await planNow(target, entry, schemas);
  const claim = { id, epoch: 0 };
  let taken: number[] = [];
  let all: ChunkState | undefined;
  await target.amend(
    claim,
    async (session) => {
      try {
        for (const sql of callerSql({ ...plan, created: false }, caller)) await session.query(sql);
      } catch (error) {
        throw isDatabaseError(error) && error.code === NOT_OWN ? notAllowed(plan.table, error) : error;
      }
      const open = await takeRejects(
        session,
        id,
        rows.map(({ row }) => row),
      );
      if (!open) throw notRepairable(id, await fateOf(session, id));
      taken = open;
      const wanted = new Set(open);
      const batch = batchOf(rows.filter(({ row }) => wanted.has(row)));
      if (!batch) return;
      const headers = plan.headers.map(({ sheetColumn }) => sheetColumn);
      const encoder = new Encoder(loadPlanOf(plan, { file, sheet }), headers, plan.width, batch.rowCount);
      for (let row = 0; row < batch.rowCount;) row = encoder.fill(batch, row);
      const { chunk, rejects } = encoder.take();
      await session.put(chunk, rejects);
      chunk.release();
    },
    (counts) => {
      all = counts;
      return countRepair(id, taken.length, counts);
    },
  );
  const { inserted = 0, updated = 0, skipped = 0 } = all ?? {};
  const wanted = new Set(taken);
  return {
    inserted,
    updated,
    skipped,
    rejects: await rejectsOfRows(target, id, taken),
    settled: rows.map(({ row }) => row).filter((row) => !wanted.has(row)),
  };
}

/** The plan that the import began with, for the table as it is now. */
async function planNow(target: Target, entry: Entry, schemas: readonly TableSchema[]): Promise<Plan> {
  const schema = schemas.find((one) => schemaHash(one) === entry.schemaHash);
  const stored = revivePlan(entry.plan, schema, entry.id);
  const info = await target.describe(stored.table);
  if (!info) throw new SluiceError("table_gone", `the table "${stored.table}" of the import ${entry.id} is gone.`);
  const conflict = conflictNow(stored.conflict, stored.table, info);
  return await withCatalogue(target, { ...stored, conflict });
}

function notRepairable(id: string, { state, takenBack }: Fate): SluiceError {
  const why = takenBack
    ? "were taken back, so there is nothing to repair any more. Import its file again, and repair the rows of that import."
    : state === "cancelled"
      ? "cannot be repaired here, because it was cancelled. Repair them in the file of its rejected rows, and import that file."
      : "cannot be repaired yet, because it has not finished. Wait for its end, or go on with it.";
  return new SluiceError("not_finished", `the rows of the import ${id} ${why}`);
}

const TYPES: Readonly<Record<string, CellType>> = {
  n: CellType.number,
  b: CellType.boolean,
  e: CellType.error,
  d: CellType.date,
  t: CellType.duration,
};

/**
 * Rows as the reader would give them, with the numbers that they have in the sheet; undefined if
 * there are none.
 */
function batchOf(rows: readonly RepairedRow[]): RowBatch | undefined {
  if (rows.length === 0) return undefined;
  const sorted = rows.toSorted((a, b) => a.row - b.row);
  const cells = sorted.flatMap((row) =>
    row.cells.flatMap((cell, n) => {
      if (cell === null || cell === "") return [];
      const [type, text] = typeof cell === "string" ? [CellType.string, cell] : [TYPES[cell[0]]!, cell[1]];
      return [{ column: n + 1, type, bytes: Buffer.from(text) }];
    }),
  );
  const counts = sorted.map((row) => row.cells.filter((cell) => cell !== null && cell !== "").length);
  const sums = (numbers: readonly number[]): number[] => {
    let sum = 0;
    return [0, ...numbers.map((number) => (sum += number))];
  };
  const offsets = sums(cells.map(({ bytes }) => bytes.length));
  return {
    rowCount: sorted.length,
    cellCount: cells.length,
    bytes: Buffer.concat(cells.map(({ bytes }) => bytes)),
    rowNumbers: Int32Array.from(sorted, ({ row }) => row),
    widths: Int32Array.from(sorted, (row) => row.cells.length),
    firstCell: Int32Array.from(sums(counts)),
    columns: Int32Array.from(cells, ({ column }) => column),
    types: Uint8Array.from(cells, ({ type }) => type),
    flags: new Uint8Array(cells.length),
    starts: Int32Array.from(offsets.slice(0, -1)),
    ends: Int32Array.from(offsets.slice(1)),
    progress: 1,
    warnings: [],
    release: () => undefined,
  };
}
