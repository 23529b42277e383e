// Opens the database that an address means.
import { availableParallelism } from "node:os";
import type { Context } from "@sluice/go/context";
import type { Target, Wait } from "../target.ts";

/** The folder of the embedded database by default. */
export const DEFAULT_FOLDER = "./sluice-data";

export interface TargetOptions {
  /** A server's address, `postgres://…`; without one it is the embedded database. */
  readonly to?: string | undefined;
  /** The folder of the embedded database; `./sluice-data` by default. */
  readonly folder?: string | undefined;
  /** Chunks that a server takes at the same time; the number of processors by default. */
  readonly connections?: number | undefined;
  /**
   * The time for which a server that went away is tried again, in milliseconds; 30,000 by default.
   */
  readonly reconnectMs?: number | undefined;
  /** Called before the embedded database is made for the first time, which takes seconds. */
  readonly onCreate?: (() => void) | undefined;
  /**
   * Gets what statements wait for, each thing once, if other sessions of the server have locked it
   * for some seconds. Gets an empty list when that is over.
   */
  readonly onWait?: ((waits: readonly Wait[]) => void) | undefined;
  /**
   * Once it is done, statements that wait for such a lock are cancelled (`interrupted`); all others
   * run to their end.
   */
  readonly ctx?: Context | undefined;
}

/**
 * Opens a database: a PostgreSQL server, or the embedded one in a folder. Only the modules of that
 * one are loaded.
 *
 * @throws SluiceError if the address cannot be read, or the folder cannot be used
 */
export async function openTarget(options: TargetOptions = {}): Promise<Target> {
  if (options.to !== undefined) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(options.to, options.connections ?? availableParallelism(), options);
  }
  const { openPglite } = await import("./pglite.ts");
  return openPglite(options.folder ?? DEFAULT_FOLDER, options.onCreate);
}
