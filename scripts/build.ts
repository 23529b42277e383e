// Emits what is published: ES2022 with declarations and the licence, package by package in the
// order in which they depend on each other.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setup as buildPage } from "./page.ts";
import { plainImports } from "./plain-imports.ts";

const root = join(import.meta.dirname, "..");
for (const name of ["go", "eslint-plugin", "sheets", "sluice"]) {
  rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
  execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", join(root, "packages", name, "tsconfig.build.json")], {
    stdio: "inherit",
  });
  if (name === "go") plainImports(join(root, "packages/go/dist"));
  cpSync(join(root, "LICENSE"), join(root, "packages", name, "LICENSE"));
  console.log(`built packages/${name}/dist`);
}
// The page is served from beside the server's own output.
await buildPage();
cpSync(join(root, "packages/web/dist"), join(root, "packages/sluice/dist/web"), { recursive: true });
