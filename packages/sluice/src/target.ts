// The functions that a database needs to receive rows. The engine knows this page only;
// `database/sql.ts` implements it once for everything that speaks PostgreSQL, over a `Database`
// that knows how to reach one.
import type { Chunk } from "./chunk/chunk.ts";
import type { Reject } from "./reject.ts";
import type { Column, Storage } from "./schema/schema.ts";

/**
 * The import that something belongs to, and its takeover: with a later epoch in the ledger, this
 * one may change nothing.
 */
export interface Claim {
  readonly id: string;
  readonly epoch: number;
}

/**
 * The progress of a chunk: `done = inserted + updated + skipped +` those that the database refused.
 */
export interface ChunkState {
  /** Rows to load. */
  readonly rows: number;
  /** The number of its rows, from the first on, that are settled. */
  readonly done: number;
  readonly inserted: number;
  readonly updated: number;
  /** Rows that the database took and did not keep: a trigger returned NULL. */
  readonly skipped: number;
  /** Rows of the chunk's stretch of the sheet that are among the rejects. */
  readonly rejected: number;
}

/** A table as it is in the database. */
export interface TableInfo {
  readonly columns: readonly Column[];
  readonly unique: readonly UniqueIndex[];
  /** The reason why COPY cannot put rows into it, if INSERT may. */
  readonly noCopy?: "view" | "row-level security" | undefined;
  /** PostgreSQL's letter: `r` a table, `p` one in partitions, `v` a view, `f` a foreign table. */
  readonly kind: string;
  /** Rules that change an INSERT, UPDATE or DELETE. */
  readonly rules: readonly Rule[];
  /** The table as `table-shape.ts` compares it. */
  readonly shape: string;
}

/** A rule of the query rewriter that is switched on. */
export interface Rule {
  readonly name: string;
  readonly on: "insert" | "update" | "delete";
}

/** A unique index, or an exclusion constraint. */
export interface UniqueIndex {
  readonly name: string;
  /** The columns that it names; those inside an expression do not count. */
  readonly columns: readonly string[];
  readonly expression: boolean;
  readonly primary: boolean;
  /** The condition of a partial index, as SQL. */
  readonly where: string | undefined;
  /** True if ON CONFLICT can use it: it is checked at once, and consists of columns alone. */
  readonly arbiter: boolean;
  /** True if it is checked when the transaction ends. */
  readonly deferrable: boolean;
  /** Rows that are NULL in it are not the same. */
  readonly nullsDistinct: boolean;
}

/** The rows of a query, as text; null for NULL. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** The OIDs of the columns' types. */
  readonly types?: readonly number[];
  /** Rows affected, if the statement says so. */
  readonly count: number | undefined;
}

/** A place that rows go to. */
export interface Target extends AsyncDisposable {
  /** The name of the database for people. It never holds a password. */
  readonly name: string;
  /** The most chunks that it can take at the same time. */
  readonly connections: number;
  /**
   * True if only one process at a time has the database. Then no process is at work on what another
   * one left unfinished.
   */
  readonly exclusive: boolean;
  /**
   * Starts what must be started before the first statement: the embedded database, in some seconds.
   */
  start(): Promise<void>;
  /** Resolves when the database answers. @throws SluiceError if it does not. */
  ping(): Promise<void>;
  /**
   * The table, or undefined if there is none.
   * @throws SluiceError (`table_not_allowed`), see off-limits.ts
   */
  describe(table: string): Promise<TableInfo | undefined>;
  /**
   * The type that it would store for a column that is declared so; undefined if it knows no such
   * type.
   */
  storageOf(type: string): Promise<Storage | undefined>;
  /**
   * Runs one statement, or several without parameters, which are then one transaction. Parameters
   * are text. The connection has the claim's name if there is one.
   */
  query(sql: string, parameters?: readonly (string | null)[], claim?: Claim): Promise<QueryResult>;
  /**
   * Runs something again for as long as the connection is lost and there is hope; so it must do no
   * harm when it is done twice.
   */
  patiently<T>(run: () => Promise<T>): Promise<T>;
  /**
   * Puts a chunk into its table: the only way in, for every method. Rows, rejects and the chunk's
   * place in the ledger are one transaction (one for each step of the plan), and it commits only
   * while the claim holds. Rows that the database refuses for what they hold become rejects; the
   * others go in. If the connection is lost, it is made again, and the ledger is asked for the
   * progress of the chunk.
   *
   * @param rejects the rows of the chunk's stretch of the sheet that were rejected before
   * @param state the progress of an earlier process with this chunk
   * @throws SluiceError if the database is at fault, not a row, or (`taken_over`) the claim is over
   */
  commitChunk(chunk: Chunk, rejects: readonly Reject[], claim: Claim, state?: ChunkState): Promise<ChunkState>;
  /**
   * Follows an import: from now on, whatever works for it over a new connection first finds out
   * whether the database still has what it said to have committed.
   *
   * @param chunks what the ledger says of its chunks so far
   */
  follow(claim: Claim, chunks: ReadonlyMap<number, ChunkState>): Following;
  /**
   * Runs an import in one transaction on one connection: all of it is in when the promise resolves,
   * or none of it. In the ledger it is one chunk. Without a claim it is a rehearsal: nothing is
   * kept in any case.
   *
   * @param run must not ask the target for anything else: the session may have the only connection
   * @throws what `run` throws, and as `commitChunk`
   */
  atomically(claim: Claim | undefined, run: (session: Session) => Promise<void>): Promise<void>;
  /**
   * Runs a change of an import that has finished in one transaction: rows, rejects and what the
   * ledger says of them. It is done again if it loses against another transaction.
   *
   * @param run must not ask the target for anything else
   * @param ending SQL for the ledger, sent with COMMIT; it gets the counts of what was put in
   */
  amend(claim: Claim, run: (session: Session) => Promise<void>, ending: (all: ChunkState) => string): Promise<void>;
}

/** An import that is followed until disposed. */
export interface Following extends Disposable {
  /**
   * Asks the ledger now.
   * @throws SluiceError (`commits_lost`) if it knows less than this process was told, or
   *   (`taken_over`)
   */
  check(): Promise<void>;
}

/** A transaction that a whole import goes into. */
export interface Session {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
  /** Puts a chunk in, and its rejects in the same transaction. */
  put(chunk: Chunk, rejects: readonly Reject[]): Promise<ChunkState>;
}

/**
 * The table that holds the rejects of a session without a claim until it ends: a table like the
 * ledger's.
 */
export const SESSION_REJECTS = "pg_temp.sluice_rejects";

/** A statement that waits for a lock which other sessions hold. It may do so for ever. */
export interface Wait {
  /** The locked thing, for people: `the table "people"`. */
  readonly on: string;
  readonly holders: readonly Holder[];
}

/** A session of the server. */
export interface Holder {
  /** The number of its process on the server; 0 for a prepared transaction, which has none. */
  readonly pid: number;
  readonly application: string;
  readonly user: string | null;
  /** `idle in transaction`, `active`, …, and since when; null if this user may not know. */
  readonly state: string | null;
  readonly since: string | null;
}

/** One connection to a database. Statements on it run one after the other. */
export interface Connection {
  /**
   * Connections of a database are numbered as they are made. Without a number it is never made
   * again.
   */
  readonly born?: number;
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
  /**
   * `copy INTO from …` with the given COPY text; returns the number of rows. `into` is the quoted
   * table and column list.
   */
  copy(into: string, data: Buffer): Promise<number>;
}

/** The functions that reach a database that speaks PostgreSQL. */
export interface Database {
  readonly name: string;
  readonly connections: number;
  /** True if only one process at a time has it. */
  readonly exclusive: boolean;
  start(): Promise<void>;
  /** Resolves when the database answers, or is at work. @throws SluiceError if it does not */
  ping(): Promise<void>;
  /**
   * Lends a connection, which has the claim's name, for the time of `use`.
   * @throws SluiceError if there is none.
   */
  withConnection<T>(use: (connection: Connection) => Promise<T>, claim?: Claim): Promise<T>;
  close(): Promise<void>;
}

/** An error as PostgreSQL reports it. */
export interface DatabaseError extends Error {
  readonly code: string;
  readonly detail?: string;
  readonly where?: string;
  readonly column?: string;
  readonly schema?: string;
  /** The function of the server that raised it, which is the same in every language. */
  readonly routine?: string;
}

export function isDatabaseError(error: unknown): error is DatabaseError {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
  );
}

/** The number of parameters before the values of an INSERT that notes its rows. */
export const NOTE_PARAMETERS = 6;
