// An embedded database for tests to begin with. It takes seconds to make one, so a test run makes
// one and copies it.
//
//   node --conditions=source packages/sluice/src/test/embedded.ts FOLDER     makes it
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DATA } from "../database/folder.ts";
import { openPglite } from "../database/pglite.ts";

/** Puts an empty database into a folder that has none. The first call of a test run makes it. */
export function copyEmbedded(folder: string): void {
  // A folder of the run, from scripts/postgres.ts.
  const home = process.env["SLUICE_TEST_EMBEDDED"];
  if (!home) return;
  const made = join(home, "made");
  if (!existsSync(made)) {
    // Two processes may do so at the same time. One of them is the first to give it its name.
    const mine = mkdtempSync(join(home, "making-"));
    execFileSync(process.execPath, ["--conditions=source", import.meta.filename, mine]);
    try {
      renameSync(mine, made);
    } catch (error) {
      if (!existsSync(made)) throw error;
      rmSync(mine, { recursive: true });
    }
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(join(made, DATA), join(folder, DATA), { recursive: true });
}

if (import.meta.main) {
  await using target = openPglite(process.argv[2]!);
  await target.start();
}
