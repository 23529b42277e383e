// What a database must be able to do to receive rows. The engine knows this page only; `sql.ts` implements it once for
// everything that speaks PostgreSQL, over a `Database` that knows how to reach one.
import type { Chunk } from "../chunk.ts";
import type { Reject } from "../reject.ts";
import type { Column } from "../schema.ts";

/** What became of a chunk: `inserted + skipped + refused.length` is its number of rows. */
export interface Committed {
  readonly inserted: number;
  /** Rows that the database took and did not keep: a trigger returned NULL. */
  readonly skipped: number;
  /** Rows that it refused, in the sheet's order. */
  readonly refused: readonly Reject[];
}

/** A table as it stands in the database. */
export interface TableInfo {
  readonly columns: readonly Column[];
  /** The columns of each unique index; an index over an expression counts as over none it names. */
  readonly unique: readonly { readonly columns: readonly string[]; readonly expression: boolean }[];
}

/** The rows of a query, as text; null for NULL. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows affected, where the statement says so. */
  readonly count: number | undefined;
}

/** A place that rows go to. */
export interface Target extends AsyncDisposable {
  /** For people: never holds a password. */
  readonly name: string;
  /** How many chunks it can take at the same time, at most. */
  readonly connections: number;
  /** Starts what must be started before the first statement: the embedded database, in some seconds. */
  start(): Promise<void>;
  /** Resolves when the database answers. @throws SluiceError where it does not. */
  ping(): Promise<void>;
  /** The table, or undefined where there is none. */
  describe(table: string): Promise<TableInfo | undefined>;
  /** Runs one statement; parameters are text. */
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
  /**
   * Puts a chunk into its table: the only way in, for every method. All of it is durable when the promise resolves, or none of it
   * when it rejects (where the connection is lost while the database commits, nobody can know which). Rows that the database
   * refuses for what they hold are left out and returned; the others go in.
   *
   * @param rejects the rows of the chunk's stretch of the sheet that were rejected before
   * @throws SluiceError where the database is at fault, not a row
   */
  commitChunk(chunk: Chunk, rejects: readonly Reject[]): Promise<Committed>;
}

/** One connection to a database. Statements on it run one after the other. */
export interface Connection {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
  /** `copy INTO from …` with the given COPY text; returns the number of rows. `into` is the quoted table and column list. */
  copy(into: string, data: Buffer): Promise<number>;
}

/** How to reach a database that speaks PostgreSQL. */
export interface Database {
  readonly name: string;
  readonly connections: number;
  start(): Promise<void>;
  /** Resolves when the database answers, or is at work. @throws SluiceError where it does not */
  ping(): Promise<void>;
  /** Lends a connection for the time of `use`. @throws SluiceError where there is none to be had. */
  withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
