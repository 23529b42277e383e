// The end of an import: it is counted and finished in one statement, and its rejects are passed on.
// If something fails after that, the import is finished all the same.
import { failureOf, isInterrupted } from "../errors.ts";
import { explain, miscounted } from "./failure.ts";
import { notPassedOn, type FinishedError } from "../ledger/finished.ts";
import { countsOf, settleImport, takenOver, type Totals } from "../ledger/ledger.ts";
import type { FirstRejects } from "../reject.ts";
import type { Recorded } from "./run.ts";
import type { Target } from "../target.ts";
import { passOn } from "./one-transaction.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

/**
 * Gives the import back: finished, or, if it was interrupted, for anybody to continue with. It is
 * finished only if the ledger counts as many rows as the sheet has, which one statement compares
 * and does.
 */
export async function settle(run: Recorded, interrupted: boolean): Promise<Totals> {
  const { tally, job } = run;
  const { claim } = job;
  const { target } = run.options;
  const [state, records] = interrupted ? (["running", undefined] as const) : (["finished", tally.records] as const);
  const totals = await target.patiently(() => settleImport(target, claim, state, null, records));
  if (totals) return totals;
  const counted = interrupted ? undefined : await target.patiently(() => countsOf(target, claim));
  if (!counted) throw await takenOver(target, claim);
  throw await explain(miscounted(counted.total, tally.records), run);
}

/**
 * Passes on the rejects of an import whose counts are in the ledger. Reading them may take as many
 * attempts as anything else.
 *
 * @param first takes the first of them
 * @throws FinishedError if it has finished, and what fails is this
 */
export async function passOnPatiently(
  options: ImportOptions,
  result: ImportResult,
  plan: FinishedError["plan"],
  { first, begun }: { readonly first?: FirstRejects; readonly begun?: Date | undefined },
): Promise<void> {
  const { target } = options;
  let unread: unknown;
  const patient: Pick<Target, "query"> = {
    query: (sql, parameters) =>
      target
        .patiently(() => target.query(sql, parameters))
        .catch((error: unknown) => {
          unread = error;
          throw error;
        }),
  };
  const { id, file, sheet } = result;
  const rejecting = { plan, options, names: { file, sheet }, begun, none: result.rejected === 0 };
  const failure = await failureOf(passOn(patient, id, rejecting, first));
  if (failure === undefined) return;
  if (result.interrupted && isInterrupted(failure)) throw failure;
  throw notPassedOn(failure, unread !== undefined, result, plan);
}
