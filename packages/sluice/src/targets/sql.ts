// The target that speaks PostgreSQL, whichever database lends the connections: how a table is described, and how a chunk is
// committed whatever happens to the connection meanwhile.
import type { Chunk } from "../chunk.ts";
import { quoteTable } from "../identifiers.ts";
import { chunkStateFrom, takenOver } from "../ledger/ledger.ts";
import { TAKEN_OVER } from "../ledger/schema.ts";
import type { Storage } from "../nested.ts";
import type { Reject } from "../reject.ts";
import { table as makeTable } from "../schema.ts";
import { commitStep } from "./commit.ts";
import { Patience } from "./patience.ts";
import { isDatabaseError, isOutOfStep, isTransient } from "./row-fault.ts";
import { runSession } from "./session.ts";
import { storageOfTable, storageOfType } from "./storage.ts";
import type { ChunkState, Claim, Database, QueryResult, Session, TableInfo, Target } from "./target.ts";

/** How often a chunk that lost against another transaction is tried again. */
const RETRIES = 8;

export class SqlTarget implements Target {
  readonly #database: Database;
  readonly #reconnectMs: number;

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
    return this.#database.withConnection(async (connection) => {
      const found = await connection.query(COLUMNS_QUERY, [quoteTable(table)]);
      if (found.rows.length === 0) return undefined;
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
        noCopy: noCopy === "view" || noCopy === "row-level security" ? noCopy : undefined,
        columns: made.map((column, n) => {
          const storage = storageOf?.(found.rows[n]![5]!);
          return storage === undefined || storage === column.type ? column : { ...column, storage };
        }),
        unique: indexes.rows.map(([names, expression, primary, where, arbiter, name, deferrable]) => ({
          name: name!,
          columns: JSON.parse(names ?? "[]") as string[],
          expression: expression === "true",
          primary: primary === "true",
          where: where ?? undefined,
          arbiter: arbiter === "true",
          deferrable: deferrable === "true",
        })),
      };
    });
  }

  async storageOf(type: string): Promise<Storage | undefined> {
    try {
      return await this.#database.withConnection((connection) => storageOfType(connection, type));
    } catch (error) {
      // What is no type at all is for `create table` to refuse.
      if (isDatabaseError(error)) return undefined;
      throw error;
    }
  }

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
        state = await this.#database.withConnection((connection) => commitStep(connection, work, state), claim);
        if (state.done === chunk.rowCount) return state;
        failures = 0;
        patience = new Patience(this.#reconnectMs);
      } catch (error) {
        unsure = true;
        if (!isDatabaseError(error)) await patience.bear(error);
        else if (error.code === TAKEN_OVER) throw await takenOver(this, claim);
        else if ((!isTransient(error) && !isOutOfStep(error)) || ++failures > RETRIES) throw error;
      }
    }
  }

  async atomically(claim: Claim | undefined, run: (session: Session) => Promise<void>): Promise<void> {
    let rows: number | undefined;
    const committing = (all: number): void => void (rows = all);
    try {
      await this.#database.withConnection((connection) => runSession(connection, claim, run, committing), claim);
    } catch (error) {
      if (claim && isDatabaseError(error) && error.code === TAKEN_OVER) throw await takenOver(this, claim);
      if (!claim || rows === undefined || isDatabaseError(error)) throw error;
      // The connection was lost on the way of COMMIT: whether it has arrived, the ledger knows.
      if (!(await this.patiently(() => this.#stateOf(0, claim)))) throw error;
    }
  }

  /** How far a chunk is; undefined where it has not been begun. @throws SluiceError (`taken_over`) where the claim is over */
  async #stateOf(chunk: number, claim: Claim): Promise<ChunkState | undefined> {
    const { rows } = await this.query(
      `select i.epoch = $3::integer and i.state = 'running', c.rows, c.done, c.inserted, c.updated, c.skipped, c.rejected
       from sluice.imports i left join sluice.chunks c on c.import = i.id and c.n = $2::integer where i.id = $1`,
      [claim.id, String(chunk), String(claim.epoch)],
      claim,
    );
    const [ours, ...numbers] = rows[0] ?? [];
    if (ours !== "t") throw await takenOver(this, claim);
    if (numbers[0] === null) return undefined;
    return chunkStateFrom(numbers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }
}

/** The bits of a trigger's type. */
const INSTEAD_OF_INSERT = 64 + 4;

const COLUMNS_QUERY = `
  select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, (a.atthasdef or a.attidentity <> '')::text,
         (a.attgenerated <> '' or a.attidentity = 'a')::text, a.atttypid || '/' || a.atttypmod,
         (t.typtype = 'b' and t.typelem = 0 or t.typtype = 'e')::text,
         case when row_security_active(c.oid) then 'row-level security'
              when c.relkind = 'v' and not exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgtype & ${INSTEAD_OF_INSERT} = ${INSTEAD_OF_INSERT}) then 'view' end
  from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

const UNIQUE_QUERY = `
  select (select json_agg(a.attname order by a.attnum) from pg_attribute a
          where a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]))::text,
         (0 = any (i.indkey))::text, i.indisprimary::text, pg_get_expr(i.indpred, i.indrelid),
         (i.indisunique and i.indimmediate and i.indisvalid and not 0 = any (i.indkey))::text,
         c.relname::text, (i.indisunique and not i.indimmediate)::text
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = to_regclass($1) and (i.indisunique or i.indisexclusion)`;
