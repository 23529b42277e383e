// What the published packages are tested on besides the pinned Node. `npm run hosts` puts them into
// node_modules/.hosts; without them those tests are skipped, and in CI they fail.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../node_modules/.hosts");

/** A runtime for JavaScript, as npm installs it. */
export interface Host {
  readonly name: string;
  readonly program: string;
  /** In front of the file to run. */
  readonly args: readonly string[];
}

const packages = [
  { name: "Node 20", install: "node@20", bin: "node", args: [] },
  { name: "Node 22", install: "node@22", bin: "node", args: [] },
  { name: "Node 26", install: "node@26", bin: "node", args: [] },
  { name: "Deno 2", install: "deno@2", bin: "deno", args: ["run", "--allow-all"] },
  { name: "Bun 1", install: "bun@1", bin: "bun", args: ["run"] },
];

export const HOSTS: readonly Host[] = packages.map(({ name, bin, args }) => ({
  name,
  program: join(folder, name.replace(" ", "-"), "node_modules/.bin", bin),
  args,
}));

if (import.meta.main) {
  for (const [n, { name, program }] of HOSTS.entries()) {
    const { install, bin } = packages[n]!;
    if (!existsSync(program)) {
      const prefix = join(folder, name.replace(" ", "-"));
      mkdirSync(prefix, { recursive: true });
      writeFileSync(join(prefix, "package.json"), JSON.stringify({ private: true, allowScripts: { [bin]: true } }));
      execFileSync("npm", ["install", "--no-audit", "--no-fund", install], { cwd: prefix, stdio: "inherit" });
    }
    console.log(`${name}: ${execFileSync(program, ["--version"], { encoding: "utf8" }).trim().split("\n")[0]}`);
  }
}
