// Builds the page (packages/web/dist) unless what is there is newer than all of its sources.
//
//   node scripts/page.ts        what `npm ci` runs after the installation
//
// Tests call `setup`, so that no test sees an older page than the sources.
import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../packages/web");

/** Builds the page if a source has changed since the last time. */
export async function setup(): Promise<void> {
  const built = join(root, "dist/index.html");
  const sources = ["src/**/*", "public/*", "index.html", "vite.config.ts", "package.json"].flatMap((pattern) =>
    globSync(pattern, { cwd: root, exclude: (name) => name.endsWith(".test.ts") || name === "test" }),
  );
  const changed = Math.max(...sources.map((name) => statSync(join(root, name)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > changed) return;
  const { build } = await import("vite");
  await build({ configFile: join(root, "vite.config.ts") });
}

if (import.meta.main) {
  // Without the packages for development there is no Vite. `sluice serve` says then that the page
  // is missing.
  if (existsSync(join(root, "../../node_modules/vite"))) await setup();
  else console.warn("Vite is not installed: the page of `sluice serve` is not built.");
}
