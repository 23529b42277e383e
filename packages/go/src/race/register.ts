// The module for `node --import @sluice/go/race/register app.ts`. It rewrites the program's own
// modules while they load: TypeScript and JavaScript, ESM and CommonJS. Modules in node_modules and
// of this library stay unchanged.

import { existsSync } from "node:fs";
import { registerHooks, setSourceMapsSupport } from "node:module";
import { fileURLToPath } from "node:url";
import { followThreads } from "./across.ts";
import { failTests, detect } from "./index.ts";
import { isFirst } from "./places.ts";
import { rewrite } from "./rewrite.ts";

const home = new URL("..", import.meta.url).href;
const extension = import.meta.url.slice(-3);
const probe = new URL(`probe${extension}`, import.meta.url).href;

if (typeof registerHooks !== "function") {
  throw new Error(`race: expected Node.js 22.15 or later, got ${process.version}: it has no module.registerHooks`);
}
setSourceMapsSupport(true);
detect();
followThreads();
registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const format = /^(module|commonjs)(-typescript)?$/.exec(loaded.format ?? "");
    if (format === null || !isOwn(url)) return loaded;
    const source = loaded.source ?? undefined;
    // CommonJS comes without its source if Node's own loader loads it.
    const text = typeof source === "string" ? source : source === undefined ? "" : new TextDecoder().decode(source);
    if (text === "") return loaded;
    const rewritten = rewrite(text, {
      file: fileURLToPath(url.replace(/[?#].*$/, "")),
      lang: format[2] === undefined ? "js" : "ts",
      format: format[1] as "module" | "commonjs",
      probe,
    });
    if (rewritten === undefined) return loaded;
    return { ...loaded, source: `${rewritten.code}\n//# sourceMappingURL=${rewritten.map.toUrl()}\n` };
  },
});
// If a race is found in a test of node:test, that test fails.
if (process.env["NODE_TEST_CONTEXT"] && isFirst) {
  const { afterEach } = await import("node:test");
  failTests((check) => afterEach(check));
}

/** True if a module is the program's own. */
function isOwn(url: string): boolean {
  if (!url.startsWith("file:") || url.includes("/node_modules/")) return false;
  if (url.startsWith(home)) return /\.test\.[cm]?[jt]s$|\/test\//.test(url);
  return existsSync(new URL(url));
}
