// The folder of an embedded database. What only asks whether there is one loads nothing else.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The part of the folder that is the database itself. */
export const DATA = "pgdata";

/** Reports whether a folder has an embedded database already. */
export function pgliteExists(folder: string): boolean {
  return existsSync(join(folder, DATA, "PG_VERSION"));
}
