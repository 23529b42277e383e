// A whole import in one transaction: what --atomic, --replace and --dry-run are made of.
//
// Chunks go in under savepoints. Nobody else sees a row before the last message, which is the
// fence, one row in the ledger for all of it, and COMMIT. So there is nothing to continue with
// after a failure: it begins from the first row again.
import { after, inOrder, loadCutting, note } from "./commit.ts";
import { record } from "./record.ts";
import { moveSql, reach, type Reached } from "./sequences.ts";
import { SESSION_REJECTS, type ChunkState, type Claim, type Connection, type Session } from "../target.ts";

const REHEARSAL = `create temporary table ${SESSION_REJECTS.slice("pg_temp.".length)} (import text, row_number integer primary key, column_name text, value text, code text, reason text, cells json) on commit drop`;

/**
 * @param claim without one the transaction is rolled back in the end
 * @param committing told before the last message is sent
 * @param ending the ledger's part of that message
 */
export async function runSession(
  connection: Connection,
  claim: Claim | undefined,
  run: (session: Session) => Promise<void>,
  committing: (rows: number) => void,
  ending: (all: ChunkState) => string = (all) => note(claim!, 0, { from: 0, to: all.rows }, all, undefined),
): Promise<void> {
  let all: ChunkState = { rows: 0, done: 0, inserted: 0, updated: 0, skipped: 0, rejected: 0 };
  const reached: Reached = new Map();
  const session: Session = {
    query: (sql, parameters) => connection.query(sql, parameters),
    put: async (chunk, rejects) => {
      let state: ChunkState | undefined;
      for (let from = 0; state === undefined || from < chunk.rowCount; from += chunk.plan.step) {
        const step = { from, to: Math.min(chunk.rowCount, from + chunk.plan.step) };
        const outcome = await loadCutting(connection, chunk, step, claim?.id);
        reach(reached, chunk, step.from, step.to, outcome.refused);
        const told = inOrder(state === undefined ? rejects : [], outcome.refused);
        await record(connection, told, claim?.id ?? "", claim ? undefined : SESSION_REJECTS);
        state = after(chunk, state, step, outcome, told.length);
      }
      all = sum(all, state);
      return state;
    },
  };
  await connection.query("begin; set constraints all immediate");
  try {
    if (!claim) await connection.query(REHEARSAL);
    await run(session);
    if (!claim) return await rollback(connection);
    committing(all.rows);
    await connection.query(`${ending(all)}${moveSql(reached)}; commit`);
  } catch (error) {
    await rollback(connection).catch(() => undefined);
    throw error;
  }
}

async function rollback(connection: Connection): Promise<void> {
  await connection.query("rollback");
}

function sum(a: ChunkState, b: ChunkState): ChunkState {
  return {
    rows: a.rows + b.rows,
    done: a.done + b.done,
    inserted: a.inserted + b.inserted,
    updated: a.updated + b.updated,
    skipped: a.skipped + b.skipped,
    rejected: a.rejected + b.rejected,
  };
}
