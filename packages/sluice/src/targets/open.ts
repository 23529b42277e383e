// Which database an address means.
import { availableParallelism } from "node:os";
import type { Target } from "./target.ts";

/** Where the embedded database is kept unless told. */
export const DEFAULT_FOLDER = "./sluice-data";

/**
 * Opens a database: a PostgreSQL server where `to` is an address (`postgres://…`), else the embedded one in a folder. The
 * modules of the one that is not asked for are never loaded.
 *
 * @param options.connections chunks that a server takes at the same time; the number of processors unless told
 * @throws SluiceError where the address is none, or the folder cannot be used
 */
export async function openTarget(
  options: { to?: string; folder?: string; connections?: number } = {},
): Promise<Target> {
  if (options.to !== undefined) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(options.to, options.connections ?? availableParallelism());
  }
  const { openPglite } = await import("./pglite.ts");
  return openPglite(options.folder ?? DEFAULT_FOLDER);
}
