// The rows of one import, taken back out of their table.
//
// Nothing is guessed: PostgreSQL itself says which transaction wrote a row (`xmin`), and the ledger
// has the transactions of an import. A row that somebody has changed since was written by another
// transaction. So the rows go only if all of those that the import put in are found to be its own,
// and the number is the ledger's. Everything else is refused with the reason.
//
// One transaction deletes the rows and says in the ledger that the import is cancelled and has put
// nothing in. It holds the lock under which an import of the same content begins. So the same file
// can be imported again from then on, and cannot have begun to be imported before.
import { grouped } from "../grouped.ts";
import { SluiceError } from "../errors.ts";
import { importDetails, isOpen, type Details } from "../ledger/history.ts";
import { contentLock } from "../ledger/ledger.ts";
import { callerSql, notAllowed, NOT_OWN } from "../ledger/made.ts";
import { takenBackSql, writtenBySql } from "../ledger/written.ts";
import type { Caller } from "../options.ts";
import type { Plan } from "../plan/plan.ts";
import { wishFrom } from "../plan/stored.ts";
import { inLines } from "../printable.ts";
import { quoteTable } from "../schema/identifiers.ts";
import { isDatabaseError, type Session, type Target } from "../target.ts";
import { CASCADES } from "./failure.ts";

/** The rows that would be taken back. */
export interface TakingBack {
  readonly id: string;
  readonly table: string;
  readonly rows: number;
  /** Notes about what would stay in the database, or happen in addition. */
  readonly notes: readonly string[];
}

type Asked = Pick<Session, "query">;

/**
 * Looks which rows would be taken back; changes nothing.
 *
 * @throws SluiceError (`unknown_import`, `not_finished`, `not_taken_back`, `table_gone`,
 *   `would_cascade`, `referred_to`) if they cannot be
 */
export async function lookAtRows(target: Target, id: string): Promise<TakingBack> {
  await importDetails(target, id);
  return await prove(target, id);
}

/**
 * Takes the rows of an import that has ended back out of their table: all of them, or none. The
 * same file can be imported again afterwards. Triggers for DELETE run as they do for everybody.
 *
 * @param caller of a server, whose tables these must be
 * @returns what the ledger has of the import then
 * @throws as {@link lookAtRows}
 */
export async function takeBack(target: Target, id: string, caller?: Caller): Promise<Details> {
  const { run, ending } = takingBack(await importDetails(target, id), caller);
  await target.amend({ id, epoch: 0 }, run, ending);
  return await importDetails(target, id);
}

/** The two parts of the transaction that takes rows back, as {@link Target.amend} runs them. */
export function takingBack(
  { id, contentHash, table }: Pick<Details, "id" | "contentHash" | "table">,
  caller?: Caller,
): { readonly run: (session: Asked) => Promise<void>; readonly ending: () => string } {
  let rows = 0;
  return {
    run: async (session) => {
      await session.query(contentLock(contentHash));
      await session.query("select from sluice.imports where id = $1 for update", [id]);
      await expectOwn(session, table, caller);
      ({ rows } = await prove(session, id, " for update"));
      const mine = `t.xmin in (${writtenBySql("$1")})`;
      const { count } = await session.query(`delete from ${quoteTable(table)} t where ${mine}`, [id]);
      if (count === rows) return;
      throw refused(
        id,
        `the database deleted ${counted(count ?? 0)} of ${grouped(rows)}: a trigger of the table "${inLines(table)}" keeps the others`,
      );
    },
    ending: () => takenBackSql(id, `its ${counted(rows)} were taken back out of the table`),
  };
}

/** @throws SluiceError (`table_not_allowed`) if a caller may write to its own tables alone */
async function expectOwn(session: Asked, table: string, caller: Caller | undefined): Promise<void> {
  try {
    for (const sql of callerSql({ table, created: false }, caller)) await session.query(sql);
  } catch (error) {
    throw isDatabaseError(error) && error.code === NOT_OWN ? notAllowed(table, error) : error;
  }
}

/** Asks the ledger and the catalogue for the facts about an import's rows. */
const FACTS = `
  select i.state, i.target_table, i.plan::text, i.wish, (i.table_oid = c.oid)::text, c.oid::text, c.relkind::text,
         s.inserted::text, s.updated::text, s.skipped::text, s.unknown::text, s.oldest::text, s.newest::text,
         pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text,
         exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal)::text,
         exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type = '4')::text,
         i.taken_back::text
  from sluice.imports i left join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(i.relation)::oid
  cross join lateral (
    select coalesce(sum(inserted), 0) as inserted, coalesce(sum(updated), 0) as updated, coalesce(sum(skipped), 0) as skipped,
           coalesce(sum(inserted) filter (where xid is null or (xid % 4294967296)::text <> xmin::text), 0) as unknown,
           min(xid) as oldest, max(xid) as newest
    from sluice.chunks where import = i.id) s
  where i.id = $1`;

/**
 * Finds the rows that an import has put in, if all of them are there as it wrote them.
 *
 * @param locking SQL that keeps others from changing them, and from referring to them
 */
async function prove(asked: Asked, id: string, locking = ""): Promise<TakingBack> {
  const found = await asked.query(FACTS, [id]);
  if (!found.rows[0]) throw deletedMeanwhile(id);
  const { facts, oid } = factsFrom(id, found.rows[0]);
  const { name, inserted } = facts;
  expectEnded(facts);
  expectTable(facts);
  expectInsertsAlone(facts);
  expectNumbers(facts);
  const rows = await countRows(asked, id, name, locking);
  if (rows !== inserted) throw refused(id, differing(rows, inserted, inLines(name)));
  await expectUnreferred(asked, id, oid, name);
  return { id, table: name, rows, notes: facts.hasTriggers ? [TRIGGERS] : [] };
}

interface Facts {
  readonly id: string;
  readonly state: Details["state"];
  /** The table's. */
  readonly name: string;
  readonly plan: Plan;
  readonly wish: string;
  /** The table is there, and it is the one that the import went into. */
  readonly sameTable: boolean;
  /** PostgreSQL's letter; null if there is no table of that name. */
  readonly kind: string | null;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  /** Rows of chunks whose transactions are not known. */
  readonly unknown: number;
  /** The first and the last of its transactions, and that which comes next in the database. */
  readonly oldest: number;
  readonly newest: number;
  readonly now: number;
  readonly hasTriggers: boolean;
  readonly hasRules: boolean;
  /** The number of its rows that were taken back before, or 0. */
  readonly takenBack: number;
}

function factsFrom(id: string, row: readonly (string | null)[]): { readonly facts: Facts; readonly oid: string } {
  const [state, name, plan, wish, sameTable, oid, kind] = row as string[];
  const [inserted, updated, skipped, unknown, oldest, newest, now] = row.slice(7, 14).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const facts = {
    id,
    state: state as Facts["state"],
    name: name!,
    plan: JSON.parse(plan!) as Plan,
    wish: wish!,
    sameTable: sameTable === "true",
    kind: kind!,
    inserted,
    updated,
    skipped,
    unknown,
    oldest,
    newest,
    now,
    hasTriggers: row[14] === "true",
    hasRules: row[15] === "true",
    takenBack: Number(row[16]),
  };
  return { facts, oid: oid! };
}

function expectEnded(facts: Facts): void {
  const { id, inserted, updated, takenBack } = facts;
  if (isOpen(facts))
    throw new SluiceError(
      "not_finished",
      `the import ${id} has not ended, so its rows cannot be taken back yet. Let it come to its end, or cancel it first.`,
    );
  if (inserted + updated > 0) return;
  const why =
    takenBack > 0
      ? `its ${counted(takenBack)} were taken back before`
      : "the ledger has no row that it put into the table";
  throw refused(id, why, "There is nothing to take back.");
}

function expectTable({ id, name, sameTable, kind, hasRules }: Facts): void {
  const table = inLines(name);
  if (!sameTable)
    throw new SluiceError(
      "table_gone",
      `the rows of the import ${id} cannot be taken back: the table "${table}" that they went into is gone, or another one has its name now.`,
    );
  if (kind !== "r" && kind !== "p") throw refused(id, `"${table}" is not a table that has its rows itself`);
  if (hasRules) throw refused(id, `the table "${table}" has a rule for DELETE`);
}

/** Nothing that was there before was changed, and nothing went elsewhere. */
function expectInsertsAlone({ id, plan, wish, updated, skipped }: Facts): void {
  if (plan.replace)
    throw refused(
      id,
      "it replaced the rows that the table held before, which would not come back",
      "Import what the table is to hold, and replace its rows by that.",
    );
  if (updated > 0)
    throw refused(id, `it wrote over ${counted(updated)} that the table held before, whose old values nobody has`);
  if (skipped > 0 && wishFrom(wish, id)["onConflict"] !== "skip")
    throw refused(id, `a trigger left out ${counted(skipped)}, and may have put them into another table`);
}

/** The transactions are known, and their numbers mean them alone. */
function expectNumbers({ id, plan, unknown, oldest, newest, now }: Facts): void {
  if (unknown > 0)
    throw refused(
      id,
      `the ledger does not have the transactions that wrote ${counted(unknown)}. It has those of the methods copy and batch, and not after a dump was restored`,
    );
  // `xmin` is the lower half of a number. PostgreSQL compares numbers over half of what that can
  // tell, and a table that was there before may have rows of the round before.
  if (now - oldest >= 2 ** 31 || (newest >= 2 ** 32 && !plan.created))
    throw refused(id, "so many transactions have run on this server that their numbers do not tell its rows apart");
}

const TRIGGERS = "the table has triggers: those for DELETE run, and what those for INSERT did elsewhere stays";

async function countRows(asked: Asked, id: string, table: string, locking: string): Promise<number> {
  const mine = `select from ${quoteTable(table)} t where t.xmin in (${writtenBySql("$1")})${locking}`;
  const { rows } = await asked.query(`select count(*)::text from (${mine}) mine`, [id]);
  return Number(rows[0]![0]);
}

function differing(rows: number, inserted: number, table: string): string {
  if (rows > inserted)
    return `its transactions wrote ${counted(rows)} into the table "${table}", and the ledger has ${grouped(inserted)} of them: a trigger wrote the others`;
  return (
    `of its ${counted(inserted)} only ${grouped(rows)} can be told from others in the table "${table}". ` +
    `The rest was changed, moved or deleted since, or went in one by one, because the database refused rows beside them`
  );
}

/**
 * The foreign keys to a table or to a partition of it: the table that has them, if that is the same
 * one, what happens on delete, if this user may look, and the pairs of columns as SQL.
 */
const KEYS = `
  select k.conrelid::regclass::text, (k.conrelid = $1::oid)::text, k.confdeltype::text,
         pg_catalog.has_table_privilege(k.conrelid, 'select')::text,
         (select pg_catalog.string_agg(
                   pg_catalog.format('t.%I operator(%I.%s) r.%I', other.attname, s.nspname, op.oprname, own.attname), ' and ' order by p.n)
          from unnest(k.conkey, k.confkey, k.conpfeqop) with ordinality as p (own, other, equal, n)
          join pg_catalog.pg_operator op on op.oid = p.equal
          join pg_catalog.pg_namespace s on s.oid = op.oprnamespace
          join pg_catalog.pg_attribute own on own.attrelid = k.conrelid and own.attnum = p.own
          join pg_catalog.pg_attribute other on other.attrelid = k.confrelid and other.attnum = p.other)
  from pg_catalog.pg_constraint k
  where k.contype = 'f' and k.conparentid = 0
    and k.confrelid in (select $1::oid union select relid::oid from pg_catalog.pg_partition_tree($1::oid))
  order by 1, k.conname`;

/** @throws SluiceError (`would_cascade`, `referred_to`) if other rows refer to an import's */
async function expectUnreferred(asked: Asked, id: string, oid: string, table: string): Promise<void> {
  const mine = writtenBySql("$1");
  for (const [other, isSame, onDelete, readable, pairs] of (await asked.query(KEYS, [oid])).rows) {
    const theirs = isSame === "true" ? ` and r.xmin not in (${mine})` : "";
    const refers = `select count(*)::text from ${other!} r where exists (select from ${quoteTable(table)} t where ${pairs!} and t.xmin in (${mine}))${theirs}`;
    const rows = readable === "true" ? Number((await asked.query(refers, [id])).rows[0]![0]) : undefined;
    if (rows === 0) continue;
    const does = "cnd".includes(onDelete!) ? "would go, or lose what they refer to" : "hold them";
    throw new SluiceError(
      "cnd".includes(onDelete!) ? CASCADES : "referred_to",
      `the rows of the import ${id} cannot be taken back: ${rows === undefined ? "rows" : counted(rows)} of ${inLines(other!)} ${rows === undefined ? "may refer" : rows === 1 ? "refers" : "refer"} to them, and ${does}. ` +
        `Delete those first, or let them refer to other rows.`,
    );
  }
}

/** Somebody deletes the history of the import at the same time. */
function deletedMeanwhile(id: string): SluiceError {
  return new SluiceError(
    "unknown_import",
    `the history of the import ${id} was deleted meanwhile, so its rows cannot be told from others any more. They stay in their table.`,
  );
}

function refused(id: string, why: string, next?: string): SluiceError {
  const byHand = `Delete with SQL what is not to stay. Then the same file can be imported again, if the history of the import is deleted too (sluice imports delete ${id})`;
  return new SluiceError(
    "not_taken_back",
    `the rows of the import ${id} cannot be taken back: ${why}. ${next ?? `${byHand}.`}`,
  );
}

function counted(rows: number): string {
  return rows === 1 ? "1 row" : `${grouped(rows)} rows`;
}
