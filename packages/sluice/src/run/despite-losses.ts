// An import goes over its sheet again if the database has lost commits that it had acknowledged, so
// that the user need not do that.
import { CommitsLost } from "../database/followed.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

/** The most times for one import; if it takes more, something is very wrong with the database. */
const TIMES = 3;
const AGAIN =
  "the database lost commits that it had acknowledged while this import ran; their rows have been put in again";

/** @throws what `run` throws; also after the third loss */
export async function despiteLosses(
  options: ImportOptions,
  run: (options: ImportOptions) => Promise<ImportResult>,
): Promise<ImportResult> {
  let given = options;
  for (let losses = 0; ; losses++) {
    try {
      const result = await run(given);
      return losses === 0 ? result : { ...result, notes: [AGAIN, ...result.notes] };
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof CommitsLost) || losses === TIMES) throw error;
      // By the ledger, which has lost the same: what is missing goes in, and nothing else.
      given = cause.known ? { ...options, resume: cause.claim.id } : options;
    }
  }
}
