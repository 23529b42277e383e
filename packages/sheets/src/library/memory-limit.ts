// A limit of the system on the memory of a child process. It also works between two looks at that
// memory. Those looks come too late if the process takes hundreds of megabytes within milliseconds.
//
// Linux counts the memory to which a process may write (`ulimit -d`, RLIMIT_DATA), used or not. So
// the limit must leave space for the code range of V8: hundreds of megabytes that are reserved as
// writable and hardly used. This process has a range of the same size and can look at it. `ulimit
// -v` is not suitable: V8 reserves far more addresses than it uses.
//
// The host's own file is mapped in addition. It is about as large as the unused part of the stacks
// of its threads. So the resident memory of such a process stays below `bytes`, or not much above.
// If the system refuses it memory, the process ends or gets an error.
import { existsSync, readFileSync } from "node:fs";

const SHELL = "/bin/sh";
/**
 * The script also switches off memory dumps after a crash, since a dump would contain the file. A
 * shell without such a limit continues without it. The script removes the variables that a shell
 * adds to the environment.
 */
const SCRIPT = `ulimit -c 0 2>/dev/null; ulimit -d "$1" 2>/dev/null; shift; unset PWD OLDPWD SHLVL; exec "$@"`;

/**
 * The command that runs a program with this memory limit, on Node under Linux. On other systems it
 * is the program itself.
 */
export function withMemoryLimit(
  program: string,
  args: readonly string[],
  bytes: number,
): [command: string, args: string[]] {
  const reserved = codeRange();
  if (reserved === undefined || !existsSync(SHELL)) return [program, [...args]];
  const kibibytes = Math.ceil((bytes + reserved) / 1024);
  return [SHELL, ["-c", SCRIPT, SHELL, String(kibibytes), program, ...args]];
}

/**
 * The bytes of this process that are writable and executable; undefined if the limit cannot be set
 * for such a host.
 */
function codeRange(): number | undefined {
  const { bun, deno } = process.versions;
  if (process.platform !== "linux" || bun !== undefined || deno !== undefined) return undefined;
  try {
    const maps = [...readFileSync("/proc/self/maps", "latin1").matchAll(/^([\da-f]+)-([\da-f]+) rwxp/gm)];
    return maps.reduce((sum, [, from, to]) => sum + Number.parseInt(to!, 16) - Number.parseInt(from!, 16), 0);
  } catch {
    return undefined;
  }
}
