// The imports that a fleet was asked for, as rows of its database: the records of all servers, and
// what the servers change in them. What workers change is in claims.ts.
import type { HistoryQuery } from "../../ledger/history.ts";
import { HttpFailure } from "../failure.ts";
import { sameContent, tooManyImports } from "../jobs/refusals.ts";
import type { Job, Outcome } from "../jobs/store.ts";
import { searched } from "../jobs/submitted.ts";
import type { Reading } from "../importing.ts";
import { noticeSql, type FleetDatabase, type Row, type Statements } from "./database.ts";
import { FLEET_SCHEMA, timeSql } from "./schema.ts";

/**
 * The rules of the server that took an import. They go with the import, so workers need not be
 * told.
 */
export interface Rules {
  readonly allow: readonly string[];
  readonly reading: Reading;
}

/** The records of a request. */
export interface NewRecords {
  readonly jobs: readonly Job[];
  readonly rules: Rules;
  /** SHA-256 of the file, in hex. */
  readonly hash: string;
  /** True if it waits for all imports that are not of low priority. */
  readonly low: boolean;
}

const IMPORTS = `${FLEET_SCHEMA}.imports`;
/** The columns that make a job. */
export const JOB_COLUMNS: string = `job, reason, attempt, lost + failed as attempts, ${timeSql("retry_at")} as retry_at`;

export class FleetRecords {
  readonly #database: FleetDatabase;

  constructor(database: FleetDatabase) {
    this.#database = database;
  }

  async find(id: string): Promise<Job | undefined> {
    return (await this.known([id])).get(id);
  }

  async known(ids: readonly string[]): Promise<ReadonlyMap<string, Job>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#database.query(`select ${JOB_COLUMNS} from ${IMPORTS} where id = any ($1)`, [ids]);
    return new Map(rows.map(jobFrom).map((job) => [job.id, job]));
  }

  async unrecorded(query: HistoryQuery): Promise<readonly Job[]> {
    return await this.#page("job ->> 'ledger' is distinct from id", query);
  }

  /** The imports that no worker tries any more. */
  async dead(query: HistoryQuery): Promise<readonly Job[]> {
    return await this.#page("dead", query);
  }

  async #page(which: string, { search, after, limit }: HistoryQuery): Promise<readonly Job[]> {
    const rows = await this.#database.query(
      `select ${JOB_COLUMNS} from ${IMPORTS}
       where ${which} and strpos(searched, lower($1)) > 0
         and ($2::timestamptz is null or (created_at, id) < ($2::timestamptz, $3))
       order by created_at desc, id desc limit $4`,
      [storable(search), after?.at ?? null, after?.id ?? "", limit],
    );
    return rows.map(jobFrom);
  }

  /** How many of a client's imports wait or run, on all servers. */
  async openOf(client: string): Promise<number> {
    return await openOf(this.#database, client);
  }

  /**
   * The jobs that came with a key.
   * @throws HttpFailure 422 (`idempotency_mismatch`) if it came with something else
   */
  async ofKey(client: string, key: string | undefined, content: string): Promise<readonly Job[]> {
    return await ofKey(this.#database, client, key, content);
  }

  /**
   * Stores a request, unless it has come before. The requests of one client go one after the other,
   * whichever servers they come to: so its limit is exact, and so is what its key means.
   *
   * Its turn is that of start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with imports
   * of equal cost: one more than the client's last one that waits, or than the latest that was
   * begun. So a client's thousand imports stand in one line, and another client's first one beside
   * their first one.
   *
   * @returns what is stored; the earlier jobs if the same key came meanwhile
   * @throws HttpFailure 429 (`too_many_imports`), 422 (`idempotency_mismatch`)
   */
  async add(
    { jobs, rules, hash, low }: NewRecords,
    maxClientImports: number,
  ): Promise<{ readonly jobs: readonly Job[]; readonly isNew: boolean }> {
    const { client, key } = jobs[0]!;
    return await this.#database.transaction(async (tx) => {
      await tx.query("select pg_advisory_xact_lock(hashtextextended('sluice fleet client ' || $1, 0))", [client]);
      const before = await ofKey(tx, client, key?.name, key?.content ?? "");
      if (before.length > 0) return { jobs: before, isNew: false };
      if ((await openOf(tx, client)) >= maxClientImports) throw tooManyImports(maxClientImports);
      const parts = jobs.map((job, part) => ({ id: job.id, job, searched: searched(job), part }));
      const rows = await tx.query(
        `with now as (select date_trunc('milliseconds', clock_timestamp()) as at),
              last as (select greatest(
                (select max(turn) from ${IMPORTS} where client = $2 and low = $3 and state = 'queued'),
                (select max(turn) from ${IMPORTS} where low = $3 and attempt > 0), 0) as turn)
         insert into ${IMPORTS} (id, job, rules, hash, searched, request, part, turn, low, created_at)
         select r.id, r.job || jsonb_build_object('createdAt', ${timeSql("now.at")}),
                $4::jsonb, $5, r.searched, $6, r.part, last.turn + r.part + 1, $3, now.at
         from jsonb_to_recordset($1::jsonb) as r (id text, job jsonb, searched text, part integer), now, last
         returning ${JOB_COLUMNS}`,
        [jsonText(parts), client, low, jsonText(rules), hash, jobs[0]!.id],
      );
      const stored = new Map(rows.map(jobFrom).map((job) => [job.id, job]));
      return { jobs: jobs.map(({ id }) => stored.get(id)!), isNew: true };
    });
  }

  /** Asks whoever runs an import to stop it. */
  async askToStop(id: string): Promise<void> {
    await this.#database.query(
      `with asked as (update ${IMPORTS} set cancel = true where id = $1 and state in ('queued', 'running') returning id)
       select ${noticeSql("cancel", "id")} from asked`,
      [id],
    );
  }

  /**
   * Ends a job whoever has it: from now on that worker writes nothing about it. Returns false if it
   * is not in one of these states.
   */
  async end(id: string, from: readonly Job["state"][], state: Job["state"], outcome?: Outcome): Promise<boolean> {
    const patch = { state, ...(outcome ? { outcome } : {}) };
    const rows = await this.#database.query(
      `with ended as (
         update ${IMPORTS} set attempt = attempt + 1, cancel = false, worker = null, dead = false, reason = null, retry_at = null,
                job = job || $3::jsonb || jsonb_build_object('finishedAt', ${timeSql("clock_timestamp()")})
         where id = $1 and state = any ($2) returning id)
       select id, ${noticeSql("ended", "id")} from ended`,
      [id, from, jsonText(patch)],
    );
    return rows.length > 0;
  }

  /** Lets a failed job wait again. Returns false if it has not failed, or its file is gone. */
  async requeue(id: string): Promise<boolean> {
    const rows = await this.#database.query(
      `update ${IMPORTS} set job = (job - 'outcome' - 'finishedAt') || '{"state": "queued"}',
              lost = 0, failed = 0, reason = null, retry_at = null, dead = false, cancel = false
       where id = $1 and state = 'failed' and upload is not null returning id`,
      [id],
    );
    return rows.length > 0;
  }

  /**
   * Forgets a record. Returns the name of its file, if no other import needs that; undefined if the
   * import waits or runs.
   */
  async forget(id: string): Promise<{ readonly file: string | undefined } | undefined> {
    return await this.#withFileOf(id, async (tx) => {
      const rows = await tx.query<{ upload: string | null; needed: boolean }>(
        `with gone as (delete from ${IMPORTS} where id = $1 and state not in ('queued', 'running') returning upload),
              told as (delete from ${FLEET_SCHEMA}.progress where import in (select $1 from gone))
         select upload, exists (select from ${IMPORTS} o where o.upload = gone.upload and o.id <> $1) as needed from gone`,
        [id],
      );
      return rows[0] && { file: rows[0].needed ? undefined : (rows[0].upload ?? undefined) };
    });
  }

  /** Says that an import's file is gone. Returns the file's name if no other import needs it. */
  async letGo(id: string): Promise<string | undefined> {
    return await this.#withFileOf(id, async (tx) => {
      const rows = await tx.query<{ upload: string; needed: boolean }>(
        `with let_go as (select upload from ${IMPORTS} where id = $1 and upload is not null),
              changed as (update ${IMPORTS} set job = job || '{"upload": null}' where id = $1)
         select upload, exists (select from ${IMPORTS} o where o.upload = let_go.upload and o.id <> $1) as needed from let_go`,
        [id],
      );
      return rows[0] && !rows[0].needed ? rows[0].upload : undefined;
    });
  }

  /**
   * Sheets of one file may end at the same time. Each of them would find that the other one needs
   * the file, so they look one after the other.
   */
  async #withFileOf<Found>(id: string, use: (tx: Statements) => Promise<Found>): Promise<Found> {
    return await this.#database.transaction(async (tx) => {
      await tx.query(
        `select pg_advisory_xact_lock(hashtextextended('sluice fleet file ' || upload, 0)) from ${IMPORTS} where id = $1 and upload is not null`,
        [id],
      );
      return await use(tx);
    });
  }
}

async function openOf(statements: Pick<Statements, "query">, client: string): Promise<number> {
  const rows = await statements.query<{ count: string }>(
    `select count(*) from ${IMPORTS} where state in ('queued', 'running') and client = $1`,
    [client],
  );
  return Number(rows[0]!.count);
}

async function ofKey(
  statements: Pick<Statements, "query">,
  client: string,
  key: string | undefined,
  content: string,
): Promise<readonly Job[]> {
  if (key === undefined) return [];
  const rows = await statements.query(
    `select ${JOB_COLUMNS} from ${IMPORTS} where job ? 'key' and client = $1 and job -> 'key' ->> 'name' = $2 order by part`,
    [client, key],
  );
  return sameContent(rows.map(jobFrom), content);
}

/** @param row the columns {@link JOB_COLUMNS} */
export function jobFrom(row: Row): Job {
  const {
    job,
    reason,
    attempts,
    retry_at: at,
  } = row as {
    readonly job: Job;
    readonly reason: string | null;
    readonly attempts: number;
    readonly retry_at: string | null;
  };
  return reason === null ? job : { ...job, retry: { attempts, reason, at } };
}

/**
 * A value as JSON that PostgreSQL stores. Of what it does not, there is nothing in what callers may
 * send (see `expectStorable`).
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === "string" ? storable(one) : one));
}

/** @throws HttpFailure 400 (`bad_field`) for a text that PostgreSQL cannot store as it is */
export function expectStorable(fields: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, texts] of fields)
    if (texts.some((text) => storable(text) !== text))
      throw new HttpFailure(
        400,
        `The field ${JSON.stringify(name)}: it has a character that no text of PostgreSQL can hold.`,
        {},
        "bad_field",
        { field: name },
      );
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
