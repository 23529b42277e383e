// The name of the program in commands that messages tell the user to type.
import { realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));
const NAMES = process.platform === "win32" ? ["sluice.cmd", "sluice"] : ["sluice"];

/**
 * `sluice` if a shell finds this program by that name, else `npx sluice`, which finds it in a
 * checkout or below a project.
 *
 * @param path the folders in which a shell looks; those that npm and npx put in front for a command
 *   of theirs do not count
 */
export function commandName(path: string = process.env["PATH"] ?? "", launcher: string = LAUNCHER): string {
  const folders = path
    .split(delimiter)
    .filter((folder) => folder !== "" && !/[\\/]node_modules[\\/]\.bin$/.test(folder));
  return folders.some((folder) => NAMES.some((name) => leadsTo(join(folder, name), launcher)))
    ? "sluice"
    : "npx sluice";
}

/** The name that the user types to run this program. */
export const COMMAND: string = commandName();

/**
 * A message of the engine, whose commands begin with `sluice`, with commands that can be typed
 * here.
 */
export function withCommands(text: string, command: string = COMMAND): string {
  return text.replaceAll(
    /(?<!npx |[\w@/.-])sluice (?=(?:import|imports|init|preview|sql|serve)\b(?: [-\w]|$|[,;.:)]))/g,
    `${command} `,
  );
}

function leadsTo(file: string, launcher: string): boolean {
  try {
    // A command file of Windows is not a link: it is enough that the file exists.
    return file.endsWith(".cmd") ? realpathSync(file) !== "" : realpathSync(file) === realpathSync(launcher);
  } catch {
    return false;
  }
}
