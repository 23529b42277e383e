// Emits what is published: ES2022 with declarations and the licence, package by package in the order in which they depend on each other.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
for (const name of ["go", "eslint-plugin", "sheets", "sluice"]) {
  rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
  execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", join(root, "packages", name, "tsconfig.build.json")], {
    stdio: "inherit",
  });
  cpSync(join(root, "LICENSE"), join(root, "packages", name, "LICENSE"));
  console.log(`built packages/${name}/dist`);
}
// The page is served from where the server's own output lies.
cpSync(join(root, "packages/web/src"), join(root, "packages/sluice/dist/web"), {
  recursive: true,
  filter: (file) => !file.endsWith(".ts"),
});
