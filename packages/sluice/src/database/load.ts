// Rows of a chunk into their table, in one statement if the database allows it.
//
// COPY has no ON CONFLICT, no default for a single cell, and no count of what a view keeps. So in
// three cases the rows go into a temporary table first, and from there into theirs (merge.ts): if
// the table may have rows of the same key, if an empty cell means more than NULL, and if the table
// is a view.
import { fields, lines, type Chunk, type LoadPlan } from "../chunk/chunk.ts";
import { aliasSql, freshSql, onConflictSql } from "../plan/conflict.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import { merge } from "./merge.ts";
import { movable, moveCall, reach, type Reached } from "./sequences.ts";
import { hashText } from "../hash.ts";
import { type Claim, type Connection, NOTE_PARAMETERS } from "../target.ts";
import { type Kept } from "./merge.ts";

/** Up to this number of rows, an INSERT of any number of them is prepared. */
const FEW_ROWS = 128;

/** Loads rows [from, to) of a chunk, all or none, in the transaction that is open. */
export async function load(connection: Connection, chunk: Chunk, from: number, to: number): Promise<Kept> {
  if (isMerged(chunk, to - from)) return await merge(connection, chunk, from, to);
  if (chunk.plan.statement === "copy") {
    return { inserted: await connection.copy(into(chunk), lines(chunk, from, to)), updated: 0 };
  }
  let [inserted, updated] = [0, 0];
  for (let row = from; row < to;) {
    const size = insertable(to - row, chunk.plan.step);
    const { rows } = await connection.query(insertSql(chunk, size, false), valuesOf(chunk, row, row + size));
    const kept = keptFrom(rows[0]!);
    inserted += kept.inserted;
    updated += kept.updated;
    row += size;
  }
  return { inserted, updated };
}

/**
 * The number of rows that one INSERT takes, of those that are left. For each number the server
 * prepares and keeps a separate statement, so there must not be thousands: a whole step, a power of
 * two, or few.
 */
export function insertable(rows: number, step: number): number {
  return rows === step || rows <= FEW_ROWS ? rows : 2 ** Math.floor(Math.log2(rows));
}

/**
 * Reports whether this number of rows of a chunk goes in by way of a temporary table. COPY does,
 * and so does an INSERT of several rows: it would fail on a key that comes twice, and would lock
 * rows in another order than another process does.
 */
export function isMerged({ plan }: Chunk, rows: number): boolean {
  if (plan.statement === "copy" && plan.miscounts === true) return true;
  if (plan.empty !== undefined || plan.conflict?.only !== undefined) return true;
  return plan.conflict !== undefined && (plan.statement === "copy" || rows > 1);
}

/** INSERT of rows [from, to) and the ledger's part in one statement, which commits by itself. */
export async function insertAndNote(
  connection: Connection,
  chunk: Chunk,
  claim: Claim,
  from: number,
  to: number,
): Promise<Kept> {
  const place = [claim.epoch, chunk.index, chunk.rowCount, from, to].map(String);
  const reached: Reached = new Map();
  reach(reached, chunk, from, to);
  const ids = movable(chunk).map((sequence) => reached.get(sequence)?.toString() ?? null);
  const parameters = [claim.id, ...place, ...valuesOf(chunk, from, to), ...ids];
  const { rows } = await connection.query(insertSql(chunk, to - from, true), parameters);
  return keptFrom(rows[0]!);
}

const COUNTS = "select count(*) filter (where fresh)::text, count(*) filter (where not fresh)::text from loaded";

function keptFrom([inserted, updated]: readonly (string | null)[]): Kept {
  return { inserted: Number(inserted), updated: Number(updated) };
}

function valuesOf(chunk: Chunk, from: number, to: number): (string | null)[] {
  const values: (string | null)[] = [];
  for (let row = from; row < to; row++) values.push(...fields(chunk, row));
  return values;
}

function into({ plan }: Chunk, alias = ""): string {
  return `${quoteTable(plan.table)}${alias} (${plan.columns.map(({ column }) => quoteIdentifier(column.name)).join(", ")})`;
}

/**
 * The epoch of a claim as SQL, or NULL, which the ledger refuses, in a session that is not set up
 * as ours are: a pooler that keeps no session and was not found out may hand another one to a
 * statement, in which texts would be other values.
 */
export function epochIfOurs(epoch: string): string {
  const ours = Object.entries(OURS).map(([setting, value]) => `current_setting('${setting}') = '${value}'`);
  return `case when ${ours.join(" and ")} then ${epoch} end`;
}

/** The settings of our sessions by which the text of a value means what it means. */
const OURS = { TimeZone: "UTC", client_encoding: "UTF8", IntervalStyle: "postgres", array_nulls: "on" } as const;

/**
 * The table that an import's name for it means to this session, as SQL; `id` is SQL of the import's
 * id.
 */
export function targetNow(id: string): string {
  return `(select pg_catalog.to_regclass(i.relation)::oid from sluice.imports i where i.id = ${id})`;
}

const typeHashes = new WeakMap<LoadPlan, string>();

/**
 * A prepared statement's parameters keep the types that they had, and a table of that name may have
 * been made again with others.
 */
function typesOf(plan: LoadPlan): string {
  let hash = typeHashes.get(plan);
  if (hash === undefined) {
    hash = hashText(JSON.stringify(plan.columns.map(({ column }) => column.storage ?? column.type))).slice(0, 16);
    typeHashes.set(plan, hash);
  }
  return hash;
}

const insertTexts = new Map<string, string>();

/**
 * `insert into … values ($1, $2), ($3, $4)`, noted in the ledger or not; kept, since there are few
 * shapes and each is asked for often.
 */
function insertSql(chunk: Chunk, rows: number, noted: boolean): string {
  const names = chunk.plan.columns.map(({ column }) => column.name);
  const conflict = onConflictSql(chunk.plan.conflict, names);
  const types = typesOf(chunk.plan);
  const moved = noted ? movable(chunk) : [];
  const key = `${noted} ${rows} ${types} ${into(chunk)}${conflict} ${moved.map(({ name }) => name).join(" ")}`;
  let sql = insertTexts.get(key);
  if (sql === undefined) {
    let n = noted ? NOTE_PARAMETERS : 0;
    const row = (): string => `(${names.map(() => `$${++n}`).join(", ")})`;
    const values = Array.from({ length: rows }, row).join(", ");
    const moves = moved.map(({ name }) => `, ${moveCall(name, `$${++n}`)}`).join("");
    const loaded = `/* ${types} */ with loaded as (insert into ${into(chunk, aliasSql(chunk.plan.conflict))} values ${values}${conflict} returning ${freshSql(chunk.plan.conflict)} as fresh)`;
    sql = noted
      ? `${loaded}, kept as (select count(*) filter (where fresh)::integer as inserted, count(*) filter (where not fresh)::integer as updated from loaded)
         select inserted::text, updated::text, sluice.commit_rows($1, ${epochIfOurs("$2::integer")}, $3, $4, $5, $6, inserted, updated, ${rows} - inserted - updated, 0, ${targetNow("$1")})${moves} from kept`
      : `${loaded} ${COUNTS}`;
    if (insertTexts.size > 256) insertTexts.clear();
    insertTexts.set(key, sql);
  }
  return sql;
}
