// A trace as one HTML file without other files: the JSON, and the program that draws it.

import { host } from "../internal/host.ts";
import type * as Fs from "node:fs";
import type * as Module from "node:module";

const extension = import.meta.url.slice(-3);

/**
 * Makes the page of a trace in Chrome's trace-event format. Throws a TypeError if `trace` is not
 * one. Needs a host with files: Node.js, Deno or Bun.
 */
export function traceHtml(trace: string, title = "trace"): string {
  const events = parsed(trace).traceEvents;
  if (!Array.isArray(events)) {
    throw new TypeError(
      'trace: expected Chrome\'s trace-event JSON, as stop() gives it, but there is no "traceEvents"',
    );
  }
  return `<!doctype html>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>
  body { margin: 0; font: 13px sans-serif; display: grid; grid-template: auto 1fr 16rem / 1fr; height: 100vh; color: #222 }
  header { padding: 6px 10px; display: flex; gap: 1em; align-items: center }
  #timeline { width: 100%; height: 100%; min-height: 0 }
  footer { display: grid; grid-template-columns: 2fr 1fr 1fr; gap: 1em; padding: 6px 10px; overflow: hidden }
  footer > div { overflow: auto; min-height: 0 }
  table { border-collapse: collapse; width: 100% } td, th { padding: 1px 6px; text-align: left; white-space: nowrap }
  #waits tr { cursor: pointer } #waits tr:hover { background: #eee } #details { white-space: pre-wrap }
</style>
<header><b>${escaped(title)}</b><input id="search" type="search" placeholder="search, Enter for the next">
<span id="found"></span><button id="all">whole run</button>
<span>wheel: zoom · drag: move · click: details</span></header>
<canvas id="timeline"></canvas>
<footer>
<div><table><thead><tr><th>longest waits<th>goroutine<th>for<th>at</thead><tbody id="waits"></tbody></table></div>
<div><table><thead><tr><th>waits for<th>times<th>in all<th>longest</thead><tbody id="kinds"></tbody></table></div>
<div id="details"></div></footer>
<script id="trace" type="application/json">${trace.replaceAll("<", "\\u003c")}</script>
<script type="module">
${viewer()}
</script>
`;
}

function parsed(trace: string): { readonly traceEvents?: unknown } {
  try {
    return (JSON.parse(trace) as { traceEvents?: unknown } | null) ?? {};
  } catch (error) {
    throw new TypeError(`trace: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The text of viewer.ts, as JavaScript. */
function viewer(): string {
  const fs = host.process?.getBuiltinModule?.("node:fs") as typeof Fs;
  const text = fs.readFileSync(new URL(`viewer${extension}`, import.meta.url), "utf8");
  if (extension === ".js") return text.replace(/^\/\/# sourceMappingURL.*$/m, "");
  const module = host.process?.getBuiltinModule?.("node:module") as typeof Module;
  return module.stripTypeScriptTypes(text);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
