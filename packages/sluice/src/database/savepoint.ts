// Statements that may fail without the transaction that they are part of.
import type { Connection } from "../target.ts";

/**
 * Runs a function under a savepoint: if it throws, all of its changes are undone, and the
 * transaction continues.
 *
 * @param ending SQL that is sent with the end of the savepoint
 */
export async function underSavepoint<T>(connection: Connection, run: () => Promise<T>, ending?: string): Promise<T> {
  await connection.query(SAVEPOINT);
  return await released(connection, run, ending);
}

/** The statement that a function for {@link released} begins with. */
export const SAVEPOINT = "savepoint sluice";

/**
 * The same for a function whose first message begins with {@link SAVEPOINT}, which saves a message.
 */
export async function released<T>(connection: Connection, run: () => Promise<T>, ending?: string): Promise<T> {
  try {
    const result = await run();
    await connection.query(`${ending === undefined ? "" : `${ending}; `}release savepoint sluice`);
    return result;
  } catch (error) {
    await connection.query(undo("sluice"));
    throw error;
  }
}

/**
 * A savepoint that is only rolled back to stays, and holds a lock: a server does not have room for
 * thousands of them.
 */
export function undo(savepoint: string): string {
  return `rollback to savepoint ${savepoint}; release savepoint ${savepoint}`;
}
