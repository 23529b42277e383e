// The target that speaks PostgreSQL, whichever database lends the connections: how a table is
// described, and how a chunk is committed whatever happens to the connection meanwhile.
import type { Chunk } from "../chunk/chunk.ts";
import { describeError, failureOf } from "../errors.ts";
import { quoteTable } from "../schema/identifiers.ts";
import { chunkStateFrom, takenOver } from "../ledger/ledger.ts";
import { OTHER_TABLE, TAKEN_OVER } from "../ledger/schema.ts";
import { ledgerDeleted, orphaned } from "../ledger/sound.ts";
import { expectSameTable, shapeSql } from "../ledger/table-shape.ts";
import { checkFound, checkName, LEADS_TO } from "../plan/off-limits.ts";
import { badLedger } from "../plan/stored.ts";
import type { Reject } from "../reject.ts";
import { table as makeTable, type Storage } from "../schema/schema.ts";
import { commitStep } from "./commit.ts";
import { CommitsLost, Followed, releaseEarlier, standingOf, type Standing } from "./followed.ts";
import { Patience } from "./patience.ts";
import { sessionChanged } from "./pooler.ts";
import { isAboutTable, isOutOfStep, isRecorded, isTransient, saysLedger } from "./row-fault.ts";
import {
  isDatabaseError,
  type DatabaseError,
  type ChunkState,
  type Claim,
  type Connection,
  type Database,
  type Following,
  type QueryResult,
  type Rule,
  type Session,
  type TableInfo,
  type Target,
} from "../target.ts";
import { runSession } from "./session.ts";
import { storageOfTable, storageOfType } from "./storage.ts";

/** The number of retries of a chunk that lost against another transaction. */
const RETRIES = 8;

export class SqlTarget implements Target {
  readonly #database: Database;
  readonly #reconnectMs: number;
  /** The imports that are followed, by their ids. */
  readonly #followed = new Map<string, Followed>();

  /** @param reconnectMs how long a lost connection is tried to be made again */
  constructor(database: Database, reconnectMs: number) {
    this.#database = database;
    this.#reconnectMs = reconnectMs;
  }

  get name(): string {
    return this.#database.name;
  }

  get connections(): number {
    return this.#database.connections;
  }

  get exclusive(): boolean {
    return this.#database.exclusive;
  }

  start(): Promise<void> {
    return this.#database.start();
  }

  ping(): Promise<void> {
    return this.#database.ping();
  }

  query(sql: string, parameters?: readonly (string | null)[], claim?: Claim): Promise<QueryResult> {
    return this.#database.withConnection((connection) => connection.query(sql, parameters), claim);
  }

  async patiently<T>(run: () => Promise<T>): Promise<T> {
    const patience = new Patience(this.#reconnectMs);
    for (;;) {
      try {
        return await run();
      } catch (error) {
        await patience.bear(error);
      }
    }
  }

  async describe(table: string): Promise<TableInfo | undefined> {
    checkName(table);
    return this.#database.withConnection(async (connection) => {
      checkFound(table, (await connection.query(LEADS_TO, [quoteTable(table)])).rows);
      // First: what is altered after this look differs from it.
      const [about] = (await connection.query(TABLE_QUERY, [quoteTable(table)])).rows;
      const found = await connection.query(COLUMNS_QUERY, [quoteTable(table)]);
      if (!about || found.rows.length === 0) return undefined;
      const indexes = await connection.query(UNIQUE_QUERY, [quoteTable(table)]);
      const nested = found.rows.some(([, , , , , , scalar]) => scalar === "false");
      const storageOf = nested ? await storageOfTable(connection, quoteTable(table)) : undefined;
      const columns = found.rows.map(([name, type, notNull, hasDefault, generated]) => [
        name!,
        {
          type: type!,
          notNull: notNull === "true",
          generated: generated === "true",
          ...(hasDefault === "true" ? { default: "default" } : {}),
        },
      ]);
      const made = makeTable({ name: table, columns: Object.fromEntries(columns) }).columns;
      const noCopy = found.rows[0]![7];
      return {
        shape: about[0]!,
        kind: about[1]!,
        rules: JSON.parse(about[2] ?? "[]") as Rule[],
        noCopy: noCopy === "view" || noCopy === "row-level security" ? noCopy : undefined,
        columns: made.map((column, n) => {
          const storage = storageOf?.(found.rows[n]![5]!);
          return storage === undefined || storage === column.type ? column : { ...column, storage };
        }),
        unique: indexes.rows.map(([names, expression, primary, where, arbiter, name, deferrable, nullsDistinct]) => ({
          name: name!,
          columns: JSON.parse(names ?? "[]") as string[],
          expression: expression === "true",
          primary: primary === "true",
          where: where ?? undefined,
          arbiter: arbiter === "true",
          deferrable: deferrable === "true",
          nullsDistinct: nullsDistinct === "true",
        })),
      };
    });
  }

  async storageOf(type: string): Promise<Storage | undefined> {
    try {
      return await this.#database.withConnection((connection) => storageOfType(connection, type));
    } catch (error) {
      // `create table` refuses what is not a type at all.
      if (isDatabaseError(error)) return undefined;
      throw error;
    }
  }

  /**
   * Settles a chunk step by step (commit.ts), until all of its rows are. After each attempt:
   *
   *     the step is durable            the next one
   *     the connection was lost        over a new one, the ledger says how far the chunk is
   *     taken over, says the server    the end, if the ledger says so too (#believe)
   *     the table is another one       the end
   *     any other refusal              another attempt, if that can help; else the error
   */
  async commitChunk(chunk: Chunk, rejects: readonly Reject[], claim: Claim, before?: ChunkState): Promise<ChunkState> {
    const work = { chunk, rejects, claim };
    let patience = new Patience(this.#reconnectMs);
    let failures = 0;
    let state = before;
    // Whether a commit that was on its way has arrived, the ledger knows.
    let unsure = false;
    for (;;) {
      try {
        if (unsure) state = await this.#stateOf(chunk.index, claim);
        unsure = false;
        if (state?.done === chunk.rowCount) return state;
        state = await this.#over(claim, (connection) => commitStep(connection, work, state));
        this.#followed.get(claim.id)?.tell(chunk.index, state); // race:ignore: each import has its own
        if (state.done === chunk.rowCount) return state;
        failures = 0;
        patience = new Patience(this.#reconnectMs);
      } catch (error) {
        unsure = true;
        if (!isDatabaseError(error)) await patience.bear(error);
        else if (error.code === TAKEN_OVER || missesLedger(error)) await this.#believe(error, claim);
        else {
          if (isAboutTable(error)) await this.patiently(() => expectSameTable(this, claim));
          const again = isTransient(error) || isOutOfStep(error) || error.code === OTHER_TABLE;
          if (again && ++failures <= RETRIES) continue;
          // Its rejects are there, and the ledger says each time that it has not been begun.
          throw isRecorded(error) ? badLedger(claim.id, CHUNKS_GONE) : error;
        }
      }
    }
  }

  /**
   * One chunk of the whole import. Until COMMIT is on its way, a lost connection has undone all of
   * it. After that, the ledger says whether it has arrived. It has more than 15 branches because a
   * failure means something else before COMMIT, during it, and in a rehearsal.
   */
  async atomically(claim: Claim | undefined, run: (session: Session) => Promise<void>): Promise<void> {
    let rows: number | undefined;
    const committing = (all: number): void => void (rows = all);
    if (claim) await this.patiently(() => expectSameTable(this, claim));
    try {
      await this.#over(claim, (connection) => runSession(connection, claim, run, committing));
    } catch (error) {
      if (claim && isDatabaseError(error) && (error.code === TAKEN_OVER || missesLedger(error)))
        await this.#believe(error, claim);
      if (claim && isDatabaseError(error) && isAboutTable(error))
        await this.patiently(() => expectSameTable(this, claim));
      if (claim && rows === undefined && describeError(error).code === "connection_lost") {
        throw (await this.#takenOver(claim)) ?? error;
      }
      if (!claim || rows === undefined || isDatabaseError(error)) throw error;
      // The connection was lost on the way of COMMIT: whether it has arrived, the ledger knows.
      if (!(await this.patiently(() => this.#stateOf(0, claim)))) throw error;
    }
    if (claim && rows !== undefined) this.#followed.get(claim.id)?.tell(0, allOf(rows)); // race:ignore: each import has its own
  }

  async amend(
    claim: Claim,
    run: (session: Session) => Promise<void>,
    ending: (all: ChunkState) => string,
  ): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#database.withConnection((connection) =>
          runSession(connection, claim, run, () => undefined, ending),
        );
      } catch (error) {
        if (!(isDatabaseError(error) && isTransient(error)) || failures === RETRIES) throw error;
      }
    }
  }

  follow(claim: Claim, chunks: ReadonlyMap<number, ChunkState>): Following {
    const followed = new Followed(claim, chunks);
    this.#followed.set(claim.id, followed); // race:ignore: each import has its own
    return {
      check: () =>
        this.#database.withConnection(async (connection) => {
          await this.#expectOurs(await followed.check(connection, true), claim);
        }, claim),
      [Symbol.dispose]: () => void this.#followed.delete(claim.id), // race:ignore: each import has its own
    };
  }

  /**
   * Lends a connection for an import; over a new one the ledger is asked first whether it has what
   * it said to have.
   */
  #over<T>(claim: Claim | undefined, use: (connection: Connection) => Promise<T>): Promise<T> {
    const followed = claim && this.#followed.get(claim.id); // race:ignore: each import has its own
    return this.#database.withConnection(async (connection) => {
      if (followed) await this.#expectOurs(await followed.check(connection), followed.claim, connection);
      return await use(connection);
    }, claim);
  }

  /**
   * @throws SluiceError (`taken_over`, `commits_lost`, `bad_ledger`) if an import is not this
   *   process's as it believes
   */
  async #expectOurs(standing: Standing, claim: Claim, asked: Pick<Target, "query"> = this): Promise<void> {
    if (standing === "ours") return;
    if (standing === "taken over") throw await takenOver(asked, claim);
    if (standing === "changed") throw badLedger(claim.id, CHUNKS_GONE);
    if (standing === "orphaned") throw orphaned(claim.id);
    if (standing === "deleted") throw ledgerDeleted(claim.id);
    if (standing === "lost") await releaseEarlier(asked, claim);
    throw new CommitsLost(claim, standing === "lost", this.name);
  }

  /**
   * Asks, after a connection was lost, whether another process has taken the import over: it ends
   * all sessions of the one before, so each connection of the pool may turn out to be dead first. A
   * server that does not answer says nothing of that.
   */
  async #takenOver(claim: Claim): Promise<unknown> {
    for (let left = this.connections; ; left--) {
      const why = await failureOf(this.#stateOf(0, claim));
      const { code } = describeError(why);
      if (code === "taken_over") return why;
      if (code !== "connection_lost" || left === 0) return undefined;
    }
  }

  /**
   * An error says that the import is another process's, or that the ledger is missing: the ledger
   * knows better, since triggers can raise any code. The connection that said so lives, and the
   * ledger had the import when it was made. So what is missing was not lost: it was deleted.
   */
  async #believe(error: DatabaseError, claim: Claim): Promise<never> {
    const { standing } = await this.patiently(() => standingOf(this, claim));
    await this.#expectOurs(standing === "unknown" ? "deleted" : standing, claim);
    // The ledger's own functions say so of a session that is not set up as ours are.
    throw saysLedger(error) ? sessionChanged(this.name) : error;
  }

  /**
   * The state of a chunk; undefined if it has not been begun.
   *
   * @throws as {@link SqlTarget.#expectOurs}
   */
  #stateOf(chunk: number, claim: Claim): Promise<ChunkState | undefined> {
    return this.#over(claim, async (connection) => {
      const { standing } = await standingOf(connection, claim);
      await this.#expectOurs(standing, claim, connection);
      const { rows } = await connection.query(
        "select rows, done, inserted, updated, skipped, rejected from sluice.chunks where import = $1 and n = $2::integer",
        [claim.id, String(chunk)],
      );
      return rows[0] && chunkStateFrom(rows[0]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }
}

/** Reports whether the database says that it has no schema, table or function of the ledger. */
function missesLedger({ code, message }: DatabaseError): boolean {
  return ["3F000", "42P01", "42883"].includes(code) && /\bsluice\b/.test(message);
}

const CHUNKS_GONE = "chunks that this process had recorded are not there any more, and their rows may be in the table";

/** A chunk of which all rows are settled. */
function allOf(rows: number): ChunkState {
  return { rows, done: rows, inserted: 0, updated: 0, skipped: 0, rejected: 0 };
}

/**
 * The row of a table: its shape (table-shape.ts), its kind (`relkind`), and as JSON the rules that
 * act on rows which are written.
 */
const TABLE_QUERY = `
  select ${shapeSql("pg_catalog.to_regclass($1)")}, c.relkind::text,
         (select pg_catalog.json_agg(pg_catalog.json_build_object('name', r.rulename, 'on', case r.ev_type when '2' then 'update' when '3' then 'insert' else 'delete' end) order by r.rulename)
          from pg_rewrite r where r.ev_class = c.oid and r.ev_type <> '1' and r.ev_enabled in ('O', 'A')
            -- A view's rule can stand for it whole, and return what it did.
            and not (c.relkind = 'v' and r.is_instead and r.ev_qual = '<>' and pg_get_ruledef(r.oid) ~* '\\mreturning\\M'))::text
  from pg_class c where c.oid = pg_catalog.to_regclass($1)::oid`;

/** The bits of a trigger's type. */
const INSTEAD_OF_INSERT = 64 + 4;

/**
 * A row for each column, in the table's order: its name and type; whether it is NOT NULL, has a
 * default, or is filled by the database alone; its type as `storageOfTable` knows it, and whether
 * that has no parts. The last column says why COPY cannot write into the table, if it cannot.
 */
const COLUMNS_QUERY = `
  select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, (a.atthasdef or a.attidentity <> '')::text,
         (a.attgenerated <> '' or a.attidentity = 'a')::text, a.atttypid::text || '/' || a.atttypmod::text,
         (t.typtype = 'b' and t.typelem = 0 or t.typtype = 'e')::text,
         case when row_security_active(c.oid) then 'row-level security'
              when c.relkind = 'v' and not exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgtype::integer & ${INSTEAD_OF_INSERT} = ${INSTEAD_OF_INSERT}) then 'view' end
  from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid
  where a.attrelid = pg_catalog.to_regclass($1)::oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

/**
 * A row for each unique index and exclusion constraint: its columns as JSON; whether it has an
 * expression, and is the primary key; its condition; whether ON CONFLICT can use it; its name;
 * whether it is deferrable, and lets NULLs differ.
 */
const UNIQUE_QUERY = `
  select (select pg_catalog.json_agg(a.attname order by a.attnum) from pg_attribute a
          where a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]))::text,
         (0 = any (i.indkey))::text, i.indisprimary::text, pg_get_expr(i.indpred, i.indrelid),
         (i.indisunique and i.indimmediate and i.indisvalid and not 0 = any (i.indkey))::text,
         c.relname::text, (i.indisunique and not i.indimmediate)::text,
         -- The column is new in PostgreSQL 15.
         coalesce(not (pg_catalog.to_json(i)->>'indnullsnotdistinct')::boolean, true)::text
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = pg_catalog.to_regclass($1)::oid and (i.indisunique or i.indisexclusion)`;
