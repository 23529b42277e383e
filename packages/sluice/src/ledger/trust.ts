// Checks the owners of the ledger. Its functions run with the rights of anybody who imports, so a
// stranger must not be able to change them.
//
// These are trusted: this user; superusers, who need no ledger to do as they like; the database's
// owner, who may set `search_path` and other settings for every session in it; and, unless this
// user is a superuser, the roles that the user is a member of, since a team shares a ledger that
// way. A role is a member of itself. A superuser is a member of every role, so that last rule would
// trust everybody.
import { SluiceError } from "../errors.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import type { Target } from "../target.ts";
import { inLines } from "../printable.ts";

/**
 * The roles that are trusted, as `trusted (oid)`. Names are qualified: `search_path` may lead to
 * functions of strangers.
 */
const TRUSTED = `
  me as (select r.oid, r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user),
  trusted as (
    select r.oid from pg_catalog.pg_roles r, me
    where r.rolsuper or r.rolname = 'pg_database_owner'::name
      or r.oid = (select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      or not me.rolsuper and pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER'::text)
  )`;

/**
 * The parts of the ledger that are not as they should be: each part, its fault, and the role. No
 * rows if the ledger does not exist.
 */
const COMPLAINTS = `
  with ${TRUSTED},
  ledger as (select n.oid, n.nspowner, n.nspacl from pg_catalog.pg_namespace n where n.nspname = 'sluice'::name),
  relations as (select c.oid, c.relname, c.relkind, c.relowner, c.relacl from pg_catalog.pg_class c join ledger on c.relnamespace = ledger.oid),
  found as (
    select 'owner' as what, 'the schema sluice' as thing, l.nspowner as role from ledger l
    union all select 'owner', 'sluice.' || r.relname::text, r.relowner from relations r
    union all select 'owner', 'sluice.' || p.proname::text || '()', p.proowner from pg_catalog.pg_proc p join ledger on p.pronamespace = ledger.oid
    union all select 'create', 'the schema sluice', a.grantee from ledger l, lateral pg_catalog.aclexplode(l.nspacl) a
      where a.privilege_type = 'CREATE'::text
    union all select 'trigger', 'sluice.' || r.relname::text, a.grantee from relations r, lateral pg_catalog.aclexplode(r.relacl) a
      where a.privilege_type = 'TRIGGER'::text
  )
  select f.what, f.thing, coalesce(r.rolname::text, 'public') from found f left join pg_catalog.pg_roles r on r.oid = f.role
  where not exists (select from trusted t where t.oid = f.role)
  union all
  select 'extra', 'the trigger ' || t.tgname::text || ' on sluice.' || r.relname::text, '' from relations r
    join pg_catalog.pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
  union all
  select 'extra', 'the rule ' || w.rulename::text || ' on sluice.' || r.relname::text, '' from relations r
    join pg_catalog.pg_rewrite w on w.ev_class = r.oid
  limit 1`;

/**
 * @throws SluiceError (`ledger_untrusted`) if the ledger, or what is in it, is up to a role that
 *   this user need not trust. Call it before anything of the ledger is used.
 */
export async function checkLedger(target: Target): Promise<void> {
  if (target.exclusive) return; // its one user is a superuser
  const { rows } = await target.query(COMPLAINTS, []);
  if (rows[0] === undefined) return;
  const [what, thing, role] = rows[0].map((text) => inLines(text ?? ""));
  const refused = `the ledger (schema sluice) in ${target.name} is not used`;
  const trusted = "this user, a superuser, the database's owner or a role that this user is a member of";
  const who = role === "public" ? "everybody" : `the role "${role}"`;
  const grantee = role === "public" ? "public" : quoteIdentifier(role!);
  const says: Readonly<Record<string, string>> = {
    owner:
      `${thing} belongs to the role "${role}", and what is in the ledger runs with the rights of whoever imports. Its owner must be ${trusted}. ` +
      `To keep the history, by which no file goes in twice, use sluice as that role or as a member of it. ` +
      `Or drop it (drop schema sluice cascade; files that were imported before go in again then), and have it made anew by one of them: sluice init`,
    create:
      `${who} may make functions in ${thing}, which would run with the rights of whoever imports. ` +
      `Take that right back: revoke create on schema sluice from ${grantee};`,
    trigger:
      `${who} may make triggers on ${thing}, which would run with the rights of whoever imports. ` +
      `Take that right back: revoke trigger on all tables in schema sluice from ${grantee};`,
    extra: `${thing} is not the ledger's own, and runs with the rights of whoever imports. Drop it.`,
  };
  throw new SluiceError("ledger_untrusted", `${refused}: ${says[what!]}`);
}

/**
 * The owner of a table, if that is not a role that this user trusts as an owner of the ledger;
 * undefined if it is.
 */
export async function strangerWhoOwns(target: Target, table: string): Promise<string | undefined> {
  if (target.exclusive) return undefined;
  const { rows } = await target.query(
    `with ${TRUSTED}
     select r.rolname::text from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
     where c.oid = pg_catalog.to_regclass($1::text)::oid and not exists (select from trusted t where t.oid = c.relowner)`,
    [quoteTable(table)],
  );
  return rows[0]?.[0] ?? undefined;
}
