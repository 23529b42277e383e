// How the modules of programs under the race detector are built: the library a second time, with a
// probe at each await, because a page tells nothing of promises. Each module has a file, since the
// detector tells the library's operations apart by the names of their files.
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { rewrite } from "../go/src/race/rewrite.ts";
import { MODULES } from "./src/code/runnable.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const library = here("../go/src/");
const detector = here("../go/src/race/");

const probes: Plugin = {
  name: "probes",
  enforce: "pre",
  transform: (code, id) => {
    const file = id.replaceAll("/", sep);
    if (!file.startsWith(library) || file.startsWith(detector)) return undefined;
    const probe = id.replace(/\/go\/src\/.*$/, "/go/src/race/probe.ts");
    const rewritten = rewrite(code, { file, lang: "ts", format: "module", probe, awaits: "only" });
    return rewritten === undefined ? undefined : { code: rewritten.code, map: rewritten.map.toString() };
  },
};

const config: UserConfig = defineConfig({
  root: here("."),
  base: "./",
  logLevel: "warn",
  publicDir: false,
  plugins: [probes],
  resolve: {
    conditions: ["source", "browser", "import"],
    alias: { "@sluice/go/src": here("../go/src") },
  },
  build: {
    outDir: "dist/assets/race",
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: {
        host: here("src/worker/host.ts"),
        start: here("src/worker/start.ts"),
        stacks: here("src/worker/stacks.ts"),
        race: here("src/worker/race.ts"),
        follow: here("src/worker/follow.ts"),
        "go/race/probe": here("../go/src/race/probe.ts"),
        ...Object.fromEntries(Object.entries(MODULES).map(([name, file]) => [file, name])),
      },
      preserveEntrySignatures: "strict",
      output: {
        preserveModules: true,
        entryFileNames: ({ name, facadeModuleId }) => {
          const file = (facadeModuleId ?? "").replaceAll("/", sep);
          if (!file.startsWith(library)) return `${name.split("/").at(-1)}.js`;
          // An entry such as sync/index.ts has the name that it has without the detector.
          return `go/${relative(library, file)
            .replaceAll(sep, "/")
            .replace(/(?:\/index)?\.ts$/, ".js")}`;
        },
        keepNames: true,
      },
    },
  },
});

export default config;
