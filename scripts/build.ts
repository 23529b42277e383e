// Emits what is published: ES2022 with declarations and the licence, package by package in the
// order in which they depend on each other.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { emit } from "./emit.ts";
import { setup as buildPage } from "./page.ts";

const root = join(import.meta.dirname, "..");
for (const name of ["go", "eslint-plugin", "sheets", "sluice"]) {
  await emit(name, join(root, "packages", name, "dist"));
  cpSync(join(root, "LICENSE"), join(root, "packages", name, "LICENSE"));
  console.log(`built packages/${name}/dist`);
}
// The page is served from beside the server's own output.
await buildPage();
cpSync(join(root, "packages/web/dist"), join(root, "packages/sluice/dist/web"), { recursive: true });
