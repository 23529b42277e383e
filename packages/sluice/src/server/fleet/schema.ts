// What a fleet keeps in its database, in the schema `sluice_fleet`: pg-boss's queue, and these
// tables.
//
// A table here only ever gets columns with a default, and loses none. So the workers of two
// versions can work side by side while a fleet is updated: the older ones name the columns that
// they know.
import type { QueueOptions, Queue } from "pg-boss";

export const FLEET_SCHEMA = "sluice_fleet";
export const QUEUE = "imports";

/** A worker that is silent for so long has lost its import. pg-boss takes no less. */
export const SILENT_SECONDS = 10;
/** Between two attempts: 1, 2, 4, … seconds, up to this. */
const LONGEST_RETRY_SECONDS = 60;
const DAY = 24 * 3600;

/**
 * pg-boss gives each job to one worker, again when that worker has fallen silent, and later when it
 * has given it back. How often an import may fail is not its business (claims.ts), nor how long it
 * may wait.
 */
export const QUEUE_OPTIONS: QueueOptions & Pick<Queue, "policy"> = {
  // An import has one job, however often it is sent.
  policy: "exclusive",
  heartbeatSeconds: SILENT_SECONDS,
  retryLimit: 1_000_000,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: LONGEST_RETRY_SECONDS,
  expireInSeconds: DAY,
  retentionSeconds: 3650 * DAY,
  deleteAfterSeconds: 3600,
};

/**
 * `imports`: what was asked for, who has it, and what became of it. `job` is the record that one
 * process keeps as a file (jobs/store.ts). `attempt` grows with each claim; whoever writes names
 * the one that it has, so a worker that was given up writes nothing. `turn` is its place among
 * those that wait (claims.ts).
 *
 * `progress`: the picture of the moment. It is worth nothing after a crash of the server, so it is
 * not logged.
 */
export const FLEET_DDL: readonly string[] = [
  `create table if not exists ${FLEET_SCHEMA}.imports (
    id text primary key,
    job jsonb not null,
    rules jsonb not null,
    hash text not null,
    searched text not null,
    request text not null,
    part integer not null,
    turn bigint not null,
    low boolean not null default false,
    created_at timestamptz not null,
    attempt integer not null default 0,
    worker text,
    lost integer not null default 0,
    failed integer not null default 0,
    settled bigint not null default 0,
    reason text,
    retry_at timestamptz,
    cancel boolean not null default false,
    dead boolean not null default false,
    state text generated always as (job ->> 'state') stored,
    client text generated always as (job ->> 'client') stored,
    upload text generated always as (job ->> 'upload') stored
  )`,
  `create index if not exists imports_unrecorded on ${FLEET_SCHEMA}.imports (created_at desc, id desc) where job ->> 'ledger' is distinct from id`,
  `create index if not exists imports_open on ${FLEET_SCHEMA}.imports (state, client) where state in ('queued', 'running')`,
  `create index if not exists imports_turn on ${FLEET_SCHEMA}.imports (low, turn) where attempt > 0`,
  `create index if not exists imports_client on ${FLEET_SCHEMA}.imports (client, low, turn)`,
  `create index if not exists imports_key on ${FLEET_SCHEMA}.imports (client, (job -> 'key' ->> 'name')) where job ? 'key'`,
  `create index if not exists imports_upload on ${FLEET_SCHEMA}.imports (upload) where upload is not null`,
  `create index if not exists imports_request on ${FLEET_SCHEMA}.imports (request, part)`,
  `create index if not exists imports_dead on ${FLEET_SCHEMA}.imports (created_at desc, id desc) where dead`,
  `create unlogged table if not exists ${FLEET_SCHEMA}.progress (
    import text primary key,
    attempt integer not null,
    at timestamptz not null,
    total bigint not null,
    event jsonb not null
  )`,
];

/** A moment as jobs have it, by the database's clock: one for all machines. */
export function timeSql(moment: string): string {
  return `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
