// What every process of a fleet does now and then, so that it matters to nobody which of them is
// gone: sends jobs that the queue lacks, and forgets what is of no use any more. Two that do it at
// the same time do no harm.
import type { FleetDatabase } from "./database.ts";
import { sweep } from "./dispatcher.ts";
import type { FileStore } from "./file-store.ts";
import type { FleetRecords } from "./records.ts";
import { FLEET_SCHEMA } from "./schema.ts";
import { removeFile } from "./worker.ts";

/** How often jobs that the queue lacks are looked for. */
const SWEEP_MS = 15_000;
/** How often old files and records are. */
const TIDY_MS = 3_600_000;
/** The time for which the file of an import that has failed is kept, so that it can go on. */
const KEPT_DAYS = 7;
/** The time for which more is known of an ended import than the ledger has. */
const REMEMBERED_DAYS = 30;
/** A file of the store that no import has for so long was never accepted: its server died. */
const STRAY_MS = 24 * 3_600_000;
/** Records of one statement, and files of one go, at most. */
const BATCH = 1000;

export interface Kept {
  readonly database: FleetDatabase;
  readonly records: FleetRecords;
  readonly files: FileStore;
  readonly log: (line: string) => void;
}

/** Keeps house until disposed. */
export function keepHouse({ database, records, files, log }: Kept): Disposable {
  const now = (what: string, run: () => Promise<unknown>): void =>
    void run().catch((error: unknown) => log(`${what}: ${(error as Error).message}`));
  const often = setInterval(() => now("looking for what waits", () => sweep(database)), SWEEP_MS);
  const seldom = setInterval(() => now("tidying up", () => tidy(database, records, files)), TIDY_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(often);
      clearInterval(seldom);
    },
  };
}

/**
 * Forgets what is of no use any more: kept files of old failures, records that the ledger makes up
 * for, files of nobody.
 */
export async function tidy(database: FleetDatabase, records: FleetRecords, files: FileStore): Promise<void> {
  const ended = "state in ('finished', 'failed', 'cancelled') and (job ->> 'finishedAt')::timestamptz";
  const old = await database.query<{ id: string }>(
    `select id from ${FLEET_SCHEMA}.imports where upload is not null
       and ${ended} < clock_timestamp() - $1 * interval '1 day' limit ${BATCH}`,
    [KEPT_DAYS],
  );
  for (const { id } of old) await removeFile(records, files, id);
  for (let deleted = BATCH; deleted === BATCH;) {
    const gone = await database.query(
      `delete from ${FLEET_SCHEMA}.imports where id in (
         select id from ${FLEET_SCHEMA}.imports where upload is null
           and ${ended} < clock_timestamp() - $1 * interval '1 day' limit ${BATCH}) returning 1`,
      [REMEMBERED_DAYS],
    );
    deleted = gone.length;
  }
  for await (const { name, at } of files.list()) {
    if (Date.now() - at < STRAY_MS) continue;
    const known = await database.query(`select 1 from ${FLEET_SCHEMA}.imports where upload = $1`, [name]);
    if (known.length === 0) await files.remove(name);
  }
}
