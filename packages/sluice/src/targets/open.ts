// Which database an address means.
import { availableParallelism } from "node:os";
import type { Context } from "@sluice/go/context";
import type { Target, Wait } from "./target.ts";

/** Where the embedded database is kept unless told. */
export const DEFAULT_FOLDER = "./sluice-data";

export interface TargetOptions {
  /** A server's address, `postgres://…`; without one it is the embedded database. */
  readonly to?: string | undefined;
  /** Where the embedded database is kept; `./sluice-data` unless told. */
  readonly folder?: string | undefined;
  /** Chunks that a server takes at the same time; the number of processors unless told. */
  readonly connections?: number | undefined;
  /** How long a server that went away is tried to be reached again, in milliseconds; 30,000 unless told. */
  readonly reconnectMs?: number | undefined;
  /** Called before the embedded database is made for the first time, which takes seconds. */
  readonly onCreate?: (() => void) | undefined;
  /**
   * Told what statements wait for, each thing once, where other sessions of the server have had it locked for some seconds; and of
   * nothing when that is over.
   */
  readonly onWait?: ((waits: readonly Wait[]) => void) | undefined;
  /** When it is done, statements that wait for such a lock are cancelled (`interrupted`); all others come to their end. */
  readonly ctx?: Context | undefined;
}

/**
 * Opens a database: a PostgreSQL server, or the embedded one in a folder. The modules of the one that is not asked for are never
 * loaded.
 *
 * @throws SluiceError where the address is none, or the folder cannot be used
 */
export async function openTarget(options: TargetOptions = {}): Promise<Target> {
  if (options.to !== undefined) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(options.to, options.connections ?? availableParallelism(), options);
  }
  const { openPglite } = await import("./pglite.ts");
  return openPglite(options.folder ?? DEFAULT_FOLDER, options.onCreate);
}
