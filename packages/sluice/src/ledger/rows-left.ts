// Rows that earlier imports of the same content have left in a table, and that go in once more
// without a refusal. Who cancels an import and begins again may have taken its rows out by other
// means. Who gives other options may mean other rows of the file. So a note says how many rows are
// there, as far as the database can tell.
import { grouped } from "../grouped.ts";
import type { Unheld } from "../plan/repeat.ts";
import { wishOf, type Wish } from "../plan/plan.ts";
import { quoteTable } from "../schema/identifiers.ts";
import type { Target } from "../target.ts";
import { holdsAll } from "./doubt.ts";
import { findImports, type Entry, type ImportKey } from "./ledger.ts";
import { methodOf, takenBy, whyGone } from "./resume.ts";
import { rowsMissing } from "./table-shape.ts";
import { hasTransactions, writtenBySql } from "./written.ts";

/** The facts about the import that asks. */
interface Asking {
  /** The file's name. */
  readonly file: string;
  /** The number of rows that it has put in so far. */
  readonly own?: number;
  /** True for a dry run. */
  readonly ahead?: boolean;
}

/**
 * The notes about imports whose rows this one puts in once more: cancelled ones of the same content
 * or of a file of this name, and finished ones of the same content with other options.
 *
 * @param unheldNow finds the rows of the table that its key does not hold back
 */
export async function rowsLeftNotes(
  target: Target,
  key: ImportKey,
  options: Wish,
  unheldNow: () => Promise<Unheld | undefined>,
  asking: Asking,
): Promise<string[]> {
  const notes: string[] = [];
  if (options.mode === "replace") return notes;
  for (const entry of [...(await findImports(target, key)), ...(await ofOtherContent(target, key, asking.file))]) {
    const others = entry.state === "finished" && entry.wish !== wishOf(options);
    if (entry.state !== "cancelled" && !others) continue;
    if (takenBy(entry) === 0 || (await whyGone(target, entry)) !== undefined) continue;
    if (await holdsAll(target, key.table, await unheldNow())) return notes;
    const rows = await rowsLeft(target, entry, asking.own ?? 0);
    const same = entry.contentHash === key.contentHash;
    const maybe = !same || entry.wish !== wishOf(options) ? "may be" : undefined;
    const of = same ? "this file" : `${asking.file}, which held something else then,`;
    if (rows > 0) notes.push(noteOf(entry, rows, of, asking.ahead ? "would be" : maybe));
  }
  return notes;
}

/** Cancelled imports that began when the file of this name held something else. */
async function ofOtherContent(
  target: Target,
  { contentHash, sheet, table }: ImportKey,
  file: string,
): Promise<Entry[]> {
  const { rows } = await target.query(
    "select id from sluice.imports where state = 'cancelled' and file = $1 and content_hash <> $2 order by started_at desc limit 20",
    [file.replaceAll("\0", "\uFFFD"), contentHash],
  );
  const entries: Entry[] = [];
  for (const [id] of rows) entries.push(...(await findImports(target, { id: id! })));
  return entries.filter((entry) => entry.table === table && (sheet === undefined || entry.sheet === sheet));
}

function noteOf(entry: Entry, rows: number, of: string, be = rows === 1 ? "is" : "are"): string {
  const one = rows === 1;
  const are = one ? `1 row of ${of} is` : `${grouped(rows)} rows of ${of} are`;
  const [they, them] = one ? ["it", "it"] : ["they", "them"];
  const method = methodOf(entry);
  const out = hasTransactions(method)
    ? `sluice imports take-back ${entry.id} --yes takes ${them} back`
    : `delete with SQL what is not to stay, because rows of the method ${method} cannot be taken back`;
  const by =
    entry.state === "cancelled" ? `the cancelled import ${entry.id}` : `the import ${entry.id} with other options`;
  return `${are} in the table since ${by}, so ${they} ${be} in twice; ${out}`;
}

/**
 * The number of rows of an import that are still in its table. If the ledger does not have the
 * transactions of all of them, it is at most what the table can hold of them.
 */
async function rowsLeft(target: Target, entry: Entry, own: number): Promise<number> {
  const { id, table } = entry;
  const taken = takenBy(entry);
  const most = taken - (await rowsMissing(target, table, taken + own).catch(() => 0));
  try {
    const { rows } = await target.query(
      `select coalesce(sum(inserted + updated + skipped) filter (where xid is null or (xid % 4294967296)::text <> xmin::text), 0)::text,
              (select count(*)::text from ${quoteTable(table)} t where t.xmin in (${writtenBySql("$1")}))
       from sluice.chunks where import = $1`,
      [id],
    );
    const [unknown, found] = rows[0]!.map(Number) as [number, number];
    return Math.max(0, Math.min(most, found + unknown));
  } catch {
    return Math.max(0, most); // a view has no transactions, and who may only insert cannot look
  }
}
