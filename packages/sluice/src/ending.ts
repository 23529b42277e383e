// How an import ends: it is counted and finished in one statement, and its rejects are passed on. What fails after it is finished is
// no failure of the import.
import { failureOf, isInterrupted } from "./errors.ts";
import { explain, miscounted } from "./explain.ts";
import { notPassedOn, type FinishedError } from "./finished.ts";
import type { ImportOptions, ImportResult } from "./import.ts";
import { countsOf, settleImport, takenOver, type Totals } from "./ledger/ledger.ts";
import type { Job } from "./ledger/take-up.ts";
import type { FirstRejects } from "./reject.ts";
import type { Tally } from "./tally.ts";
import type { Target } from "./targets/target.ts";
import { passOn } from "./whole.ts";

/**
 * Gives the import back: finished, or, without a tally, for anybody to go on with. It is finished only if the ledger counts as many
 * rows as the sheet has, which one statement compares and does.
 */
export async function settle(
  target: Target,
  job: Job,
  tally: Tally | undefined,
  notes: readonly string[],
): Promise<Totals> {
  const { claim } = job;
  const state = tally ? "finished" : "running";
  const totals = await target.patiently(() => settleImport(target, claim, state, null, tally?.records));
  if (totals) return totals;
  const counted = tally && (await target.patiently(() => countsOf(target, claim)));
  if (!tally || !counted) throw await takenOver(target, claim);
  throw await explain(miscounted(counted.total, tally.records), job, tally, target, notes);
}

/**
 * Passes on the rejects of an import whose counts stand in the ledger. Reading them may take as many attempts as anything else.
 *
 * @throws FinishedError if it has finished, and what fails is this
 */
export async function passOnPatiently(
  options: ImportOptions,
  result: ImportResult,
  plan: FinishedError["plan"],
  first?: FirstRejects,
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
  const failure = await failureOf(passOn(patient, id, plan, options, { file, sheet }, first));
  if (failure === undefined) return;
  if (result.interrupted && isInterrupted(failure)) throw failure;
  throw notPassedOn(failure, unread !== undefined, result, plan);
}
