// Whether a database and a model are at the same place.
import { isDeepStrictEqual } from "node:util";

/** The database is not where the model is, or has said something else. */
export class Mismatch extends Error {}

/** @throws Mismatch if two things differ */
export function agree(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Mismatch(`${what}: ${JSON.stringify(actual)} in the database, ${JSON.stringify(expected)} in the model`);
}
