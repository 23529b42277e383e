// A server's part in a fleet: it takes files, puts them into the store, and answers questions about
// their imports. Workers do the imports.
import type { Registry } from "prom-client";
import { usageError } from "../../errors.ts";
import type { ImportJobs } from "../jobs/port.ts";
import { FleetDatabase } from "./database.ts";
import { FleetDispatcher } from "./dispatcher.ts";
import { openFileStore } from "./open-store.ts";
import { addFleetGauges } from "./gauges.ts";
import { keepHouse } from "./housekeeping.ts";
import { FleetJobs, type FleetJobsOptions } from "./jobs.ts";
import type { FleetOptions, Log } from "./options.ts";
import { FleetRecords } from "./records.ts";
import { Watch } from "./watch.ts";

/** Connections of a server to the fleet's database, besides one that listens. */
const CONNECTIONS = 4;

export interface JoinOptions
  extends
    FleetOptions,
    Pick<FleetJobsOptions, "ctx" | "target" | "reads" | "allowed" | "reading" | "scratch" | "maxClientImports"> {
  readonly allow: readonly string[];
  readonly maxFileBytes: number;
  readonly log: Log;
  readonly hidePlaces: (text: string) => string;
}

/** A server's part of its fleet. It is disposed after the jobs have been closed. */
export interface Joined extends AsyncDisposable {
  readonly jobs: ImportJobs;
  addGauges(registry: Registry): void;
}

/** @throws SluiceError (`file_store`, `no_fleet`, `bad_limit`) or those of a connection */
export async function joinAsServer(options: JoinOptions): Promise<Joined> {
  const { dsn, maxFileBytes, allow, reading } = options;
  const files = await openFileStore(options.files);
  if (maxFileBytes > files.maxFileBytes)
    throw usageError(
      "bad_limit",
      `the store ${files.place} takes files of at most ${files.maxFileBytes} bytes: give --max-file-bytes a smaller number.`,
    );
  await files.start();
  // What goes wrong here says where the database and the store are, and the log is to have no
  // addresses.
  const log: Log = (line, about) => options.log(options.hidePlaces(line), about);
  const database = new FleetDatabase({ dsn, connections: CONNECTIONS, role: "server", log });
  const watch = new Watch(database);
  try {
    await database.start();
    await watch.start();
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
  const records = new FleetRecords(database);
  const dispatcher = new FleetDispatcher(database, records, watch);
  await database.listen(
    (notice) => watch.heard(notice),
    () => watch.lookAgain(),
  );
  const house = keepHouse({ database, records, files, log });
  return {
    jobs: new FleetJobs({ ...options, records, dispatcher, watch, files, rules: { allow, reading } }),
    addGauges: (registry) => addFleetGauges(registry, database),
    [Symbol.asyncDispose]: async () => {
      house[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
      await files.close();
    },
  };
}
