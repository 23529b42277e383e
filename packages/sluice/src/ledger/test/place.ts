// A ledger in a database of its own, for replays: one connection for what processes ask, others for
// the sessions that load. Every process has an owner's name of its own, and the SQL may be changed
// on its way, to see whether that is noticed.
import { expect } from "vitest";
import { Encoder } from "../../chunk/encode.ts";
import { table as makeTable } from "../../schema/schema.ts";
import type { Chunk } from "../../chunk/chunk.ts";
import { commitStep } from "../../database/commit.ts";
import { pgliteDatabase } from "../../database/pglite.ts";
import { postgresDatabase } from "../../database/postgres.ts";
import { SqlTarget } from "../../database/sql.ts";
import type { ChunkState, Claim, Connection, Database, QueryResult } from "../../target.ts";
import { batchOfRows } from "../../test/batch.ts";
import { newDatabase, newFolder } from "../../test/database.ts";
import { copyEmbedded } from "../../test/embedded.ts";
import { beginImport, OWNER, type Look } from "../ledger.ts";
import type { Plan } from "../../plan/plan.ts";
import { LEDGER_DDL, OUT_OF_STEP, TAKEN_OVER } from "../schema.ts";

/** Sessions that load at the same time, at most. */
const SESSIONS = 8;

/** Where a ledger is. */
export class Place implements AsyncDisposable {
  readonly exclusive: boolean;
  /** The address, if it is a server's. */
  readonly dsn: string | undefined;
  readonly database: Database;
  /** Asks and changes the ledger; never loads, but where it is the only one. */
  readonly connection: Connection;
  /** Says that whoever holds the lease is connected: its name is the holder's. */
  readonly keeper: Connection;
  readonly #close: () => Promise<void>;
  /** What becomes of a statement on its way. */
  rewrite: (sql: string) => string = (sql) => sql;

  private constructor(
    dsn: string | undefined,
    database: Database,
    connections: readonly Connection[],
    close: () => Promise<void>,
  ) {
    this.dsn = dsn;
    this.exclusive = database.exclusive;
    this.database = database;
    this.connection = connections[0]!;
    this.keeper = connections.at(-1)!;
    this.#close = close;
  }

  static async open(kind: "PostgreSQL" | "PGlite"): Promise<Place> {
    const own = kind === "PGlite" ? newFolder() : await newDatabase();
    if ("path" in own) copyEmbedded(own.path);
    const database = "dsn" in own ? postgresDatabase(own.dsn, SESSIONS) : pgliteDatabase(own.path);
    const done = Promise.withResolvers<void>();
    const held: Promise<void>[] = [];
    const hold = async (): Promise<Connection> => {
      const lent = Promise.withResolvers<Connection>();
      const use = database.withConnection(async (connection) => {
        lent.resolve(connection);
        await done.promise;
      });
      use.catch(lent.reject);
      held.push(use);
      return await lent.promise;
    };
    const connections = database.exclusive ? [await hold()] : [await hold(), await hold()];
    return new Place("dsn" in own ? own.dsn : undefined, database, connections, async () => {
      done.resolve();
      await Promise.all(held);
      await database.close();
      await own[Symbol.asyncDispose]();
    });
  }

  /** Makes the ledger and the tables, or puts other functions into the ledger. */
  async install(ddl: string = LEDGER_DDL): Promise<void> {
    await this.connection.query(ddl);
    for (const name of [TABLE, IDLE_TABLE])
      await this.connection.query(`create table if not exists ${name} (chunk integer, step integer)`);
  }

  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult> {
    return this.connection.query(sql, parameters);
  }

  /** Runs something of which nothing is kept. */
  async undone<T>(run: () => Promise<T>): Promise<T> {
    await this.connection.query("begin");
    try {
      return await run();
    } finally {
      await this.connection.query("rollback");
    }
  }

  /** Waits until the server has ended a session. */
  async expectGone({ pid }: Loading): Promise<void> {
    const there = async (): Promise<unknown> =>
      (await this.query("select count(*)::text from pg_stat_activity where pid = $1::integer", [pid])).rows[0]![0];
    await expect.poll(there, { interval: 1 }).toBe("0");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/**
 * The ledger as one process sees it. What it sends to end the sessions of older epochs is kept for
 * later.
 */
export class ProcessTarget extends SqlTarget {
  readonly #place: Place;
  readonly #owner: string;
  #ending: [sql: string, parameters: readonly (string | null)[] | undefined] | undefined;

  constructor(place: Place, owner: string) {
    super(place.database, 0);
    this.#place = place;
    // The embedded database has one process at a time, so there all of them are the same one.
    this.#owner = place.exclusive ? OWNER : owner;
  }

  override async query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult> {
    const named = (text: string): string => text.replaceAll(OWNER, this.#owner);
    const sent = this.#place.rewrite(named(sql));
    const values = parameters?.map((text) => text && named(text));
    if (sql.includes("pg_terminate_backend")) {
      this.#ending = [sent, values];
      throw new Error("the sessions of older epochs are ended later");
    }
    const result = await this.#place.connection.query(sent, values);
    const rows = result.rows.map((row) => row.map((text) => (text === this.#owner ? OWNER : text)));
    return { ...result, rows };
  }

  /** Ends the sessions of older epochs; what the server said of each. */
  async endOlder(): Promise<(string | null)[]> {
    if (!this.#ending) return [];
    return (await this.#place.connection.query(...this.#ending)).rows.map(([ended]) => ended!);
  }
}

/** What the database made of a commit. */
export type Outcome = "ok" | "fenced" | "already" | "lost" | `failed: ${string}`;

/** A step of a chunk on its way: its rows are written, and its last message waits. */
export class Loading {
  /** Of its backend on the server. */
  readonly pid: string;
  readonly #gate: PromiseWithResolvers<"send" | "lose">;
  readonly #result: Promise<ChunkState>;
  /** How far its chunk is, if it has committed. */
  state: ChunkState | undefined;

  private constructor(pid: string, gate: PromiseWithResolvers<"send" | "lose">, result: Promise<ChunkState>) {
    this.pid = pid;
    this.#gate = gate;
    this.#result = result;
    result.catch(() => undefined);
  }

  /**
   * Writes the rows, as `commitStep` does it. In the embedded database, which has one connection,
   * they are written later.
   *
   * @param between called after the fence and before COMMIT, where these are statements of their
   *   own
   */
  static async begin(
    place: Place,
    claim: Claim,
    chunk: Chunk,
    state: ChunkState | undefined,
    between: () => Promise<void>,
  ): Promise<Loading> {
    const gate = Promise.withResolvers<"send" | "lose">();
    const written = Promise.withResolvers<void>();
    const pass = async (): Promise<void> => {
      written.resolve();
      if ((await gate.promise) === "lose") throw new Lost();
    };
    const gated = (connection: Connection): Connection => ({
      ...connection,
      query: async (sql, parameters) => {
        if (!sql.includes("sluice.commit_rows(")) return connection.query(sql, parameters);
        await pass();
        const sent = place.rewrite(sql);
        if (place.exclusive || !sent.endsWith("; commit")) return connection.query(sent, parameters);
        await connection.query(sent.slice(0, -"; commit".length));
        await between();
        return connection.query("commit");
      },
    });
    let pid = "0";
    const load = async (connection: Connection): Promise<ChunkState> => {
      pid = (await connection.query("select pg_backend_pid()::text")).rows[0]![0]!;
      return await commitStep(gated(connection), { chunk, rejects: [], claim }, state);
    };
    const result = place.exclusive
      ? pass().then(() => load(place.connection))
      : place.database.withConnection(load, claim);
    await Promise.race([written.promise, result]);
    return new Loading(pid, gate, result);
  }

  /** Sends the last message, or loses the connection before. */
  async end(how: "send" | "lose"): Promise<Outcome> {
    this.#gate.resolve(how);
    try {
      this.state = await this.#result;
      return "ok";
    } catch (error) {
      if (error instanceof Lost) return "lost";
      const { code, message } = error as Error & { code?: string };
      if (code === TAKEN_OVER) return "fenced";
      if (code === OUT_OF_STEP) return "already";
      return code === "connection_lost" ? "lost" : `failed: ${message}`;
    }
  }
}

/** The connection is gone: its transaction is rolled back. */
class Lost extends Error {}

/** The table of replays: a row is a chunk and a step of it. */
export const TABLE = "t";
/** A table that no session holds rows of, so that an index can be built on it at any time. */
export const IDLE_TABLE = "idle";
const columns = makeTable({ name: TABLE, columns: { chunk: { type: "integer" }, step: { type: "integer" } } }).columns;
const load = columns.map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }));

/** Empties the table, and begins an import into it. */
export async function newImport(place: Place, contentHash: string = "content", seen?: Look): Promise<Claim> {
  await place.query(`delete from ${TABLE}`);
  return await beginImport(new ProcessTarget(place, "process of the begin"), {
    contentHash,
    file: "t.csv",
    sheet: "t",
    plan: PLAN,
    wish: "{}",
    schemaHash: "",
    ddl: [],
    indexes: [{ columns: ["chunk"] }, { columns: ["step"] }],
    shape: undefined,
    seen,
  });
}

export const PLAN: Plan = {
  method: "batch",
  table: TABLE,
  created: false,
  load,
  headers: load.map(({ sheetColumn, header }) => ({ sheetColumn, text: header })),
  firstRow: 1,
  width: "exact",
  ordered: false,
  conflict: undefined,
  atomic: false,
  replace: false,
  csv: undefined,
  firstRows: 1,
  rowsPerChunk: 1,
  step: 1,
};

/** Chunk n of a sheet, of so many steps of one row each. */
export function chunkOf(n: number, steps: number, statement: "copy" | "insert"): Chunk {
  const plan = { file: "t.csv", sheet: "t", table: TABLE, columns: load, statement, step: 1 } as const;
  const encoder = new Encoder(plan, [1, 2], "exact", steps);
  encoder.fill(batchOfRows(Array.from({ length: steps }, (_, step) => [n, step])), 0);
  return { ...encoder.take().chunk, index: n };
}
