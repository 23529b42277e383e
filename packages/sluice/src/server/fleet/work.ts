// `sluice worker`: joins a fleet, works until it is told to stop, and leaves what runs to the
// others.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import type { Context } from "@sluice/go/context";
import type { Target } from "../../target.ts";
import { Metrics } from "../api/metrics.ts";
import { withoutAddresses, withoutPlaces } from "../failure.ts";
import { inOneLine } from "../../printable.ts";
import { steady } from "../steady.ts";
import { makeUploadFolder, removeLeftUploads } from "../upload-folder.ts";
import type { FleetLimits } from "./claims.ts";
import { FleetDatabase } from "./database.ts";
import { openFileStore } from "./open-store.ts";
import { addFleetGauges } from "./gauges.ts";
import { keepHouse } from "./housekeeping.ts";
import type { FleetOptions, Log } from "./options.ts";
import { servePulse } from "./pulse.ts";
import { FleetRecords } from "./records.ts";
import { Worker } from "./worker.ts";

export interface WorkOptions extends FleetOptions, FleetLimits {
  /** The database for the rows. The worker uses it and leaves it open. */
  readonly target: Target;
  /** Imports that it runs at the same time. */
  readonly maxImports: number;
  /** Attempts in a row that may come to nothing. */
  readonly maxAttempts: number;
  /**
   * The folder in which a private one is made, for copies of files; the system's temporary folder
   * by default.
   */
  readonly uploadDir?: string | undefined;
  /**
   * The port for GET /health, /ready and /metrics; without it nothing listens. 0 takes any port
   * that is free.
   */
  readonly port?: number | undefined;
  readonly host: string;
  readonly log: Log;
  /** Called with lines for standard output. */
  readonly print: (line: string) => void;
}

/** Connections to the fleet's database, besides those of imports and one that listens. */
const CONNECTIONS = 2;

/**
 * Works until `ctx` is done, then finishes the chunks in flight, and resolves.
 *
 * @throws SluiceError (`file_store`, `no_fleet`, `upload_folder`, `cannot_listen`) or those of a
 *   connection
 */
export async function work(ctx: Context, options: WorkOptions): Promise<void> {
  const { dsn, target, maxImports, log: tell, print } = options;
  const name = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`;
  // These lines hold names and texts of others: none of these can begin a new line.
  const log: Log = (line, about) => tell(inOneLine(line), about);
  const hidePlaces = (text: string): string => withoutPlaces(text, target.name);
  // What goes wrong here says where the database is, and the log is to have no addresses.
  const quiet: Log = (line, about) => log(hidePlaces(line), about);
  const files = await openFileStore(options.files);
  await files.start();
  const parent = options.uploadDir ?? tmpdir();
  await removeLeftUploads(parent);
  const scratch = await makeUploadFolder(parent);
  await using database = new FleetDatabase({ dsn, connections: CONNECTIONS + maxImports, role: "worker", log: quiet });
  try {
    await database.start();
    const metrics: Metrics = new Metrics(() => worker);
    const worker: Worker = new Worker({
      ...options,
      name,
      reads: steady(target),
      database,
      files,
      scratch,
      limits: options,
      hide: (text) => withoutAddresses(text, target.name),
      hidePlaces,
      log,
      onEnd: (job) => metrics.count(job),
    });
    addFleetGauges(metrics.registry, database);
    await using pulse = await servePulse(ctx, options, { metrics: metrics.registry, target, database });
    await database.listen(
      (notice) => worker.heard(notice),
      () => worker.lookAgain(),
    );
    using _house = keepHouse({ database, records: new FleetRecords(database), files, log: quiet });
    print(pulse.url === undefined ? `Working as ${name}` : `Working as ${name}, with its health on ${pulse.url}`);
    await worker.run(ctx);
  } finally {
    await files.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
