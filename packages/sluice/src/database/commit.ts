// One step of a chunk into the database: its rows, the rejects among them and its place in the
// ledger, in one transaction.
//
// The last message of a transaction is the fence, the ledger's row and COMMIT together: the server
// runs it without the client, so a process that stops anywhere never holds the fence. If INSERT has
// nothing to reject, that message is the only one: one statement, one round trip. The number of
// messages does not depend on the number of rows, except for rows that the database refuses, and
// for rejects with long cells, which are recorded in pieces.
import { sheetCells, type Chunk } from "../chunk/chunk.ts";
import { failureOf } from "../errors.ts";
import { quoteLiteral } from "../schema/identifiers.ts";
import type { Reject } from "../reject.ts";
import { cut, SETTLED_AT_ONCE, type Trial } from "./cut.ts";
import { epochIfOurs, insertable, insertAndNote, isMerged, load, targetNow } from "./load.ts";
import { record, recordSql } from "./record.ts";
import { moveSql, reach, type Reached } from "./sequences.ts";
import { isRowFault, notThere, refusalOf, rowNamed } from "./row-fault.ts";
import { rowByRow } from "./row-by-row.ts";
import { underSavepoint, undo } from "./savepoint.ts";
import { writtenSql } from "../ledger/written.ts";
import type { ChunkState, Claim, Connection } from "../target.ts";
import type { Kept } from "./merge.ts";

/** A chunk and what its commit needs. */
export interface Work {
  readonly chunk: Chunk;
  /** Rows of its stretch of the sheet that were rejected before the database. */
  readonly rejects: readonly Reject[];
  readonly claim: Claim;
}

/** Rows [from, to) of a chunk. */
export interface Step {
  readonly from: number;
  readonly to: number;
}

/** The counts of a step, and its refused rows; skipped rows are in neither. */
export interface StepCounts extends Kept {
  readonly refused: readonly Reject[];
}

/**
 * Settles the next rows of a chunk and returns how far it is then. All of that is durable, or
 * nothing has happened.
 *
 * @param state how far it is; undefined if it has not been begun
 */
export async function commitStep(
  connection: Connection,
  work: Work,
  state: ChunkState | undefined,
): Promise<ChunkState> {
  const { chunk, claim } = work;
  const from = state?.done ?? 0;
  const step = { from, to: Math.min(chunk.rowCount, from + chunk.plan.step) };
  // What was rejected before the database is recorded with the chunk's first step.
  const rejects = state === undefined ? work.rejects : [];
  const rows = step.to - step.from;
  const usual = async (): Promise<StepCounts> => {
    const kept = rows === 0 ? NOTHING : await load(connection, chunk, step.from, step.to);
    return { ...kept, refused: (kept.missing ?? []).map((row) => notThere(chunk, row, sheetCells(chunk))) };
  };
  let failure: unknown;
  try {
    const inOne = rows > 0 && insertable(rows, chunk.plan.step) === rows && !isMerged(chunk, rows);
    if (chunk.plan.statement === "insert" && rejects.length === 0 && inOne) {
      const kept = await insertAndNote(connection, chunk, claim, step.from, step.to);
      return after(chunk, state, step, { ...kept, refused: [] }, 0);
    }
    return await inTransaction(connection, work, state, step, rejects, usual);
  } catch (error) {
    if (!isRowFault(error)) throw error;
    failure = error;
  }
  if (rows === 1) return await refuse(connection, work, state, step, rejects, failure);
  const cutting = (): Promise<StepCounts> => loadCutting(connection, chunk, step, claim.id, failure);
  return await inTransaction(connection, work, state, step, rejects, cutting, IMMEDIATE);
}

/** The state of a chunk after a step. */
export function after(
  chunk: Chunk,
  state: ChunkState | undefined,
  { from, to }: Step,
  { inserted, updated, refused }: StepCounts,
  rejected: number,
): ChunkState {
  return {
    rows: chunk.rowCount,
    done: to,
    inserted: (state?.inserted ?? 0) + inserted,
    updated: (state?.updated ?? 0) + updated,
    skipped: (state?.skipped ?? 0) + (to - from) - inserted - updated - refused.length,
    rejected: (state?.rejected ?? 0) + rejected,
  };
}

/**
 * Loads all rows of a step that the database takes, under savepoints of the transaction that is
 * open, in which all constraints are immediate.
 *
 * @param id the import's; undefined in a rehearsal
 * @param failure what an attempt at all of them said
 */
export async function loadCutting(
  connection: Connection,
  chunk: Chunk,
  { from, to }: Step,
  id: string | undefined,
  failure?: unknown,
): Promise<StepCounts> {
  const noted = id === undefined ? undefined : writtenSql(id);
  let [inserted, updated] = [0, 0];
  const missing: number[] = [];
  // Which of a row's faults the database meets first depends on the rows that are in by then, so it
  // is asked at once.
  const worded = async (row: number, end: number, error: unknown): Promise<unknown> => {
    if (end - row > 1 || !isRowFault(error) || chunk.plan.statement === "copy") return error;
    await connection.query("savepoint sluice_reason");
    try {
      return await asCopySays(connection, chunk, row, error);
    } finally {
      await connection.query(undo("sluice_reason"));
    }
  };
  const trial: Trial = {
    attempt: async (first, end) => {
      try {
        const kept = await underSavepoint(connection, () => load(connection, chunk, first, end), noted);
        inserted += kept.inserted;
        updated += kept.updated;
        missing.push(...(kept.missing ?? []));
        return kept.inserted + kept.updated;
      } catch (error) {
        throw await worded(first, end, error);
      }
    },
    isRowFault,
    rowNamed,
    settle: async (first, end) => {
      const settled = await rowByRow(connection, chunk, first, end);
      inserted += (settled?.kept ?? 0) - (settled?.updated ?? 0);
      updated += settled?.updated ?? 0;
      return settled;
    },
  };
  // What a deferred constraint said at commit names no line of this attempt: of many rows it is
  // asked again. Few are tried one by one in any case.
  const asked = rowNamed(failure) === undefined && to - from > SETTLED_AT_ONCE;
  const known = asked ? undefined : await worded(from, to, failure);
  const { refused } = await cut(trial, from, to, known);
  const cells = sheetCells(chunk);
  const faults = refused.map((refusal) => refusalOf(chunk, refusal, cells));
  const absent = missing.map((row) => notThere(chunk, row, cells));
  return { inserted, updated, refused: inOrder(faults, absent) };
}

/** Loads and records; the ledger's part and COMMIT are the last message. */
async function inTransaction(
  connection: Connection,
  { chunk, claim }: Work,
  state: ChunkState | undefined,
  step: Step,
  rejects: readonly Reject[],
  loading: () => Promise<StepCounts>,
  opening = "begin",
): Promise<ChunkState> {
  await connection.query(opening);
  try {
    const outcome = await loading();
    const all = inOrder(rejects, outcome.refused);
    const recorded = recordSql(all, claim.id);
    if (recorded === undefined) await record(connection, all, claim.id);
    const next = after(chunk, state, step, outcome, all.length);
    const reached: Reached = new Map();
    reach(reached, chunk, step.from, step.to, outcome.refused);
    const noted = `${note(claim, chunk.index, step, next, state)}${moveSql(reached)}; commit`;
    await connection.query(recorded === undefined ? noted : `${recorded}; ${noted}`);
    return next;
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/**
 * Records that the database refuses the row of a step. The error that COPY gives for the row is
 * asked for in a transaction. The message that records the reject also rolls that transaction back.
 * That saves a message, and messages are most of the cost of a refused row if each row commits by
 * itself.
 */
async function refuse(
  connection: Connection,
  { chunk, claim }: Work,
  state: ChunkState | undefined,
  step: Step,
  rejects: readonly Reject[],
  failure: unknown,
): Promise<ChunkState> {
  await connection.query(IMMEDIATE);
  try {
    const error = await asCopySays(connection, chunk, step.from, failure);
    const refused = [refusalOf(chunk, { row: step.from, error }, sheetCells(chunk))];
    const all = inOrder(rejects, refused);
    const recorded = recordSql(all, claim.id);
    if (recorded === undefined) {
      await connection.query("rollback; begin");
      await record(connection, all, claim.id);
    }
    const next = after(chunk, state, step, { ...NOTHING, refused }, all.length);
    const noted = `${note(claim, chunk.index, step, next, state)}; commit`;
    await connection.query(recorded === undefined ? noted : `rollback; begin; ${recorded}; ${noted}`);
    return next;
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Both, in the sheet's order. */
export function inOrder(rejects: readonly Reject[], refused: readonly Reject[]): readonly Reject[] {
  return refused.length === 0 ? rejects : [...rejects, ...refused].sort((a, b) => a.row - b.row);
}

/** The ledger's part of a transaction's last message. */
export function note(
  claim: Claim,
  chunk: number,
  { from, to }: Step,
  next: ChunkState,
  before: ChunkState | undefined,
): string {
  const counts = (["inserted", "updated", "skipped", "rejected"] as const).map(
    (key) => next[key] - (before?.[key] ?? 0),
  );
  const place = [epochIfOurs(String(claim.epoch)), chunk, next.rows, from, to];
  const id = quoteLiteral(claim.id);
  return `select sluice.commit_rows(${[id, ...place, ...counts, targetNow(id)].join(", ")})`;
}

/**
 * A row's fault as COPY words it. An INSERT's error does not say which column's value it means, so
 * the row is offered once more by COPY: then all methods report the same. The transaction may be of
 * no use afterwards.
 */
async function asCopySays(connection: Connection, chunk: Chunk, row: number, fault: unknown): Promise<unknown> {
  if (chunk.plan.statement === "copy") return fault;
  const copied = { ...chunk, plan: { ...chunk.plan, statement: "copy" as const } };
  const error = await failureOf(load(connection, copied, row, row + 1));
  return isRowFault(error) ? error : fault;
}

/**
 * A deferred constraint would speak up at commit only, when it is too late to tell which row it
 * means.
 */
const IMMEDIATE = "begin; set constraints all immediate";
const NOTHING: Kept = { inserted: 0, updated: 0 };
