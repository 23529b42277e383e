// How the modules of programs in the page are built: one file for the core of the library, which a
// worker loads faster than forty. It has the name of the module by which the library knows its own
// frames in stacks (internal/stacks.ts). Modules that change something when they are loaded are not
// in it.
import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";
import { MODULES } from "./src/code/runnable.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config: UserConfig = defineConfig({
  root: here("."),
  base: "./",
  logLevel: "warn",
  publicDir: false,
  resolve: {
    conditions: ["source", "browser", "import"],
    // The picture is drawn from a part of the library that is not an entry of its package.
    alias: { "@sluice/go/src": here("../go/src") },
  },
  build: {
    outDir: "dist/assets/programs",
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: {
        host: here("src/worker/host.ts"),
        start: here("src/worker/start.ts"),
        stacks: here("src/worker/stacks.ts"),
        ...Object.fromEntries(Object.entries(MODULES).map(([name, file]) => [file, name])),
      },
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "go/[name].js",
        codeSplitting: {
          groups: [
            {
              name: "internal/stacks",
              test: /packages\/go\/src\/(?:internal\/|trace\/live|[a-z]+\.ts$|sync\/)(?<!leak\.ts|pprof\.ts)/,
            },
          ],
        },
        // The library finds its own frames in stacks by the names of its functions.
        keepNames: true,
      },
    },
  },
});

export default config;
