// Where Node keeps what it compiled of the sources, so that the next start is faster. Plain
// JavaScript, for any Node ≥ 18.
//
// What lies there is run as code. So it lies in the user's own cache folder, never in a shared one
// such as the temporary folder, and it is used only where nobody else can put anything there:
// neither into the folder nor, by renaming, into its place.
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

const GROUP_AND_OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * The folder, made where it is missing: `$XDG_CACHE_HOME/sluice` or `~/.cache/sluice`. Undefined
 * where it would not be private.
 */
export function cacheFolder() {
  const xdg = process.env.XDG_CACHE_HOME;
  try {
    const folder = join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "sluice");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return isPrivate(folder) ? folder : undefined;
  } catch {
    return undefined; // A cache that cannot be had is done without.
  }
}

/** @param {string} folder must not be a link itself */
function isPrivate(folder) {
  // On Windows a user's own folder is private by its access list.
  if (!process.getuid) return true;
  const me = process.getuid();
  const own = lstatSync(folder);
  if (!own.isDirectory() || own.uid !== me || (own.mode & GROUP_AND_OTHERS) !== 0) return false;
  for (let path = dirname(realpathSync(folder)); ; path = dirname(path)) {
    const { uid, mode } = lstatSync(path);
    if (uid !== me && uid !== 0) return false;
    // In a sticky folder, such as /tmp, others cannot rename what is ours.
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
