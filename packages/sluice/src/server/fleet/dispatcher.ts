// The dispatcher of a fleet: pg-boss, which gives each job to one worker at a time.
//
// The queue only dispatches. What is to be done is in the records, and what is done in the ledger.
// So a job that is missing in the queue is sent again (`sweep`), and one that comes twice does no
// harm.
import { createHash } from "node:crypto";
import type { Dispatcher } from "../jobs/dispatcher.ts";
import { besideOthers, type Sheet } from "./beside.ts";
import { noticeSql, type FleetDatabase } from "./database.ts";
import type { FleetRecords } from "./records.ts";
import { FLEET_SCHEMA, QUEUE } from "./schema.ts";
import type { Watch } from "./watch.ts";

/** The content of a job of the queue. */
export interface Message {
  /** The import. */
  readonly id: string;
}

/** Imports of low priority come after all others: turns are less than this. */
const LOW = 1_000_000_000;
/** Jobs that are sent in one go, at most. */
const BATCH = 500;
/** Requests of several sheets that are looked at in one go, at most. */
const SHEETS_BATCH = 20;

interface Ready {
  readonly id: string;
  readonly client: string;
  readonly low: boolean;
  readonly turn: string;
}

/** A sheet, and whether its job may have to be sent. */
interface Waiting extends Ready, Sheet {
  readonly request: string;
  readonly wanted: boolean;
}

export class FleetDispatcher implements Dispatcher {
  readonly #database: FleetDatabase;
  readonly #records: FleetRecords;
  readonly #watch: Watch;

  constructor(database: FleetDatabase, records: FleetRecords, watch: Watch) {
    this.#database = database;
    this.#records = records;
    this.#watch = watch;
  }

  /**
   * Sends the job of an import, or of those of its request that need not wait for others of it
   * (beside.ts).
   */
  async dispatch(id: string): Promise<void> {
    await dispatch(this.#database, id);
  }

  /** Resolves when no worker is at work on it. */
  async stop(id: string): Promise<void> {
    const over = this.#watch.untilOver(id);
    await this.#records.askToStop(id);
    await over;
  }

  whenDone(id: string): Promise<void> | undefined {
    return this.#watch.whenDone(id);
  }

  /** Nothing runs in this process. */
  async close(): Promise<void> {}
}

/** Sends an import to the workers, as {@link FleetDispatcher.dispatch} does. */
export async function dispatch(database: FleetDatabase, id: string): Promise<void> {
  const ofSameRequest = `i.request = (select request from ${FLEET_SCHEMA}.imports where id = $1)`;
  await send(database, `${ofSameRequest} and i.state = 'queued'`, [id]);
}

/**
 * Sends jobs that the queue should have and has not: a process may have died before it sent one, or
 * the queue may be an older one.
 */
export async function sweep(database: FleetDatabase): Promise<void> {
  const hasJob = `select from ${FLEET_SCHEMA}.job j
    where j.name = '${QUEUE}' and coalesce(j.singleton_key, '') = i.id and j.state <= 'active' and j.policy = 'exclusive'`;
  await send(database, `i.state in ('queued', 'running') and not exists (${hasJob})`, []);
}

/** @param which a condition on `i`, an import that waits or runs */
async function send(database: FleetDatabase, which: string, values: readonly unknown[]): Promise<void> {
  const found = await Promise.all([firstSheets(database, which, values), laterSheets(database, which, values)]);
  const ready = found.flat();
  if (ready.length === 0) return;
  await database.boss.insert(QUEUE, ready.map(jobOf));
  await database.query(`select ${noticeSql("queued", "''")}`);
}

const EARLIER = `
  select from ${FLEET_SCHEMA}.imports e where e.request = i.request and e.part < i.part and e.state in ('queued', 'running')`;

/** The imports that no earlier sheet of their request holds up. */
async function firstSheets(
  database: FleetDatabase,
  which: string,
  values: readonly unknown[],
): Promise<readonly Ready[]> {
  return await database.query<Ready & Record<string, unknown>>(
    `select i.id, i.client, i.low, i.turn from ${FLEET_SCHEMA}.imports i
     where ${which} and not exists (${EARLIER}) order by i.turn limit ${BATCH}`,
    values,
  );
}

/** The imports that run beside earlier sheets of their request. */
async function laterSheets(
  database: FleetDatabase,
  which: string,
  values: readonly unknown[],
): Promise<readonly Ready[]> {
  const sheets = await database.query<Waiting & Record<string, unknown>>(
    `select i.id, i.client, i.low, i.turn, i.request, i.state, i.job #>> '{part,table}' as table,
            i.job #>> '{outcome,table}' as went, ${which} as wanted
     from ${FLEET_SCHEMA}.imports i
     where i.state in ('queued', 'running', 'finished') and i.request in (
       select i.request from ${FLEET_SCHEMA}.imports i where ${which} and i.part > 0 and exists (${EARLIER})
       group by i.request order by min(i.turn) limit ${SHEETS_BATCH})
     order by i.request, i.part`,
    values,
  );
  const beside = await besideOthers(database, Map.groupBy(sheets, ({ request }) => request).values());
  return beside.filter(({ wanted }) => wanted);
}

function jobOf({ id, client, low, turn }: Ready): {
  data: Message;
  singletonKey: string;
  priority: number;
  group: { id: string };
} {
  return {
    data: { id },
    singletonKey: id,
    priority: (low ? -LOW : 0) - Number(turn),
    group: { id: groupOf(client) },
  };
}

/** A client as the queue knows it. */
function groupOf(client: string): string {
  return createHash("sha256").update(client).digest("hex").slice(0, 32);
}
