// Statements that may fail without the transaction that they are part of.
import type { Connection } from "./target.ts";

/** Runs something under a savepoint: where it throws, nothing of it is left, and the transaction goes on. */
export async function underSavepoint<T>(connection: Connection, run: () => Promise<T>): Promise<T> {
  await connection.query("savepoint sluice");
  try {
    const result = await run();
    await connection.query("release savepoint sluice");
    return result;
  } catch (error) {
    await connection.query(undo("sluice"));
    throw error;
  }
}

/** A savepoint that is only rolled back to stays, with a lock of its own: thousands of them are more than a server has room for. */
export function undo(savepoint: string): string {
  return `rollback to savepoint ${savepoint}; release savepoint ${savepoint}`;
}
