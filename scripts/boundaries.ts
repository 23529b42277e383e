// Who may import whom (ARCHITECTURE.md, "Direction"). Every relative or workspace import in packages/ is checked.
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const root = join(import.meta.dirname, "..");

/** From a folder, the folders and packages it may reach besides itself; the longest matching prefix decides. */
const allowed: Record<string, readonly string[]> = {
  "packages/go/src": ["packages/go/src/internal", "packages/go/src/sync", "packages/go/src/patterns"],
  "packages/go/src/internal": [],
  "packages/go/src/sync": ["packages/go/src", "packages/go/src/internal"],
  "packages/go/src/patterns": ["packages/go/src", "packages/go/src/internal", "packages/go/src/sync"],
  "packages/eslint-plugin/src": ["packages/eslint-plugin/src/rules"],
  "packages/eslint-plugin/src/rules": ["packages/eslint-plugin/src"],
  "packages/sheets/src": [],
  "packages/sheets/src/cli": ["packages/sheets/src"],
  "packages/sluice/src": ["packages/sluice/src/targets", "packages/sluice/src/ledger", "@sluice/go", "@sluice/sheets"],
  "packages/sluice/src/ledger": ["packages/sluice/src", "packages/sluice/src/targets", "@sluice/sheets"],
  "packages/sluice/src/targets": ["packages/sluice/src", "packages/sluice/src/ledger", "@sluice/go"],
  "packages/sluice/src/sample": ["packages/sluice/src", "@sluice/go"],
  "packages/sluice/src/cli": [
    "packages/sluice/src",
    "packages/sluice/src/targets",
    "packages/sluice/src/ledger",
    "packages/sluice/src/sample",
    "@sluice/go",
    "@sluice/sheets",
  ],
  "packages/sluice/src/server": [
    "packages/sluice/src",
    "packages/sluice/src/targets",
    "packages/sluice/src/ledger",
    "@sluice/go",
    "@sluice/sheets",
  ],
  "packages/web/src": [],
};
const folders = Object.keys(allowed).sort((a, b) => b.length - a.length);
const home = (path: string): string => folders.find((folder) => path.startsWith(folder + "/")) ?? posix.dirname(path);

const broken: string[] = [];
for (const file of globSync("packages/*/src/**/*.ts", { cwd: root })) {
  if (file.includes("/test/") || file.endsWith(".test.ts")) continue; // tests may reach anywhere
  const from = home(file);
  const text = readFileSync(join(root, file), "utf8");
  for (const match of text.matchAll(
    /^(?:(?:import|export|\}) .*?from )?(?:import )?"([^"]+)";$|\bimport\("([^"]+)"\)/gm,
  )) {
    const specifier = match[1] ?? match[2] ?? "";
    const workspace = /^(@sluice\/[a-z]+|sluice)(\/|$)/.exec(specifier)?.[1];
    if (!workspace && !specifier.startsWith(".")) continue;
    const to = workspace ?? home(posix.join(posix.dirname(file), specifier));
    // The command `serve` hands over to the server: the one door between the two.
    if (file === "packages/sluice/src/cli/serve.ts" && to === "packages/sluice/src/server") continue;
    if (to !== from && !allowed[from]?.includes(to))
      broken.push(`${file}: may not import ${specifier} (${from} → ${to})`);
  }
}
if (broken.length > 0) {
  console.error(broken.join("\n"));
  process.exit(1);
}
console.log("boundaries: ok");
