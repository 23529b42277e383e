// What workers do with records: they claim an import, say how far it is, and what became of it.
//
// A claim is a job of the queue and an attempt of the record, taken in one transaction. All that is
// written later names both. A worker that was frozen, or cut off, has lost its claim by the time it
// comes back: it writes nothing, here or (by the ledger's epoch) there.
import type { Job, Outcome } from "../jobs/store.ts";
import type { ProgressEvent } from "../jobs/import.ts";
import { noticeSql, type FleetDatabase, type Statements } from "./database.ts";
import { dispatch, type Message } from "./dispatcher.ts";
import { jobFrom, JOB_COLUMNS, jsonText, type Rules } from "./records.ts";
import { FLEET_SCHEMA, QUEUE, timeSql } from "./schema.ts";

const IMPORTS = `${FLEET_SCHEMA}.imports`;
/**
 * An import that has lost so many workers in a row, and not come forward, is not given to another
 * one.
 */
const MOST_LOST = 3;

/** The limits of what runs at the same time, in the whole fleet; none by default. */
export interface FleetLimits {
  /** Imports into the database. */
  readonly maxFleetImports: number | undefined;
  /** Imports of one client. */
  readonly maxClientRunning: number | undefined;
}

/** An import that this worker has. */
export interface Claim {
  readonly job: Job;
  readonly rules: Rules;
  /** SHA-256 of its file, in hex. */
  readonly hash: string;
  readonly attempt: number;
  /** Attempts that came to nothing in a row before this one. */
  readonly failed: number;
  /** The queue's job, as it was fetched. */
  readonly fetched: { readonly id: string; readonly retryCount: number };
}

/** The answer to a worker that asks for an import. */
export type Taken =
  | { readonly claim: Claim }
  /**
   * A job of an import that is over, or that is over now: ask again at once. `gone`: somebody has
   * deleted its record.
   */
  | { readonly settled: string; readonly gone?: true }
  | undefined;

export class Claims {
  readonly #database: FleetDatabase;
  readonly #worker: string;
  readonly #limits: FleetLimits;
  readonly #settled: (ledger: string) => Promise<number>;

  /**
   * @param worker what this worker is called in the records
   * @param settled how many rows of an import the ledger has
   */
  constructor(
    database: FleetDatabase,
    worker: string,
    limits: FleetLimits,
    settled: (ledger: string) => Promise<number>,
  ) {
    this.#settled = settled;
    this.#database = database;
    this.#worker = worker;
    this.#limits = limits;
  }

  /** Claims the next import, if there is one and the limits allow it. */
  async take(): Promise<Taken> {
    const { maxFleetImports, maxClientRunning } = this.#limits;
    const taken = await this.#database.transaction(async (tx): Promise<Taken> => {
      if (maxFleetImports !== undefined || maxClientRunning !== undefined) {
        // With limits, one worker takes at a time, so that what is counted is still so when it is
        // taken.
        await tx.query("select pg_advisory_xact_lock(hashtextextended('sluice fleet limits', 0))");
        if (maxFleetImports !== undefined && (await activeIn(tx)) >= maxFleetImports) return undefined;
      }
      const [fetched] = await this.#database.boss.fetch<Message>(QUEUE, {
        db: tx.db,
        ...(maxClientRunning === undefined ? {} : { groupConcurrency: maxClientRunning }),
      });
      if (!fetched) return undefined;
      const held = { id: fetched.id, retryCount: fetched.retryCount };
      const { id } = fetched.data;
      const [row] = await this.#begin(tx, id);
      if (row && (row.lost < MOST_LOST || (await this.#hasComeForward(tx, row)))) {
        const { rules, hash, attempt, failed } = row;
        return { claim: { job: jobFrom({ ...row, reason: null }), rules, hash, attempt, failed, fetched: held } };
      }
      if (row) {
        await this.#giveUp(tx, row.job, { attempt: row.attempt, fetched: held }, lostTooOften(row.lost));
        return { settled: id };
      }
      await this.#database.boss.complete(QUEUE, held, null, { db: tx.db });
      const known = await tx.query(`select from ${IMPORTS} where id = $1`, [id]);
      return known.length > 0 ? { settled: id } : { settled: id, gone: true };
    });
    if (taken && "settled" in taken) await dispatch(this.#database, taken.settled);
    return taken;
  }

  /**
   * An attempt that was running and is claimed again has lost its worker. One that came forward
   * since the last claim counts anew.
   */
  async #begin(tx: Statements, id: string): Promise<readonly Begun[]> {
    return await tx.query<Begun>(
      `update ${IMPORTS} i set attempt = i.attempt + 1, worker = $2, retry_at = null,
              lost = case when i.state <> 'running' then case when came then 0 else i.lost end when came then 1 else i.lost + 1 end,
              failed = case when came then 0 else i.failed end,
              settled = greatest(i.settled, p.total),
              job = i.job || jsonb_build_object(
                'state', 'running', 'startedAt', coalesce(i.job ->> 'startedAt', ${timeSql("clock_timestamp()")}))
       from (select $1 as import, coalesce((select total from ${FLEET_SCHEMA}.progress where import = $1), 0) as total) p,
            lateral (select p.total > (select settled from ${IMPORTS} where id = $1) as came) c
       where i.id = p.import and i.state in ('queued', 'running')
       returning i.rules, i.hash, i.attempt, i.lost, i.failed, i.settled, ${JOB_COLUMNS}`,
      [id, this.#worker],
    );
  }

  /**
   * Asks the ledger before an import is given up: a worker may have been lost before it showed how
   * far it was.
   */
  async #hasComeForward(tx: Statements, { job, settled }: Begun): Promise<boolean> {
    const now = await this.#settled(job.ledger ?? job.id);
    if (now <= Number(settled)) return false;
    await tx.query(`update ${IMPORTS} set lost = 1, settled = $2 where id = $1`, [job.id, now]);
    return true;
  }

  /** Notes which import of the ledger this is. */
  async began({ job, attempt }: Claim, ledger: string): Promise<void> {
    await this.#database.query(
      `update ${IMPORTS} set job = job || jsonb_build_object('ledger', $3::text) where id = $1 and attempt = $2 and state = 'running'`,
      [job.id, attempt, ledger],
    );
  }

  /** Shows the picture of the moment to all servers. */
  async show({ job, attempt }: Claim, event: ProgressEvent): Promise<void> {
    await this.#database.query(
      `with shown as (
         insert into ${FLEET_SCHEMA}.progress as p (import, attempt, at, total, event)
         values ($1, $2, clock_timestamp(), $3, $4::jsonb)
         on conflict (import) do update set attempt = $2, at = clock_timestamp(), total = $3, event = $4::jsonb where p.attempt <= $2
         returning import)
       select ${noticeSql("progress", "import")} from shown`,
      [job.id, attempt, event.total, jsonText(event)],
    );
  }

  /** Says that this worker lives. Returns false if the claim has passed to somebody else. */
  async touch({ fetched }: Claim): Promise<boolean> {
    const found = await this.#database.boss.touch(QUEUE, { ...fetched });
    return (found as { readonly affected?: number }).affected !== 0;
  }

  /**
   * Finds the claims that have to stop: somebody has cancelled the import, or another worker has it
   * now.
   */
  async stopped(claims: readonly Claim[]): Promise<readonly { readonly id: string; readonly cancelled: boolean }[]> {
    return await this.#database.query<{ id: string; cancelled: boolean }>(
      `select i.id, i.state = 'cancelled' or (i.cancel and i.attempt = mine.attempt) as cancelled
       from ${IMPORTS} i join unnest($1::text[], $2::integer[]) as mine (id, attempt) on mine.id = i.id
       where i.cancel or i.attempt <> mine.attempt or i.state <> 'running'`,
      [claims.map(({ job }) => job.id), claims.map(({ attempt }) => attempt)],
    );
  }

  /**
   * Ends an import. Returns false if the claim has passed to somebody else, who has the say then.
   */
  async end(claim: Claim, state: "finished" | "failed" | "cancelled", outcome?: Outcome): Promise<boolean> {
    const ended = await this.#database.transaction(
      async (tx) => await this.#settle(tx, claim.job, claim, { state, ...(outcome ? { outcome } : {}) }),
    );
    if (ended) await dispatch(this.#database, claim.job.id);
    return ended;
  }

  /**
   * Gives an import back that may work later; after too many attempts it ends, and is on the list
   * of the dead.
   *
   * @returns what it is now; undefined if the claim has passed to somebody else
   */
  async giveBack(
    { job, attempt, failed, fetched }: Claim,
    outcome: Outcome,
    maxAttempts: number,
  ): Promise<"queued" | "failed" | undefined> {
    const reason = outcome.error?.message ?? "";
    const state = await this.#database.transaction(async (tx) => {
      if (failed + 1 >= maxAttempts) {
        const said = `${reason} It was tried ${failed + 1} times, and no worker tries it any more. POST /imports/${job.id}/resume lets it wait again.`;
        const error = { code: outcome.error?.code ?? "internal", message: said };
        return (await this.#giveUp(tx, job, { attempt, fetched }, error)) ? "failed" : undefined;
      }
      await this.#database.boss.fail(QUEUE, { ...fetched }, { reason }, { db: tx.db });
      // The queue decides when it gives the job to a worker again.
      const rows = await tx.query(
        `update ${IMPORTS} i set worker = null, failed = failed + 1, reason = $3, job = i.job || '{"state": "queued"}',
                retry_at = (select start_after from ${FLEET_SCHEMA}.job where name = '${QUEUE}' and id = $4::uuid)
         where i.id = $1 and attempt = $2 and state = 'running' returning ${noticeSql("progress", "i.id")}`,
        [job.id, attempt, reason, fetched.id],
      );
      return rows.length > 0 ? "queued" : undefined;
    });
    if (state === "failed") await dispatch(this.#database, job.id);
    return state;
  }

  /** Leaves an import to another worker, at once. */
  async release({ job, attempt, fetched }: Claim): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await this.#database.boss.complete(QUEUE, { ...fetched }, null, { db: tx.db });
      await tx.query(
        `update ${IMPORTS} set worker = null, job = job || '{"state": "queued"}' where id = $1 and attempt = $2 and state = 'running'`,
        [job.id, attempt],
      );
    });
    await dispatch(this.#database, job.id);
  }

  /** The tables that sheets of the same request went to before this one. */
  async made({ siblings = [], id }: Job): Promise<ReadonlySet<string>> {
    const earlier = siblings.slice(0, siblings.indexOf(id));
    if (earlier.length === 0) return new Set();
    const rows = await this.#database.query<{ made: string }>(
      `select job -> 'outcome' ->> 'table' as made from ${IMPORTS} where id = any ($1) and state = 'finished'`,
      [earlier],
    );
    return new Set(rows.flatMap(({ made }) => made ?? []));
  }

  async #giveUp(
    tx: Statements,
    job: Job,
    claim: Pick<Claim, "attempt" | "fetched">,
    error: { readonly code: string; readonly message: string },
  ): Promise<boolean> {
    const ended = await this.#settle(tx, job, claim, { state: "failed", outcome: { error } });
    if (ended) await tx.query(`update ${IMPORTS} set dead = true, reason = $2 where id = $1`, [job.id, error.message]);
    return ended;
  }

  async #settle(
    tx: Statements,
    { id }: Job,
    { attempt, fetched }: Pick<Claim, "attempt" | "fetched">,
    patch: { readonly state: Job["state"]; readonly outcome?: Outcome },
  ): Promise<boolean> {
    const rows = await tx.query(
      `with ended as (
         update ${IMPORTS} set worker = null, cancel = false, reason = null, retry_at = null,
                job = job || $3::jsonb || jsonb_build_object('finishedAt', ${timeSql("clock_timestamp()")})
         where id = $1 and attempt = $2 and state = 'running' returning id),
       gone as (delete from ${FLEET_SCHEMA}.progress where import in (select id from ended))
       select ${noticeSql("ended", "id")} from ended`,
      [id, attempt, jsonText(patch)],
    );
    await this.#database.boss.complete(QUEUE, { ...fetched }, null, { db: tx.db });
    return rows.length > 0;
  }
}

interface Begun extends Record<string, unknown> {
  readonly job: Job;
  readonly rules: Rules;
  readonly hash: string;
  readonly attempt: number;
  readonly lost: number;
  readonly failed: number;
  readonly settled: string;
}

function lostTooOften(lost: number): { readonly code: string; readonly message: string } {
  return {
    code: "worker_lost",
    message: `${lost} workers in a row were lost while they had this import, and no row of it went in meanwhile. Its file may need more memory than a worker has, so no worker tries it any more. The logs of the workers have its id; POST /imports/ID/resume lets it wait again.`,
  };
}

/**
 * Imports that workers have, also those that have fallen silent and are not known to be lost yet.
 */
async function activeIn(tx: Statements): Promise<number> {
  const [row] = await tx.query<{ count: string }>(
    `select count(*) from ${FLEET_SCHEMA}.job where name = '${QUEUE}' and state = 'active'`,
  );
  return Number(row!.count);
}
