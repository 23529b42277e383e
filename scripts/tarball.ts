// Packs the importer as one file that installs anywhere: npm install -g sluice-0.1.0.tgz.
//
//   node scripts/tarball.ts [folder]
//
// The packages of this repository that it needs travel inside of it (`bundleDependencies`); all
// others come from npm's registry when it is installed. Everything is built in a temporary folder:
// the checkout stays as it is.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { emit } from "./emit.ts";
import { setup as buildPage } from "./page.ts";

const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? root);
const BUNDLED = ["go", "sheets"];

const folder = mkdtempSync(join(tmpdir(), "sluice-tarball-"));
try {
  const staged = join(folder, "sluice");
  for (const name of BUNDLED) await stage(name, join(staged, "node_modules", "@sluice", name));
  const manifest = await stage("sluice", staged);
  const bundleDependencies = BUNDLED.map((name) => `@sluice/${name}`);
  writeFileSync(join(staged, "package.json"), JSON.stringify({ ...manifest, bundleDependencies }, null, 2));
  // The page is served from beside the server's own output.
  await buildPage();
  cpSync(join(root, "packages/web/dist"), join(staged, "dist/web"), { recursive: true });
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", target], {
    cwd: staged,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  console.log(join(target, packed.trim()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Copies a package as it is published, built; returns its manifest. */
async function stage(name: string, to: string): Promise<Record<string, unknown>> {
  const from = join(root, "packages", name);
  const parts = ["package.json", "README.md", "bin", "src"].filter((part) => existsSync(join(from, part)));
  for (const part of parts)
    cpSync(join(from, part), join(to, part), {
      recursive: true,
      filter: (file) => !/\.test\.ts$|[\\/]test$/.test(file),
    });
  cpSync(join(root, "LICENSE"), join(to, "LICENSE"));
  await emit(name, join(to, "dist"));
  return JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as Record<string, unknown>;
}
