// How the scripts and styles of the site are built: under names that do not change, for the pages
// that the build writes.
import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config: UserConfig = defineConfig({
  root: here("."),
  base: "./",
  logLevel: "warn",
  publicDir: here("public"),
  resolve: {
    alias: {
      // The race detector's rewriter runs in the page, too, with a parser that can.
      "@sluice/go/src": here("../go/src"),
      "oxc-parser": here("src/race/parser.ts"),
    },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        site: here("src/client/site.ts"),
        style: here("src/style/site.css"),
      },
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
});

export default config;
