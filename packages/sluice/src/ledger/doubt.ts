// Imports whose rows this one would put in once more, if its key did not hold them back. What the
// key is, is known when the table and the sheet's columns are; so the doubt is kept until then.
import { quoteTable } from "../schema/identifiers.ts";
import type { Unheld } from "../plan/repeat.ts";
import type { Target } from "../target.ts";
import { hidesRowsSql } from "./table-shape.ts";

/** An import that has put rows in, or is about to. */
export interface Doubt {
  /** A process is at work on it, so more of its rows may come. */
  readonly active: boolean;
  /** The error to end with if its rows would go in once more. */
  refuse(): Promise<Error> | Error;
}

/** @throws the error of the first doubt that the key does not settle, with the reason */
export async function expectHeld(
  target: Target,
  table: string,
  unheld: Unheld | undefined,
  doubts: readonly Doubt[],
): Promise<void> {
  if (unheld === undefined) return;
  for (const { active, refuse } of doubts) {
    if (!active && (await holdsAll(target, table, unheld))) continue;
    const error = await refuse();
    error.message += `\nRows would be there twice although --on-conflict is given: ${unheld.why}.`;
    throw error;
  }
}

/**
 * Reports whether the key holds back all rows that a table has; of a table whose rows this user
 * does not see, it says no.
 */
export async function holdsAll(target: Target, table: string, unheld: Unheld | undefined): Promise<boolean> {
  if (unheld === undefined) return true;
  try {
    const { rows } = await target.query(
      `select (not exists (select from ${quoteTable(table)} where ${unheld.where}) and not ${hidesRowsSql("$1")})::text`,
      [quoteTable(table)],
    );
    return rows[0]![0] === "true";
  } catch {
    return false; // who may only insert cannot look
  }
}
