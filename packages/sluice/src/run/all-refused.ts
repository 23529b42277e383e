// An import of which the database refuses every row stops early, instead of noting each of them.
//
// What must hold: a file that is as it should be is not stopped. So one row that is in, left out or
// rejected for anything else is enough to continue for good. Reasons that depend on the rows in the
// table do not count. Rows that are all in already may be wanted as rejects, and parents may be
// missing for the first part of a file only. And a user who sets `maxErrors` has decided already.
import { grouped } from "../grouped.ts";
import { SluiceError } from "../errors.ts";
import type { Loading } from "./run.ts";
import { CONDITIONS } from "../database/row-fault.ts";
import type { Target } from "../target.ts";

/** The code of such an import. */
export const ALL_REFUSED = "all_refused";

/**
 * The number of refused rows that stops an import, if no row can satisfy the database: a column
 * needs a value, and the sheet does not load it.
 */
const FEW = 1_000;
/**
 * The same, if the database gives the same reason for all of them, but the next row could satisfy
 * it.
 */
const MANY = 10_000;
const DEPENDS_ON_OTHERS = ["unique_violation", "exclusion_violation", "foreign_key_violation"];
const DATABASE_CODES = new Set(Object.values(CONDITIONS).filter((code) => !DEPENDS_ON_OTHERS.includes(code)));

/**
 * Returns what to ask after each chunk: what stops the import, or undefined.
 *
 * @param rejects the relation that has its rejects, as SQL
 */
export function watchRefusals(
  { plan, tally, options }: Pick<Loading, "plan" | "tally" | "options">,
  asked: Pick<Target, "query">,
  rejects: string,
  id: string,
): () => Promise<SluiceError | undefined> {
  const { maxErrors } = options;
  let next = FEW;
  return async () => {
    const { inserted, updated, skipped, rejected } = tally;
    if (maxErrors !== undefined || inserted + updated + skipped > 0 || rejected < next) return undefined;
    next = rejected < MANY ? MANY : Infinity;
    const { rows } = await asked.query(
      `select code, column_name, reason, count(*)::text from ${rejects} where import = $1 group by 1, 2, 3 limit 2`,
      [id],
    );
    const [code, column, reason] = rows[0] ?? [];
    if (rows.length !== 1 || !(DATABASE_CODES.has(code!) || code!.startsWith("sqlstate_"))) return undefined;
    // Rejects name the header of a column that is loaded, and the column of one that is not.
    const hopeless = code === CONDITIONS["23502"] && !!column && plan.load.every(({ header }) => header !== column);
    if (rejected < MANY && !hopeless) return undefined;
    return new SluiceError(
      ALL_REFUSED,
      `the database has refused each of the first ${grouped(rejected)} rows for the same reason (${code!}): ${reason!}. ` +
        `Check that "${plan.table}" is the right table, and that the sheet brings what it asks for.`,
    );
  };
}
