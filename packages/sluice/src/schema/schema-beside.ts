// The schema file that belongs to a spreadsheet by its name, and the rule that says if it runs
// without `--schema`.
//
// A schema file is a program, and a spreadsheet may come from anybody: unpacked from an archive,
// both are side by side. So the file runs by itself only if it is the user's own code. It must be
// in the project of the working folder, or in the one that this program is installed in, and nobody
// else may be able to write to it there. Otherwise `--schema FILE` runs it.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** A schema file beside a spreadsheet. */
export interface Beside {
  readonly file: string;
  /** The reason why it is not run; undefined if it may be. */
  readonly aside: string | undefined;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/**
 * The schema file beside a spreadsheet: for `people.xlsx` it is `people.schema.ts`, `.mts`, `.js`
 * or `.mjs`.
 */
export function schemaBeside(spreadsheet: string): Beside | undefined {
  const stem = spreadsheet.replace(/\.[^.\\/]+?(?:\.gz)?$/i, "");
  const file = ["ts", "mts", "js", "mjs"]
    .map((extension) => `${stem}.schema.${extension}`)
    .find((one) => existsSync(one));
  return file === undefined ? undefined : { file, aside: whyAside(file) };
}

function whyAside(file: string): string | undefined {
  const path = realpathSync(file);
  const project = [
    projectOf(process.cwd(), [".git", "package.json"]),
    projectOf(dirname(fileURLToPath(import.meta.url)), [".git", "package-lock.json"]),
  ].find((folder) => folder !== undefined && isBelow(folder, path));
  if (project === undefined) return "it does not lie in the project of this folder";
  for (let part = path; ; part = dirname(part)) {
    const why = whyStrange(part);
    if (why !== undefined) return why;
    if (part === project) return undefined;
  }
}

/** The nearest folder from here upwards that holds one of these. */
function projectOf(folder: string, marks: readonly string[]): string | undefined {
  for (let path = realpathSync(folder); ; path = dirname(path)) {
    if (marks.some((mark) => existsSync(join(path, mark)))) return path;
    if (path === dirname(path)) return undefined;
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !/^\.\.[\\/]/.test(way) && join(folder, way) === path;
}

/**
 * Why somebody else may have written a file or a folder. (Windows has access lists instead, by
 * which a user's folders are private.)
 */
function whyStrange(path: string): string | undefined {
  if (!process.getuid) return undefined;
  const { uid, gid, mode } = lstatSync(path);
  const me = process.getuid();
  const owners = [me, 0, ...(me === 0 && process.env["SUDO_UID"] ? [Number(process.env["SUDO_UID"])] : [])];
  if (!owners.includes(uid)) return `${path} belongs to another user`;
  // A user's private group, which many systems give, has the user's number and no other member.
  if ((mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITES) !== 0 && gid !== uid)) return `others can write to ${path}`;
  return undefined;
}
