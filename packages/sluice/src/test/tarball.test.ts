// The program outside of the checkout: packed, installed by npm for all folders, and used as its
// messages say.
import { execFile, execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { newDatabase, newFolder, server } from "./database.ts";

const root = join(import.meta.dirname, "../../../..");
const windows = process.platform === "win32";

interface Ran {
  readonly code: number;
  readonly stdout: string;
}

test.skipIf(server === undefined)(
  "a tarball installs with npm -g, and each command that is printed works there",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const packed = execFileSync(process.execPath, [join(root, "scripts/tarball.ts"), folder.path], {
      encoding: "utf8",
    });
    const prefix = join(folder.path, "global");
    // The packages of this repository are in the tarball; npm gets all others from its cache or its
    // registry.
    const options = ["install", "-g", "--prefix", prefix, "--prefer-offline", "--no-audit", "--no-fund", packed.trim()];
    execFileSync("npm", options, { cwd: folder.path, shell: windows, stdio: "pipe" });

    const bin = windows ? prefix : join(prefix, "bin");
    const path = [bin, dirname(process.execPath), ...(process.env["PATH"] ?? "").split(delimiter)].join(delimiter);
    const env = { ...process.env, PATH: path, DATABASE_URL: database.dsn };
    /** Runs a line as a shell does. */
    const shell = async (line: string): Promise<Ran> => {
      try {
        const { stdout } = await promisify(execFile)(line, { cwd: folder.path, env, shell: true });
        return { code: 0, stdout };
      } catch (error) {
        const { code, stdout } = error as { code: number; stdout: string };
        return { code, stdout };
      }
    };
    await writeFile(join(folder.path, "people.csv"), "id,name\n1,Ada\n2,Bob\nmany,Eve\n");
    const first = await shell('sluice import people.csv --type "id=integer"');
    expect(first.code).toBe(3);
    const advice = /repair and import again: {2}(.*)$/m.exec(first.stdout)![1]!;
    expect(advice).toMatch(/^sluice imports \w+ --rejects FILE\.xlsx$/);
    expect(await shell(advice)).toMatchObject({ code: 0 });
    const again = await shell("sluice import FILE.xlsx --table people");
    expect(again).toMatchObject({ code: 3 });
    expect(await shell('sluice sql "select name from people order by 1"')).toMatchObject({
      code: 0,
      stdout: "name\nAda\nBob\n(2 rows)\n",
    });
  },
);
