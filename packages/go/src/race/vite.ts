// For Vitest: a plugin that rewrites the program's own modules, and its tests, as `/race/register`
// does for Node. Add it to `plugins`, and the module `/race/vitest` to `test.setupFiles`.

import { fileURLToPath } from "node:url";
import { rewrite } from "./rewrite.ts";

/** A plugin of Vite, with the parts that are needed here. */
export interface Plugin {
  readonly name: string;
  readonly enforce: "pre";
  readonly transform: (code: string, id: string) => { code: string; map: string } | undefined;
}

const home = fileURLToPath(new URL("..", import.meta.url));
const probe = fileURLToPath(new URL(`probe${import.meta.url.slice(-3)}`, import.meta.url));

/**
 * The plugin. `include` selects the files to rewrite; by default all that are not in node_modules.
 */
export function race({ include = isOwn }: { readonly include?: (file: string) => boolean } = {}): Plugin {
  return {
    name: "@sluice/go/race",
    enforce: "pre",
    transform: (code, id) => {
      const file = id.replace(/[?#].*$/, "");
      if (!/\.[cm]?[jt]s$/.test(file) || isLibrary(file) || !include(file)) return undefined;
      const lang = file.endsWith("ts") ? "ts" : "js";
      const rewritten = rewrite(code, { file, lang, format: "module", probe });
      return rewritten === undefined ? undefined : { code: rewritten.code, map: rewritten.map.toString() };
    },
  };
}

function isOwn(file: string): boolean {
  return !file.includes("/node_modules/");
}

/** True if a file belongs to this library, but is not one of its tests. */
function isLibrary(file: string): boolean {
  return file.startsWith(home) && !/\.test\.[cm]?[jt]s$|\/test\//.test(file);
}
