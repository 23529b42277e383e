// The target that speaks PostgreSQL, whichever database lends the connections: how a table is described, how a chunk is
// committed, and what of an error is a row's fault.
import { fields, lines, type Chunk } from "../chunk.ts";
import { quoteIdentifier, quoteTable } from "../identifiers.ts";
import type { Reject } from "../reject.ts";
import { table as makeTable } from "../schema.ts";
import { cut, type Refusal, type Trial } from "./cut.ts";
import type { Committed, Connection, Database, QueryResult, TableInfo, Target } from "./target.ts";

/** How often a chunk that lost against another transaction is tried again. */
const RETRIES = 8;
/** Deadlock detected, serialization failure: nobody's fault; the same chunk again will do. */
const TRANSIENT = new Set(["40P01", "40001"]);

/** SQLSTATEs that people meet most, by their name in PostgreSQL's manual. */
const CONDITIONS: Readonly<Record<string, string>> = {
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22007": "invalid_datetime_format",
  "22008": "datetime_field_overflow",
  "22021": "character_not_in_repertoire",
  "22P02": "invalid_text_representation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "23P01": "exclusion_violation",
  P0001: "raise_exception",
};

/** An error as PostgreSQL reports it. */
interface DatabaseError extends Error {
  readonly code: string;
  readonly detail?: string;
  readonly where?: string;
  readonly column?: string;
}

export class SqlTarget implements Target {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get name(): string {
    return this.#database.name;
  }

  get connections(): number {
    return this.#database.connections;
  }

  start(): Promise<void> {
    return this.#database.start();
  }

  ping(): Promise<void> {
    return this.#database.ping();
  }

  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult> {
    return this.#database.withConnection((connection) => connection.query(sql, parameters));
  }

  async describe(table: string): Promise<TableInfo | undefined> {
    return this.#database.withConnection(async (connection) => {
      const found = await connection.query(COLUMNS_QUERY, [quoteTable(table)]);
      if (found.rows.length === 0) return undefined;
      const indexes = await connection.query(UNIQUE_QUERY, [quoteTable(table)]);
      const columns = found.rows.map(([name, type, notNull, hasDefault, generated]) => [
        name!,
        {
          type: type!,
          notNull: notNull === "true",
          generated: generated === "true",
          ...(hasDefault === "true" ? { default: "default" } : {}),
        },
      ]);
      return {
        columns: makeTable({ name: table, columns: Object.fromEntries(columns) }).columns,
        unique: indexes.rows.map(([names, expression]) => ({
          columns: JSON.parse(names ?? "[]") as string[],
          expression: expression === "true",
        })),
      };
    });
  }

  async commitChunk(chunk: Chunk, _rejects: readonly Reject[]): Promise<Committed> {
    if (chunk.rowCount === 0) return { inserted: 0, skipped: 0, refused: [] };
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#database.withConnection((connection) => commit(connection, chunk));
      } catch (error) {
        if (!isDatabaseError(error) || !TRANSIENT.has(error.code) || attempt === RETRIES) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }
}

/** One statement where the database takes all rows; a transaction with savepoints where it does not. */
async function commit(connection: Connection, chunk: Chunk): Promise<Committed> {
  const statement = loader(connection, chunk);
  let failure: unknown;
  try {
    return settled(chunk, await statement(0, chunk.rowCount), []);
  } catch (error) {
    if (!isRowFault(error)) throw error;
    failure = error;
  }
  if (chunk.rowCount === 1) return settled(chunk, 0, [await named(connection, chunk, { row: 0, error: failure })]);

  // A deferred constraint would speak up at commit only, when it is too late to tell which row it means.
  await connection.query("begin");
  try {
    await connection.query("set constraints all immediate");
    const trial: Trial = {
      attempt: (from, to) => underSavepoint(connection, () => statement(from, to)),
      isRowFault,
      rowNamed,
    };
    // What a deferred constraint said at commit names no line of this attempt: it is asked again.
    const { kept, refused } = await cut(
      trial,
      0,
      chunk.rowCount,
      rowNamed(failure) === undefined ? undefined : failure,
    );
    await connection.query("commit");
    const told: Refusal[] = [];
    for (const refusal of refused) told.push(await named(connection, chunk, refusal));
    return settled(chunk, kept, told);
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  }
}

/**
 * A refusal as COPY words it. An INSERT's error does not say which column's value it means, so the row is offered once more by COPY,
 * in a transaction that ends in nothing: then all methods report the same.
 */
async function named(connection: Connection, chunk: Chunk, refusal: Refusal): Promise<Refusal> {
  if (chunk.plan.statement === "copy") return refusal;
  const copy = loader(connection, { ...chunk, plan: { ...chunk.plan, statement: "copy" } });
  await connection.query("begin");
  try {
    await connection.query("set constraints all immediate");
    await copy(refusal.row, refusal.row + 1);
    return refusal;
  } catch (error) {
    return isRowFault(error) ? { row: refusal.row, error } : refusal;
  } finally {
    await connection.query("rollback");
  }
}

function settled(chunk: Chunk, kept: number, refusals: readonly Refusal[]): Committed {
  const refused = refusals.map((refusal) => refusedRow(chunk, refusal));
  return { inserted: kept, skipped: chunk.rowCount - kept - refused.length, refused };
}

/** Loads rows [from, to) of a chunk in one statement. */
function loader(connection: Connection, chunk: Chunk): (from: number, to: number) => Promise<number> {
  const { table, columns, statement } = chunk.plan;
  const into = `${quoteTable(table)} (${columns.map(({ column }) => quoteIdentifier(column.name)).join(", ")})`;
  if (statement === "copy") return (from, to) => connection.copy(into, lines(chunk, from, to));
  return async (from, to) => {
    const parameters: (string | null)[] = [];
    for (let row = from; row < to; row++) parameters.push(...fields(chunk, row));
    const { count } = await connection.query(insertSql(into, columns.length, to - from), parameters);
    return count ?? 0;
  };
}

const insertTexts = new Map<string, string>();

/** `insert into … values ($1, $2), ($3, $4)`; kept, since there are few shapes and each is asked for often. */
function insertSql(into: string, width: number, rows: number): string {
  const key = `${rows} ${into}`;
  let sql = insertTexts.get(key);
  if (sql === undefined) {
    let n = 0;
    const values = Array.from({ length: rows }, () => `(${Array.from({ length: width }, () => `$${++n}`).join(", ")})`);
    sql = `insert into ${into} values ${values.join(", ")}`;
    if (insertTexts.size > 256) insertTexts.clear();
    insertTexts.set(key, sql);
  }
  return sql;
}

async function underSavepoint<T>(connection: Connection, run: () => Promise<T>): Promise<T> {
  await connection.query("savepoint sluice");
  try {
    const result = await run();
    await connection.query("release savepoint sluice");
    return result;
  } catch (error) {
    await connection.query("rollback to savepoint sluice");
    throw error;
  }
}

function isDatabaseError(error: unknown): error is DatabaseError {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
  );
}

/** Data exceptions, integrity violations, exceptions raised by triggers, views' check options, and rows too big for an index. */
function isRowFault(error: unknown): boolean {
  return isDatabaseError(error) && (/^(22|23|44|P0)/.test(error.code) || error.code === "54000");
}

/** `COPY businesses, line 700, column email: "…"`: the line, from 0. A server that speaks another language names it in words we do not read. */
function rowNamed(error: unknown): number | undefined {
  const line = isDatabaseError(error) ? /^COPY [^]*, line (\d+)/m.exec(error.where ?? "")?.[1] : undefined;
  return line === undefined ? undefined : Number(line) - 1;
}

function refusedRow(chunk: Chunk, { row, error }: Refusal): Reject {
  const { file, sheet, columns } = chunk.plan;
  const failure = error as DatabaseError;
  const key = /^Key \("?([^",()]+)"?\)=/.exec(failure.detail ?? "")?.[1];
  const named = failure.column ?? /, column (.+?)(?:: |$)/m.exec(failure.where ?? "")?.[1] ?? key;
  const field = columns.findIndex(({ column }) => column.name === named);
  return {
    file,
    sheet,
    row: chunk.rowNumbers[row]!,
    column: columns[field]?.header ?? named,
    value: field < 0 ? undefined : (fields(chunk, row)[field] ?? undefined),
    code: CONDITIONS[failure.code] ?? `sqlstate_${failure.code}`,
    // A detail that names a key says which one; others print the whole row, with values that the database made up for it.
    reason: failure.detail?.startsWith("Key ") ? `${failure.message}: ${failure.detail}` : failure.message,
  };
}

const COLUMNS_QUERY = `
  select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, (a.atthasdef or a.attidentity <> '')::text,
         (a.attgenerated <> '' or a.attidentity = 'a')::text
  from pg_attribute a
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

const UNIQUE_QUERY = `
  select (select json_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any (i.indkey))::text,
         (0 = any (i.indkey))::text
  from pg_index i
  where i.indrelid = to_regclass($1) and (i.indisunique or i.indisexclusion)`;
