// What the ledger has of an import, for those who show it.
import { describeError } from "../../errors.ts";
import { importDetails, type Details } from "../../ledger/history.ts";
import type { Target } from "../../target.ts";

/** The ledger's details of an import; undefined if it does not have the id. */
export async function recordedIn(target: Target, id: string): Promise<Details | undefined> {
  try {
    return await importDetails(target, id);
  } catch (error) {
    if (describeError(error).code === "unknown_import") return undefined;
    throw error;
  }
}

/** The plan of an import that the ledger has, as it is stored. */
export async function planIn(target: Target, id: string): Promise<string | undefined> {
  const { rows } = await target.query("select plan::text from sluice.imports where id = $1", [id]);
  return rows[0]?.[0] ?? undefined;
}
