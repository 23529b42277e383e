// Makes a process of Node one that tells as little as a page does: neither which goroutine runs nor
// what promises do. It rewrites the library and the programs as the site's build and its
// playground do. For `node --import`.

import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { rewrite } from "../rewrite.ts";

const home = new URL("../..", import.meta.url).href;
const probe = new URL("../probe.ts", import.meta.url).href;

const { getBuiltinModule } = process;
const hidden = new Set(["node:async_hooks", "node:v8"]);
process.getBuiltinModule = (id: string) => (hidden.has(id) ? undefined : getBuiltinModule(id as "v8"));

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const isProgram = !url.startsWith(home) || url.startsWith(`${home}race/test/`);
    if (!/^module(?:-typescript)?$/.test(loaded.format ?? "") || url.includes("/node_modules/")) return loaded;
    if (!isProgram && url.startsWith(`${home}race/`)) return loaded;
    const rewritten = rewrite(new TextDecoder().decode(loaded.source as Uint8Array), {
      file: fileURLToPath(url),
      lang: "ts",
      format: "module",
      probe,
      awaits: isProgram ? "also" : "only",
    });
    return rewritten === undefined ? loaded : { ...loaded, source: rewritten.code };
  },
});
const { detect } = await import("../index.ts");
const { followAwaits } = await import("../awaits.ts");
detect(followAwaits);
