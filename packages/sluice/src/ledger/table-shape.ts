// The table that an import was planned for, as one text. It has the table's name and kind, the
// place of its rows, and of each column what decides how a value goes in.
//
// What must hold: every commit of an import compares this text in the transaction that holds a lock
// on the table (`commit_rows`). So no row goes into a table that is another one by then. If the
// text differs, the process looks at the difference here, outside that transaction. It stores the
// new text if the change does not concern the rows. Any other change ends the import with a
// message.
//
// A text of names and types was chosen over numbers of transactions (`xmin`): those differ after
// changes that do no harm, and say nothing of what was changed.
import { grouped } from "../grouped.ts";
import { describeError, SluiceError, type PassedOn } from "../errors.ts";
import { quoteTable } from "../schema/identifiers.ts";
import type { Claim, Target } from "../target.ts";
import type { Plan } from "../plan/plan.ts";
import { badLedger, shown } from "../plan/stored.ts";

/** The table is not there any more, or the rows that the import put in are not in it. */
export const TABLE_GONE = "table_gone";
/** The table is there, and a row would not become in it what was planned. */
export const TABLE_CHANGED = "table_changed";

/** PostgreSQL's code of a right that is missing. */
const NO_RIGHT = "42501" as PassedOn;

/** All partitions' files: a TRUNCATE gives each another one. */
const FILES = `case when c.relkind = 'p' then (
    with recursive parts (part) as (
      select h.inhrelid from pg_inherits h where h.inhparent = c.oid
      union all select h.inhrelid from pg_inherits h join parts on h.inhparent = part)
    select pg_catalog.concat(count(*), '/', sum(p.relfilenode::bigint)) from parts join pg_class p on p.oid = part)
  else c.relfilenode::text end`;

/**
 * The text as SQL:
 * `[oid, kind, files, [[column, number, type, modifier, must be given, cannot be given], …]]`; NULL
 * if there is no such table.
 *
 * @param oid SQL of the table's oid, which names no table `c`
 */
export function shapeSql(oid: string): string {
  return `(select pg_catalog.json_build_array(c.oid, c.relkind, ${FILES}, (
    select pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.attnum, a.atttypid, a.atttypmod,
             a.attnotnull and not a.atthasdef and a.attidentity = '', a.attgenerated <> '' or a.attidentity = 'a') order by a.attnum)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))::text
  from pg_class c where c.oid = ${oid}::oid)`;
}

/**
 * A table's name with its schema, as SQL.
 *
 * @param oid SQL of the table's oid
 */
export function fullNameSql(oid: string): string {
  return `(select pg_catalog.format('%I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}::oid)`;
}

/**
 * The text of a table as a dump has brought it into this database: with the numbers that its parts
 * have here. What people call the columns and types stays as it was, so a change since then is
 * still found. Its files differ, so its rows are counted. Types that are not PostgreSQL's own count
 * as the same.
 */
export function restoredShape(then: string, now: string): string | undefined {
  const [was, is] = [shapeFrom(then), shapeFrom(now)];
  if (!was || !is) return undefined;
  const here = new Map((is[3] ?? []).map((column) => [column[0], column]));
  const columns = (was[3] ?? []).map(([name, number, type, ...rest]): Column => {
    const column = here.get(name);
    return [name, column?.[1] ?? number, column && Number(type) >= FIRST_OWN_OID ? column[2] : type, ...rest];
  });
  return JSON.stringify([is[0], was[1], was[2], columns]);
}

/** The first OID that PostgreSQL gives to what users make. */
const FIRST_OWN_OID = 16_384;

/** The advice for people about a table that is another one. */
export function afterChange(code: string, id: string): string {
  return code === TABLE_GONE
    ? "As it is, the same command imports the file anew, from its first row."
    : `Change the table back, and go on with: the same command again, or --resume ${id}. Or leave the rest out: sluice imports cancel ${id}`;
}

type Column = readonly [
  name: string,
  number: number,
  type: string,
  modifier: number,
  needed: boolean,
  generated: boolean,
];
type Shape = readonly [oid: string, kind: string, files: string, columns: readonly Column[] | null];

/** Undefined if the text is not one that this program writes. */
function shapeFrom(text: string): Shape | undefined {
  try {
    const shape: unknown = JSON.parse(text);
    return Array.isArray(shape) && shape.length === 4 && (shape[3] === null || Array.isArray(shape[3]))
      ? (shape as unknown as Shape)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks that an import's table is the one that it was planned for. Changes that leave every row
 * what it would have been are taken over into the ledger.
 *
 * @throws SluiceError (`table_gone`, `table_changed`) if it is not
 */
export async function expectSameTable(target: Pick<Target, "query">, { id }: Pick<Claim, "id">): Promise<void> {
  const found = await target.query(
    `select i.target_table, i.plan::text, i.shape, ${shapeSql("pg_catalog.to_regclass(i.relation)")},
            (select pg_catalog.format('%s%I', case when pg_table_is_visible(c.oid) then '' else relnamespace::regnamespace::text || '.' end, relname)
             from pg_class c where c.oid = i.table_oid),
            (select coalesce(sum(inserted + updated), 0)::text from sluice.chunks where import = i.id),
            (select coalesce(sum(inserted), 0)::text from sluice.chunks where import = i.id),
            (select c.relnamespace::regnamespace::text from pg_class c where c.oid = i.table_oid
               and not pg_catalog.has_schema_privilege(c.relnamespace, 'usage') and i.full_name = ${fullNameSql("i.table_oid")})
     from sluice.imports i where i.id = $1 and i.shape is not null`,
    [id],
  );
  const [table, plan, then, now, oldName, put = "0", inserted = "0", closed] = found.rows[0] ?? [];
  if (!table || then === now) return;
  const rows = Number(put);
  if (!now && closed) {
    const why = `this user may not look into the schema ${closed} any more, which the table "${table}" is in`;
    throw new SluiceError(NO_RIGHT, why);
  }
  if (!now) throw gone(oldName, `no table has the name "${table}" any more`, rows);
  const [was, is] = [shapeFrom(then!), shapeFrom(now)!];
  if (!was) throw badLedger(id, `its table was ${shown(then)}`);
  if (was[0] !== is[0]) throw gone(oldName, `another table has the name "${table}" now`, rows);
  const { load } = JSON.parse(plan!) as Plan;
  const changes = await changesOf(target, was, is, new Set(load.map(({ column }) => column.name)));
  if (changes.length > 0) {
    throw new SluiceError(
      TABLE_CHANGED,
      `the table "${table}" has been altered since this import was planned: ${changes.join("; ")}. Nothing more goes into it as it is.`,
    );
  }
  if (was[2] !== is[2]) await expectRows(target, table, Number(inserted), rows);
  await target.query("update sluice.imports set shape = $2 where id = $1 and shape = $3", [id, now, then!]);
}

function gone(oldName: string | null | undefined, what: string, rows: number): SluiceError {
  const old = oldName
    ? `the one that this import was planned for is called ${oldName} now`
    : "the one that this import was planned for has been dropped";
  const where = rows === 0 ? "" : oldName ? `, with ${rowsOf(rows)}` : `, and ${rowsOf(rows)} with it`;
  const back = oldName ? " If that one gets its name back, the same command goes on with it." : "";
  return new SluiceError(TABLE_GONE, `${what}: ${old}${where}.${back}`);
}

/** The changes since the import was planned that a row would meet, in words. */
async function changesOf(
  target: Pick<Target, "query">,
  [, kind, , before]: Shape,
  [, kindNow, , after]: Shape,
  loaded: ReadonlySet<string>,
): Promise<string[]> {
  const changes: string[] = [];
  if (kind !== kindNow) changes.push("it is a table of another kind");
  const columns = new Map((before ?? []).map((column) => [column[0], column]));
  const columnsNow = new Map((after ?? []).map((column) => [column[0], column]));
  for (const name of loaded) {
    const [was, is] = [columns.get(name), columnsNow.get(name)];
    if (!was) continue;
    if (!is) changes.push(`the column "${name}" is not there any more`);
    else if (was[1] !== is[1]) changes.push(`the column "${name}" is another one, made anew under that name`);
    else if (was[2] !== is[2] || was[3] !== is[3]) {
      const types = await target.query("select format_type($1::oid, $2::integer), format_type($3::oid, $4::integer)", [
        was[2],
        String(was[3]),
        is[2],
        String(is[3]),
      ]);
      const [typeWas, typeIs] = types.rows[0]!;
      changes.push(`the column "${name}" was ${typeWas} and is ${typeIs} now`);
    } else if (is[5] && !was[5]) changes.push(`the column "${name}" is generated now`);
  }
  for (const [name, [, , , , needed]] of columnsNow) {
    if (needed && !loaded.has(name) && columns.get(name)?.[4] !== true)
      changes.push(`the column "${name}" needs a value now, and this import brings none`);
  }
  return changes;
}

/**
 * The condition, as SQL, that a relation may have rows which this user does not see: its policies
 * may hide them, and a view may hide any. Then it says nothing that no rows are seen. `relation` is
 * SQL of the quoted name.
 */
export function hidesRowsSql(relation: string): string {
  return `(select c.relkind = 'v' or pg_catalog.row_security_active(c.oid)
           from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass(${relation})::oid)`;
}

/**
 * Checks that a table which a crash of the server empties, since it is UNLOGGED, still holds as
 * many rows as an import has put in.
 *
 * @throws SluiceError (`table_gone`, `table_changed`) if it holds fewer
 */
export async function expectUnloggedRows(
  target: Pick<Target, "query">,
  table: string,
  { inserted, updated }: { readonly inserted: number; readonly updated: number },
): Promise<void> {
  const { rows } = await target.query(
    `select exists (select from pg_catalog.pg_class c where c.relpersistence = 'u' and (c.oid = pg_catalog.to_regclass($1)::oid
       or c.oid in (select relid from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)))))::text`,
    [quoteTable(table)],
  );
  if (rows[0]![0] !== "true") return;
  try {
    await expectRows(target, table, inserted, inserted + updated);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(
      describeError(error).code,
      `${error.message} It is UNLOGGED: a crash of the server empties such a table.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * The number of rows that an import has put into a table and that cannot be there any more, because
 * the table holds fewer. Others may have put in as many as were taken out, so 0 does not say that
 * all are there. It counts no further than to `inserted`. It does not count if policies or a view
 * may hide rows, or if the user may not read.
 */
export async function rowsMissing(target: Pick<Target, "query">, table: string, inserted: number): Promise<number> {
  if (inserted === 0) return 0;
  const name = quoteTable(table);
  try {
    const { rows } = await target.query(
      `select count(*)::text, ${hidesRowsSql("$1")}::text from (select from ${name} limit $2::bigint) held`,
      [name, String(inserted)],
    );
    const [held, hidden] = rows[0]!;
    return hidden === "true" ? 0 : Math.max(0, inserted - Number(held));
  } catch (error) {
    // Who may only insert cannot look.
    if (error instanceof Error && "code" in error && error.code === "42501") return 0;
    throw error;
  }
}

/**
 * The table's rows lie in another file. VACUUM FULL, CLUSTER and ALTER TABLE do that and keep the
 * rows; TRUNCATE does not.
 *
 * @param inserted rows that the import put in,
 *
 * @param put and wrote over
 */
async function expectRows(target: Pick<Target, "query">, table: string, inserted: number, put: number): Promise<void> {
  if (put === 0) return;
  let held: number;
  try {
    const { rows } = await target.query(
      `select count(*)::text, ${hidesRowsSql("$1")}::text from ${quoteTable(table)}`,
      [quoteTable(table)],
    );
    if (rows[0]![1] === "true") return;
    held = Number(rows[0]![0]);
  } catch (error) {
    // Who may only insert cannot look.
    if (error instanceof Error && "code" in error && error.code === "42501") return;
    throw error;
  }
  // What was written over was there before, so at least one row is.
  if (held >= Math.max(1, inserted)) return;
  if (held === 0) throw new SluiceError(TABLE_GONE, `the table "${table}" has been emptied, of ${rowsOf(put)} too.`);
  throw new SluiceError(
    TABLE_CHANGED,
    `the table "${table}" has been emptied or written anew since this import was planned: it holds ${grouped(held)} ${held === 1 ? "row" : "rows"}, and the import had put ${grouped(inserted)} in.`,
  );
}

function rowsOf(n: number): string {
  return n === 1 ? "the row of this import" : `the ${grouped(n)} rows of this import`;
}
