// What is published of a package: declarations for each source, and JavaScript (ES2022).
//
// `sheets` and `sluice` are joined into a few files each, because a program that loads 150 of them
// starts noticeably later. They are not joined with each other, so that a class of @sluice/sheets
// is the same one for `sluice` and for those who use both. `go` and `eslint-plugin` stay as they
// are: the users' own bundlers leave out what is not used.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { plainImports } from "./plain-imports.ts";

const root = join(import.meta.dirname, "..");

/** The modules of a package that others load by their path. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  sheets: ["index", "cli/main", "library/child", "parallel/index"],
  sluice: ["index", "cli/main", "database/pglite-worker"],
};

/** Emits a package into a folder. */
export async function emit(name: string, folder: string): Promise<void> {
  const from = join(root, "packages", name);
  const entries = ENTRIES[name];
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const only = entries === undefined ? [] : ["--emitDeclarationOnly"];
  execFileSync(process.execPath, [tsc, "-p", join(from, "tsconfig.build.json"), "--outDir", folder, ...only], {
    stdio: "inherit",
  });
  if (name === "go") plainImports(folder);
  if (entries === undefined) return;
  // As if it were the package's own `dist`: the maps name the sources, which are published too.
  const dist = join(from, "dist");
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => ({ in: join(from, "src", `${entry}.ts`), out: entry })),
    outdir: dist,
    write: false,
    bundle: true,
    splitting: true,
    // A module finds the package's other files from its own address, which is one folder deep.
    chunkNames: "parts/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  });
  for (const { path, contents } of outputFiles) {
    const file = join(folder, relative(dist, path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}
