// Starts a command-line program of this project on a Node that can run it. Plain JavaScript, for
// any Node ≥ 18: in a checkout the TypeScript sources run as they are (Node ≥ 24 strips the types);
// a published package runs from dist. Where the Node that was called is too old, the one pinned
// through npm's `node` package is used.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.js";

/**
 * Options of Node for the program. The memory for young objects grows to three times this many
 * MiB; by default it grows to over 100 MB in a program that goes through long texts, and gains
 * nothing by it (bench/memory.ts).
 */
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8"];

/**
 * @param {string} bin the launcher's own import.meta.url, a file in PACKAGE/bin
 * @param {string} entry the program's module below src or dist, without extension
 */
export async function launch(bin, entry) {
  const root = fileURLToPath(new URL("..", bin));
  const checkout = !/[\\/]node_modules[\\/]/.test(root) && existsSync(join(root, "src"));
  const [major, minor] = process.versions.node.split(".").map(Number);
  const newEnough = checkout ? major >= 24 : major > 22 || (major === 22 && minor >= 15);
  // Node has heeded NODE_COMPILE_CACHE by now.
  const cache = process.env.NODE_COMPILE_CACHE ? undefined : cacheFolder();
  if (newEnough && !checkout) {
    if (cache !== undefined) module.enableCompileCache(cache);
    await import(new URL(`../dist/${entry}.js`, bin));
    return;
  }

  const node = newEnough ? process.execPath : pinnedNode(bin);
  if (!node) {
    console.error(
      `This program needs Node ${checkout ? "24" : "22.15"} or later, and this is Node ${process.versions.node}.\n` +
        `Install a newer Node, or put one beside it with: npm install node@24 (npm install -g node@24, if this program was installed with -g)`,
    );
    process.exit(1);
  }
  const program = checkout
    ? ["--conditions=source", join(root, "src", `${entry}.ts`)]
    : [join(root, "dist", `${entry}.js`)];
  // The IPC channel carries nothing: its end tells the program that this launcher was killed.
  const child = spawn(node, [...NODE_OPTIONS, ...program, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  // A terminal sends Ctrl-C to the whole foreground group, so passing it on would deliver it twice.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (!(terminal && signal === "SIGINT")) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`Cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/** @param {string} bin where to resolve from */
function pinnedNode(bin) {
  try {
    const home = dirname(createRequire(bin).resolve("node/package.json"));
    return [join(home, "bin", "node"), join(home, "bin", "node.exe")].find((file) => existsSync(file));
  } catch {
    return undefined;
  }
}
