// Statements that wait for a lock which another session holds: what is locked, and by whom. Such a
// wait may last for ever, so people must be told whom they wait for.
import type { Holder, Wait } from "../target.ts";

/** The facts about a backend while its statement runs. */
export interface Looked {
  /**
   * True if it works on a statement. A backend that waits for its client does not; one that waits
   * for a lock does.
   */
  readonly atWork: boolean;
  /** The lock that it waits for, if backends hold it that were not asked about. */
  readonly wait: Wait | undefined;
}

/**
 * Asks about the backends $1: whether they are at work, what they wait for, and who else holds it.
 * Of a holder that belongs to another user nothing is shown of what it does.
 */
export const LOOK = `
  select w.pid::text, (w.state = 'active' and w.wait_event is distinct from 'ClientRead')::text, h.holders::text, l.locktype,
         (select case when pg_table_is_visible(c.oid) then '' else n.nspname::text || '.' end || c.relname::text
          from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = coalesce(l.relation, t.relation))
  from pg_stat_activity w
  cross join lateral (
    select pg_catalog.json_agg(pg_catalog.json_build_object('pid', b.pid, 'application', coalesce(a.application_name, ''), 'user', a.usename, 'state', a.state,
             'since', to_char(a.state_change at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) order by b.pid) as holders
    from (select distinct pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as pid where w.wait_event_type = 'Lock') b
    left join pg_stat_activity a on a.pid = b.pid
    where b.pid <> all ($1)) h
  left join lateral (select locktype, relation from pg_locks where pid = w.pid and not granted limit 1) l on true
  left join lateral (select relation from pg_locks where pid = w.pid and granted and locktype = 'tuple' limit 1) t on true
  where w.pid = any ($1)`;

/** The answer of {@link LOOK}, by backend. */
export function lookedFrom(rows: readonly (readonly (string | null)[])[]): Map<number, Looked> {
  return new Map(
    rows.map(([pid, atWork, holders, kind, relation]) => [
      Number(pid),
      {
        atWork: atWork === "true",
        wait: holders ? waitFor(JSON.parse(holders) as Holder[], kind, relation) : undefined,
      },
    ]),
  );
}

function waitFor(
  holders: readonly Holder[],
  kind: string | null | undefined,
  relation: string | null | undefined,
): Wait {
  if (relation) return { on: `${kind === "relation" ? "" : "a row of "}the table "${relation}"`, holders };
  return { on: kind === "transactionid" ? "what another transaction has not committed yet" : "a lock", holders };
}

/**
 * `the table "people", locked by process 4242 (psql, user ada, idle in transaction since 2026-11-21
 * 12:31:05 UTC)`
 */
export function describeWait({ on, holders }: Wait): string {
  return `${on}, locked by ${holders.map(describeHolder).join(" and ")}`;
}

function describeHolder({ pid, application, user, state, since }: Holder): string {
  if (pid === 0) return "a prepared transaction (pg_prepared_xacts lists them)";
  const known = [
    application,
    user === null ? "" : `user ${user}`,
    state === null ? "" : `${state} since ${since}`,
  ].filter((part) => part !== "");
  return `process ${pid}${known.length === 0 ? "" : ` (${known.join(", ")})`}`;
}
