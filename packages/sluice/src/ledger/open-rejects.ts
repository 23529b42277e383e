// The rejects of an import that nobody has repaired yet: a page of them, some of them, and their
// way out of the ledger.
//
// A repaired row leaves the ledger's rejects in the transaction that puts it into the table, so it
// goes in once. What a repair did is a chunk of its own, with a number below 0: rows that were
// rejected once are counted as inserted, updated or skipped from then on.
import { quoteLiteral } from "../schema/identifiers.ts";
import { fromAscii, type Reject, type RejectCell } from "../reject.ts";
import type { ChunkState, QueryResult } from "../target.ts";

interface Asked {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
}

/** A reject as the ledger has it. */
export type OpenReject = Omit<Reject, "file" | "sheet">;

/** The most bytes that the cells of a page have; one reject may have more. */
const MOST_PAGE_BYTES = 8 * 1024 ** 2;
/** The columns of a reject, and their order in {@link rejectFrom}. */
const COLUMNS = "row_number::text, column_name, value, code, reason, cells::text";

/**
 * Some rejects in the sheet's order, from the one of a number on; fewer than asked for if their
 * cells are long.
 */
export async function pageOfRejects(
  asked: Asked,
  id: string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ readonly rejects: OpenReject[]; readonly total: number }> {
  const [page, all] = await Promise.all([
    asked.query(
      `select ${COLUMNS} from (
         select r.*, coalesce(sum(octet_length(cells::text)) over (order by row_number rows between unbounded preceding and 1 preceding), 0) as before
         from (select * from sluice.rejects where import = $1 order by row_number offset $2 limit $3) r) page
       where before < ${MOST_PAGE_BYTES} order by page.row_number`,
      [id, String(offset), String(limit)],
    ),
    asked.query("select count(*)::text from sluice.rejects where import = $1", [id]),
  ]);
  return { rejects: page.rows.map(rejectFrom), total: Number(all.rows[0]![0]) };
}

/** The open rejects of these rows. */
export async function rejectsOfRows(asked: Asked, id: string, rows: readonly number[]): Promise<OpenReject[]> {
  const found = await asked.query(
    `select ${COLUMNS} from sluice.rejects where import = $1 and row_number = any ($2::integer[]) order by rejects.row_number`,
    [id, `{${rows.join(",")}}`],
  );
  return found.rows.map(rejectFrom);
}

/**
 * Takes rejects out, for the transaction that puts their repaired rows in. Others who repair the
 * same import wait for its end.
 *
 * @returns the rows that were open rejects until now; undefined if the import has not finished
 */
export async function takeRejects(asked: Asked, id: string, rows: readonly number[]): Promise<number[] | undefined> {
  const found = await asked.query("select state from sluice.imports where id = $1 for update", [id]);
  if (found.rows[0]?.[0] !== "finished") return undefined;
  const taken = await asked.query(
    "delete from sluice.rejects where import = $1 and row_number = any ($2::integer[]) returning row_number::text",
    [id, `{${rows.join(",")}}`],
  );
  return taken.rows.map(([row]) => Number(row));
}

/** The end of an import. */
export interface Fate {
  readonly state: string | undefined;
  readonly takenBack: boolean;
}

/** Asks the ledger what has become of an import; its state is undefined if there is none. */
export async function fateOf(asked: Asked, id: string): Promise<Fate> {
  const { rows } = await asked.query("select state, (taken_back is not null)::text from sluice.imports where id = $1", [
    id,
  ]);
  return { state: rows[0]?.[0] ?? undefined, takenBack: rows[0]?.[1] === "true" };
}

/** SQL that counts a repair: a chunk for it, and the import's counts. Its total stays. */
export function countRepair(id: string, taken: number, all: ChunkState): string {
  const { inserted, updated, skipped } = all;
  const rejected = all.rejected - taken;
  const which = quoteLiteral(id);
  return `insert into sluice.chunks (import, n, epoch, rows, done, inserted, updated, skipped, rejected)
    select ${which}, least(coalesce(min(n), 0), 0) - 1, 0, ${taken}, ${taken}, ${inserted}, ${updated}, ${skipped}, ${rejected}
    from sluice.chunks where import = ${which};
    update sluice.imports set inserted = inserted + ${inserted}, updated = updated + ${updated}, skipped = skipped + ${skipped},
      rejected = rejected + ${rejected} where id = ${which}`;
}

/** The reject of a row of these columns. */
export function rejectFrom([row, column, value, code, reason, json]: readonly (string | null)[]): OpenReject {
  const cells = JSON.parse(json!) as RejectCell[];
  return {
    row: Number(row),
    column: column ?? undefined,
    value: value === null || value === undefined ? undefined : fromAscii(value, cells),
    code: code!,
    reason: reason!,
    cells,
  };
}
